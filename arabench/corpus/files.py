"""Paths, formats and atomic output."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, Literal, cast

from arabench.corpus.formats import (
    INFO_FILE,
    STATE_FILE,
    SUFFIXES,
    is_dataset_dict,
    is_dataset_folder,
    renamed,
    split_suffix,
)
from arabench.corpus.formats import STDIO as STDIO
from arabench.corpus.formats import Format as Format
from arabench.corpus.formats import format_of as format_of
from arabench.corpus.inputs import InputFile
from arabench.corpus.inputs import check_input as check_input
from arabench.errors import ArabenchError, UnsafeInputError, UsageError


def is_device(path: str) -> bool:
    """Whether `path` is written as it is: `-`, a device such as /dev/null, or a named pipe."""
    file = Path(path)
    return path == STDIO or (file.exists() and not file.is_file() and not file.is_dir())


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One output of a run.

    Attributes:
        sources: paths of the inputs that it takes, in order.
        path: where it is written.
        is_device: whether it is written as it is; asked when the run is planned, and not again.
    """

    sources: list[str]
    path: str
    is_device: bool

    def side_path(self, kind: Literal["rejects", "dropped"]) -> str:
        """Where rows go that are not written to it."""
        return side_path(self.path, kind, to_device=self.is_device)


def side_path(target: str, kind: Literal["rejects", "dropped"], *, to_device: bool) -> str:
    """Where rows go that are not written to `target`."""
    return f"{kind}.jsonl" if to_device else f"{target}.{kind}.jsonl"


def plan_outputs(
    inputs: Sequence[str | InputFile], output: str, output_format: str | None = None
) -> list[OutputFile]:
    """Which inputs go to which output file.

    An `output` that names a file (known suffix, or any suffix when a format is given),
    a device or `-` takes all inputs in order; a name that exists as a folder, has no
    suffix or ends in `/` is a folder that gets one file per input, at the input's
    `relative` place: of the same name, or with the suffix of `output_format`.

    An output in the format `datasets` is one folder of that name which takes all inputs;
    with `/` behind its name, or where splits of one dataset are read, it is a folder of such
    folders.

    Args:
        inputs: from `expand_inputs`; a plain path stands at its bare name.
        output: where to write.
        output_format: a format, or one with compression such as "jsonl.zst".

    Raises:
        UsageError: two inputs would write the same file, a file would overwrite an input,
            or `output` has an unknown suffix.
        UnsafeInputError: a file would land outside of the folder `output`.
    """
    files = [
        item if isinstance(item, InputFile) else InputFile(item, Path(item).name or item)
        for item in inputs
    ]
    paths = [file.path for file in files]
    to_device = is_device(output)
    if (
        to_device
        or _is_file_name(output, output_format)
        or _is_one_dataset(files, output, output_format)
    ):
        plan = [OutputFile(paths, output, to_device)]
    else:
        if STDIO in paths:
            raise UsageError("standard input needs an output file or '-', not a folder.")
        if Path(output).is_file():
            raise UsageError(
                f"output {output!r} is a file whose format its name does not tell. "
                f"Use one of the suffixes {', '.join(SUFFIXES)} or name a folder."
            )
        plan = []
        for file in files:
            target = str(Path(output) / _name_in_folder(file, output_format))
            _refuse_outside(output, target)
            plan.append(OutputFile([file.path], target, is_device(target)))
    _refuse_collisions(paths, plan)
    return plan


def refuse_output_inside(folders: Sequence[str], output: str) -> None:
    """Raise `UsageError` if `output` lies in a folder that is read: the next run would read it."""
    place = Path(os.path.realpath(output))
    for folder in folders:
        if place.is_relative_to(os.path.realpath(folder)) and not is_device(output):
            raise UsageError(
                f"output {output!r} lies in the input folder {folder!r}, so that the next run "
                "would read it. Write to another folder."
            )


def _is_file_name(output: str, output_format: str | None) -> bool:
    suffix, codec = split_suffix(output)
    if Path(output).is_dir() or output.endswith("/") or not (suffix or codec):
        return False
    if suffix not in SUFFIXES and output_format is None:
        raise UsageError(
            f"cannot tell the format of {output!r} from its name. Use one of the suffixes "
            f"{', '.join(SUFFIXES)}, name a format, or end the name of a folder with '/'."
        )
    return True


def _is_one_dataset(files: Sequence[InputFile], output: str, output_format: str | None) -> bool:
    """Whether `output` is to become one `datasets` folder."""
    if output.endswith("/"):
        return False
    if output_format is None:
        # A dataset stays a dataset; its splits have places of their own.
        return len(files) == 1 and is_dataset_folder(files[0].path) and not _is_split(files[0])
    return output_format == "datasets" and not any(_is_split(file) for file in files)


def _is_split(file: InputFile) -> bool:
    return is_dataset_folder(file.path) and is_dataset_dict(str(Path(file.path).parent))


def _name_in_folder(file: InputFile, output_format: str | None) -> str:
    own = Path(file.relative)
    if output_format is None:
        return str(own)
    if is_dataset_folder(file.path):  # a dot in its name is no suffix
        new = own.name if output_format == "datasets" else f"{own.name}.{output_format}"
    else:
        new = renamed(own.name, output_format)
    return str(own.with_name(new))


def _refuse_outside(folder: str, target: str) -> None:
    """`..` in a name or a link in the folder must not lead a file out of it."""
    if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder)):
        raise UnsafeInputError(
            f"{target!r} would be written outside of the folder {folder!r}, to "
            f"{os.path.realpath(target)!r}. Rename the input, or remove the link."
        )


def _refuse_collisions(inputs: Sequence[str], plan: list[OutputFile]) -> None:
    targets = [output.path for output in plan]
    sides = [
        side for each in plan for side in (each.side_path("rejects"), each.side_path("dropped"))
    ]
    counts = Counter([*targets, *sides])
    for target in targets:
        if counts[target] > 1:
            raise UsageError(f"several inputs would be written to {target!r}. Rename one of them.")
    sources = {identity for name in inputs if (identity := _identity(name)) is not None}
    for target in counts:
        if _identity(target) not in sources or is_device(target):
            continue
        kind = "output" if target in targets else "the file for rows set aside,"
        raise UsageError(f"{kind} {target!r} is also an input. Choose another output.")


def _identity(path: str) -> tuple[int, int] | None:
    """Device and inode: the same for one file under all its names; None if there is none."""
    if path == STDIO:
        return None
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _TargetFile(io.FileIO):
    """A file whose failed writes say which output they were for.

    The error is made here, where the write fails: an `OSError` seen further out may
    as well come from reading an input.
    """

    def __init__(self, file: Path, path: str) -> None:
        super().__init__(file, "wb")
        self._path = path

    def write(self, data: Any, /) -> int:
        with _write_errors(self._path):
            return super().write(data)


@contextlib.contextmanager
def _write_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArabenchError(
            f"cannot write {path!r}: {error.strerror or error}. Nothing was left under that name; "
            "free some space or choose another folder and run again."
        ) from error


@contextlib.contextmanager
def atomic_writer(path: str, *, to_device: bool | None = None) -> Iterator[IO[bytes]]:
    """A binary stream that becomes `path` only when the block ends without error.

    The data goes to a hidden file beside the target (the file itself if `path` is a
    symbolic link), is flushed to disk and renamed. On any exception, Ctrl-C and SIGTERM
    included, the hidden file is removed and an existing target is left as it was.
    `-`, devices and named pipes are written directly.

    Args:
        path: file, device or `-`.
        to_device: `is_device(path)`, where that has been asked before.

    Raises:
        ArabenchError: the folder cannot be written or the disk is full.
    """
    if path == STDIO:
        with standard_output() as stream:
            yield stream
        return
    if is_device(path) if to_device is None else to_device:
        with _write_errors(path):
            raw = _TargetFile(Path(path), path)
        with io.BufferedWriter(raw) as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with _write_errors(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            raw = _TargetFile(partial, path)
        with io.BufferedWriter(raw) as stream:
            yield stream
            with _write_errors(path):
                stream.flush()
                os.fsync(stream.fileno())
        with _write_errors(path):
            partial.replace(target)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str) -> Iterator[Path]:
    """A folder for the files of a `datasets` folder; it becomes `path` when the block ends well.

    The files go to a hidden folder beside the target. An existing `datasets` folder is
    replaced: between two renames it is not there, but it is never half old and half new. On any
    exception the hidden folder is removed and the target is left as it was.

    Raises:
        UsageError: `path` exists and is something else, or holds other files too.
        ArabenchError: the place cannot be written or the disk is full.
    """
    import shutil

    target = Path(os.path.realpath(path))
    _refuse_to_replace(path, target)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    old = target.with_name(f".{target.name}.{os.getpid()}.old.partial")
    try:
        with _write_errors(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.mkdir()
        yield partial
        with _write_errors(path):
            for file in partial.iterdir():
                _flush_to_disk(file)
            if target.exists():
                target.rename(old)
            partial.rename(target)
            _flush_to_disk(target.parent)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        for rest in (partial, old):
            shutil.rmtree(rest, ignore_errors=True)


def _refuse_to_replace(path: str, target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"output {path!r} is a file, not a datasets folder. Choose another name.")
    others = [
        entry.name
        for entry in target.iterdir()
        if entry.name not in {STATE_FILE, INFO_FILE} and entry.suffix != ".arrow"
    ]
    if others or (any(target.iterdir()) and not is_dataset_folder(path)):
        raise UsageError(
            f"output {path!r} is a folder with other files than a dataset's"
            f"{f' ({min(others)!r})' if others else ''}, and would be replaced as a whole. "
            "Choose a new name, or end it with '/' to write a dataset into it."
        )


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def standard_output() -> Iterator[IO[bytes]]:
    """Standard output for bytes, flushed at the end.

    Raises:
        ArabenchError: it cannot be written, for instance because a disk is full.
        BrokenPipeError: its reader has gone.
    """
    stream = _StandardOutput(sys.stdout.buffer)
    yield cast(IO[bytes], stream)
    stream.flush()


class _StandardOutput:
    """Standard output whose failed writes raise once, not again when Python ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, data: bytes, /) -> int:
        rest = memoryview(data)
        with self._errors():
            while rest:  # under PYTHONUNBUFFERED one write to a pipe takes only a part
                rest = rest[self._stream.write(rest) or 0 :]
        return len(data)

    def flush(self) -> None:
        with self._errors():
            self._stream.flush()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            with contextlib.suppress(OSError):  # what is still buffered has nowhere to go
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise ArabenchError(
                f"cannot write standard output: {error.strerror or error}. "
                "Free some space or choose another output and run again."
            ) from error


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
