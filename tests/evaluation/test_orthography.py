"""Points that spelling costs, by hand: answers of a finished run under each rule."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sacrebleu.metrics import BLEU, CHRF

from arabench.cli.main import main
from arabench.errors import DataError, UsageError
from arabench.evaluation.reports.orthography import (
    PRESET,
    TOGETHER,
    Attribution,
    Rule,
    attribute,
    markdown,
    rules,
)
from arabench.evaluation.runner.results import load_evaluation
from arabench.evaluation.tasks import score_reading, score_translation
from arabench.text.presets import presets
from tests.gate.synthetic import Task, samples_file, write

#: (item, answer, accepted answers): alif, ta marbuta, digits, right as written, wrong.
READING = [
    ("p1", "إلى المدرسة", ["الى المدرسة"]),
    ("p1", "مدرسه", ["كتاب", "مدرسة"]),
    ("p2", "١٢", ["12"]),
    ("p3", "البيت", ["البيت"]),
    ("p4", "لا أدري", ["القاهرة"]),
]
#: (item, answer, reference): elongation, a comma, right as written.
TRANSLATION = [
    ("a", "ذهب الولـــد إلى البيت مساء", "ذهب الولد إلى البيت مساء"),
    ("b", "نعم يا صديقي القديم", "نعم، يا صديقي القديم"),
    ("c", "كتبت البنت درسها ثم نامت", "كتبت البنت درسها ثم نامت"),
]


def run_of(folder: Path, reading: Sequence[Any] = (), translation: Sequence[Any] = ()) -> Path:
    """A results folder as a run with these answers leaves it."""
    tasks, rows = [], {}
    for name, samples, field in (
        ("arabench_rc_egy", reading, "answers"), ("arabench_mt_egy_msa", translation, "target")
    ):  # fmt: skip
        if not samples:
            continue
        score = score_reading if field == "answers" else score_translation
        scored = [score({"item": i, field: right}, [text]) for i, text, right in samples]
        metrics = [metric for metric in scored[0] if not metric.endswith("_stderr")]
        values = {m: [(row[m]["item"], row[m]["sums"]) for row in scored] for m in metrics}
        tasks.append(Task(name, values, variety="egy"))
        rows[name] = [
            {"doc": {"item": i, field: right}, "filtered_resps": [text]}
            for i, text, right in samples
        ]
    write(folder, tasks)
    for name, changes in rows.items():
        path = samples_file(folder, name)
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        merged = [{**line, **change} for line, change in zip(lines, changes, strict=True)]
        path.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in merged), encoding="utf-8"
        )
    return folder


def found_in(folder: Path) -> dict[str, Attribution]:
    return {one.metric: one for one in attribute(load_evaluation(folder))}


def rule(one: Attribution, name: str) -> Rule:
    return next(found for found in one.rules if found.name.startswith(name))


def test_reading_by_hand(tmp_path: Path) -> None:
    found = found_in(run_of(tmp_path, READING))
    f1, exact = found["f1"], found["exact_match"]
    # As written: one of two words, nothing, nothing, all, nothing.
    assert (f1.plain, exact.plain) == (pytest.approx(0.3), pytest.approx(0.2))
    assert (f1.items, f1.answers) == (4, 5)
    for name, points, exact_points in (
        ("alif:", 0.1, 0.2), ("ta_marbuta", 0.2, 0.2), ("digits", 0.2, 0.2),
        ("hamza", 0, 0), ("diacritics", 0, 0), (TOGETHER, 0.5, 0.6),
    ):  # fmt: skip
        assert rule(f1, name).gain == pytest.approx(points), name
        assert rule(exact, name).gain == pytest.approx(exact_points), name
    assert f1.reported == pytest.approx(0.8)
    assert (rule(f1, "digits").better, rule(f1, "digits").worse) == (1, 0)
    together = rule(f1, TOGETHER)
    assert together.value == pytest.approx(0.8)
    assert all(map(math.isnan, (together.low, together.high)))  # four items
    twice = [*READING, *((f"{item} again", text, right) for item, text, right in READING)]
    more = rule(found_in(run_of(tmp_path / "twice", twice))["f1"], TOGETHER)
    assert more.gain == pytest.approx(0.5)
    assert more.low < 0.5 < more.high
    still = rule(f1, "hamza")
    assert (still.gain, still.low, still.high) == (0, 0, 0)


def test_translation_is_sacrebleu_of_changed_texts(tmp_path: Path) -> None:
    found = found_in(run_of(tmp_path, translation=TRANSLATION))
    answers, references = [row[1] for row in TRANSLATION], [row[2] for row in TRANSLATION]
    shorter = [text.replace("ـ", "") for text in answers]
    bare = [[text.replace("،", "") for text in texts] for texts in (answers, references)]
    for name, metric in (("bleu", BLEU(tokenize="intl")), ("chrf++", CHRF(word_order=2))):
        plain = metric.corpus_score(answers, [references]).score
        if name == "bleu":  # the comma is no ASCII punctuation: chrF++ of sacreBLEU keeps it
            assert found[name].plain == pytest.approx(plain)
            without = metric.corpus_score(shorter, [references]).score
            assert rule(found[name], "tatweel").gain == pytest.approx(without - plain)
        both = metric.corpus_score(bare[0], [bare[1]]).score
        assert rule(found[name], "punctuation").value == pytest.approx(both)
        assert rule(found[name], TOGETHER).value == pytest.approx(100)
        assert found[name].reported == found[name].plain


def test_a_rule_can_cost_points(tmp_path: Path) -> None:
    # Without marks two different answers have more words in common than with them: not so here,
    # where punctuation alone was in common.
    found = found_in(run_of(tmp_path, [("p1", "! لا", ["! نعم"]), ("p2", "نعم", ["نعم"])]))
    punctuation = rule(found["f1"], "punctuation")
    assert punctuation.gain == pytest.approx(-0.25)
    assert (punctuation.better, punctuation.worse) == (0, 1)


def test_the_rules_are_those_of_the_preset() -> None:
    options = [key for key in presets()[PRESET] if key != "description"]
    assert [name.split(":")[0] for name in rules()] == [*options, TOGETHER]
    for name in ("alif", "hamza", "alif_maqsura", "ta_marbuta", "diacritics", "tatweel", "digits",
                 "punctuation"):  # fmt: skip
        assert name in options


def test_interval_of_a_gain_is_paired(tmp_path: Path) -> None:
    # Forty answers of which every second gains all: 0.5, error 0.5 / sqrt(39) in both directions.
    samples = [(str(i), "١" if i % 2 else "البيت", ["1" if i % 2 else "البيت"]) for i in range(40)]
    digits = rule(found_in(run_of(tmp_path, samples))["f1"], "digits")
    error = 0.5 / math.sqrt(39)
    assert digits.gain == pytest.approx(0.5)
    assert digits.high - digits.low == pytest.approx(2 * 2.02 * error, rel=0.1)


def test_answers_that_are_not_those_of_the_run_are_refused(tmp_path: Path) -> None:
    path = samples_file(run_of(tmp_path, READING), "arabench_rc_egy")
    path.write_text(path.read_text(encoding="utf-8").replace("لا أدري", "القاهرة"), "utf-8")
    with pytest.raises(DataError, match=r"f1 of the logged answers is 1 and the run says 0\.8"):
        attribute(load_evaluation(tmp_path))


def test_answers_that_were_not_scored_do_not_count(tmp_path: Path) -> None:
    path = samples_file(run_of(tmp_path, READING), "arabench_rc_egy")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[4] |= {name: {"item": "p4", "sums": [0.0, 0.0]} for name in ("f1", "exact_match")}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = found_in(tmp_path)["f1"]
    assert (found.answers, found.plain) == (4, pytest.approx(1.5 / 4))


def test_runs_without_answers_are_refused(tmp_path: Path) -> None:
    write(tmp_path, [Task("arabench_lm_egy", {"bits_per_char": [("a", (3, 1)), ("b", (2, 1))]})])
    with pytest.raises(UsageError, match="holds no answers to score again"):
        attribute(load_evaluation(tmp_path))


def test_answers_none_of_which_was_scored_are_the_reason(tmp_path: Path) -> None:
    path = samples_file(run_of(tmp_path, READING), "arabench_rc_egy")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        for name in ("f1", "exact_match"):
            row[name]["sums"] = [0.0, 0.0]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    says = "no answer of arabench_rc_egy was scored, because all of them are thinking that does not"
    with pytest.raises(UsageError, match=says):
        attribute(load_evaluation(tmp_path))


def test_markdown_says_plain_first_and_what_does_not_move(tmp_path: Path) -> None:
    text = markdown("m|x", attribute(load_evaluation(run_of(tmp_path, READING))))
    assert text.startswith("**m&#124;x**")
    assert "arabench_rc_egy, f1: 0.3 [" in text
    assert text.index("as written") < text.index("| digits: latin | 0.5 | +0.2 |")
    idle = "rules move no item of any metric: presentation_forms: expand; zero_width: strip;"
    assert text.count(idle) == 1
    assert "No item of" not in text  # what moves F1 here moves exact match too
    both = run_of(tmp_path / "both", READING, TRANSLATION)
    text = markdown("m", attribute(load_evaluation(both)))
    assert text.count("rules move no item of any metric: ") == 1
    assert re.search(r"No item of (bleu|f1) moves under \S+: \S+", text)
    assert all(line.count("|") == 6 for line in text.splitlines() if line.startswith("| "))


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_of(tmp_path / "run", READING, TRANSLATION)
    assert main(["report", "--orthography", str(folder)]) == 0
    assert "| ta_marbuta: to_ha | 0.5 | +0.2 |" in capsys.readouterr().out
    target = tmp_path / "spelling.json"
    assert (
        main(["report", "--orthography", str(folder), "--format", "json", "-o", str(target)]) == 0
    )
    records = json.loads(target.read_text(encoding="utf-8"))
    assert [record["metric"] for record in records] == ["f1", "exact_match", "bleu", "chrf++"]
    assert records[0]["plain"] == pytest.approx(0.3)
    assert main(["report", str(folder)]) == 0
    assert "| EGY | " in capsys.readouterr().out
    assert main(["report", str(folder), "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {(r["metric"], r["unit"], r["items"], r["few_items"]) for r in records} >= {
        ("f1", "0-1", 4, True), ("bleu", "0-100", 3, True)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such"], "does not exist"),
        ([], "the following arguments are required: RUN"),
        (["--orthography", "RUN", "-o", "."], "is a folder. Name a file in it."),
    ],
)
def test_wrong_use_ends_in_one_message(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of(tmp_path / "run", READING)
    assert main(["report", *(str(folder) if a == "RUN" else a for a in arguments)]) == 2
    assert message in capsys.readouterr().err
