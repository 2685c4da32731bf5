"""`arabench eval` as a person meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from arabench.cli.main import main

for package in ("torch", "lm_eval", "peft"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

Captured = pytest.CaptureFixture[str]


def test_a_whole_run(tiny_base: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "arabench.cli", "eval", "--model", str(tiny_base),
        "--tasks", "arabench_lm_egy, arabench_lm_msa", "--limit", "2", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "EGY" in done.stdout
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "summary.md").read_text(encoding="utf-8") == done.stdout
    assert list((tmp_path / "out" / "base").glob("results_*.json"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--metadata", "{"], "--metadata is no JSON"),
        (["--metadata", "[1]"], "--metadata must be a JSON object"),
        (["--metadata", '{"arabench_dta": "x"}'], "Did you mean 'arabench_data'"),
        (["--metadata", '{"arabench_data": "/nowhere"}'], "/nowhere"),
        (["--limit", "0"], "--limit is 0; allowed is 1 or more"),
        (["--batch-size", "-1"], "--batch-size is -1"),
        (["--adapter", "x"], "is not NAME=DIR"),
        (["--adapter", "x="], "is not NAME=DIR"),
        (["--adapter", "x=a", "--adapter", "x=b"], "names 'x' twice"),
        (["--tasks", " , "], "no task given"),
        (["--tasks", "arabench_lm_egi"], "Did you mean 'arabench_lm_egy'"),
        (["--bits", "5"], "invalid choice"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], expected: str, tiny_base: Path, tmp_path: Path, capsys: Captured
) -> None:
    fixed = ["--model", str(tiny_base), "--tasks", "arabench_lm_egy", "-o", str(tmp_path / "out")]
    assert main(["eval", *fixed, *arguments]) in {1, 2}
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert err.count("error:") == 1
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("results*"))
