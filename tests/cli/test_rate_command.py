"""`arabench rate` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arabench.cli.main import main
from tests.evaluation.rating.support import RUNS, fill, prefers, runs_on_disk

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the results of two runs, of which three answers are equal."""
    monkeypatch.chdir(tmp_path)
    runs_on_disk(tmp_path / "results", same=3)
    return tmp_path


def export(*arguments: str) -> int:
    return main(["rate", "export", *(f"results/{run}" for run in RUNS), "-o", "rating", *arguments])


def test_there_and_back(here: Path, capsys: Captured) -> None:
    assert export("-n", "6") == 0
    assert sorted(path.name for path in Path("rating").iterdir()) == [
        "key.json",
        "sheet.csv",
        "sheet.html",
    ]
    assert "6 items of 1 task in rating: give raters sheet.html" in capsys.readouterr().err
    sheets = [str(fill(Path("rating"), name, prefers(RUNS[1]))) for name in ("منى", "سامي")]
    assert main(["rate", "import", "rating", *sheets]) == 0
    out = capsys.readouterr().out
    assert f"| {RUNS[0]} better | tie | {RUNS[1]} better | win rate of {RUNS[1]} [95 %] |" in out
    assert "| egy | 6 | 12 | 0 | 0 | 12 | 1.000 [" in out
    assert "منى 6, سامي 6" in out
    assert "Of 10 documents 3 had equal answers" in out


def test_runs_under_other_names(here: Path) -> None:
    places = [f"one=results/{RUNS[0]}", f"two=results/{RUNS[1]}"]
    assert main(["rate", "export", *places, "-n", "4", "-o", "rating"]) == 0
    assert json.loads(Path("rating/key.json").read_text("utf-8"))["runs"] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "50"], "-n 50 is not possible: 7 documents have answers that differ"),
        (["-n", "1"], "Use 2 to 7"),
        (["--tasks", "arabench_lm_egy"], "scores likelihoods"),
        (["-o", "results"], "exists already"),
    ],
)
def test_refusals_of_export(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    assert export(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not Path("rating").exists()


def test_refusals_of_import(here: Path, capsys: Captured) -> None:
    assert export("-n", "4") == 0
    assert main(["rate", "import", "rating", "rating/sheet.csv"]) == 1
    assert "holds no choice" in capsys.readouterr().err
    assert main(["rate", "import", "results", "rating/sheet.csv"]) == 2
    assert "has no key.json" in capsys.readouterr().err
    assert main(["rate", "export", "results", "results", "-o", "more"]) == 2
    assert "hold results of 4 models" in capsys.readouterr().err
