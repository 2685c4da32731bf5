"""What a candidate must show to pass."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.scores import SCORES
from arabench.varieties import VARIETIES

Test = Literal["non_inferiority", "regression"]


class Rule(BaseModel):
    """How one metric is gated.

    Degradation is relative for metrics where lower is better (candidate / baseline - 1)
    and absolute, in the metric's unit, where higher is better (baseline - candidate).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: float = Field(ge=0)
    """Largest degradation that is acceptable."""
    test: Test = "non_inferiority"
    """non_inferiority: pass only when degradation is shown to stay below the margin.
    regression: stop only when degradation is shown to exceed the margin."""


#: Bits are measured on every character and decide well on a few hundred sentences;
#: generation scores on as many are noisy, so they stop only a proven regression.
DEFAULT_RULES: dict[str, Rule] = {
    "bits_per_char": Rule(margin=0.02),
    "bleu": Rule(margin=1.0, test="regression"),
    "chrf++": Rule(margin=1.0, test="regression"),
    "f1": Rule(margin=0.02, test="regression"),
    "acc": Rule(margin=0.02, test="regression"),
}


class Policy(BaseModel):
    """Rules for metrics, margins for varieties, and varieties that must improve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """One-sided confidence of every decision."""
    draws: int = Field(default=4000, ge=200, le=1_000_000)
    """Bootstrap draws."""
    seed: int = 20241217
    rules: dict[str, Rule] = Field(default_factory=lambda: dict(DEFAULT_RULES))
    """Metric -> rule; metrics not named are reported and do not decide."""
    margins: dict[str, float] = Field(default_factory=dict)
    """Variety -> margin of bits_per_char that replaces the rule's."""
    improve: tuple[str, ...] = ()
    """Varieties whose bits per character must be shown to fall."""
    varieties: tuple[str, ...] = VARIETIES
    """Varieties that decide; the others are reported."""
    allow_identical: bool = False
    """Compare results that are equal in every sample (an adapter that was not loaded?)."""

    @field_validator("rules")
    @classmethod
    def _known_metrics(cls, rules: dict[str, Rule]) -> dict[str, Rule]:
        for name in rules:
            if name not in SCORES:
                raise ValueError(f"unknown metric {name!r}. {did_you_mean(name, SCORES)}")
        return rules

    @field_validator("margins", "improve", "varieties")
    @classmethod
    def _known_varieties(cls, value: dict[str, float] | tuple[str, ...]) -> object:
        for name in value:
            if name not in VARIETIES:
                raise ValueError(f"unknown variety {name!r}. {did_you_mean(name, VARIETIES)}")
        if isinstance(value, dict) and any(margin < 0 for margin in value.values()):
            raise ValueError("a margin is negative; to demand improvement use `improve`")
        return value


def load_policy(path: str | Path | None, overrides: dict[str, object] | None = None) -> Policy:
    """A policy from YAML (or the defaults), with some keys replaced.

    Raises:
        UsageError: file missing, unknown key or wrong value.
    """
    content: object = {}
    if path is not None:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"policy {str(path)!r} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"policy {str(path)!r} must hold keys and values.")
    try:
        return Policy.model_validate({**content, **(overrides or {})})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = Rule.model_fields if len(first["loc"]) > 1 else Policy.model_fields
            hint = did_you_mean(str(first["loc"][-1]), known)
            raise UsageError(f"policy: unknown key {name!r}. {hint}") from error
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"policy: {name}: {message}.") from error
