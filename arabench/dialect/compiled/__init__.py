"""Compiled code of dialect identification and of its training."""
