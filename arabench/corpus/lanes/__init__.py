"""How rows travel from one source to one writer: as bytes of lines, as columns, or as dicts."""
