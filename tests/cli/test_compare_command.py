"""`arabench compare` as a user meets it: outputs, refusals, what it imports."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from arabench.cli.main import main
from tests.corpus.support import command, start
from tests.gate.synthetic import Task, lm_task, pair_of_bits, write
from tests.pages.checker import parsed

CHARS, OURS, THEIRS = pair_of_bits(60, 0.1, seed=1)
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the results of a base and of two adapters."""
    monkeypatch.chdir(tmp_path)
    for name, bits in (("base", OURS), ("worse", THEIRS), ("better", OURS**2 / THEIRS)):
        answers = [(f"{n}", (float(n % 3 == 0), 1.0)) for n in range(30)]
        write(
            tmp_path / "results" / name,
            [lm_task("egy", bits, CHARS), Task("arabench_mmlu", {"acc": answers})],
            model=name,
        )
    return tmp_path


def refusal(capsys: Captured, *arguments: str) -> str:
    """The one message of a refused call."""
    assert main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("arabench: error:") == 1, err
    return err


def test_terminal_and_summary(here: Path) -> None:
    code, out, err = command("compare", "results")
    text = out.decode("utf-8")
    assert code == 0
    assert "better against base" in text
    assert "arabench_lm_egy" in text
    assert "corrected for 4 tests (Holm)" in " ".join(text.split())
    assert err.splitlines() == [
        "arabench: better against base: 1 better, 1 no difference shown",
        "arabench: worse against base: 1 worse, 1 no difference shown",
    ]


def test_every_output_by_its_suffix(here: Path, capsys: Captured) -> None:
    names = ["o/a.md", "o/a.tex", "o/a.csv", "o/a.json", "o/a.html"]
    options = [part for name in names for part in ("-o", name)]
    assert main(["compare", "results", *options, "--html", "o/b.html"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "written: o/a.md, o/a.tex, o/a.csv, o/a.json, o/a.html, o/b.html" in err
    assert (here / "o/a.md").read_text(encoding="utf-8").startswith("# Differences from base\n")
    assert "\\toprule" in (here / "o/a.tex").read_text(encoding="utf-8")
    with (here / "o/a.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 4
    assert len(json.loads((here / "o/a.json").read_text(encoding="utf-8"))["rows"]) == 4
    for name in ("o/a.html", "o/b.html"):
        assert parsed((here / name).read_text(encoding="utf-8")).all("article")
    assert len(list((here / "o").iterdir())) == 6


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json"])
def test_formats_of_standard_output(form: str, here: Path, capsys: Captured) -> None:
    name = {"markdown": "md", "latex": "tex"}.get(form, form)
    assert main(["compare", "results", "--format", form, "-o", f"a.{name}"]) == 0
    out, _ = capsys.readouterr()
    assert (here / f"a.{name}").read_bytes().decode("utf-8") == out
    assert main(["compare", "results", "--format", form]) == 0
    assert capsys.readouterr().out == out  # seeded: the same results give the same report


def test_names_base_and_choice(here: Path, capsys: Captured) -> None:
    arguments = ["better=results/better", "results/worse", "--against", "worse"]
    assert main(["compare", *arguments, "--metrics", "bits_per_char", "--format", "csv"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (row["base"], row["run"], row["found"]) == ("worse", "better", "better")
    assert main(["compare", "results", "--tasks", "arabench_mm*", "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["task"] for row in rows} == {"arabench_mmlu"}


def test_training_varieties_reach_the_matrix(here: Path) -> None:
    options = ["--trained", "better=egy", "--html", "a.html", "--samples", "0"]
    assert main(["compare", "results", *options]) == 0
    page = parsed((here / "a.html").read_text(encoding="utf-8"))
    cells = [one for one in page.all("td") if "own" in one.attributes.get("class", "").split()]
    assert len(cells) == 1
    assert not page.all("article")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["results/base"], "holds one model's results"),
     (["none"], "does not exist"),
     (["results", "--against", "wurse"], "Did you mean 'worse'"),
     (["results", "--tasks", "arabench_lm_eg"], "Did you mean 'arabench_lm_egy'"),
     (["results", "--metrics", ","], "names nothing"),
     (["results", "--trained", "egy"], "is not NAME=VARIETY"),
     (["results", "--trained", "worse=egy", "--trained", "worse=glf"], "twice"),
     (["results", "--samples", "-1"], "allowed is 0 or more"),
     (["results", "-o", "a.pdf"], "Allowed: .md"),
     (["results", "-o", "a.html", "--html", "./a.html"], "one file twice"),
     (["results", "-o", "a.md", "-o", "a.md"], "one file twice"),
     (["results", "--html", "results"], "is a folder"),
     (["results", "-o", "results/base/results_new.json"], "taken for results")],
)  # fmt: skip
def test_refusals(arguments: list[str], message: str, here: Path, capsys: Captured) -> None:
    assert message in refusal(capsys, *arguments)
    assert {file.name for file in here.iterdir()} == {"results"}


def test_strict_refuses_what_the_gate_refuses(here: Path, capsys: Captured) -> None:
    write(here / "other", [lm_task("egy", THEIRS, CHARS, version=1.5)], model="other")
    assert "--strict: other: task" in refusal(capsys, "results/base", "other", "--strict")


def test_an_old_report_stays_where_a_new_one_fails(here: Path, capsys: Captured) -> None:
    (here / "a.md").write_text("old", encoding="utf-8")
    refusal(capsys, "results/base", "results/none", "-o", "a.md")
    assert (here / "a.md").read_text(encoding="utf-8") == "old"


def test_names_outside_the_locale(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "arabic", [lm_task("egy", THEIRS, CHARS)], model="نموذج\ud800")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    code, out, err = command("compare", "results/base", "arabic", "--html", "a.html",
                             "--format", "markdown")  # fmt: skip
    assert (code, "Traceback" in err) == (0, False)
    assert "نموذج" in out.decode("utf-8")


def test_a_reader_that_leaves_is_no_error(here: Path) -> None:
    read, written = os.pipe()
    os.close(read)
    process = start("compare", "results", stdout=written)
    os.close(written)
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert b"Broken" not in err


def test_heavy_libraries_are_not_imported(here: Path) -> None:
    heavy = ["torch", "lm_eval", "transformers", "peft", "datasets", "pandas", "matplotlib"]
    program = (
        "import sys; from arabench.cli.main import main; code = main(sys.argv[1:]); "
        f"sys.exit(str([n for n in {heavy} if n in sys.modules]) if code == 0 else 'failed')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "compare", "results", "--html", "a.html"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"
