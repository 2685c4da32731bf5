"""The journal of a folder of outputs: which are finished, so that a killed run can go on.

A hidden file of JSON lines: first what the run is, then one line per finished output with
its size, digest and counts, and where the inputs stood behind it. Each line reaches the disk
before the next output is begun, and after the output it names. A half-written last line is
cut off. The journal stays when the run is complete: the same command then does nothing.

While a run writes, it holds a lock on the journal; the lock ends with the process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import orjson

from arabench.corpus.runs.manifest import Counts, FileRecord, as_json, parse_json
from arabench.corpus.runs.verification import compare
from arabench.errors import ArabenchError, DataError, UsageError
from arabench.files.digests import HashName

JOURNAL_NAME: Final = ".arabench-journal.jsonl"
_VERSION: Final = 1
_START_OVER: Final = "Use another folder, or --no-resume to start over and replace its outputs."


@dataclass(frozen=True)
class Position:
    """Where the inputs stand: `chunk` chunks of input `source` are done, and all before it."""

    source: int = 0
    chunk: int = 0
    rows: int = 0
    """Rows in those chunks."""
    bytes: int = 0
    """Bytes of the input that those chunks took."""


@dataclass(frozen=True)
class Finished:
    """An output that is complete under its name."""

    part: int
    """Number of the shard, or place of the output in the plan."""
    output: FileRecord
    sides: list[FileRecord]
    counts: Counts
    losses: list[str]
    after: Position
    """Where the inputs stood behind its last row."""


@dataclass(frozen=True)
class Identity:
    """What must be equal for two runs to give the same bytes, and for one to continue the other."""

    arabench: str
    """Version of the program."""
    pyarrow: str
    step: str
    options: dict[str, str | int | None]
    inputs: list[FileRecord]
    hash: HashName | None = None

    def differences(self, now: Identity) -> list[str]:
        """In words, what is not the same."""
        found = [
            f"{name} was {was!r}, is now {is_now!r}"
            for name in ("arabench", "pyarrow", "step", "hash")
            if (was := getattr(self, name)) != (is_now := getattr(now, name))
        ]
        for name in dict.fromkeys([*self.options, *now.options]):
            was, is_now = self.options.get(name), now.options.get(name)
            if was != is_now:
                found.append(f"{name} was {was!r}, is now {is_now!r}")
        return found + _input_differences(self.inputs, now.inputs)


def _input_differences(before: list[FileRecord], now: list[FileRecord]) -> list[str]:
    if [record.path for record in before] != [record.path for record in now]:
        added = {record.path for record in now} - {record.path for record in before}
        gone = {record.path for record in before} - {record.path for record in now}
        words = [f"{len(added)} new" if added else "", f"{len(gone)} gone" if gone else ""]
        detail = ", ".join(filter(None, words)) or "another order"
        return [f"other inputs ({detail})"]
    changed = [was.path for was, is_now in zip(before, now, strict=True) if was != is_now]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return [f"input {changed[0]!r}{more} changed since"]
    if any(record.mtime_ns is None for record in now):
        return ["standard input and pipes cannot be read again"]
    return []


@dataclass(frozen=True)
class _Begin:
    version: int
    started: str
    identity: Identity


@dataclass(frozen=True)
class _Learnt:
    source: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class _Line:
    """Exactly one of these."""

    begin: _Begin | None = None
    finished: Finished | None = None
    learnt: _Learnt | None = None
    keep: int | None = None
    """Shards from this number on were found damaged and are made again."""
    complete: str | None = None
    """When the run ended."""


@dataclass
class Journal:
    """A journal that is open for writing, and what it held when it was opened."""

    folder: Path
    stream: IO[bytes]
    hash: HashName | None
    started: str
    finished: dict[int, Finished] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    """Of inputs, by their place."""
    complete: str | None = None
    resumed: int = 0
    """Outputs that were complete when this process began."""
    forgotten: list[FileRecord] = field(default_factory=list)
    """Files of the earlier run that a restart replaces."""
    shards_known: int = 0
    """Shards below this number, and those of the earlier run, may be in the folder."""

    def add(self, finished: Finished) -> None:
        """Note a finished output; returns when the line is on disk."""
        self.finished[finished.part] = finished
        _sync_folder(Path(self.folder, finished.output.name).parent)
        self._append(_Line(finished=finished))

    def learn(self, source: int, digest: str) -> None:
        """Note the digest of an input."""
        if source not in self.digests:
            self.digests[source] = digest
            self._append(_Line(learnt=_Learnt(source, digest)))

    def close_run(self, when: str) -> None:
        """Note that all outputs are finished."""
        self.complete = when
        self._append(_Line(complete=when))

    def check_outputs(self, *, in_order: bool) -> None:
        """Forget outputs that are no longer as they were written.

        Args:
            in_order: forget all behind the first such output too (shards: each begins where
                the one before ended).
        """
        for part in sorted(self.finished):
            entry = self.finished[part]
            files = [entry.output, *entry.sides]
            sound = not any(
                compare(str(self.folder / record.name), record, self.hash) for record in files
            )
            if in_order and part != 0 and part - 1 not in self.finished:
                sound = False
            if not sound:
                del self.finished[part]
                self.complete = None
                if in_order:
                    self._append(_Line(keep=part))
        self.resumed = len(self.finished)

    def _append(self, line: _Line) -> None:
        try:
            self.stream.write(orjson.dumps(as_json(line), option=orjson.OPT_APPEND_NEWLINE))
            self.stream.flush()
            os.fsync(self.stream.fileno())
        except OSError as error:
            raise ArabenchError(
                f"cannot write the journal in {str(self.folder)!r}: {error.strerror or error}. "
                "Free some space and run the same command again: it will go on from here."
            ) from error


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk, where the system can do that."""
    with contextlib.suppress(OSError):
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


@contextlib.contextmanager
def open_journal(folder: str, identity: Identity, when: str, *, restart: bool) -> Iterator[Journal]:
    """Open or begin the journal of a folder of outputs.

    Args:
        folder: is made if it does not exist.
        identity: of the run that begins.
        when: the time now.
        restart: forget the run that the journal tells of.

    Raises:
        UsageError: the folder holds another run, or one is writing there now.
        DataError: the journal is damaged or of another version.
        ArabenchError: the folder cannot be written.
    """
    place = Path(folder)
    path = place / JOURNAL_NAME
    try:
        place.mkdir(parents=True, exist_ok=True)
        stream = path.open("r+b" if path.exists() else "x+b")
    except OSError as error:
        raise ArabenchError(
            f"cannot write into {folder!r}: {error.strerror or error}. "
            "Check the path, its permissions and free space."
        ) from error
    with stream:
        _lock(stream, folder)
        lines, end = _sound_lines(stream.read(), folder, strict=not restart)
        if lines and not restart:
            journal = _replay(lines, place, stream, identity, folder)
            stream.seek(end)
            stream.truncate()
        else:
            journal = Journal(place, stream, identity.hash, when)
            for line in lines:
                if line.finished is not None:
                    journal.forgotten += [line.finished.output, *line.finished.sides]
            stream.seek(0)
            stream.truncate()
            journal._append(_Line(begin=_Begin(_VERSION, when, identity)))
        journal.shards_known = _shards_known(lines)
        try:
            yield journal
        finally:
            if not journal.finished:  # nothing to go on from
                path.unlink(missing_ok=True)


def _shards_known(lines: list[_Line]) -> int:
    """Shards that may exist: those of the journal, and one whose line was not written."""
    begin = lines[0].begin if lines else None
    if begin is None or begin.identity.options.get("shard_bytes") is None:
        return 0
    parts = [line.finished.part for line in lines if line.finished is not None]
    return max(parts, default=-1) + 2


def _lock(stream: IO[bytes], folder: str) -> None:
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"another run is writing into {folder!r}. Wait for it, or use another folder."
        ) from None
    except OSError:  # a file system without locks
        return


def _sound_lines(data: bytes, folder: str, *, strict: bool) -> tuple[list[_Line], int]:
    """The lines up to the first damaged one, and where they end."""
    lines: list[_Line] = []
    end = 0
    for raw in data.splitlines(keepends=True):
        try:
            line = parse_json(_Line, raw, "the journal")
        except DataError:
            if not lines and strict and raw.endswith(b"\n"):
                raise DataError(
                    f"the journal of {folder!r} ({JOURNAL_NAME}) is damaged or of another version "
                    f"of arabench. {_START_OVER}"
                ) from None
            break
        if not raw.endswith(b"\n") or (line.begin is not None) != (not lines):
            break
        lines.append(line)
        end += len(raw)
    return lines, end


def _replay(
    lines: list[_Line], place: Path, stream: IO[bytes], identity: Identity, folder: str
) -> Journal:
    begin = lines[0].begin
    if begin is None or begin.version != _VERSION:
        raise DataError(
            f"the journal of {folder!r} is of another version of arabench. {_START_OVER}"
        )
    journal = Journal(place, stream, identity.hash, begin.started)
    for line in lines[1:]:
        if line.finished is not None:
            journal.finished[line.finished.part] = line.finished
        elif line.learnt is not None:
            journal.digests[line.learnt.source] = line.learnt.digest
        elif line.keep is not None:
            journal.finished = {
                part: entry for part, entry in journal.finished.items() if part < line.keep
            }
            journal.complete = None
        elif line.complete is not None:
            journal.complete = line.complete
    differences = begin.identity.differences(identity)
    if differences:
        state = "the outputs" if journal.complete else "an unfinished run"
        raise UsageError(
            f"folder {folder!r} holds {state} of another command or other data: "
            f"{'; '.join(differences)}. {_START_OVER}"
        )
    return journal
