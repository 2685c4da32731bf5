"""Dialect tax: bits of sentences over bits of the MSA rendering of the same sentences."""

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
from arabench.evaluation.metrics.likelihood import bits
from arabench.evaluation.metrics.score import sample

FAMILY: Final = Family(
    "dialect_tax",
    (Template("arabench_dialects/_tax_template", ("dialect_tax",)),),
    (Column("dialect_tax", "arabench_tax_{}", "dialect tax"),),
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
    """Bits of the sentence and bits of its MSA rendering."""
    return with_stderr({"dialect_tax": sample(doc["item"], [bits(value) for value in results])})
