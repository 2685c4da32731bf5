"""A corpus step is one new file and one line of the table."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from arabench.corpus import steps
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.run import run_files
from arabench.corpus.step import Processed, Row, Step


class BackwardsStep(Step):
    """Turns every text round; rows without text are dropped."""

    parallel = True

    @property
    def signature(self) -> str:
        return "backwards:1"

    def __call__(self, rows: list[Row]) -> Processed:
        done = Processed([])
        for row in rows:
            text = row[self.text_field]
            if not text:
                done.dropped.append((row, "no text"))
                continue
            row[self.text_field] = text[::-1]
            done.changed += row[self.text_field] != text
            done.rows.append(row)
        return done


def test_a_step_runs_from_file_to_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The new file, and its line in the table.
    file = ModuleType(f"{steps.__name__}.backwards")
    monkeypatch.setattr(file, "BackwardsStep", BackwardsStep, raising=False)
    monkeypatch.setitem(sys.modules, file.__name__, file)
    monkeypatch.setitem(steps._PLACES, "BackwardsStep", "backwards")
    step = steps.BackwardsStep()
    source = tmp_path / "in.jsonl"
    source.write_text('{"text":"abc","n":1}\n{"text":""}\n{"text":"aa"}\n', encoding="utf-8")
    summary = run_files([str(source)], str(tmp_path / "out.csv"), step, IoOptions())
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines() == [
        "text,n",
        "cba,1",
        "aa,",
    ]
    assert "no text" in (tmp_path / "out.csv.dropped.jsonl").read_text(encoding="utf-8")
    assert summary.changed == 1  # "aa" reads the same either way
