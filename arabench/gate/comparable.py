"""Moved to `arabench.evaluation.runner.comparable`. These names stay."""

from arabench.evaluation.runner.comparable import check_comparable, check_not_identical

__all__ = ["check_comparable", "check_not_identical"]
