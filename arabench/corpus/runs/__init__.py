"""One command over many files: what is read and written, kept, resumed and told."""
