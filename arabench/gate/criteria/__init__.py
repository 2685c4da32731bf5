"""What a row must show: one file a criterion, named in table.py."""
