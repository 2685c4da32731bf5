"""Texts that the dialect model was never trained on, and how it labels them.

Used by `tools/train_dialect.py --scores`. The parallel and reading items are those of the task
suites, test split; the other sets have one variety.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from arabench.dialect.evaluation import score
from arabench.dialect.identification import Identifier
from arabench.varieties import VARIETIES

ITEMS = Path(__file__).resolve().parent.parent / "tasks" / "arabench_dialects" / "data"

#: Name -> (text, variety) pairs.
Labelled = dict[str, list[tuple[str, str]]]


def _lines(path: Path) -> Iterator[dict[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def unseen(data: Path) -> Labelled:
    """The sets."""
    parallel = [
        (row[variety], variety)
        for row in _lines(ITEMS / "parallel.jsonl")
        if row["split"] == "test"
        for variety in VARIETIES
    ]
    reading = [row for row in _lines(ITEMS / "reading.jsonl") if row["split"] == "test"]
    passages = dict.fromkeys((row["context"], row["code"]) for row in reading)
    with (data / "doda_pairs" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        doda = [(row["darija_ar"], "mgr") for row in csv.DictReader(file)]
    pud = (data / "ud_arabic_pud" / "ar_pud-first500.conllu").read_text(encoding="utf-8")
    arcd = json.loads((data / "arcd" / "arcd-train.json").read_text(encoding="utf-8"))
    questions = [
        (question["question"], "msa")
        for article in arcd["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    return {
        "parallel sentences of `tasks/`, test split": parallel,
        "reading passages of `tasks/`, test split": list(passages),
        "reading questions of `tasks/`, test split": [(r["question"], r["code"]) for r in reading],
        "DODa pairs, rule-made Arabic script": doda,
        "Arabic-PUD": [
            (line.removeprefix("# text = "), "msa")
            for line in pud.splitlines()
            if line.startswith("# text = ")
        ],
        "ARCD questions": questions,
    }


def unseen_table(data: Path) -> str:
    """A Markdown table of the shipped model's labels, none withheld."""
    identifier = Identifier()
    lines = ["| set | texts | accuracy | macro-F1 | ECE | unknown |", "|---|---|---|---|---|---|"]
    for name, pairs in unseen(data).items():
        labels = identifier.label([text for text, _ in pairs])
        found = score(labels.probs, np.array([VARIETIES.index(code) for _, code in pairs]))
        macro = f"{found.macro_f1:.3f}" if len({code for _, code in pairs}) > 1 else ""
        withheld = float((np.asarray(labels.reasons) > 0).mean())
        lines.append(
            f"| {name} | {found.texts:,} | {found.accuracy:.3f} | {macro} "
            f"| {found.calibration_error:.3f} | {withheld:.3f} |"
        )
    return "\n".join(lines) + "\n"
