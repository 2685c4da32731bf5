"""Sections of a recipe that belong to one method: what can be said of its loss.

A recipe holds the section of its method, with these defaults where it says nothing, and no other.
Formulas and papers stand in arabench/trainers/methods/.
"""

from __future__ import annotations

from pydantic import Field

from arabench.files.settings import Number, Section


class DpoSection(Section):
    """Direct preference optimization."""

    beta: Number = Field(default=0.1, gt=0)
    """How strongly the adapter is held to the base: higher stays nearer."""
    label_smoothing: Number = Field(default=0.0, ge=0, lt=0.5)
    """Share of pairs whose order is taken to be wrong (robust DPO)."""


class IpoSection(Section):
    """Identity preference optimization."""

    beta: Number = Field(default=0.1, gt=0)
    """The paper's tau: the gap per token between the answers is pulled to 1 / (2 beta)."""


class KtoSection(Section):
    """Kahneman-Tversky optimization."""

    beta: Number = Field(default=0.1, gt=0)
    """How strongly the adapter is held to the base: higher stays nearer."""
    desirable_weight: Number = Field(default=1.0, gt=0)
    """Weight of rows whose label is true."""
    undesirable_weight: Number = Field(default=1.0, gt=0)
    """Weight of rows whose label is false. The paper wants weight times rows of the two kinds to be
    within 4/3 of each other."""


class CpoSection(Section):
    """Contrastive preference optimization."""

    beta: Number = Field(default=0.1, gt=0)
    """Scale of the difference of log-probabilities."""
    label_smoothing: Number = Field(default=0.0, ge=0, lt=0.5)
    """Share of pairs whose order is taken to be wrong."""
    nll_weight: Number = Field(default=1.0, ge=0)
    """Weight of the cross-entropy of the chosen answer."""


class SimpoSection(Section):
    """Simple preference optimization."""

    beta: Number = Field(default=2.0, gt=0)
    """Scale of the difference of log-probabilities per token."""
    gamma: Number = Field(default=1.0, ge=0)
    """Margin by which the chosen answer's reward shall be higher."""
    label_smoothing: Number = Field(default=0.0, ge=0, lt=0.5)
    """Share of pairs whose order is taken to be wrong."""
    nll_weight: Number = Field(default=0.0, ge=0)
    """Weight of the cross-entropy of the chosen answer; the paper has none."""


class OrpoSection(Section):
    """Odds ratio preference optimization."""

    beta: Number = Field(default=0.1, gt=0)
    """The paper's lambda: weight of the odds ratio beside the chosen answer's cross-entropy."""
