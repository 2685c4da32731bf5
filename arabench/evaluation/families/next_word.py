"""Next-word accuracy: every word of a text after the first, given the true text before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from arabench.evaluation.data.parallel import codes_for, load_parallel
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
from arabench.evaluation.metrics.next_words import said
from arabench.evaluation.metrics.score import sample

FAMILY: Final = Family(
    "next_word",
    (Template("arabench_dialects/_next_template", ("next_word_acc",)),),
    (Column("next_word_acc", "arabench_next_{}", "next word"),),
)


@plain_errors
def next_word_data(variety: str, **metadata: Any) -> Splits:
    """Sentences of one variety with two words or more: {id, item, code, text, ends}.

    `ends` are the places behind each word, in code points.
    """
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    codes = codes_for(variety, items, source)
    rows = [
        {
            "id": f"{item.item}/{code}",
            "item": item.item,
            "code": code,
            "text": item.texts[code],
            "ends": word_ends(item.texts[code]),
        }
        for item in items
        for code in codes
        if code in item.texts
    ]
    rows = [row for row in rows if len(row["ends"]) > 1]
    what = f"sentences of two words or more in {variety}"
    return {"test": dataset(rows, what, conditions_of(metadata))}


def word_ends(text: str) -> list[int]:
    """Where each word ends; words are what white space parts, with their punctuation."""
    return [found.end() for found in re.finditer(r"\S+", text)]


def score_next_word(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Document]:
    """Words that greedy decoding would have said, of all but the first."""
    return with_stderr({"next_word_acc": sample(doc["item"], [said(results), len(results)])})
