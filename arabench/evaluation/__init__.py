"""What the task YAML points at: data, perturbations, metrics, statistics, runner."""
