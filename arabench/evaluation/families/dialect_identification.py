"""Dialect identification: which of the varieties a sentence is in.

The renderings of one sentence are one item: they stand on one side of the split, and are resampled
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.errors import UsageError
from arabench.evaluation.data.parallel import ParallelItem, load_parallel
from arabench.evaluation.families.family import (
    Document,
    Family,
    Splits,
    Template,
    dataset,
    plain_errors,
    source_of,
    with_stderr,
)
from arabench.evaluation.harness.conditions import conditions_of
from arabench.evaluation.metrics.choice import correct, pick
from arabench.evaluation.metrics.classes import counts
from arabench.evaluation.metrics.score import sample
from arabench.varieties import ARABIC_NAMES, VARIETIES, variety_of

FAMILY: Final = Family(
    "dialect_identification",
    (Template("arabench_dialects/_did_template", ("acc", "macro_f1")),),
)


@plain_errors
def did_data(**metadata: Any) -> Splits:
    """Sentences with the place of their variety in `VARIETIES`: {id, item, code, text, answer}.

    A train split, for classifiers that learn, is there where the data has one.
    """
    source = source_of(metadata)
    found: dict[str, list[Document]] = {"train": [], "test": []}
    for item in load_parallel(source):
        if item.split in found:
            found[item.split] += _rows(item, source.codes)
    if len({row["answer"] for row in found["test"]}) < 2:
        raise UsageError(
            "dialect identification needs sentences of two varieties or more. Name data that has "
            "them, or leave arabench_did out."
        )
    conditions = conditions_of(metadata)
    return {
        split: dataset(rows, "dialect identification", conditions)
        for split, rows in found.items()
        if rows
    }


def _rows(item: ParallelItem, codes: Sequence[str]) -> list[Document]:
    return [
        {
            "id": f"{item.item}/{code}",
            "item": item.item,
            "code": code,
            "text": text,
            "answer": VARIETIES.index(variety),
        }
        for code, text in item.texts.items()
        if (variety := variety_of(code)) is not None and (not codes or code in codes)
    ]


def did_prompt(doc: Document) -> str:
    """The sentence; the model continues with the name of its variety."""
    return f"النص: {doc['text']}\nاللهجة:"


def did_choices(doc: Document) -> list[str]:
    """Arabic names of the varieties."""
    return [ARABIC_NAMES[variety] for variety in VARIETIES]


def score_did(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Document]:
    """Whether the right variety is likeliest, and what macro F1 counts."""
    item, right = doc["item"], doc["answer"]
    return with_stderr(
        {
            "acc": sample(item, [correct(results, right), 1]),
            "macro_f1": sample(item, counts(pick(results), right)),
        }
    )
