"""Evaluation data: where it comes from, and its rows as frozen items."""
