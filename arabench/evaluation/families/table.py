"""Every task family, in the order of reports."""

from __future__ import annotations

from typing import Final

from arabench.evaluation.families import (
    choice,
    dialect_identification,
    dialect_tax,
    language_modelling,
    next_word,
    reading,
    robustness,
    translation,
)
from arabench.evaluation.families.family import Column, Family
from arabench.evaluation.metrics.pseudo import MASKED_ACC, pseudo_name

FAMILIES: Final[tuple[Family, ...]] = (
    language_modelling.FAMILY,
    dialect_tax.FAMILY,
    next_word.FAMILY,
    translation.FAMILY,
    reading.FAMILY,
    choice.FAMILY,
    robustness.FAMILY,
    dialect_identification.FAMILY,
)

#: Columns of the per-variety table.
COLUMNS: Final[tuple[Column, ...]] = tuple(
    column for family in FAMILIES for column in family.columns
)
#: Those of encoders, marked as such.
PSEUDO_COLUMNS: Final[tuple[Column, ...]] = (
    *(
        Column(pseudo_name(column.metric), column.task, f"pseudo {column.heading}")
        for column in COLUMNS
        if pseudo_name(column.metric) != column.metric
    ),
    Column(MASKED_ACC.name, "arabench_lm_{}", "masked acc"),
)
