"""Every task family, in the order of reports."""

from __future__ import annotations

from typing import Final

from arabench.evaluation.families import (
    choice,
    dialect_tax,
    language_modelling,
    next_word,
    reading,
    robustness,
    translation,
)
from arabench.evaluation.families.family import Column, Family

FAMILIES: Final[tuple[Family, ...]] = (
    language_modelling.FAMILY,
    dialect_tax.FAMILY,
    next_word.FAMILY,
    translation.FAMILY,
    reading.FAMILY,
    choice.FAMILY,
    robustness.FAMILY,
)

#: Columns of the per-variety table.
COLUMNS: Final[tuple[Column, ...]] = tuple(
    column for family in FAMILIES for column in family.columns
)
