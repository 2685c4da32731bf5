"""What a candidate must show to pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.metrics.score import Score
from arabench.evaluation.metrics.table import SCORES
from arabench.files.settings import Number, Section, read_mapping, validate
from arabench.gate.criteria.table import names_for_rules
from arabench.varieties import VARIETIES

#: Fewest bootstrap draws beyond a bound: with fewer the bound is a matter of luck.
TAIL_DRAWS: Final = 5


def _at_least_zero(value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(
            "a margin is a finite number of 0 or more; to demand improvement use `improve`"
        )
    return value


def _share(value: float) -> float:
    """Of the baseline's value: 1 would allow twice as many bits."""
    if value >= 1:
        percents = value if value < 100 else 5.0
        raise ValueError(
            f"a margin is a share, less than 1; for {percents:g} % write {percents / 100:g}"
        )
    return value


def _listed(value: Any) -> Any:
    """`improve: egy` means a list of one."""
    names = [value] if isinstance(value, str) else value
    return tuple(names) if isinstance(names, list) else names


def _known_test(value: Any) -> Any:
    known = names_for_rules()
    if value not in known:
        *others, last = [repr(name) for name in known]
        raise ValueError(f"Input should be {', '.join(others)} or {last}")
    return value


#: Name of a criterion that a rule can ask for.
Test = Annotated[str, BeforeValidator(_known_test)]
Varieties = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Margin = Annotated[Number, AfterValidator(_at_least_zero)]
Share = Annotated[Margin, AfterValidator(_share)]


class Rule(Section):
    """How one metric is gated.

    Degradation is relative for metrics where lower is better (candidate / baseline - 1)
    and absolute, in the metric's unit, where higher is better (baseline - candidate).
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": ["{margin: 0.02, test: non_inferiority}"]}
    )

    margin: Margin
    """Largest degradation that is acceptable; less than 1, of BLEU and chrF++ less than 100."""
    test: Test = "non_inferiority"
    """non_inferiority: pass only when degradation is shown to stay below the margin, stop when it
    is shown to exceed it, else undecided.
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


class Policy(Section):
    """Rules for metrics, margins for varieties, and varieties that must improve.

    `rules` are all that are in force; a file is laid over the default ones by `load_policy`.
    """

    confidence: Number = Field(default=0.95, gt=0.5, lt=1)
    """One-sided confidence of the decision: 0.95 means errors of 5 % for the run as a whole."""
    min_items: int = Field(default=10, ge=2, le=1_000_000)
    """Items a row must have to decide; with fewer it is undecided. An item is what is independent:
    a sentence, a question, a passage with all its questions."""
    undecided: Literal["block", "pass"] = "block"
    """block: an undecided row keeps the candidate out (status 3). pass: only failed rows do."""
    draws: int = Field(default=4000, ge=200, le=1_000_000)
    """Bootstrap draws; more are made where more than 40 rows decide."""
    seed: int = Field(default=20241217, ge=0, lt=2**64)
    """Of the bootstrap draws: the same results and seed give the same report."""
    rules: dict[str, Rule] = Field(default_factory=lambda: dict(DEFAULT_RULES))
    """Metric -> rule; metrics not named are reported and do not decide."""
    margins: dict[str, Share] = Field(default_factory=dict)
    """Variety -> margin of bits_per_char that replaces the rule's."""
    improve: Varieties = ()
    """Varieties whose bits per character must be shown to fall."""
    varieties: Varieties = VARIETIES
    """Varieties that decide; the others are reported."""
    allow_identical: bool = False
    """Compare results that are equal in every sample of a likelihood task, or of all tasks (a
    cache that answered, an adapter that was not loaded?)."""

    @field_validator("rules")
    @classmethod
    def _rules_can_be_broken(cls, rules: dict[str, Rule]) -> dict[str, Rule]:
        for name, rule in rules.items():
            _check_metric(name)
            _check_margin(SCORES[name], rule.margin)
        return rules

    @field_validator("margins", "improve", "varieties")
    @classmethod
    def _known_varieties(cls, value: dict[str, float] | tuple[str, ...]) -> object:
        for name in value:
            if name not in VARIETIES:
                raise ValueError(f"unknown variety {name!r}. {did_you_mean(name, VARIETIES)}")
        return value

    @field_validator("varieties")
    @classmethod
    def _some_variety(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError(
                f"name the varieties that decide, of {', '.join(VARIETIES)}, or leave the key out "
                "and all of them do"
            )
        return value

    @model_validator(mode="after")
    def _settings_have_effect(self) -> Policy:
        if not self.rules and not self.improve:
            raise ValueError(
                "no rule is left, so nothing would decide: keep the rule of one metric, or name a "
                "variety in `improve`"
            )
        both = [name for name in self.improve if name in self.margins]
        if both:
            raise ValueError(
                f"{both[0]!r} is in `improve`, which lets it lose nothing, and has a margin of "
                f"{self.margins[both[0]]:g} in `margins`: take it out of one of them"
            )
        if self.margins and "bits_per_char" not in self.rules:
            raise ValueError("`margins` changes the rule of bits_per_char, but `rules` has none")
        needed = math.ceil(TAIL_DRAWS / (1 - self.confidence) - 1e-6)
        if self.draws < needed:
            raise ValueError(
                f"{self.draws} draws are too few for a confidence of {self.confidence:g}; "
                f"allowed are {needed} or more"
            )
        return self


def load_policy(path: str | Path | None, overrides: Mapping[str, Any] | None = None) -> Policy:
    """A policy from YAML (or the defaults), with some keys replaced.

    The file's `rules` are laid over the default ones, metric by metric; `null` drops one.
    `improve` and `margins` of the overrides are added to those of the file: what the file
    demands of a variety still holds when the overrides name another.

    Raises:
        UsageError: file missing, unknown key, wrong value, or settings that contradict each other.
    """
    named = "policy" if path is None else f"policy {str(path)!r}"
    content = {} if path is None else read_mapping(path, "policy", Policy)
    merged = _merged(content, overrides or {})
    if isinstance(merged.get("rules"), dict):
        merged["rules"] = _over_defaults(merged["rules"], named)
    return validate(Policy, merged, named)


def _merged(content: Mapping[Any, Any], overrides: Mapping[str, Any]) -> dict[Any, Any]:
    merged = {**content, **overrides}
    if isinstance(content.get("margins"), dict) and "margins" in overrides:
        merged["margins"] = {**content["margins"], **overrides["margins"]}
    demanded = _listed(content.get("improve"))
    if isinstance(demanded, tuple) and "improve" in overrides:
        merged["improve"] = [*demanded, *_listed(overrides["improve"])]
    return merged


def _over_defaults(rules: Mapping[Any, Any], named: str) -> dict[Any, Any]:
    """Rules in force: the default ones, but for what `rules` replaces, adds and drops."""
    if not rules:
        raise UsageError(
            f"{named}: `rules` names no metric. Leave it out for the default rules, or name those "
            "that change; `bleu: null` drops that of BLEU."
        )
    for name, rule in rules.items():
        if rule is None:
            try:
                _check_metric(name)
            except ValueError as error:
                raise UsageError(f"{named}: rules: {error}") from error
    laid = {**DEFAULT_RULES, **rules}
    return {name: rule for name, rule in laid.items() if rule is not None}


def _check_metric(name: Any) -> None:
    if name not in SCORES:
        raise ValueError(f"unknown metric {name!r}. {did_you_mean(str(name), SCORES)}")


def _check_margin(score: Score, margin: float) -> None:
    """Refuse a margin that no degradation exceeds, or that was meant as per cent."""
    try:
        if not score.higher_is_better or score.unit == "0-1":
            _share(margin)
    except ValueError as error:
        raise ValueError(f"{score.name}: {error}. Given: {margin:g}") from error
    if score.unit == "0-100" and margin >= 100:
        raise ValueError(
            f"{score.name}: a margin is in points of 0-100, less than 100; for one point "
            f"write 1. Given: {margin:g}"
        )
