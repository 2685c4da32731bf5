"""Noise that Arabic writers make, one kind a file, named in `table`."""
