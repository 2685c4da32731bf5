"""Metrics: what a pair of strings counts for."""
