"""Digests of inputs, taken in a thread while the inputs are read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from arabench.files.atomic import STDIO
from arabench.files.digests import (
    BLOCK_BYTES,
    HashName,
    digest_path,
    is_rereadable,
    new_digest,
)


class InputDigests:
    """Hashes inputs in a thread that follows the reader, so that no disk is read twice.

    A file is read a second time, but while its pages are still in memory: the thread gets
    told how far the reader has come. Standard input and pipes have no digest.
    """

    def __init__(self, name: HashName) -> None:
        self.name = name
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="arabench-digest")
        self._known: dict[int, str] = {}
        self._waiting: dict[int, Future[str]] = {}

    def __enter__(self) -> InputDigests:
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.shutdown(cancel_futures=True)

    def follow(self, source: int, path: str) -> _Follower | None:
        """Start on an input; None if it has no digest or is known."""
        if source in self._known or not (path != STDIO and Path(path).is_file()):
            return None
        return _Follower(self, source, path)

    def learn(self, source: int, digest: str) -> None:
        """Take over a digest from an earlier attempt."""
        self._known[source] = digest

    def wait_for(self, source: int, digest: Future[str]) -> None:
        """Take over a digest when it is done."""
        self._waiting[source] = digest

    def known(self) -> dict[int, str]:
        """Digests of all inputs read to their end; waits for the thread."""
        for source in list(self._waiting):
            self._known[source] = self._waiting.pop(source).result()
        return self._known

    def of(self, source: int, path: str) -> str | None:
        """Digest of one input, read now if it was never followed to its end."""
        if source not in self.known() and is_rereadable(path):
            self._known[source] = digest_path(path, self.name)
        return self._known.get(source)


class _Follower:
    def __init__(self, digests: InputDigests, source: int, path: str) -> None:
        self._digests = digests
        self._source = source
        self._path = path
        self._digest = new_digest(digests.name)
        self._stream: IO[bytes] | None = None
        self._block = bytearray(BLOCK_BYTES)
        self._hashed = 0

    def advance(self, position: int) -> None:
        """The reader has come to this byte."""
        self._digests.thread.submit(self._hash, position)

    def finish(self) -> None:
        """The reader has come to the end."""
        self._digests.wait_for(self._source, self._digests.thread.submit(self._finish))

    def _hash(self, position: int | None) -> None:
        if self._stream is None:
            self._stream = Path(self._path).open("rb", buffering=0)  # noqa: SIM115
        block = self._block
        while position is None or self._hashed < position:
            size = self._stream.readinto(block)  # type: ignore[attr-defined]
            if not size:
                return
            self._digest.update(memoryview(block)[:size])
            self._hashed += size

    def _finish(self) -> str:
        self._hash(None)
        if self._stream is not None:
            self._stream.close()
        return self._digest.hexdigest()
