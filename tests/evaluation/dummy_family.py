"""A family of its own, as somebody would add one: does the model continue a word as written?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.evaluation.families.family import (
    Column,
    Document,
    Family,
    Splits,
    Template,
    dataset,
    plain_errors,
    with_stderr,
)
from arabench.evaluation.metrics.score import sample

FAMILY: Final = Family(
    "dummy",
    (Template("dummy/_dummy_template", ("exact_match",)),),
    (Column("exact_match", "arabench_dummy_{}", "dummy"),),
)


@plain_errors
def dummy_data(variety: str, **metadata: Any) -> Splits:
    """Two prompts of one letter."""
    rows = [{"id": letter, "item": letter, "prompt": letter, "answer": "ا"} for letter in "بت"]
    return {"test": dataset(rows, variety)}


def dummy_prompt(doc: Document) -> str:
    """The letter."""
    return str(doc["prompt"])


def score_dummy(doc: Document, results: Sequence[str]) -> dict[str, Document]:
    """Whether the answer is the letter expected."""
    value = float(results[0].strip() == doc["answer"])
    return with_stderr({"exact_match": sample(doc["item"], [value, 1])})
