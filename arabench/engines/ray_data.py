"""Ray: a map over a Ray Dataset, and the files of `arabench normalize` as Ray tasks.

    from arabench.engines.ray_data import normalize_dataset

    clean = normalize_dataset(ray.data.read_parquet("in/"), options="llm")

`run_with_ray` gives every input file to one Ray task, which runs the local pipeline on it:
outputs, rejects files, counts and manifest are those of the local engine, the first two byte
for byte.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.corpus.formats.names import SUFFIXES, format_of, split_suffix
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs, Inputs, check_input, expand_inputs
from arabench.corpus.runs.output_names import plan_outputs, refuse_output_inside
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.steps.normalize import NormalizeStep
from arabench.engines.file_manifests import FileTask, finished_before, join_manifests
from arabench.engines.ray_cluster import connected
from arabench.engines.worker import as_options, engine_for, normalize_table
from arabench.errors import ArabenchError, DataError, UsageError, require_extra
from arabench.files.atomic import STDIO, is_device
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options

if TYPE_CHECKING:
    import pyarrow as pa
    import ray

#: Seconds that cancelled tasks get to remove their unfinished files.
_CANCEL_TIMEOUT_S: Final = 20.0


def normalize_dataset(
    dataset: ray.data.Dataset,
    *,
    options: Options | str = "llm",
    text_field: str = "text",
    concurrency: int | tuple[int, int] | None = None,
    batch_rows: int = 4096,
) -> ray.data.Dataset:
    """The Ray Dataset `dataset` with its column `text_field` normalized, lazily.

    Args:
        dataset: its other columns, and null, are kept.
        options: normalization options, or the name of a preset.
        text_field: column of the text.
        concurrency: actors, each with its own engine: a number or (least, most). None:
            as many as Ray finds useful, from one up to the CPUs of the cluster.
        batch_rows: rows given to the engine at once.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: unknown preset. No such column, or one that holds no text, is raised by
            Ray when the dataset is consumed, and so is a value that is not UTF-8.
    """
    require_extra("ray", "ray")
    import ray

    chosen = as_options(options)
    if concurrency is None:
        concurrency = (1, max(1, int(ray.cluster_resources().get("CPU", 1))))
    return dataset.map_batches(
        _ColumnMap,
        fn_constructor_args=(chosen, text_field),
        batch_format="pyarrow",
        batch_size=batch_rows,
        concurrency=concurrency,
        udf_modifying_row_count=False,
    )


class _ColumnMap:
    """The callable class of `map_batches`: Ray makes one in every actor."""

    def __init__(self, options: Options, text_field: str) -> None:
        self.engine = engine_for(options)
        self.text_field = text_field

    def __call__(self, table: pa.Table) -> pa.Table:
        return normalize_table(table, self.text_field, self.engine)


def run_with_ray(
    inputs: AnyInputs,
    output: str,
    normalizer: Normalizer,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
    *,
    address: str | None = None,
) -> Summary:
    """`normalize_files` with one Ray task per input file; outputs go to the folder `output`.

    All nodes must see inputs and output under the same names (a shared file system) and
    have this version of arabench installed. A task takes `io.workers` CPUs and the memory
    of a local run; a file is not split, so give Ray several. A task whose node dies is run
    again: its output has appeared under its name completely or not at all. With
    `io.journal="resume"` and manifests, a run that was killed goes on where it stopped, and
    one that is complete does nothing. Only one run may write to a folder at a time.

    Args:
        inputs: files, folders and patterns.
        output: a folder; gets one file per input, and rejects files beside them.
        normalizer: what to do with the text.
        io: how files are read and written.
        on_bytes: called with the size of every finished file, for progress.
        address: host:port of a running Ray, or "auto" to find one on this machine. None:
            the Ray this process is connected to, or one started here for the run.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: a path, format, field or address is wrong, or no node has enough CPUs.
        DataError: an input is empty or damaged, or a row is bad and `on_error="stop"`.
            Files that were finished before stay.
        ArabenchError: Ray lost a task for good.
    """
    require_extra("ray", "ray")
    io = io or IoOptions()
    found = expand_inputs(inputs, io.input_format)
    tasks = _plan(found, output, io)
    done = finished_before(output, tasks, normalizer.signature, io)
    sizes = {task: Path(task.source).stat().st_size for task in tasks}
    if isinstance(done, Summary):
        if on_bytes is not None:
            on_bytes(sum(sizes.values()))
        return dataclasses.replace(done, notes=found.notes)
    if on_bytes is not None:
        on_bytes(sum(sizes[task] for task in done))
    if left := [task for task in tasks if task not in done]:
        with connected(address) as ray:
            _check_cpus(ray, io.workers)
            call = ray.remote(num_cpus=io.workers)(_normalize_file)
            options, signature, place = normalizer.options, normalizer.signature, str(Path.cwd())
            running = {call.remote(task, options, signature, io, place): task for task in left}
            done |= _collect(ray, running, lambda task: on_bytes and on_bytes(sizes[task]))
    summary = merge_summaries([done[task] for task in tasks])
    summary.notes += found.notes
    if io.manifest != "none":
        summary.manifests = [join_manifests(output, tasks, io)]
    return summary


def merge_summaries(summaries: Sequence[Summary]) -> Summary:
    """The summary of several runs, as one run over all their inputs would give it."""
    whole = Summary()
    for part in summaries:
        for field in dataclasses.fields(Summary):
            total, value = getattr(whole, field.name), getattr(part, field.name)
            if isinstance(total, dict):
                for key, count in value.items():
                    total[key] = total.get(key, 0) + count
            else:
                setattr(whole, field.name, total + value)
    return whole


@dataclasses.dataclass(frozen=True)
class _Failure:
    """An `ArabenchError` on its way home: Ray would put the traceback into its message."""

    message: str
    exit_code: int

    def error(self) -> ArabenchError:
        return (UsageError if self.exit_code == UsageError.exit_code else DataError)(self.message)


def _normalize_file(
    task: FileTask, options: Options, signature: str, io: IoOptions, place: str
) -> Summary | _Failure:
    """The local pipeline on one file; runs in a Ray worker.

    `place` is the working directory of the driver, so that relative names mean the same
    file, and look the same in reports, as in a local run.
    """
    normalizer = Normalizer(options)
    try:
        if normalizer.signature != signature:
            raise UsageError(
                f"the Ray node {socket.gethostname()} would normalize by {normalizer.signature}, "
                f"this one by {signature}. Install the same arabench on all nodes."
            )
        with contextlib.ExitStack() as stack:
            if not (Path(task.source).is_absolute() and Path(task.target).is_absolute()):
                try:
                    stack.enter_context(contextlib.chdir(place))
                except OSError as error:
                    raise UsageError(
                        f"the Ray node {socket.gethostname()} cannot open {place!r}: "
                        f"{error.strerror}. Use absolute paths on a shared file system."
                    ) from error
            step = NormalizeStep(normalizer, io.text_field)
            step.engine = engine_for(options)  # compiled code serves every file of this worker
            # As a file of its own, each output has its side files and manifest beside it, and
            # no two tasks write the same file.
            if io.output_format is None and split_suffix(task.target)[0] not in SUFFIXES:
                own_format = format_of(task.source, io.input_format)
                io = dataclasses.replace(io, output_format=own_format)
            return run_files([task.source], task.target, step, io)
    except ArabenchError as error:
        return _Failure(str(error), error.exit_code)


def _plan(found: Inputs, output: str, io: IoOptions) -> list[FileTask]:
    """One task per input.

    Refuses before any work starts what the local engine would refuse, and what only that
    one can do: pipes, shards, one output for all, folders of the library datasets.
    """
    for path in (file.path for file in found.files):
        if path == STDIO:
            raise UsageError("standard input cannot be read by Ray workers. Name files.")
        check_input(path)
        if is_device(path):
            raise UsageError(f"{path!r} is a pipe or device. Ray workers read files: name files.")
        if "datasets" in (format_of(path, io.input_format), io.output_format):
            raise UsageError(
                "with Ray no folders of the library datasets are read or written. Leave out "
                "--engine ray, or use arabench.engines.hf_datasets."
            )
    if io.shard_bytes is not None:
        raise UsageError("with Ray every input becomes one output. Leave out --shard-size.")
    refuse_output_inside(found.folders, output)
    plan = plan_outputs(found.files, output, io.output_format)
    if any(planned.path == output for planned in plan):
        raise UsageError(
            f"with Ray every input becomes a file of its own, and {output!r} is one file. "
            "Name a folder, ending in '/'."
        )
    return [FileTask(planned.sources[0], planned.path) for planned in plan]


def _check_cpus(ray: Any, cpus: int) -> None:
    """Raise for a task that no node could ever start: Ray would wait for one without end."""
    most = max(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])
    if cpus > most:
        raise UsageError(
            f"workers={cpus} needs a Ray node of {cpus} CPUs and the largest has {most}. "
            f"Use --workers {most or 1} or fewer, or start a larger node first."
        )


def _collect(
    ray: Any, running: dict[Any, FileTask], on_done: Callable[[FileTask], object]
) -> dict[FileTask, Summary]:
    """Results by task; the first failure in time cancels what still runs."""
    waiting = list(running)
    done: dict[FileTask, Summary] = {}
    try:
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1)
            for reference in ready:
                result = ray.get(reference)
                if isinstance(result, _Failure):
                    raise result.error()
                done[running[reference]] = result
                on_done(running[reference])
    except ray.exceptions.RayError as error:
        _cancel(ray, waiting)
        last = str(error).strip().splitlines()[-1]
        raise ArabenchError(
            f"Ray lost a task: {type(error).__name__}: {last}. Finished files are complete; "
            "check that all nodes run this arabench and have memory, then run again."
        ) from error
    except BaseException:
        _cancel(ray, waiting)
        raise
    return done


def _cancel(ray: Any, waiting: list[Any]) -> None:
    """Stop tasks as Ctrl-C does, and let them remove their unfinished files."""
    for reference in waiting:
        ray.cancel(reference)
    if waiting:
        ray.wait(waiting, num_returns=len(waiting), timeout=_CANCEL_TIMEOUT_S)
