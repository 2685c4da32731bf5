"""Results of one model whose tasks were measured apart, put together as if by one run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError
from arabench.evaluation.harness.assemble import Selection, outcome_of, task_results
from arabench.evaluation.harness.evaluator import Tasks
from arabench.evaluation.harness.output import write_results_file
from arabench.evaluation.runner import identity
from arabench.evaluation.runner.results import samples_file
from arabench.files.atomic import atomic_writer
from arabench.files.records import read_json_object

#: Put behind the batches of an identity.
APART: Final = ", tasks apart"
#: What of `arabench` in the results is by task.
_BY_TASK: Final = ("data_sha256", "answers", "probe_c")


def merge_parts(
    parts: Mapping[str, Path], folder: Path, manager: Tasks, selection: Selection
) -> Path:
    """Write the results of a model out of those of its tasks; returns the folder.

    Args:
        parts: task -> folder with the results of a run of that task alone; of all that are
            selected.
        folder: of the model; made.
        manager: that knows the groups.
        selection: what was asked for.

    Raises:
        DataError: the parts were measured by different models, data or packages.
    """
    stamp = datetime.now().isoformat().replace(":", "-")
    outcomes: dict[str, dict[str, Any]] = {}
    ours: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for task in selection.tasks:
        part = parts[task]
        (file,) = part.glob("results*.json")
        found = read_json_object(file)
        outcomes[task] = outcome_of(found, task)
        facts = found["arabench"]
        _check_same(ours.get("identity"), facts["identity"], task)
        for name in _BY_TASK:
            if name in facts:
                ours.setdefault(name, {}).update(facts[name])
        ours = {**facts, **{name: ours[name] for name in _BY_TASK if name in ours}}
        whole = {**found, **whole}
        with atomic_writer(str(folder / f"samples_{task}_{stamp}.jsonl")) as stream:
            stream.write(samples_file(file, task).read_bytes())
    flat = {**ours["identity"], "tasks": ",".join(selection.tasks)}
    # What two tasks ask was asked twice, each time beside other requests.
    flat["batch"] += APART
    ours |= {"identity": flat, "signature": identity.signature(flat)}
    results = {**whole, **task_results(manager, selection, outcomes), "arabench": ours}
    return write_results_file(folder, results, stamp)


def _check_same(before: Mapping[str, str] | None, now: Mapping[str, str], task: str) -> None:
    """Refuse parts that differ in more than their task.

    Raises:
        DataError: names what differs.
    """
    if before is None:
        return
    for name in {**before, **now}:
        if name != "tasks" and before.get(name) != now.get(name):
            raise DataError(
                f"task {task!r} was measured under another {name} ({now.get(name)}) than the tasks "
                f"before it ({before.get(name)}): the machines differ, or files changed meanwhile. "
                "Make them the same and run again."
            )
