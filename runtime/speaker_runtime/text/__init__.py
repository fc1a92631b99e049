"""Text: pure functions from what was asked for to what a backend is given."""
