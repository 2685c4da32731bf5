"""`arabench gate` as a CI job meets it: statuses, reports, refusals, what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest

from arabench.cli.main import main
from tests.corpus.support import command, start
from tests.gate.synthetic import STAMP, Task, lm_task, pair_of_bits, samples_file, write

CHARS, BITS, EQUAL = pair_of_bits(120, 0.0, seed=1, noise=0.01)
TASK = "arabench_lm_egy"
Captured = pytest.CaptureFixture[str]


def egy(ratio: float = 0.0, **changes: Any) -> Task:
    return replace(lm_task("egy", EQUAL * (1 + ratio), CHARS), **changes)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a baseline, a better and a worse candidate."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "base", [lm_task("egy", BITS, CHARS)], model="the base")
    write(tmp_path / "better", [egy(-0.05)], model="better")
    write(tmp_path / "worse", [egy(0.1)], model="worse")
    return tmp_path


def refusal(capsys: Captured, *arguments: str) -> str:
    """The one message of a refused call."""
    assert main(["gate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("arabench: error:") == 1, err
    return err


# --- in its own process --------------------------------------------------------------------------


def test_statuses(here: Path) -> None:
    for candidate, status, word in (("better", 0, "PASS"), ("worse", 1, "STOP")):
        code, out, err = command("gate", "base", candidate)
        assert code == status
        assert out.decode("utf-8").startswith(f"# Gate: {word}\n")
        assert err == f"arabench: gate: {word} ({1 - status} of 1 deciding rows pass)\n"
    code, out, err = command("gate", "base", "none")
    assert (code, out) == (2, b"")
    assert err.startswith("arabench: error: no decision: evaluation 'none' does not exist")
    assert "Traceback" not in err


def test_heavy_libraries_are_not_imported(here: Path) -> None:
    heavy = ["torch", "lm_eval", "transformers", "peft", "datasets", "pandas", "matplotlib"]
    program = (
        "import sys; from arabench.cli.main import main; code = main(sys.argv[1:]); "
        f"sys.exit(str([n for n in {heavy} if n in sys.modules]) if code == 0 else 'failed')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "gate", "base", "better", "--quiet"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"


def test_decision_stands_when_nobody_reads_the_report(here: Path) -> None:
    for candidate, status in (("better", 0), ("worse", 1)):
        read, written = os.pipe()
        os.close(read)
        process = start("gate", "base", candidate, stdout=written)
        os.close(written)
        _, err = process.communicate(timeout=30)
        assert process.returncode == status
        assert b"Broken" not in err
        assert b"Traceback" not in err


def test_names_outside_the_locale(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "arabic", [egy(-0.05)], model="نموذج\ud800")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    code, out, err = command("gate", "base", "arabic", "--markdown", "gate.md")
    assert (code, "Traceback" in err) == (0, False)
    assert "نموذج" in out.decode("utf-8")


# --- reports and options -------------------------------------------------------------------------


def test_reports(here: Path, capsys: Captured) -> None:
    arguments = ["base", "worse", "--markdown", "out/gate.md", "--junit", "out/gate.xml"]
    assert main(["gate", *arguments]) == 1
    out, _ = capsys.readouterr()
    assert (here / "out/gate.md").read_text(encoding="utf-8") == out
    suite = parse(here / "out/gate.xml").getroot()[0]  # noqa: S314
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert {file.name for file in (here / "out").iterdir()} == {"gate.md", "gate.xml"}


def test_quiet(here: Path, capsys: Captured) -> None:
    assert main(["gate", "base", "better", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "PASS (1 of 1 deciding rows pass)" in err


def test_failed_report_is_no_decision_and_replaces_the_old_ones(
    here: Path, capsys: Captured
) -> None:
    (here / "gate.md").mkdir()
    (here / "gate.xml").write_text("old")
    message = refusal(capsys, "base", "worse", "--markdown", "gate.md", "--junit", "gate.xml")
    assert "cannot write 'gate.md'" in message
    case = parse(here / "gate.xml").getroot()[0][0]  # noqa: S314
    assert case[0].tag == "error"
    assert "cannot write" in str(case[0].text)
    assert not [file for file in here.iterdir() if "partial" in file.name]


def test_a_refusal_replaces_the_reports_of_an_earlier_pass(here: Path, capsys: Captured) -> None:
    reports = ["--markdown", "gate.md", "--junit", "gate.xml"]
    assert main(["gate", "base", "better", "--quiet", *reports]) == 0
    capsys.readouterr()
    assert "PASS" in (here / "gate.md").read_text(encoding="utf-8")
    refusal(capsys, "base", "base", *reports)
    assert (here / "gate.md").read_text(encoding="utf-8").startswith("# Gate: no decision")
    assert parse(here / "gate.xml").getroot()[0].get("errors") == "1"  # noqa: S314


def test_one_file_for_both_reports_is_refused_under_any_spelling(
    here: Path, capsys: Captured
) -> None:
    message = refusal(capsys, "base", "better", "--markdown", "./r", "--junit", "r")
    assert "Name two files" in message


def test_reports_replace_old_ones_whole(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "gate.md").write_text("old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
    assert main(["gate", "base", "better", "--markdown", "gate.md"]) == 2
    assert (here / "gate.md").read_text() == "old"


def test_two_reports_need_two_files(here: Path, capsys: Captured) -> None:
    assert "both name 'x'" in refusal(capsys, "base", "better", "--markdown", "x", "--junit", "x")


def test_options_reach_the_policy(here: Path) -> None:
    assert main(["gate", "base", "worse", "--margin", "egy=0.2"]) == 0
    assert main(["gate", "base", "better", "--improve", "egy"]) == 0
    assert main(["gate", "base", "worse", "--improve", "egy"]) == 1
    assert main(["gate", "base", "worse", "--varieties", "egy"]) == 1
    (here / "gate.yaml").write_text("rules: {bits_per_char: {margin: 0.3}}")
    assert main(["gate", "base", "worse", "--policy", "gate.yaml"]) == 0


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [("--margin", "egy", "is not VARIETY=SHARE"), ("--margin", "egy=x", "is not VARIETY=SHARE"),
     ("--margin", "egy=nan", "finite"), ("--margin", "egy=inf", "finite"),
     ("--margin", "egy=-1", "finite"), ("--margin", "xyz=0.1", "unknown variety 'xyz'"),
     ("--margin", "egy=5", "a margin is a share, less than 1; for 5 % write 0.05"),
     ("--margin", "egy=1e200", "a margin is a share"),
     ("--improve", "egi", "Did you mean 'egy'"), ("--improve", "lev", "Run arabench_lm_lev"),
     ("--varieties", "", "unknown variety ''"), ("--varieties", "msa", "no row decides"),
     ("--varieties", "egy,msa", "lets 'msa' decide"),
     ("--policy", "none.yaml", "'none.yaml' does not exist.")],
)  # fmt: skip
def test_wrong_options(here: Path, capsys: Captured, option: str, value: str, says: str) -> None:
    assert says in refusal(capsys, "base", "better", option, value)


def test_options_that_contradict_each_other(here: Path, capsys: Captured) -> None:
    twice = refusal(capsys, "base", "better", "--margin", "egy=0.05", "--margin", "egy=0.5")
    assert "--margin names 'egy' twice, with 0.05 and with 0.5. Give it once." in twice
    both = refusal(capsys, "base", "better", "--margin", "egy=0.2", "--improve", "egy")
    assert "'egy' is in `improve`" in both


def test_rules_of_a_file_are_laid_over_the_default_ones(here: Path) -> None:
    lost = [
        Task("mmlu", {"acc": [(f"{i}", (float(i < right), 1.0)) for i in range(50)]})
        for right in (40, 4)
    ]
    write(here / "left", [lm_task("egy", BITS, CHARS), lost[0]])
    write(here / "right", [egy(-0.05), lost[1]])
    for rules, status in (
        ("bits_per_char: {margin: 0.3}", 1),
        ("bits_per_char: {margin: 0.3}, acc: null", 0),
        ("acc: {margin: 0.9, test: regression}", 0),
    ):
        (here / "gate.yaml").write_text(f"rules: {{{rules}}}")
        assert main(["gate", "left", "right", "--policy", "gate.yaml"]) == status


# --- undecided -----------------------------------------------------------------------------------


def limited(folder: Path, name: str, seed: int) -> Path:
    """Results as `arabench eval --limit 4` writes them: bits, and answers that are all wrong."""
    chars, bits, mine = pair_of_bits(4, 0.0, seed=3, noise=0.01)
    answers = {"f1": [(f"{i}", (0.0, 1.0)) for i in range(4)]}
    return write(
        folder / name,
        [
            lm_task("egy", mine * (1 + seed / 100) if seed else bits, chars),
            Task("arabench_rc_egy", answers, variety="egy"),
        ],
        model=name,
    )


def test_a_limited_run_is_undecided_on_either_side(here: Path, capsys: Captured) -> None:
    limited(here, "few", 0)
    limited(here, "few-mine", 1)
    for sides in (("few", "few-mine"), ("few-mine", "few")):
        assert main(["gate", *sides, "--markdown", "gate.md", "--junit", "gate.xml"]) == 3
        out, err = capsys.readouterr()
        assert out.startswith("# Gate: UNDECIDED\n")
        assert err == ("arabench: gate: UNDECIDED (0 of 2 deciding rows pass, 2 undecided)\n")
        assert out.count("undecided: 4 items, the policy asks for 10") == 2
        suite = parse(here / "gate.xml").getroot()[0]  # noqa: S314
        assert (suite.get("tests"), suite.get("failures")) == ("2", "2")


def test_enough_items_of_nothing_are_undecided(here: Path, capsys: Captured) -> None:
    nothing = Task("mmlu", {"acc": [(f"{i}", (0.0, 1.0)) for i in range(50)]})
    write(here / "left", [lm_task("egy", BITS, CHARS), nothing])
    write(here / "right", [egy(-0.05), nothing])
    assert main(["gate", "left", "right"]) == 3
    assert "acc of mmlu: 0 -> 0" in (out := capsys.readouterr().out)
    assert "undecided: 0 on both sides" in out
    (here / "gate.yaml").write_text("undecided: pass")
    assert main(["gate", "left", "right", "--policy", "gate.yaml", "--junit", "gate.xml"]) == 0
    assert "UNDECIDED" not in capsys.readouterr().out.splitlines()[0]
    suite = parse(here / "gate.xml").getroot()[0]  # noqa: S314
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")


def test_nothing_shown_at_all_is_undecided_whatever_the_policy_lets_pass(
    here: Path, capsys: Captured
) -> None:
    sides = [str(limited(here, name, seed)) for name, seed in (("left", 1), ("right", 2))]
    (here / "gate.yaml").write_text("undecided: pass")
    command = ["gate", *sides, "--policy", "gate.yaml", "--junit", "gate.xml"]
    assert main(command) == 3
    out, err = capsys.readouterr()
    assert "Undecided (which blocks, for no row passes):" in out
    assert err == "arabench: gate: UNDECIDED (0 of 2 deciding rows pass, 2 undecided)\n"
    suite = parse(here / "gate.xml").getroot()[0]  # noqa: S314
    assert (suite.get("failures"), suite.get("skipped")) == ("2", "0")


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ([egy(), lm_task("msa", BITS, CHARS)], "cover different tasks: 'arabench_lm_msa' is only"),
        ([egy(version=1.5)], "its task version is 1.0 in the baseline and 1.5 in the candidate"),
        ([egy(signatures={"bits_per_char": "other"})], "its metric signature is"),
        ([egy(shots=3)], "its settings is"),
        ([egy(generation={"max_gen_toks": 4})], "its settings is"),
        ([egy(config={"description": "Answer."})], "its settings is"),
        ([egy(row={"doc_hash": "other"})], "its data hash is"),
        ([egy(row={"prompt_hash": "other"})], "its data hash is"),
        ([lm_task("egy", BITS[:-1] * 2, CHARS[:-1])], "its number of samples is 120"),
        ([egy(variety="lev")], "its variety is egy in the baseline and lev"),
        ([egy(row={"bits_per_char": {"item": "x", "sums": [1, 2]}})], "the items differ"),
        ([lm_task("egy", BITS, CHARS)], "equal in every sample"),
        ([egy(row={"bits_per_char": None})], "must be 2 sums"),
        (
            [egy(row={"bits_per_char": {"item": "item-000", "sums": [10**400, 1]}})],
            "must be 2 sums",
        ),
        ([egy(row={"bits_per_char": {"item": "item-000", "sums": [float("nan"), 1]}})], "2 sums"),
        ([lm_task("egy", BITS * 0, CHARS)], "is 0, which no working model has"),
    ],
)
def test_evaluations_that_cannot_be_compared(
    here: Path, capsys: Captured, tasks: list[Task], says: str
) -> None:
    write(here / "other", tasks)
    assert says in refusal(capsys, "base", "other")


def test_metric_that_only_one_has(here: Path, capsys: Captured) -> None:
    signature = {"bits_per_byte": "x"}
    values = egy().values
    rows = [(item, (bits, 2 * chars)) for item, (bits, chars) in values["bits_per_char"]]
    both = Task(TASK, {**values, "bits_per_byte": rows}, variety="egy")
    write(here / "left", [both], configs={TASK: {"metadata": both.metadata()}})
    write(here / "right", [egy(signatures=signature)])
    assert "bits_per_byte must be 2 sums" in refusal(capsys, "left", "right")


@pytest.mark.parametrize(
    "content", [None, b"", b"x", b"[]", b"{}", b"[" * 100_000, b'{"configs": {"hellaswag": {}}}']
)
def test_results_that_are_none(here: Path, capsys: Captured, content: bytes | None) -> None:
    file = here / "better" / f"results_{STAMP}.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert "no decision: " in refusal(capsys, "base", "better")


@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage", "folder", "deep"])
def test_damaged_samples(here: Path, capsys: Captured, damage: str) -> None:
    file = samples_file(here / "better", TASK)
    content = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "missing":
        new = {"truncated": content[:-100], "garbage": os.urandom(999), "deep": b"[" * 100_000}
        file.write_bytes(new[damage])
    assert f"samples_{TASK}" in refusal(capsys, "base", "better").replace(
        "samples of task '", "samples_"
    )


def test_a_folder_of_two_runs_is_refused(here: Path, capsys: Captured) -> None:
    later = "2027-01-01T00-00-00.000000"
    write(here / "better", [egy(0.1)], stamp=later)
    assert "holds 2 runs" in refusal(capsys, "base", "better")
    assert main(["gate", "base", f"better/results_{later}.json"]) == 1


def test_lm_evals_own_subfolder(here: Path) -> None:
    write(here / "run" / "__model__", [egy(-0.05)])
    assert main(["gate", "base", "run"]) == 0
    content = json.loads((here / "run/__model__" / f"results_{STAMP}.json").read_text())
    assert set(content) >= {"results", "configs", "n-shot", "model_name"}
