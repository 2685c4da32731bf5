"""Translation: from a variety to MSA or English, by three packaged examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.evaluation.data.parallel import codes_for, load_parallel
from arabench.evaluation.data.source import ENGLISH, Source
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
from arabench.evaluation.metrics.score import sample
from arabench.varieties import ARABIC_NAMES

FAMILY: Final = Family(
    "translation",
    (Template("arabench_dialects/_mt_template", ("bleu", "chrf++")),),
    tuple(
        Column(metric, f"arabench_mt_{{}}_{target}", f"{heading} to {name}")
        for target, name in (("msa", "MSA"), ("en", "English"))
        for metric, heading in (("bleu", "BLEU"), ("chrf++", "chrF++"))
    ),
)


@plain_errors
def translation_data(variety: str, target: str, **metadata: Any) -> Splits:
    """Pairs from a variety to MSA or English. Examples in the prompt are always packaged ones."""
    source = source_of(metadata)
    test = [item for item in load_parallel(source) if item.split == "test"]
    shots = [item for item in load_parallel(Source()) if item.split == "train"]

    def rows(items: Sequence[Any], chosen: Source) -> list[dict[str, Any]]:
        codes = codes_for(variety, items, chosen)
        to = ENGLISH if target == ENGLISH else codes_for(target, items, Source(chosen.data))[0]
        return [
            {
                "id": f"{item.item}/{code}",
                "item": item.item,
                "code": code,
                "variety": variety,
                "target_code": target,
                "source": item.texts[code],
                "target": item.texts[to],
            }
            for item in items
            for code in codes
            if code in item.texts and to in item.texts
        ]

    return {
        "test": dataset(
            rows(test, source),
            f"translation from {variety} to {target}",
            conditions_of(metadata, sacrebleu=True),
        ),
        "train": dataset(rows(shots, Source()), "prompt examples"),
    }


def translation_prompt(doc: Document) -> str:
    """Source sentence and the name of the target language; the model continues."""
    target = "الإنجليزية" if doc["target_code"] == "en" else f"العربية {ARABIC_NAMES['msa']}"
    return f"العربية {ARABIC_NAMES[doc['variety']]}: {doc['source']}\n{target}:"


def score_translation(doc: Document, results: Sequence[str]) -> dict[str, Document]:
    """N-gram counts of BLEU and chrF++ for one sentence."""
    from arabench.evaluation.metrics.ngrams import bleu, chrf, counts

    answer, target = results[0].strip(), doc["target"]
    return with_stderr(
        {
            "bleu": sample(doc["item"], counts(bleu(), answer, target)),
            "chrf++": sample(doc["item"], counts(chrf(), answer, target)),
        }
    )
