"""Everything of text that runs compiled, and the tables it runs on."""
