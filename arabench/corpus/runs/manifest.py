"""The manifest of a run: what was read, what was written, and whether it is still so.

`OUT.manifest.json` beside a file and `.manifest.json` in a folder of outputs hold one JSON
object, the fields of `Manifest`. The name in a folder is hidden because tools that load a
whole folder (`datasets.load_dataset`, Spark, shell globs) would take it for data.

Digests are XXH3 with 128 bits as `xxh128sum` prints them, or SHA-256 as `sha256sum` does.
XXH3 finds damage, not forgery; it is the default because SHA-256 of every input and output
would take a third of the time of normalizing them (1.4 against 12.9 GB/s per core, measured
on a Xeon with SHA instructions).
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Literal,
    Protocol,
    TypeVar,
    cast,
    get_args,
)

import orjson

from arabench.corpus.formats.names import codec_of, format_of
from arabench.errors import DataError, UnsafeInputError, UsageError, did_you_mean
from arabench.files.atomic import STDIO, write_text_atomically

if TYPE_CHECKING:
    from arabench.corpus.lanes.lane import Outcome

MANIFEST_VERSION: Final = 1
FOLDER_MANIFEST: Final = ".manifest.json"
FILE_SUFFIX: Final = ".manifest.json"
HashName = Literal["xxh128", "sha256"]
#: Bytes read at once for a digest: large enough for full speed, small enough for the cache.
_BLOCK_BYTES: Final = 1 << 20


@dataclass
class Counts:
    """Rows by what became of them.

    `rows == written + dropped + rejected` for steps that neither split nor join rows.
    """

    rows: int = 0
    written: int = 0
    changed: int = 0
    null: int = 0
    dropped: int = 0
    drop_reasons: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Add one processed chunk."""
        self.rows += outcome.read
        self.written += outcome.written
        self.changed += outcome.changed
        self.null += outcome.null
        self.dropped += len(outcome.dropped)
        self.rejected += len(outcome.rejects)
        for _, reason in outcome.dropped:
            kind = reason.split(":")[0]
            self.drop_reasons[kind] = self.drop_reasons.get(kind, 0) + 1
        for reject in outcome.rejects:
            kind = reject.reason.split(" at ")[0].split(":")[0]
            self.reasons[kind] = self.reasons.get(kind, 0) + 1

    def add(self, other: Counts) -> None:
        """Add the counts of another output."""
        for name in ("rows", "written", "changed", "null", "dropped", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, its in (
            (self.drop_reasons, other.drop_reasons),
            (self.reasons, other.reasons),
        ):
            for kind, number in its.items():
                mine[kind] = mine.get(kind, 0) + number


@dataclass(frozen=True)
class FileRecord:
    """A file as it was when the run ended."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str
    """Of an output: relative to the folder of the manifest, with `/`. Of an input: as given."""
    bytes: int | None = None
    """None for standard input and pipes."""
    digest: str | None = None
    """Hexadecimal; None where nothing can be read twice."""
    rows: int | None = None
    """Rows of an output or side file."""
    mtime_ns: int | None = None
    """Of an input: last change, in nanoseconds since 1970."""
    path_base64: str | None = None
    """The bytes of a name that is not UTF-8; `path` is then only a readable form of it."""

    @property
    def name(self) -> str:
        """The path as the operating system takes it."""
        if self.path_base64 is None:
            return self.path
        return os.fsdecode(base64.b64decode(self.path_base64, validate=True))


def record_of(path: str, **values: Any) -> FileRecord:
    """A record of `path`, whatever bytes its name has."""
    raw = os.fsencode(path)
    readable = raw.decode("utf-8", errors="replace")
    if readable.encode() != raw:
        values["path_base64"] = base64.b64encode(raw).decode("ascii")
    return FileRecord(readable, **values)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `arabench verify` reads. Unknown fields are refused."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    arabench_manifest: int
    """Version of this schema."""
    arabench: str
    """Version of the program."""
    command: str | None = None
    """The command line; None for runs from Python."""
    step: str
    """Signature of the step: its settings and version."""
    options: dict[str, str | int | None]
    """How files were read and written."""
    platform: dict[str, str]
    """Versions of what has a say in the bytes written: python, numpy, pyarrow, numba."""
    workers: int
    hash: HashName
    """Kind of every `digest`."""
    started: str
    """UTC, ISO 8601; of the first attempt if the run was resumed."""
    finished: str
    inputs: list[FileRecord]
    outputs: list[FileRecord]
    side_files: list[FileRecord]
    """Rows set aside: `*.rejects.jsonl` and `*.dropped.jsonl`."""
    counts: Counts
    losses: list[str]
    """What the output format could not hold, in words."""


def manifest_path(output: str, *, is_folder: bool) -> str:
    """Where the manifest of `output` lies."""
    return str(Path(output) / FOLDER_MANIFEST) if is_folder else output + FILE_SUFFIX


def write_manifest(path: str, manifest: Manifest) -> None:
    """Write a manifest atomically."""
    data = orjson.dumps(as_json(manifest), option=orjson.OPT_INDENT_2)
    write_text_atomically(path, data.decode("utf-8") + "\n")


def as_json(record: Any) -> dict[str, Any]:
    """A dataclass as a dict without the fields that are None."""
    return dataclasses.asdict(
        record, dict_factory=lambda pairs: {key: value for key, value in pairs if value is not None}
    )


def read_manifest(path: str) -> Manifest:
    """Read a manifest and check its form.

    Raises:
        UsageError: it does not exist or cannot be read.
        DataError: it is damaged, no manifest, or of another version.
        UnsafeInputError: an output lies outside the folder of the manifest.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"manifest {path!r} cannot be read: {error.strerror or error}.") from error
    try:
        version = orjson.loads(data).get("arabench_manifest")
    except (ValueError, AttributeError):
        raise DataError(
            f"{path!r} is no manifest or is damaged: it is not one JSON object. "
            "Fetch it again, or run the command again to make a new one."
        ) from None
    if version != MANIFEST_VERSION:
        was = "has no version" if version is None else f"is of version {version!r}"
        raise DataError(
            f"manifest {path!r} {was}; this program reads version {MANIFEST_VERSION}. "
            "Name a manifest that arabench wrote, or install the version that wrote it."
        )
    manifest = parse_json(Manifest, data, f"manifest {path!r}")
    for record in [*manifest.outputs, *manifest.side_files]:
        _refuse_outside(path, record)
    return manifest


Parsed = TypeVar("Parsed")


def parse_json(kind: type[Parsed], data: bytes, what: str) -> Parsed:
    """An instance of a dataclass from JSON of exactly its form.

    Raises:
        DataError: a field is missing, unknown or of another type.
    """
    from pydantic import ValidationError

    try:
        parsed: Parsed = _adapter(cast(Any, kind)).validate_json(data, strict=True)
        return parsed
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise DataError(f"{what} is damaged: {place}: {first['msg'].lower()}.") from error


@functools.cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _refuse_outside(path: str, record: FileRecord) -> None:
    try:
        name = PurePosixPath(record.name)
    except ValueError:
        name = PurePosixPath("/")
    if name.is_absolute() or ".." in name.parts or not name.parts or "\0" in record.name:
        raise UnsafeInputError(
            f"manifest {path!r} names the output {record.path!r}, which lies outside its folder. "
            "arabench writes no such manifest: do not trust it."
        )


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


def input_record(path: str) -> FileRecord:
    """An input before it is read: name, size and time of last change."""
    if not is_rereadable(path):
        return record_of(path)
    found = [file.stat() for file in files_below(path)]
    return record_of(
        path,
        bytes=sum(status.st_size for status in found),
        mtime_ns=max((status.st_mtime_ns for status in found), default=0),
    )


@dataclass(frozen=True)
class Finding:
    """A file that is not what its manifest says."""

    fault: Literal["missing", "changed"]
    path: str
    detail: str


def verify(
    path: str, *, inputs: bool = False, count_rows: bool = False
) -> tuple[Manifest, list[Finding]]:
    """Compare every file of a manifest with the disk.

    Args:
        path: the manifest, or the folder it lies in.
        inputs: check the inputs too; relative names start from the working folder.
        count_rows: read the outputs through and count their rows.

    Raises:
        UsageError, DataError, UnsafeInputError: see `read_manifest`.
    """
    if Path(path).is_dir():
        path = str(Path(path) / FOLDER_MANIFEST)
    manifest = read_manifest(path)
    folder = Path(path).parent
    findings: list[Finding] = []
    for record in [*manifest.outputs, *manifest.side_files]:
        file = str(folder / record.name)
        found = compare(file, record, manifest.hash)
        if not found and count_rows and record.rows is not None:
            field_name = manifest.options.get("text_field")
            found = list(_compare_rows(file, record, manifest, str(field_name)))
        findings += found
    if inputs:
        for record in manifest.inputs:
            if record.digest is not None:
                findings += compare(record.name, record, manifest.hash)
    return manifest, findings


def compare(file: str, record: FileRecord, name: HashName | None) -> list[Finding]:
    """What is wrong with a file, by its size first and then by its digest; empty if nothing."""
    try:
        if not is_rereadable(file):
            detail = "it is no plain file" if Path(file).exists() else "it does not exist"
            return [Finding("missing", record.path, detail)]
        size = sum(part.stat().st_size for part in files_below(file))
        if size != record.bytes:
            return [Finding("changed", record.path, f"{size} bytes, not {record.bytes}")]
        if name is None or record.digest is None:
            return []
        digest = digest_path(file, name)
    except OSError as error:
        return [Finding("missing", record.path, f"it cannot be read: {error.strerror or error}")]
    if digest != record.digest:
        return [Finding("changed", record.path, f"{name} {digest}, not {record.digest}")]
    return []


def _compare_rows(
    file: str, record: FileRecord, manifest: Manifest, text_field: str
) -> Iterable[Finding]:
    is_side = record in manifest.side_files
    try:
        rows = _lines(file) if is_side else _rows(file, manifest, text_field)
    except (DataError, UsageError) as error:
        yield Finding("changed", record.path, f"its rows cannot be read: {error}")
        return
    if rows != record.rows:
        yield Finding("changed", record.path, f"{rows} rows, not {record.rows}")


def _lines(file: str) -> int:
    with Path(file).open("rb") as stream:
        return sum(1 for _ in stream)


def _rows(file: str, manifest: Manifest, text_field: str) -> int:
    from arabench.corpus.formats.names import SUFFIXES, is_dataset_folder, split_suffix
    from arabench.corpus.formats.readers import read_batches

    given = manifest.options.get("output_format")
    if given is None and split_suffix(file)[0] not in SUFFIXES and not is_dataset_folder(file):
        given = manifest.options.get("input_format")
    name = None if given is None else str(given)
    batches = read_batches(file, format_of(file, name), text_field, codec=codec_of(file, name))
    return sum(len(batch.rows) + len(batch.rejects) for batch in batches)
