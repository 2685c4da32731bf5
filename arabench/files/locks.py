"""A folder that one process at a time writes to, by a lock that ends with its process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from arabench.errors import ArabenchError, UsageError


@contextlib.contextmanager
def hold_folder(folder: Path, lock: str, what: str, doing: str) -> Iterator[None]:
    """Keep other processes out of a folder, which is made; if nothing is written, it goes again.

    Args:
        folder: to be written to.
        lock: name of the file in it that is locked and holds this process's number. Without a
            lock on it the file means nothing.
        what: what a message calls the folder, such as `output_dir`.
        doing: what a message says that the other process does, such as `trains into it`.

    Raises:
        UsageError: another process holds it.
        ArabenchError: it cannot be written.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    path = folder / lock
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stream = _lock(path, f"{what} {str(folder)!r}", what, doing)
        except OSError as error:
            raise ArabenchError(
                f"{what} {str(folder)!r} cannot be written: {error.strerror or error}. "
                "Check the path and its permissions."
            ) from error
        with stream:
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
    finally:
        for place in made:
            with contextlib.suppress(OSError):  # there is something in it
                place.rmdir()


def _lock(path: Path, shown: str, what: str, doing: str) -> IO[str]:
    """The lock file, locked and holding the number of this process."""
    while True:
        stream = path.open("a+", encoding="utf-8")
        try:
            _lock_stream(stream)
        except BlockingIOError:
            with stream:
                stream.seek(0)
                other = stream.read(20).strip()
            raise UsageError(
                f"{shown} is in use: process {other or 'unknown'} {doing}. "
                f"Wait for it, or choose another {what}."
            ) from None
        try:
            if os.fstat(stream.fileno()).st_ino == path.stat().st_ino:
                break
        except FileNotFoundError:
            pass
        stream.close()  # its holder ended and removed it since it was opened
    stream.truncate(0)
    stream.write(str(os.getpid()))
    stream.flush()
    return stream


def _lock_stream(stream: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return
