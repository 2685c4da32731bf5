"""The `arabench` command: one module per subcommand, heavy imports inside `run`."""
