"""Compiled code of the segmenter and of its training."""
