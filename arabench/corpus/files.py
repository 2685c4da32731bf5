"""Paths, formats and atomic output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Literal, get_args

from arabench.errors import ArabenchError, DataError, UsageError, did_you_mean

Format = Literal["txt", "jsonl", "parquet"]
STDIO = "-"

_SUFFIXES: dict[str, Format] = {
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


def format_of(path: str, given: str | None = None) -> Format:
    """Format of a file by its suffix, or as given.

    Raises:
        UsageError: unknown suffix and no format given.
    """
    if given is not None:
        if given not in get_args(Format):
            raise UsageError(f"format {given!r} is not known. {did_you_mean(given, get_args(Format))}")
        return given  # type: ignore[return-value]  # just checked
    if path == STDIO:
        return "txt"
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError(
            f"cannot tell the format of {path!r} from its name. "
            f"Use one of the suffixes {', '.join(_SUFFIXES)} or name a format."
        )
    return _SUFFIXES[suffix]


def check_input(path: str) -> None:
    """Raise a clear error unless `path` is a readable, non-empty file or `-`."""
    if path == STDIO:
        return
    file = Path(path)
    if not file.exists():
        raise UsageError(f"input {path!r} does not exist. Check the path.")
    if file.is_dir():
        raise UsageError(f"input {path!r} is a folder. Name the files in it.")
    try:
        with file.open("rb") as stream:
            first = stream.read(1)
    except OSError as error:
        raise UsageError(f"input {path!r} cannot be read: {error.strerror}.") from error
    if not first:
        raise DataError(f"input {path!r} is empty: there is nothing to process.")


def plan_outputs(inputs: Sequence[str], output: str) -> list[tuple[list[str], str]]:
    """Which inputs go to which output file.

    An `output` that names a file (known suffix) or `-` takes all inputs in order;
    anything else is a folder that gets one file per input, of the same name.

    Raises:
        UsageError: two inputs would write the same file, or a file would overwrite an input.
    """
    is_file = output == STDIO or Path(output).suffix.lower() in _SUFFIXES
    if is_file and not Path(output).is_dir():
        plan = [(list(inputs), output)]
    else:
        if STDIO in inputs:
            raise UsageError("standard input needs an output file or '-', not a folder.")
        plan = [([name], str(Path(output) / Path(name).name)) for name in inputs]
    targets = [target for _, target in plan]
    for target in targets:
        if targets.count(target) > 1:
            raise UsageError(f"several inputs would be written to {target!r}. Rename one of them.")
        for name in inputs:
            if (
                STDIO not in (name, target)
                and Path(target).exists()
                and os.path.samefile(name, target)
            ):
                raise UsageError(f"output {target!r} is also an input. Choose another output.")
    return plan


@contextlib.contextmanager
def atomic_writer(path: str) -> Iterator[IO[bytes]]:
    """A binary stream that becomes `path` only when the block ends without error.

    The data goes to a hidden file beside the target, is flushed to disk and renamed.
    On any exception, Ctrl-C and SIGTERM included, the hidden file is removed and an
    existing target is left as it was. `-` writes to standard output directly.

    Raises:
        ArabenchError: the folder cannot be written or the disk is full.
    """
    if path == STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    except OSError as error:
        raise ArabenchError(
            f"cannot write {path!r}: {error.strerror or error}. Nothing was left under that name; "
            "free some space or choose another folder and run again."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    with atomic_writer(str(path)) as stream:
        stream.write(text.encode("utf-8"))


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Make SIGTERM unwind the stack as Ctrl-C does, so that partial files are removed."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
