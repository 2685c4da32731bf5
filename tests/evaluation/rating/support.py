"""Two runs with written answers, and sheets filled in by raters who follow a rule."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

from arabench.evaluation.rating.page import sheet_page
from arabench.evaluation.rating.sheets import (
    CSV_NAME,
    HTML_NAME,
    KEY_NAME,
    Sheet,
    make_sheet,
    write_csv,
)
from tests.evaluation.rating.answered import answered
from tests.gate.synthetic import Task, write

RUNS = ("alpha17", "beta17")
#: (item code, name of the run shown first) -> choice.
Rule = Callable[[str, str], str]


def make(count: int = 12, seed: int = 1, sides: int = 5) -> Sheet:
    """A sheet of two tasks of ten documents each."""
    found = {
        "arabench_mt_egy_msa": answered("arabench_mt_egy_msa", "egy", 10),
        "arabench_mt_lev_msa": answered("arabench_mt_lev_msa", "lev", 10),
    }
    return make_sheet(found, RUNS, count, seed, random.Random(sides))


def export(folder: Path, sheet: Sheet) -> Path:
    """The files of a sheet."""
    folder.mkdir()
    (folder / HTML_NAME).write_text(sheet_page(sheet), encoding="utf-8")
    (folder / CSV_NAME).write_bytes(write_csv(sheet).encode("utf-8"))
    (folder / KEY_NAME).write_text(json.dumps(sheet.key, ensure_ascii=False), encoding="utf-8")
    return folder


def fill(folder: Path, rater: str, rule: Rule, delimiter: str = ",") -> Path:
    """sheet.csv, filled in and saved as a spreadsheet saves it."""
    key = json.loads((folder / KEY_NAME).read_text(encoding="utf-8"))
    with (folder / CSV_NAME).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(rows[0])
    for sheet, _, code, *texts, _, comment in rows[1:]:
        choice = rule(code, key["items"][code]["first"])
        writer.writerow([sheet, rater, code, *texts, choice, comment])
    path = folder / f"{rater}.csv"
    path.write_text(stream.getvalue(), encoding="utf-8")
    return path


def prefers(name: str) -> Rule:
    """A rater who always takes one run's answer."""
    return lambda code, first: "1" if first == name else "2"


def runs_on_disk(folder: Path, same: int = 0) -> tuple[Path, Path]:
    """Results folders of two runs: translation of 10 documents, and sentences that are scored."""
    made = []
    for name in RUNS:
        each = [
            {
                "filtered_resps": [f"جواب {name if place >= same else ''} رقم {place}"],
                "doc": {
                    "id": f"{place}/egy", "item": f"{place // 2}", "source": f"جملة {place}",
                    "target": "هدف", "target_code": "msa", "variety": "egy",
                },
            }
            for place in range(10)
        ]  # fmt: skip
        answers = [(f"{place // 2}", [1.0] * 24) for place in range(10)]
        bits = [(f"{place}", [30.0, 10.0]) for place in range(4)]
        tasks = [
            Task("arabench_mt_egy_msa", {"chrf++": answers}, variety="egy", each=each),
            Task("arabench_next_egy", {"next_word_acc": [("0", [1.0, 2.0])] * 4}, variety="egy"),
            Task("arabench_lm_egy", {"bits_per_char": bits}, variety="egy"),
        ]
        made.append(write(folder / name, tasks, model=name))
    return made[0], made[1]
