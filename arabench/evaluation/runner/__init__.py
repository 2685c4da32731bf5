"""`arabench eval`, and reading back what it or lm-eval's own command wrote."""

from arabench.evaluation.harness.output import write_results
from arabench.evaluation.runner.evaluate import Request, evaluate

__all__ = ["Request", "evaluate", "write_results"]
