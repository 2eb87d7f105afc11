"""One run, live or finished: curves, pictures, numbers."""
