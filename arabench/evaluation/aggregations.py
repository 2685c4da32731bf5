"""Moved to `arabench.evaluation.harness.aggregations`; YAML that names it here keeps working."""

from __future__ import annotations

from arabench.evaluation.harness import aggregations as _new


def __getattr__(name: str) -> _new.Aggregation:
    found: _new.Aggregation = getattr(_new, name)
    return found
