"""The rules of normalization: one family of repairs a file, and what is compared by them."""
