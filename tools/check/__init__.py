"""What `make check` keeps: the direction of imports, and the shape of the house."""
