"""Compiled scans of JSON lines and text lines."""
