"""Whether training text holds the items that a model is measured on."""
