"""Blind sheets: what they show, what they keep to themselves."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from arabench.errors import UsageError
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.rating.answers import WRITTEN, paired_answers
from arabench.evaluation.rating.page import sheet_page
from arabench.evaluation.rating.sheets import (
    COLUMNS,
    make_sheet,
    neutral,
    original,
    sheet_name,
    write_csv,
)
from arabench.evaluation.runner.results import load_evaluation
from tests.evaluation.rating.answered import answered
from tests.evaluation.rating.support import RUNS, make, runs_on_disk
from tests.pages.checker import parsed, problems_of


def test_items_come_evenly_from_all_tasks() -> None:
    told = make(12).key["items"].values()
    assert sorted(Counter(one["task"] for one in told).values()) == [6, 6]
    assert len({(one["task"], one["document"]) for one in told}) == 12


def test_the_seed_draws_documents_and_not_sides() -> None:
    def shown(seed: int, sides: int) -> tuple[list[object], list[object]]:
        told = make(12, seed, sides).key["items"].values()
        return [(one["task"], one["document"]) for one in told], [one["first"] for one in told]

    documents, first = shown(1, 5)
    again, others = shown(1, 6)
    assert documents == again
    assert first != others
    assert shown(2, 5)[0] != documents


def test_both_runs_stand_first_about_as_often() -> None:
    found = {"task": answered("task", "egy", 400)}
    told = make_sheet(found, RUNS, 400, 1, random.Random(3)).key["items"].values()
    counts = Counter(one["first"] for one in told)
    assert abs(counts[RUNS[0]] - 200) < 3 * 10  # three standard deviations


def test_the_key_tells_whose_the_first_answer_is() -> None:
    sheet = make()
    for item in sheet.items:
        run = sheet.key["items"][item.code]["first"]
        assert ("جواب أ" in item.answers[0]) == (run == RUNS[0])
        assert item.answers[0] != item.answers[1]


def test_equal_answers_are_counted_and_not_shown() -> None:
    found = {"task": answered("task", "egy", 10, same=4)}
    sheet = make_sheet(found, RUNS, 6, 1, random.Random(1))
    assert sheet.key["same"] == {"task": 4}
    assert sheet.key["documents"] == {"task": 10}
    assert all(one["document"] >= 4 for one in sheet.key["items"].values())
    with pytest.raises(UsageError, match=r"6 documents have answers that differ\. Use 2 to 6"):
        make_sheet(found, RUNS, 7, 1, random.Random(1))
    with pytest.raises(UsageError, match="nothing to rate"):
        make_sheet({"task": answered("task", "egy", 4, same=4)}, RUNS, 2, 1, random.Random(1))


def test_sheets_do_not_tell_who_is_who() -> None:
    sheet = make()
    for text in (sheet_page(sheet), write_csv(sheet)):
        for secret in (*RUNS, sheet.key["salt"], "arabench_mt", "seed"):
            assert secret not in text, secret
        assert sheet.name in text


def test_a_changed_key_belongs_to_another_sheet() -> None:
    sheet = make()
    assert sheet_name(sheet.key) == sheet.name
    sheet.key["items"]["q001"]["first"] = "nobody"
    assert sheet_name(sheet.key) != sheet.name


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\tx", "\r=x", "\n=1", "\uff1d1", "'=1", "''", "'x"]
)
def test_no_cell_is_a_formula_and_all_come_back(cell: str) -> None:
    assert neutral(cell).startswith("'")
    assert original(neutral(cell)) == cell


@pytest.mark.parametrize("cell", ["", "نص", "1", "a=b", " =1", "q001"])
def test_other_cells_stay(cell: str) -> None:
    assert neutral(cell) == cell == original(cell)


def test_the_spreadsheet_holds_every_text() -> None:
    sheet = make()
    text = write_csv(sheet)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert list(rows[0]) == list(COLUMNS)
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    for row, item in zip(rows, sheet.items, strict=True):
        assert (original(row["answer_1"]), original(row["answer_2"])) == item.answers
        assert row["asked"] == item.question


def test_the_page_loads_nothing_and_escapes_everything() -> None:
    found = answered("task", "egy", 4)
    evil = "</script><script>alert(1)</script><img src=x onerror=y>\u202e"
    told = {"asked": (("س", evil),), "answers": (evil + "1", evil)}
    answers = {"task": [dataclasses.replace(one, **told) for one in found]}
    page = sheet_page(make_sheet(answers, RUNS, 4, 1, random.Random(1)))
    assert problems_of(page) == []
    document = parsed(page)
    counts = {tag: len(document.all(tag)) for tag in ("script", "img", "article", "input")}
    assert counts == {"script": 1, "img": 0, "article": 4, "input": 1 + 3 * 4}
    policy = document.all("meta")[2].attributes["content"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    (html,) = document.all("html")
    assert (html.attributes["dir"], html.attributes["lang"]) == ("rtl", "ar")
    assert "http://" not in page
    assert "https://" not in page


def test_answers_of_two_runs(tmp_path: Path) -> None:
    first, second = (load_evaluation(path) for path in runs_on_disk(tmp_path, same=3))
    found = paired_answers(first, second)
    assert list(found) == ["arabench_mt_egy_msa"]
    one = found["arabench_mt_egy_msa"][5]
    assert one.asked == (("الجملة", "جملة 5"), ("المطلوب", "الترجمة إلى العربية الفصحى"))
    assert one.answers == (f"جواب {RUNS[0]} رقم 5", f"جواب {RUNS[1]} رقم 5")
    assert (one.item, one.variety, one.same) == ("2", "egy", False)
    assert [one.same for one in found["arabench_mt_egy_msa"]] == [True] * 3 + [False] * 7


def test_what_cannot_be_rated_is_refused(tmp_path: Path) -> None:
    base, egy = runs_on_disk(tmp_path)
    first, second = load_evaluation(base), load_evaluation(egy)
    for task in ("arabench_lm_egy", "arabench_next_egy"):
        with pytest.raises(UsageError, match="scores likelihoods"):
            paired_answers(first, second, [task])
    with pytest.raises(UsageError, match=r"is not in both runs\. .*arabench_mt_egy_msa"):
        paired_answers(first, second, ["arabench_mt_egy"])
    samples = next(egy.glob("samples_arabench_mt*"))
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    rows[4]["prompt_hash"] = "0" * 64
    samples.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="other documents or with other prompts"):
        paired_answers(first, load_evaluation(egy))


def test_metrics_of_written_answers_are_metrics() -> None:
    assert set(SCORES) >= WRITTEN
    assert not any(SCORES[name].likelihood for name in WRITTEN)
