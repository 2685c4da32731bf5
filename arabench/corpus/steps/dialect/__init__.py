"""Add the variety of each text."""
