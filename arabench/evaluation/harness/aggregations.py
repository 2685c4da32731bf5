"""Aggregations that the task YAML names: sums of samples in, one number out.

lm-eval gives "N/A" as the standard error of any metric it does not know. Each metric
therefore comes with a companion `<metric>_stderr`, computed by bootstrap over items;
lm-eval's table prints it behind the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from arabench.evaluation.metrics.intervals import standard_error
from arabench.evaluation.metrics.score import by_item, point
from arabench.evaluation.metrics.table import SCORES

Aggregation = Callable[[Iterable[Mapping[str, Any]]], float]


def identifier(name: str) -> str:
    """`chrf++` -> `chrf_plus_plus`, `acc@0.1` -> `acc_at_0_1`: names YAML can point at."""
    return name.replace("+", "_plus").replace("@", "_at_").replace(".", "_")


def _value(name: str) -> Aggregation:
    def aggregate(values: Iterable[Mapping[str, Any]]) -> float:
        return point(SCORES[name], by_item(values).sums)

    aggregate.__name__ = identifier(name)
    return aggregate


def _error(name: str) -> Aggregation:
    def aggregate(values: Iterable[Mapping[str, Any]]) -> float:
        return standard_error(SCORES[name], by_item(values).sums)

    aggregate.__name__ = f"{identifier(name)}_stderr"
    return aggregate


_BY_IDENTIFIER = {identifier(name): _value(name) for name in SCORES} | {
    f"{identifier(name)}_stderr": _error(name) for name in SCORES
}


def __getattr__(name: str) -> Aggregation:
    if name in _BY_IDENTIFIER:
        return _BY_IDENTIFIER[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
