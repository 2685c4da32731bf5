"""Training data: sources, the rows in them, and their tokens."""
