"""Keep or drop documents by what their text looks like."""
