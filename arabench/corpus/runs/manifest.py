"""The manifest of a run: what was read, what was written, and whether it is still so.

`OUT.manifest.json` beside a file and `.manifest.json` in a folder of outputs hold one JSON
object, the fields of `Manifest`. The name in a folder is hidden because tools that load a
whole folder (`datasets.load_dataset`, Spark, shell globs) would take it for data.

Digests are those of `arabench.files.digests`.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    TypeVar,
    cast,
)

import orjson

from arabench.errors import DataError, UnsafeInputError, UsageError
from arabench.files.atomic import write_text_atomically
from arabench.files.digests import HashName, files_below, is_rereadable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from arabench.corpus.lanes.lane import Outcome

MANIFEST_VERSION: Final = 1
FOLDER_MANIFEST: Final = ".manifest.json"
FILE_SUFFIX: Final = ".manifest.json"


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


def as_json(record: DataclassInstance) -> dict[str, Any]:
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
