"""What commands do to rows: one file or folder a step."""
