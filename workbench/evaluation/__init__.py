"""What a trained model is worth: pure functions from arrays to numbers."""
