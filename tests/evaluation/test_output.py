"""Files of results are JSON that any parser reads."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="needs the extra arabench[eval]")

from arabench.evaluation.harness.output import strict, write_results_file
from arabench.evaluation.runner.results import load_evaluation
from tests.gate.synthetic import Task, write


def parsed(path: Path) -> Any:
    """As a parser that keeps to RFC 8259 reads it."""

    def refuse(word: str) -> None:
        raise ValueError(f"no JSON: {word}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    metrics = {"f1,none": math.nan, "f1_stderr,none": math.inf, "acc,none": 0.5, "alias": "نعم"}
    results = {"results": {"task": metrics}, "rows": [(-math.inf, 1), {"n": None, "yes": True}]}
    write_results_file(tmp_path, results, "2026-11-30T00-00-00")
    assert parsed(tmp_path / "results_2026-11-30T00-00-00.json") == {
        "results": {
            "task": {"f1,none": None, "f1_stderr,none": None, "acc,none": 0.5, "alias": "نعم"}
        },
        "rows": [[None, 1], {"n": None, "yes": True}],
    }
    assert math.isnan(metrics["f1,none"])  # type: ignore[arg-type]


def test_numbers_keep_every_digit() -> None:
    numbers = [0.1 + 0.2, 1e-300, -0.0, 3, True, "nan"]
    assert json.dumps(strict(numbers)) == json.dumps(numbers)


@pytest.mark.parametrize("nothing", ["NaN", "null"])
def test_readers_take_either(nothing: str, tmp_path: Path) -> None:
    """NaN stands in files of lm-eval's own command, and in those of earlier builds."""
    values = {"f1": [(str(i), (0, 0)) for i in range(6)]}
    write(tmp_path, [Task("arabench_rc_egy", values, variety="egy")])
    (file,) = tmp_path.glob("results*.json")
    text = json.loads(file.read_text(encoding="utf-8"))
    text["results"] = {"arabench_rc_egy": {"f1,none": "HERE"}}
    file.write_text(json.dumps(text).replace('"HERE"', nothing), encoding="utf-8")
    found = load_evaluation(file)
    assert len(found.tasks["arabench_rc_egy"].scores["f1"].items) == 6
