"""The loop behind every corpus command: read, process in parallel, write in order.

A command brings a `Step`; how rows travel from a source to a target is a lane
(`arabench.corpus.lanes`). Threads process chunks while one thread reads and writes, so
outputs do not depend on the number of workers. A folder of outputs, one per input or in
shards, can keep a journal by which a killed run goes on (`arabench.corpus.runs.journal`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from arabench import __version__
from arabench.corpus.formats.rows import BATCH_BYTES
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.input_digests import InputDigests
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.journal import Identity, open_journal
from arabench.corpus.runs.manifest import (
    MANIFEST_VERSION,
    Counts,
    FileRecord,
    Manifest,
    input_record,
    write_manifest,
)
from arabench.corpus.runs.plan import Plan, clear_folder, plan_run, refuse_shards
from arabench.corpus.runs.workers import open_workers
from arabench.corpus.runs.writing import Writing
from arabench.corpus.step import Step
from arabench.files.digests import HashName


@dataclass
class Summary(Counts):
    """What a run did, earlier attempts that it resumed included."""

    outputs: list[str] = field(default_factory=list)
    rejects_files: list[str] = field(default_factory=list)
    dropped_files: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    """What output formats could not hold, in words."""
    notes: list[str] = field(default_factory=list)
    """What was left out of folders that were read, in words."""
    resumed: int = 0
    """Outputs that an earlier attempt had completed."""
    manifests: list[str] = field(default_factory=list)

    @property
    def already_complete(self) -> bool:
        """Whether there was nothing left to do."""
        return 0 < self.resumed == len(self.outputs)


def run_files(
    inputs: AnyInputs,
    output: str,
    step: Step,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
    *,
    plan: Plan | None = None,
) -> Summary:
    """Read `inputs`, process every row with `step`, write to `output`.

    Memory does not grow with the input: it is bounded by a few chunks per worker (4 MiB of
    lines or of Parquet rows each, or one row if it is longer) and one row group of written
    Parquet (32 MiB). For `normalize` with two workers that is less than 256 MiB in all, imports
    included, where lines are written as lines, and less than 512 MiB where they are compressed
    or become Parquet or Arrow. Outputs appear under their names only when complete. Rows that
    cannot be read go to `<output>.rejects.jsonl`, rows the step drops to
    `<output>.dropped.jsonl`.

    With `io.shard_bytes`, `output` is a folder of `part-00000...`; which rows are in which
    depends on the inputs and options only. A shard ends with the first chunk that takes it
    to the size (Parquet counts by row groups), which is an eighth of it or less; see
    `IoOptions.chunk_bytes`. With `io.journal="resume"` a folder of outputs
    that a killed run left is completed: what is finished and unchanged is kept, an input
    is read past the rows that were written. A step that is not `parallel` sees these rows
    again, because what it does may depend on them.

    A caller that had to know the outputs before hands on the `plan` it made of these inputs,
    output and options; nothing is asked of the files twice.

    Raises:
        UsageError: a path, format or field is wrong, or the folder holds another run.
        DataError: an input is empty or damaged, or a row is bad and `on_error="stop"`.
    """
    io = io or IoOptions()
    started = _now()
    found = expand_inputs(inputs, io.input_format)
    plan = plan or plan_run(found, output, io)
    summary = Summary(notes=found.notes)
    records = [input_record(name) for name in plan.files]
    with contextlib.ExitStack() as stack:
        journal = None
        if io.journal != "none" and plan.is_folder:
            identity = _identity(step, io, plan.hash_name, records)
            restart = io.journal == "restart"
            journal = stack.enter_context(open_journal(output, identity, started, restart=restart))
            clear_folder(plan, journal)
            if not restart:
                journal.check_outputs(in_order=plan.in_shards)
        elif plan.in_shards:
            refuse_shards(output, 0)
        digests = None
        if plan.manifest is not None and plan.hash_name is not None:
            digests = stack.enter_context(InputDigests(plan.hash_name))
        apply = stack.enter_context(open_workers(io.workers if step.parallel else 1))
        run = Writing(plan, step, io, apply, on_bytes, journal, digests)
        if journal is not None and plan.manifest is not None and journal.complete is None:
            Path(plan.manifest).unlink(missing_ok=True)  # of what is about to change
        run.write_all()
        finished = _now()
        if journal is not None:
            if journal.complete is None:
                journal.close_run(finished)
            finished = journal.complete or finished
            started = journal.started
            summary.resumed = journal.resumed
        _sum_up(run, summary)
        summary.losses += _changed_inputs(records)
        if plan.manifest is None or plan.hash_name is None or digests is None:
            return summary
        summary.manifests.append(plan.manifest)
        if not (summary.already_complete and Path(plan.manifest).exists()):
            read = [
                dataclasses.replace(record, digest=digests.of(place, record.name))
                for place, record in enumerate(records)
            ]
            manifest = _manifest(run, summary, read, plan.hash_name, started, finished)
            write_manifest(plan.manifest, manifest)
    return summary


def _identity(
    step: Step, io: IoOptions, hash_name: HashName | None, records: list[FileRecord]
) -> Identity:
    return Identity(
        arabench=__version__,
        pyarrow=metadata.version("pyarrow"),
        step=step.signature,
        options=_options(io),
        hash=hash_name,
        inputs=records,
    )


def _options(io: IoOptions) -> dict[str, str | int | None]:
    """What has a say in the rows and files written."""
    names = ("text_field", "input_format", "output_format", "on_error", "shard_bytes")
    options: dict[str, str | int | None] = {name: getattr(io, name) for name in names}
    if io.shard_bytes is not None:
        options["chunk_bytes"] = io.chunk_bytes(BATCH_BYTES)  # positions count chunks
    return options


def _sum_up(run: Writing, summary: Summary) -> None:
    base = run.plan.base
    for part, entry in sorted(run.finished.items()):
        summary.add(entry.counts)
        summary.outputs.append(run.paths[part])
        summary.losses += [f"{run.paths[part]}: {loss}" for loss in entry.losses]
        for side in entry.sides:
            is_reject = side.name.endswith("rejects.jsonl")
            files = summary.rejects_files if is_reject else summary.dropped_files
            files.append(side.name if run.plan.to_device else str(base / side.name))


def _changed_inputs(records: list[FileRecord]) -> list[str]:
    return [
        f"{record.path} changed while it was read: run again"
        for record in records
        if record.mtime_ns is not None and input_record(record.name) != record
    ]


def _manifest(
    run: Writing,
    summary: Summary,
    inputs: list[FileRecord],
    hash_name: HashName,
    started: str,
    finished: str,
) -> Manifest:
    entries = [entry for _, entry in sorted(run.finished.items())]
    names = [item.name for item in dataclasses.fields(Counts)]
    return Manifest(
        arabench_manifest=MANIFEST_VERSION,
        arabench=__version__,
        command=run.io.command,
        step=run.step.signature,
        options=_options(run.io),
        platform={
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("numpy", "pyarrow", "numba")},
        },
        workers=run.io.workers,
        hash=hash_name,
        started=started,
        finished=finished,
        inputs=inputs,
        outputs=[entry.output for entry in entries],
        side_files=[side for entry in entries for side in entry.sides],
        counts=Counts(**{name: getattr(summary, name) for name in names}),
        losses=summary.losses,
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
