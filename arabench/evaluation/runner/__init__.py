"""`arabench eval`, and reading back what it or lm-eval's own command wrote."""

from arabench.evaluation.harness.output import write_results
from arabench.evaluation.runner.evaluate import UnfinishedError, evaluate
from arabench.evaluation.runner.request import Request

__all__ = ["Request", "UnfinishedError", "evaluate", "write_results"]
