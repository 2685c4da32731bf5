"""Language modelling: bits of held-out sentences of one variety."""

from __future__ import annotations

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
from arabench.evaluation.metrics.likelihood import bits, own_tokens
from arabench.evaluation.metrics.score import sample

METRICS: Final = (
    "bits_per_char",
    "bits_per_byte",
    "word_perplexity",
    "byte_perplexity",
    "token_perplexity",
)
FAMILY: Final = Family(
    "language_modelling",
    (Template("arabench_dialects/_lm_template", METRICS),),
    tuple(
        Column(metric, "arabench_lm_{}", heading)
        for metric, heading in zip(
            METRICS, ("bits/char", "bits/byte", "word ppl", "byte ppl", "token ppl"), strict=True
        )
    ),
)


@plain_errors
def lm_data(variety: str, **metadata: Any) -> Splits:
    """Sentences of one variety: {id, item, code, text}."""
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    codes = codes_for(variety, items, source)
    rows = [
        {"id": f"{item.item}/{code}", "item": item.item, "code": code, "text": item.texts[code]}
        for item in items
        for code in codes
        if code in item.texts
    ]
    return {"test": dataset(rows, variety, conditions_of(metadata))}


def score_lm(doc: Document, results: Sequence[float]) -> dict[str, Document]:
    """Bits of the text over its code points, UTF-8 bytes, words and own tokens."""
    text, spent, item = doc["text"], bits(results[0]), doc["item"]
    size = len(text.encode("utf-8"))
    return with_stderr(
        {
            "bits_per_char": sample(item, [spent, len(text)]),
            "bits_per_byte": sample(item, [spent, size]),
            "word_perplexity": sample(item, [spent, len(text.split())]),
            "byte_perplexity": sample(item, [spent, size]),
            "token_perplexity": sample(item, [spent, *own_tokens(results[0])]),
        }
    )
