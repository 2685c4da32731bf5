"""Pure functions from string to string: what Arabic text is, one concern per module."""
