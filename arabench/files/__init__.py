"""Ground floor: files and folders that appear whole or not at all, streams, interruption."""
