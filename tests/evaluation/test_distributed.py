"""Several processes that divide the documents say together what one would say alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.evaluation.harness.run_record import RunRecord, gather  # noqa: E402
from tests.evaluation import distributed_run  # noqa: E402
from tests.evaluation.families import build  # noqa: E402
from tests.evaluation.under_lm_eval import LM, hf, under_lm_eval  # noqa: E402

READING = "arabench_rc_egy"


def in_two_processes(model: Path, output: Path, limit: int, tasks: list[str]) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
        "-m", distributed_run.__name__, str(model), str(output), str(limit), *tasks,
    ]  # fmt: skip
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def test_notes_count_the_requests_of_all_processes(tmp_path: Path) -> None:
    model = build("llama-unknown-letters", tmp_path / "model")
    tasks, limit = [LM, READING], 5  # an odd number: the processes have unequal shares
    divided = in_two_processes(model, tmp_path / "out.json", limit, tasks)
    assert divided["processes"] == 2
    alone = under_lm_eval(
        hf(model, max_length=1024), tasks, limit=limit, gen_kwargs={"max_gen_toks": 319}
    )
    for task in tasks:
        assert divided["runs"][task] == alone["configs"][task]["metadata"]["arabench_run"]
        assert len(divided["runs"][task]["notes"]) == 1
    # 705 tokens are left for prompts of 699 to 736: all that the second process has are cut.
    assert divided["runs"][READING]["notes"][0].startswith("4 of 5 prompts are longer")
    key = "bits_per_char,none"
    assert divided["results"][LM][key] == pytest.approx(alone["results"][LM][key], rel=1e-6)


def test_records_add_up_to_that_of_the_whole() -> None:
    first = RunRecord({}, requests=2, asked=0, tokens=5, unread_characters=1)
    second = RunRecord({"dtype": "float32"}, requests=1, asked=1, cut=1, only_thinking=0)
    assert RunRecord.total([first, second]) == RunRecord(
        {"dtype": "float32"}, requests=3, asked=1, tokens=5, unread_characters=1, cut=1,
        only_thinking=0,
    )  # fmt: skip
    assert RunRecord.total([first, first]).only_thinking is None
    assert gather(first, 1) is first
