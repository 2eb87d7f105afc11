"""Pictures and charts as terminal cells: pure functions from arrays to rows of segments, no Textual."""
