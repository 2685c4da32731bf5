"""The loop behind every corpus command: read, process in parallel, write in order.

A command brings a `Step`; how rows travel from a source to a target is a lane
(`arabench.corpus.lanes.lanes`). Threads process chunks while one thread reads and writes, so
outputs do not depend on the number of workers. A folder of outputs, one per input or in
shards, can keep a journal by which a killed run goes on (`arabench.corpus.runs.journal`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import itertools
import platform
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from arabench import __version__
from arabench.corpus.formats.compression import CompressedWriter
from arabench.corpus.formats.names import CODEC_SUFFIXES, COLUMN_FORMATS, format_of
from arabench.corpus.formats.readers import read_schema
from arabench.corpus.formats.writers import open_writer
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Lane, Outcome
from arabench.corpus.lanes.lanes import open_lane
from arabench.corpus.runs.inputs import AnyInputs, check_input, expand_inputs
from arabench.corpus.runs.journal import Finished, Identity, Journal, Position, open_journal
from arabench.corpus.runs.manifest import (
    MANIFEST_VERSION,
    Counts,
    FileRecord,
    HashName,
    InputDigests,
    Manifest,
    input_record,
    write_manifest,
)
from arabench.corpus.runs.output_names import refuse_output_inside
from arabench.corpus.runs.outputs import OpenOutput
from arabench.corpus.runs.plan import Plan, Target, clear_folder, make_plan, refuse_shards
from arabench.corpus.step import Step
from arabench.errors import DataError
from arabench.files.atomic import STDIO

#: Chunks in flight per worker: one being processed, one waiting.
_CHUNKS_PER_WORKER: Final = 2


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
    to the size (Parquet counts by row groups). With `io.journal="resume"` a folder of outputs
    that a killed run left is completed: what is finished and unchanged is kept, an input
    is read past the rows that were written. A step that is not `parallel` sees these rows
    again, because what it does may depend on them.

    Raises:
        UsageError: a path, format or field is wrong, or the folder holds another run.
        DataError: an input is empty or damaged, or a row is bad and `on_error="stop"`.
    """
    io = io or IoOptions()
    started = _now()
    found = expand_inputs(inputs, io.input_format)
    for file in found.files:
        check_input(file.path)
    refuse_output_inside(found.folders, output)
    plan = make_plan(found.files, output, io)
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
        apply = stack.enter_context(_workers(io, step))
        run = _Run(plan, step, io, apply, on_bytes, journal, digests)
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
    return {name: getattr(io, name) for name in names}


#: (function, items) -> results in the order of the items.
_Apply = Callable[[Callable[[Any], Outcome], Iterator[Any]], Iterator[Outcome]]


@contextlib.contextmanager
def _workers(io: IoOptions, step: Step) -> Iterator[_Apply]:
    if io.workers == 1 or not step.parallel:
        yield map
        return
    pool = ThreadPoolExecutor(io.workers, thread_name_prefix="arabench")

    def apply(function: Callable[[Any], Outcome], items: Iterator[Any]) -> Iterator[Outcome]:
        waiting: deque[Future[Outcome]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= _CHUNKS_PER_WORKER * io.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    try:
        yield apply
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Run:
    """The outputs of one plan, written one after another."""

    plan: Plan
    step: Step
    io: IoOptions
    apply: _Apply
    on_bytes: Callable[[int], None] | None
    journal: Journal | None
    digests: InputDigests | None
    finished: dict[int, Finished] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)

    def write_all(self) -> None:
        """Write what is not finished."""
        if self.journal is not None:
            self.finished = dict(self.journal.finished)
            if self.digests is not None:
                for source, digest in self.journal.digests.items():
                    self.digests.learn(source, digest)
        if self.plan.in_shards:
            self._write_shards(self.plan.targets[0])
        else:
            self._write_targets()

    def _write_targets(self) -> None:
        names = [self._relative(target.path) for target in self.plan.targets]
        done = {part for part, entry in self.finished.items() if entry.output.name == names[part]}
        is_open = len(done) < len(names)
        for part, target in enumerate(self.plan.targets):
            self.paths[part] = target.path
            if part not in done:
                self._copy(target, part, Position())
                continue
            for source in target.sources:
                self._pass_by(source, target, needed=is_open)

    def _write_shards(self, target: Target) -> None:
        for part, entry in self.finished.items():
            self.paths[part] = str(self.plan.base / entry.output.name)
        if self.journal is not None and self.journal.complete is not None:
            for source in target.sources:
                self._pass_by(source, target, needed=False)
            return
        first = len(self.finished)
        start = self.finished[first - 1].after if first else Position()
        self._copy(target, first, start)

    def _pass_by(self, source: int, target: Target, *, needed: bool) -> None:
        """An input whose rows are all written: a step that depends on them sees them again."""
        if needed and not self.step.parallel:
            lane = self._open_lane(source, target, None)
            self._pass_over(lane, lane.chunks(), None)
        size = input_record(self.plan.files[source]).bytes
        self._progress(size or 0)

    def _pass_over(self, lane: Lane, chunks: Iterator[Any], count: int | None) -> None:
        """Skip the first `count` chunks, all if None.

        They are processed only by a step that depends on them, and until the lane, whose
        writer leads nowhere yet, has seen that the field exists.
        """
        seen = False
        for chunk in itertools.islice(chunks, count):
            if seen and self.step.parallel:
                continue
            outcome = lane.process(chunk)
            if not seen:
                lane.write(outcome)
            seen = seen or outcome.written > 0

    def _path(self, target: Target, part: int) -> str:
        if not self.plan.in_shards:
            return target.path
        return str(Path(self.plan.output) / f"part-{part:05}{_shard_suffix(target)}")

    def _copy(self, target: Target, part: int, start: Position) -> None:
        """Write the rows of all sources behind `start` to the outputs from number `part` on."""
        schema = None
        sources = [self.plan.files[source] for source in target.sources]
        if target.file_format in COLUMN_FORMATS:
            schema = _common_schema(sources, self.io)
            if self.step.reshapes and schema is not None:
                schema = self.step.output_schema(schema)
        out: OpenOutput | None = None
        try:
            for source in target.sources:
                if source < start.source:
                    self._pass_by(source, target, needed=True)
                    continue
                at = start if source == start.source and start.chunk else Position(source)
                follower = None
                if self.digests is not None:
                    follower = self.digests.follow(source, self.plan.files[source])
                lane = self._open_lane(source, target, schema)
                chunks = lane.chunks()
                if at.chunk:
                    self._pass_over(lane, chunks, at.chunk)
                    self._progress(at.bytes)
                for outcome in self.apply(lane.process, chunks):
                    if outcome.rejects and self.io.on_error == "stop":
                        first = outcome.rejects[0]
                        raise DataError(
                            f"{first.file}:{first.line}: {first.reason}. "
                            f"{self._path(target, part)!r} was not written. "
                            "Use --on-error quarantine to set such rows aside."
                        )
                    if out is None:
                        out = self._open(target, part, schema)
                    lane.writer = out.writer
                    lane.write(outcome)
                    out.set_aside(outcome)
                    at = Position(
                        source, at.chunk + 1, at.rows + outcome.read, at.bytes + outcome.bytes_read
                    )
                    self._progress(outcome.bytes_read)
                    if follower is not None:
                        follower.advance(at.bytes)
                    if self._is_full(out):
                        self._finish(out, part, at)
                        out, part = None, part + 1
                if follower is not None:
                    follower.finish()
            if out is None and part not in self.finished and (part == 0 or not self.plan.in_shards):
                out = self._open(target, part, schema)  # of no rows
            if out is not None:
                self._finish(out, part, Position(target.sources[-1] + 1))
        except BaseException as error:
            if out is not None:
                out.abandon(type(error), error, error.__traceback__)
            raise

    def _open_lane(self, source: int, target: Target, schema: Any) -> Lane:
        sink: Any = BytesIO()
        if target.codec is not None:
            sink = CompressedWriter(sink, target.codec)
        nowhere = open_writer(sink, target.file_format, self.io.text_field, schema)
        name = self.plan.files[source]
        return open_lane(
            name, target.file_format, self.step, self.io, nowhere, schema, target.codec
        )

    def _open(self, target: Target, part: int, schema: Any) -> OpenOutput:
        if schema is None and self.plan.in_shards and part and target.file_format in COLUMN_FORMATS:
            # All shards have the columns of the first.
            schema = read_schema(self.paths[0], target.file_format)
        path = self._path(target, part)
        sources = [self.plan.files[source] for source in target.sources]
        return OpenOutput(
            dataclasses.replace(target, path=path), self.io, schema, self.plan.hash_name, sources
        )

    def _is_full(self, out: OpenOutput) -> bool:
        return self.io.shard_bytes is not None and out.stream.size >= self.io.shard_bytes

    def _finish(self, out: OpenOutput, part: int, after: Position) -> None:
        out.finish()
        self.paths[part] = out.path
        self.finished[part] = Finished(
            part,
            out.stream.record(self._relative(out.path), out.counts.written),
            [side.record(self._relative(side.path)) for side in out.sides()],
            out.counts,
            out.losses,
            after,
        )
        if self.journal is not None:
            self.journal.add(self.finished[part])
            if self.digests is not None:
                for source, digest in self.digests.known().items():
                    self.journal.learn(source, digest)

    def _relative(self, path: str) -> str:
        if self.plan.to_device:
            return path
        return Path(path).relative_to(self.plan.base).as_posix()

    def _progress(self, count: int) -> None:
        if self.on_bytes is not None:
            self.on_bytes(count)


def _shard_suffix(target: Target) -> str:
    codecs = {codec: suffix for suffix, codec in CODEC_SUFFIXES.items()}
    return f".{target.file_format}" + (codecs[target.codec] if target.codec else "")


def _sum_up(run: _Run, summary: Summary) -> None:
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
    run: _Run,
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


def _common_schema(sources: list[str], io: IoOptions) -> Any:
    """The Arrow schema that holds every source when all are columns, else None.

    Raises:
        UsageError: the sources have columns of the same name and different types.
    """
    formats = [format_of(source, io.input_format) for source in sources]
    if not COLUMN_FORMATS.issuperset(formats) or STDIO in sources:
        return None
    from arabench.corpus.formats import readers_columns

    schemas = []
    for source, source_format in zip(sources, formats, strict=True):
        schemas.append(readers_columns.read_schema(source, source_format))
        readers_columns.check_text_column(source, schemas[-1], io.text_field)
    return readers_columns.common_schema(sources, schemas)
