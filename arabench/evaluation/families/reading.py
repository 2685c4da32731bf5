"""Reading comprehension: questions on passages in one variety, by one packaged example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.evaluation.data.passages import load_reading, place_of
from arabench.evaluation.data.source import Source, check_held
from arabench.evaluation.families.family import (
    Column,
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
from arabench.evaluation.metrics.answers import exact_match, token_f1
from arabench.evaluation.metrics.score import sample
from arabench.varieties import variety_of

FAMILY: Final = Family(
    "reading",
    (Template("arabench_dialects/_rc_template", ("f1", "exact_match")),),
    (
        Column("f1", "arabench_rc_{}", "reading F1"),
        Column("exact_match", "arabench_rc_{}", "reading EM"),
    ),
)


@plain_errors
def reading_data(variety: str, **metadata: Any) -> Splits:
    """Questions on passages in one variety: {id, item, code, context, question, answers}."""
    source = source_of(metadata)

    def rows(chosen: Source, split: str) -> list[dict[str, Any]]:
        return [
            {
                "id": f"{entry.item}/{entry.code}/{number}",
                "item": entry.item,
                "code": entry.code,
                "context": entry.context,
                "question": entry.question,
                "answers": list(entry.answers),
            }
            for number, entry in enumerate(load_reading(chosen))
            if entry.split == split and variety_of(entry.code) == variety
        ]

    test = rows(source, "test")
    held = {entry.code for entry in load_reading(source) if entry.split == "test"}
    check_held(variety, [row["code"] for row in test], held, place_of(source))
    return {
        "test": dataset(
            test,
            f"reading comprehension in {variety}",
            conditions_of(metadata),
        ),
        "train": dataset(rows(Source(), "train"), "prompt examples"),
    }


def reading_prompt(doc: Document) -> str:
    """Passage and question; the model continues with the answer."""
    return f"النص: {doc['context']}\nالسؤال: {doc['question']}\nالجواب:"


def score_reading(doc: Document, results: Sequence[str]) -> dict[str, Document]:
    """Token F1 and exact match of the first line of the answer."""
    answer = results[0].strip()
    return with_stderr(
        {
            "f1": sample(doc["item"], [token_f1(answer, doc["answers"]), 1]),
            "exact_match": sample(doc["item"], [exact_match(answer, doc["answers"]), 1]),
        }
    )
