"""The four jobs end to end on a toy model: what `arabench demo` runs."""
