"""`arabench eval`, and reading back what it or lm-eval's own command wrote."""

from arabench.evaluation.runner.evaluate import Request, evaluate, write_results

__all__ = ["Request", "evaluate", "write_results"]
