"""Metrics: what a document counts for, and the number that sums of counts amount to."""
