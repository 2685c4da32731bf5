"""Files and folders that appear under their name when they are complete, and not before."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from arabench.errors import ArabenchError
from arabench.files.standard_output import standard_output

#: The name by which standard input and output go on a command line.
STDIO: Final = "-"


def is_device(path: str) -> bool:
    """Whether `path` is written as it is: `-`, a device such as /dev/null, or a named pipe."""
    file = Path(path)
    return path == STDIO or (file.exists() and not file.is_file() and not file.is_dir())


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
    """A folder for files; it becomes `path` when the block ends well.

    The files go to a hidden folder beside the target. An existing folder is replaced as a
    whole: between two renames it is not there, but it is never half old and half new. On any
    exception the hidden folder is removed and the target is left as it was.

    Raises:
        ArabenchError: the place cannot be written or the disk is full.
    """
    import shutil

    target = Path(os.path.realpath(path))
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


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    with atomic_writer(str(path)) as stream:
        stream.write(text.encode("utf-8"))
