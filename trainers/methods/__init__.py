"""Training methods: one loss, one file, named in table.py."""
