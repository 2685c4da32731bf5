"""Digests of files, taken in a thread while the files are read.

Digests are XXH3 with 128 bits as `xxh128sum` prints them, or SHA-256 as `sha256sum` does.
XXH3 finds damage, not forgery; it is the default because SHA-256 of every input and output
would take a third of the time of normalizing them (1.4 against 12.9 GB/s per core, measured
on a Xeon with SHA instructions).
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol, cast, get_args

from arabench.errors import UsageError, did_you_mean
from arabench.files.atomic import STDIO

HashName = Literal["xxh128", "sha256"]
#: Bytes read at once for a digest: large enough for full speed, small enough for the cache.
_BLOCK_BYTES: Final = 1 << 20


class Digest(Protocol):
    """What hashlib and xxhash offer."""

    def update(self, data: Any, /) -> None: ...

    def hexdigest(self) -> str: ...


def new_digest(name: HashName) -> Digest:
    """An empty digest.

    Raises:
        UsageError: the name is unknown, or the package xxhash is missing.
    """
    if name not in get_args(HashName):
        raise UsageError(f"hash {name!r} is not known. {did_you_mean(name, get_args(HashName))}")
    if name == "sha256":
        return hashlib.sha256()
    try:
        import xxhash
    except ImportError as error:
        raise UsageError(
            "this needs the package xxhash. Install it with: pip install xxhash, "
            "or write the manifest with --manifest sha256."
        ) from error
    return cast(Digest, xxhash.xxh3_128())


def digest_file(path: str, name: HashName) -> str:
    """Hexadecimal digest of a whole file."""
    digest = new_digest(name)
    block = bytearray(_BLOCK_BYTES)
    with Path(path).open("rb", buffering=0) as stream:
        while size := stream.readinto(block):
            digest.update(memoryview(block)[:size])
    return digest.hexdigest()


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
        self._block = bytearray(_BLOCK_BYTES)
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


def is_rereadable(path: str) -> bool:
    """Whether `path` can be read again: no `-`, pipe or device."""
    return path != STDIO and (Path(path).is_file() or Path(path).is_dir())


def files_below(path: str) -> list[Path]:
    """The file itself, or all files in a folder (of a dataset), sorted."""
    place = Path(path)
    if not place.is_dir():
        return [place]
    return sorted(file for file in place.rglob("*") if file.is_file())


def digest_path(path: str, name: HashName) -> str:
    """Digest of a file; of a folder that of the lines `DIGEST  NAME` of its files, sorted."""
    if not Path(path).is_dir():
        return digest_file(path, name)
    whole = new_digest(name)
    for file in files_below(path):
        line = f"{digest_file(str(file), name)}  {file.relative_to(path).as_posix()}\n"
        whole.update(os.fsencode(line))
    return whole.hexdigest()
