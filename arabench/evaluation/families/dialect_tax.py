"""Dialect tax: bits of sentences over bits of the MSA rendering of the same sentences.

The tax is exactly the product of the tokenizer's share and the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.evaluation.data.parallel import codes_for, load_parallel
from arabench.evaluation.data.source import Source
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

FAMILY: Final = Family(
    "dialect_tax",
    (Template("arabench_dialects/_tax_template", ("dialect_tax", "tokenizer_tax", "model_tax")),),
    (
        Column("dialect_tax", "arabench_tax_{}", "dialect tax"),
        Column("tokenizer_tax", "arabench_tax_{}", "of it tokenizer"),
        Column("model_tax", "arabench_tax_{}", "of it model"),
    ),
)


@plain_errors
def tax_data(variety: str, **metadata: Any) -> Splits:
    """Sentences with their MSA renderings: {id, item, code, texts: [variety, MSA]}."""
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    codes = codes_for(variety, items, source)
    reference = codes_for("msa", items, Source(source.data))[0]
    rows = [
        {
            "id": f"{item.item}/{code}",
            "item": item.item,
            "code": code,
            "texts": [item.texts[code], item.texts[reference]],
        }
        for item in items
        for code in codes
        if code in item.texts and reference in item.texts
    ]
    return {"test": dataset(rows, f"{variety} beside MSA", conditions_of(metadata))}


def score_tax(doc: Document, results: Sequence[float]) -> dict[str, Document]:
    """Bits and own tokens of the sentence and of its MSA rendering."""
    item, spent = doc["item"], [bits(value) for value in results]
    (unknown, tokens), (unknown_of_msa, tokens_of_msa) = map(own_tokens, results)
    missing = max(unknown, unknown_of_msa)
    return with_stderr(
        {
            "dialect_tax": sample(item, spent),
            "tokenizer_tax": sample(item, [tokens, missing, tokens_of_msa]),
            "model_tax": sample(item, [*spent, missing, tokens, tokens_of_msa]),
        }
    )
