"""Compiled code of Unigram training."""
