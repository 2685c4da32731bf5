"""What keeps a run from going wrong: checks before loading, the folder's claim, the probe."""
