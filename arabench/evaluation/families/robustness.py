"""Robustness: language modelling and multiple choice of MSA under noise, at six rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.evaluation.data.parallel import codes_for, load_parallel
from arabench.evaluation.data.questions import load_questions
from arabench.evaluation.data.source import Source
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
from arabench.evaluation.metrics.choice import correct
from arabench.evaluation.metrics.likelihood import bits
from arabench.evaluation.metrics.noise_curves import ACC_AT, BITS_AT, NOISE_RATES
from arabench.evaluation.metrics.score import sample
from arabench.evaluation.perturbations.table import NOISE_VERSION, perturb

#: Questions per subject in the multiple-choice robustness tasks: 6 rates x 4 choices
#: are scored for each.
NOISE_QUESTIONS_PER_SUBJECT = 5

FAMILY: Final = Family(
    "robustness",
    tuple(
        Template(
            f"arabench_robustness/_{part}_template",
            (area, *(score.name for score in at)),
            (("noise_version", NOISE_VERSION),),
        )
        for part, area, at in (("lm", "noise_cost", BITS_AT), ("mc", "noise_acc", ACC_AT))
    ),
)


@plain_errors
def noisy_lm_data(kind: str, **metadata: Any) -> Splits:
    """MSA sentences at every noise rate: {id, item, text, texts: [rate 0, ...]}."""
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    code = codes_for("msa", items, Source(source.data))[0]
    rows = [
        {
            "id": item.item,
            "item": item.item,
            "text": item.texts[code],
            "texts": [perturb(item.texts[code], kind, rate) for rate in NOISE_RATES],
        }
        for item in items
        if code in item.texts
    ]
    return {"test": dataset(rows, "noisy language modelling", conditions_of(metadata))}


@plain_errors
def noisy_mc_data(kind: str, **metadata: Any) -> Splits:
    """Questions at every noise rate; the choices stay clean."""
    taken: dict[str, int] = {}
    rows = []
    for question in load_questions(source_of(metadata)):
        if question.split == "dev":
            continue
        taken[question.subject] = taken.get(question.subject, 0) + 1
        if taken[question.subject] > NOISE_QUESTIONS_PER_SUBJECT:
            continue
        texts = [perturb(question.question, kind, rate) for rate in NOISE_RATES]
        rows.append({**question.document(), "questions": texts})
    return {"test": dataset(rows, "noisy multiple choice", conditions_of(metadata))}


def score_noisy_lm(doc: Document, results: Sequence[float]) -> dict[str, Document]:
    """Bits at each rate over the code points of the clean text, and the area of the curve."""
    spent = [bits(value) for value in results]
    curve = {
        f"bits_per_char@{rate}": sample(doc["item"], [value, len(doc["text"])])
        for rate, value in zip(NOISE_RATES, spent, strict=True)
    }
    return with_stderr({**curve, "noise_cost": sample(doc["item"], spent)})


def score_noisy_mc(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Document]:
    """Right or wrong at each rate, and the area of the curve."""
    width = len(doc["choices"])
    right = [
        correct(results[index * width : (index + 1) * width], doc["answer"])
        for index in range(len(NOISE_RATES))
    ]
    curve = {
        f"acc@{rate}": sample(doc["item"], [value, 1])
        for rate, value in zip(NOISE_RATES, right, strict=True)
    }
    return with_stderr({**curve, "noise_acc": sample(doc["item"], [*right, 1])})
