"""Every criterion by the name a policy knows it by."""

from __future__ import annotations

from typing import Final

from arabench.gate.criteria.criterion import Criterion
from arabench.gate.criteria.improve import Improve
from arabench.gate.criteria.non_inferiority import NonInferiority
from arabench.gate.criteria.regression import Regression

CRITERIA: Final[dict[str, Criterion]] = {
    "non_inferiority": NonInferiority(),
    "regression": Regression(),
    "improve": Improve(),
}


def names_for_rules() -> list[str]:
    """Names that a policy can give as the `test` of a metric, in order."""
    return [name for name, criterion in CRITERIA.items() if criterion.of_rules]
