"""The log of a task's samples: written as they come, cut back to the last whole window.

While a task runs its log ends in `.partial`; done, it has lm-eval's name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from arabench.errors import ArabenchError, DataError
from arabench.evaluation.harness.output import sample_line

#: Advice that ends every message about a log that could not be written.
_GO_ON: Final = (
    "What was measured before is kept: free some space, and give the same command again."
)


class OutputError(ArabenchError):
    """The output cannot be written: no further task could be kept."""


class SampleLog:
    """One task's log in a folder.

    Attributes:
        path: under its final name.
    """

    def __init__(self, folder: Path, task: str, stamp: str) -> None:
        self.path = folder / f"samples_{task}_{stamp}.jsonl"
        self._partial = self.path.with_name(f"{self.path.name}.partial")
        self._digest = hashlib.sha256()
        self._size = 0

    @property
    def mark(self) -> tuple[int, str]:
        """Bytes and SHA-256 of all whole windows: with it the log is opened again."""
        return self._size, self._digest.hexdigest()

    def resume(self, size: int, sha256: str) -> Iterator[dict[str, Any]]:
        """Cut what stands behind the last whole window; rows of those before, in order.

        Args:
            size, sha256: a `mark`; (0, "") begins anew.

        Raises:
            DataError: the log is shorter than that, or another.
            OutputError: it cannot be written.
        """
        if not size:
            self._write(lambda: self._partial.write_bytes(b""))
            return
        if not self._partial.exists() and self.path.exists():  # killed between two renames
            self._write(lambda: self.path.rename(self._partial))
        if not self._partial.exists() or self._partial.stat().st_size < size:
            raise self._damaged("is shorter than the windows that it held")
        with self._partial.open("rb") as stream:
            while self._size < size:
                line = stream.readline()
                self._size += len(line)
                self._digest.update(line)
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise self._damaged(f"holds a line that is no JSON: {error}") from error
        if (self._size, self._digest.hexdigest()) != (size, sha256):
            raise self._damaged("is not what was written")
        self._write(lambda: os.truncate(self._partial, size))

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add a window of rows and flush them to the disk.

        Raises:
            OutputError: the disk is full.
        """
        lines = b"".join(map(sample_line, rows))

        def write() -> None:
            with self._partial.open("r+b") as stream:
                stream.seek(self._size)
                stream.write(lines)
                stream.truncate()
                stream.flush()
                os.fsync(stream.fileno())

        self._write(write)
        self._digest.update(lines)
        self._size += len(lines)

    def finish(self) -> None:
        """Give the log its final name."""
        self._write(lambda: self._partial.replace(self.path))

    def _write(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            raise OutputError(
                f"cannot write {str(self._partial)!r}: {error.strerror or error}. {_GO_ON}"
            ) from error

    def _damaged(self, what: str) -> DataError:
        return DataError(
            f"{self._partial} {what}. Remove {self._partial.parent} and run again, or choose "
            "another output."
        )
