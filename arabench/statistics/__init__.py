"""Statistics on plain arrays: numpy only, nothing of models or tasks."""
