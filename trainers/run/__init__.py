"""A run of any method: base, adapter, trainer, and what is recorded of it."""
