"""Tasks of `arabench eval` on a Ray cluster: each worker loads the model and measures one task.

Files come back through Ray, so that workers need not see the output folder; model, adapters and
data must be where the command names them on every node. What a worker sends is kept below the
output at once: the same command goes on with the tasks that are missing.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from arabench.engines.ray_cluster import connected
from arabench.errors import ArabenchError, UsageError, require_extra
from arabench.evaluation.harness.assemble import select_tasks
from arabench.evaluation.harness.run import task_manager
from arabench.evaluation.runner import Request, UnfinishedError, evaluate
from arabench.evaluation.runner.measuring import failures_in_words
from arabench.evaluation.runner.merging import merge_parts
from arabench.evaluation.runner.request import BASE, check_choices, check_names
from arabench.files.atomic import atomic_writer

#: Below the output: a folder a task.
PARTS: Final = ".arabench-ray"
_DONE: Final = "done"


@dataclasses.dataclass(frozen=True)
class _Part:
    """What a worker sends back: path below its output -> bytes, or why there are none."""

    files: dict[str, bytes]
    error: str = ""


def evaluate_with_ray(
    request: Request, address: str | None, say: Callable[[str], None]
) -> dict[str, Path]:
    """As `evaluate`, with every task on a worker of its own; returns name -> folder.

    Args:
        request: what to evaluate; `threads` are those of a worker, 1 where none are named.
        address: host:port of a running Ray, or `auto` for one on this machine; None starts one.
        say: takes messages.

    Raises:
        UsageError: wrong names, an output that holds results, or no Ray there.
        UnfinishedError: some tasks failed; the others have results.
    """
    require_extra("ray", "ray")
    check_choices(request)
    manager = task_manager(request.metadata)
    check_names(request, manager.all_tasks)
    request = dataclasses.replace(request, threads=request.threads or 1)
    selection = select_tasks(manager, request.tasks)
    output = Path(request.output)
    names = [BASE, *request.adapters]
    for name in names:
        if any((output / name).glob("results*.json")):
            raise UsageError(
                f"output {str(output)!r} holds results of {name!r}, and --ray does not add to "
                "them. Choose another folder."
            )
    mark = _mark(request)
    folders = {task: output / PARTS / task for task in selection.tasks}
    left = [task for task in selection.tasks if not _is_done(folders[task], mark)]
    if len(left) < len(folders):
        say(f"goes on: {len(folders) - len(left)} of {len(folders)} tasks are done")
    failed = _measure(request, left, folders, address, say) if left else {}
    if failed:
        raise UnfinishedError(failures_in_words(failed, len(folders), output / PARTS), {})
    found = {}
    for name in names:
        parts = {task: folder / name for task, folder in folders.items()}
        found[name] = merge_parts(parts, output / name, manager, selection)
    shutil.rmtree(output / PARTS)
    return found


def _mark(request: Request) -> bytes:
    """What a finished part is of: the request without its tasks and its output."""
    asked = dataclasses.asdict(dataclasses.replace(request, tasks=[], output=""))
    return json.dumps(asked, sort_keys=True, default=str).encode("utf-8")


def _is_done(folder: Path, mark: bytes) -> bool:
    """Whether a task is done.

    Raises:
        UsageError: it is, of another request.
    """
    file = folder / _DONE
    if not file.exists():
        return False
    if file.read_bytes() != mark:
        raise UsageError(
            f"{str(folder)!r} holds a task of a run of something else. Choose another output, or "
            "remove this one."
        )
    return True


def _measure(
    request: Request,
    tasks: list[str],
    folders: dict[str, Path],
    address: str | None,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Measure tasks on workers; returns failed task -> why."""
    failed: dict[str, str] = {}
    with connected(address) as ray:
        gpus = int(request.device != "cpu" and ray.cluster_resources().get("GPU", 0) > 0)
        call = ray.remote(num_cpus=request.threads, num_gpus=gpus)(_measure_one)
        running = {
            call.remote(dataclasses.replace(request, tasks=[task], output="")): task
            for task in tasks
        }
        waiting = list(running)
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1)
            task = running[ready[0]]
            try:
                part: _Part = ray.get(ready[0])
            except ray.exceptions.RayError as error:  # a worker that was killed, or ran out
                last = str(error).strip().splitlines()[-1][:300]
                part = _Part({}, f"Ray lost it: {type(error).__name__}: {last}")
            if part.error:
                failed[task] = part.error
                continue
            for name, content in {**part.files, _DONE: _mark(request)}.items():
                path = folders[task] / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with atomic_writer(str(path)) as stream:
                    stream.write(content)
            say(f"{task}: done")
    return failed


def _measure_one(request: Request) -> _Part:
    """In a worker: measure a task, and hand over the files."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folders = evaluate(dataclasses.replace(request, output=scratch), _silent)
        except ArabenchError as error:
            return _Part({}, str(error))
        files = [path for folder in folders.values() for path in folder.iterdir()]
        return _Part({str(path.relative_to(scratch)): path.read_bytes() for path in files})


def _silent(message: str) -> None:
    """Say nothing: notes are in the results."""
