"""Standard output for bytes, whose failures are told once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, cast

from arabench.errors import ArabenchError


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
