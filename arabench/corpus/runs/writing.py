"""Writing the outputs of a plan: lanes opened, chunks applied, shards ended, rows passed over."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.corpus.formats.compression import CompressedWriter
from arabench.corpus.formats.names import CODEC_SUFFIXES, COLUMN_FORMATS, format_of
from arabench.corpus.formats.readers import read_schema
from arabench.corpus.formats.writers import open_writer
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.choice import open_lane
from arabench.corpus.lanes.lane import Chunk, Lane, SomeLane
from arabench.corpus.runs.input_digests import InputDigests
from arabench.corpus.runs.journal import Finished, Journal, Position
from arabench.corpus.runs.manifest import input_record
from arabench.corpus.runs.outputs import OpenOutput
from arabench.corpus.runs.plan import Plan, Target
from arabench.corpus.runs.workers import Apply
from arabench.corpus.step import Step
from arabench.errors import DataError
from arabench.files.atomic import STDIO

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class Writing:
    """The outputs of one plan, written one after another.

    Attributes:
        apply: how lanes process chunks; see `open_workers`.
        on_bytes: called with numbers of bytes read.
        journal: by which the run can be resumed; None where it cannot.
        digests: of the inputs; None where none are taken.
        finished: output number -> what was written; those of earlier attempts included.
        paths: output number -> where it is.
    """

    plan: Plan
    step: Step
    io: IoOptions
    apply: Apply
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
        names = [self.relative(target.path) for target in self.plan.targets]
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

    def _pass_over(self, lane: Lane[Chunk], chunks: Iterator[Chunk], count: int | None) -> None:
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
            schema = common_schema(sources, self.io)
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

    def _open_lane(self, source: int, target: Target, schema: pa.Schema | None) -> SomeLane:
        sink: Any = BytesIO()
        if target.codec is not None:
            sink = CompressedWriter(sink, target.codec)
        nowhere = open_writer(sink, target.file_format, self.io.text_field, schema)
        name = self.plan.files[source]
        return open_lane(
            name, target.file_format, self.step, self.io, nowhere, schema, target.codec
        )

    def _open(self, target: Target, part: int, schema: pa.Schema | None) -> OpenOutput:
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
            out.stream.record(self.relative(out.path), out.counts.written),
            [side.record(self.relative(side.path)) for side in out.sides()],
            out.counts,
            out.losses,
            after,
        )
        if self.journal is not None:
            self.journal.add(self.finished[part])
            if self.digests is not None:
                for source, digest in self.digests.known().items():
                    self.journal.learn(source, digest)

    def relative(self, path: str) -> str:
        """An output as journal and manifest call it."""
        if self.plan.to_device:
            return path
        return Path(path).relative_to(self.plan.base).as_posix()

    def _progress(self, count: int) -> None:
        if self.on_bytes is not None:
            self.on_bytes(count)


def _shard_suffix(target: Target) -> str:
    codecs = {codec: suffix for suffix, codec in CODEC_SUFFIXES.items()}
    return f".{target.file_format}" + (codecs[target.codec] if target.codec else "")


def common_schema(sources: list[str], io: IoOptions) -> pa.Schema | None:
    """The Arrow schema that holds every source when all are columns, else None.

    Raises:
        UsageError: the sources have columns of the same name and different types.
    """
    formats = [format_of(source, io.input_format) for source in sources]
    if not COLUMN_FORMATS.issuperset(formats) or STDIO in sources:
        return None
    from arabench.corpus.formats import readers_columns, text_columns

    schemas = []
    for source, source_format in zip(sources, formats, strict=True):
        schemas.append(readers_columns.read_schema(source, source_format))
        text_columns.check_text_column(source, schemas[-1], io.text_field)
    return text_columns.common_schema(sources, schemas)
