"""Tasks measured apart and put together are those of one run; on Ray too, where it is installed."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.errors import DataError, MissingExtraError, UsageError  # noqa: E402
from arabench.evaluation.harness.assemble import select_tasks  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, UnfinishedError, evaluate  # noqa: E402
from arabench.evaluation.runner.merging import APART, merge_parts  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402

#: No request is in two of them: an answer that one run knows would be computed anew apart, beside
#: other requests, which moves its last bits.
TASKS = ["arabench_lm", "arabench_mmlu_physics"]


def request(base: Path, output: Path, **changes: Any) -> Request:
    given = Request(
        str(base), {}, TASKS, str(output), {}, limit=3, dtype="float32", threads=1, device="cpu"
    )
    return dataclasses.replace(given, **changes)


def content(folder: Path) -> dict[str, Any]:
    """Numbers, configurations, identity and every byte of the samples."""
    (file,) = folder.glob("results_*.json")
    # lm-eval writes where in memory the functions of a task stand.
    text = re.sub(r" at 0x[0-9a-f]+", "", file.read_text(encoding="utf-8"))
    results = json.loads(text)
    del results["date"], results["arabench"]["signature"]
    identity = results["arabench"]["identity"]
    identity["batch"] = identity["batch"].removesuffix(APART)
    samples = sorted(folder.glob("samples_*.jsonl"))
    assert load_evaluation(folder).tasks
    results["samples"] = {one.name.partition("_2")[0]: one.read_bytes() for one in samples}
    return dict(results)


@pytest.fixture(scope="module")
def whole(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("whole")
    return content(evaluate(request(tiny_base, output), lambda text: None)["base"])


@pytest.fixture(scope="module")
def parts(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("parts")
    tasks = select_tasks(task_manager({}), TASKS).tasks
    return {
        task: evaluate(request(tiny_base, folder / task, tasks=[task]), lambda text: None)["base"]
        for task in tasks
    }


def test_parts_become_what_one_run_writes(
    parts: dict[str, Path], whole: dict[str, Any], tmp_path: Path
) -> None:
    manager = task_manager({})
    merged = merge_parts(parts, tmp_path / "base", manager, select_tasks(manager, TASKS))
    assert content(merged) == whole
    assert "windows of 256, tasks apart" in load_evaluation(merged).signature
    assert "arabench_lm" in whole["group_subtasks"]


def test_parts_of_different_runs_do_not_merge(
    parts: dict[str, Path], tiny_base: Path, tmp_path: Path
) -> None:
    other = request(tiny_base, tmp_path / "other", tasks=["arabench_mmlu_physics"], seed=7)
    mixed = {**parts, "arabench_mmlu_physics": evaluate(other, lambda text: None)["base"]}
    manager = task_manager({})
    with pytest.raises(DataError, match=r"measured under another seed \(7\)"):
        merge_parts(mixed, tmp_path / "base", manager, select_tasks(manager, TASKS))


def test_without_ray_it_says_what_to_install(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    from arabench.engines.ray_tasks import evaluate_with_ray

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="ray"):
        evaluate_with_ray(request(tiny_base, tmp_path), None, print)


def test_tasks_on_workers_are_those_of_one_run(
    tiny_base: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs the extra arabench[ray]")
    from arabench.engines.ray_tasks import PARTS, evaluate_with_ray

    said: list[str] = []
    first = request(tiny_base, tmp_path, metadata={"arabench_codes": ["egy", "msa"]})
    with pytest.raises(UnfinishedError, match="no text for 'glf'"):  # three dialects are missing
        evaluate_with_ray(first, None, said.append)
    assert (tmp_path / PARTS / "arabench_lm_egy" / "done").exists()
    with pytest.raises(UsageError, match="a run of something else"):
        evaluate_with_ray(request(tiny_base, tmp_path), None, said.append)
    output = tmp_path / "again"
    found = evaluate_with_ray(request(tiny_base, output), None, said.append)
    assert content(found["base"]) == whole
    assert not (output / PARTS).exists()
    with pytest.raises(UsageError, match="holds results of 'base'"):
        evaluate_with_ray(request(tiny_base, output), None, said.append)
