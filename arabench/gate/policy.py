"""What a candidate must show to pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.metrics.table import SCORES
from arabench.gate.criteria.table import names_for_rules
from arabench.varieties import VARIETIES

#: Fewest bootstrap draws beyond a bound: with fewer the bound is a matter of luck.
TAIL_DRAWS: Final = 5


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("yes and no are no numbers")
    return value


def _at_least_zero(value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(
            "a margin is a finite number of 0 or more; to demand improvement use `improve`"
        )
    return value


def _listed(value: Any) -> Any:
    """`improve: egy` means a list of one."""
    return [value] if isinstance(value, str) else value


def _known_test(value: Any) -> Any:
    known = names_for_rules()
    if value not in known:
        *others, last = [repr(name) for name in known]
        raise ValueError(f"Input should be {', '.join(others)} or {last}")
    return value


#: Name of a criterion that a rule can ask for.
Test = Annotated[str, BeforeValidator(_known_test)]
Varieties = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Margin = Annotated[float, BeforeValidator(_no_truth_value), AfterValidator(_at_least_zero)]


class Rule(BaseModel):
    """How one metric is gated.

    Degradation is relative for metrics where lower is better (candidate / baseline - 1)
    and absolute, in the metric's unit, where higher is better (baseline - candidate).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: Margin
    """Largest degradation that is acceptable."""
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


class Policy(BaseModel):
    """Rules for metrics, margins for varieties, and varieties that must improve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """One-sided confidence of the decision: 0.95 means errors of 5 % for the run as a whole."""
    min_items: Annotated[int, BeforeValidator(_no_truth_value)] = Field(default=10, ge=2)
    """Items a row must have to decide; with fewer it is undecided. An item is what is independent:
    a sentence, a question, a passage with all its questions."""
    undecided: Literal["block", "pass"] = "block"
    """block: an undecided row keeps the candidate out (status 3). pass: only failed rows do."""
    draws: int = Field(default=4000, ge=200, le=1_000_000)
    """Bootstrap draws; more are made where more than 40 rows decide."""
    seed: int = Field(default=20241217, ge=0)
    """Of the bootstrap draws: the same results and seed give the same report."""
    rules: dict[str, Rule] = Field(default_factory=lambda: dict(DEFAULT_RULES))
    """Metric -> rule; metrics not named are reported and do not decide."""
    margins: dict[str, Margin] = Field(default_factory=dict)
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
        return value

    @model_validator(mode="after")
    def _settings_have_effect(self) -> Policy:
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

    `improve` and `margins` of the overrides are added to those of the file: what the file
    demands of a variety still holds when the overrides name another.

    Raises:
        UsageError: file missing, unknown key or wrong value.
    """
    content = {} if path is None else _read_yaml(path)
    try:
        return Policy.model_validate(_merged(content, overrides or {}))
    except ValidationError as error:
        raise UsageError(f"policy: {_first_problem(error)}") from error


def _read_yaml(path: str | Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"policy {str(path)!r} cannot be read: {error}") from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # Bytes that are no UTF-8, and values that PyYAML takes for a date or a number.
        raise UsageError(f"policy {str(path)!r} holds no valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(
            f"policy {str(path)!r} must hold keys and values, but holds a "
            f"{type(content).__name__}. Allowed keys: {', '.join(sorted(Policy.model_fields))}."
        )
    return content


def _merged(content: Mapping[Any, Any], overrides: Mapping[str, Any]) -> dict[Any, Any]:
    merged = {**content, **overrides}
    if isinstance(content.get("margins"), dict) and "margins" in overrides:
        merged["margins"] = {**content["margins"], **overrides["margins"]}
    demanded = _listed(content.get("improve"))
    if isinstance(demanded, list) and "improve" in overrides:
        merged["improve"] = [*demanded, *_listed(overrides["improve"])]
    return merged


def _first_problem(error: ValidationError) -> str:
    """What is wrong with the first wrong key: its name, what is allowed, what was given.

    Unknown keys come first: a misspelled key is also a missing one.
    """
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = Rule.model_fields if len(first["loc"]) > 1 else Policy.model_fields
        return f"unknown key {name!r}. {did_you_mean(str(first['loc'][-1]), known)}"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    if not name:
        return f"{message}."
    given = "" if first["type"] == "missing" else f" Given: {str(first['input'])[:80]!r}."
    return f"{name}: {message}.{given}"
