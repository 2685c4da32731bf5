"""Batches of rows, rows that cannot be read, and the text field of a row."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from arabench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

#: A batch holds at most this many bytes of input lines (one longer line may exceed it).
BATCH_BYTES: Final = 4 << 20
#: Lines per batch: a row costs some 300 bytes beside its text, so that lines with
#: nothing in them must not fill a batch by their bytes alone.
BATCH_LINES: Final = 1 << 16
#: Rows per batch of columns.
BATCH_ROWS: Final = 4096
#: Bytes of an unreadable line kept in the rejects file.
MAX_REJECT_BYTES: Final = 1 << 16


@dataclass(slots=True)
class Reject:
    """A row that could not be read, as written to the rejects file."""

    file: str
    line: int
    reason: str
    raw: bytes

    def as_json(self) -> bytes:
        """One JSON line; undecodable bytes are given in base64 beside a readable form."""
        record: dict[str, Any] = {
            "file": _printable(self.file),
            "line": self.line,
            "reason": self.reason,
        }
        kept = self.raw[:MAX_REJECT_BYTES]
        if len(kept) < len(self.raw):
            record["truncated_from_bytes"] = len(self.raw)
        try:
            record["raw"] = kept.decode("utf-8")
        except UnicodeDecodeError:
            record["raw"] = kept.decode("utf-8", errors="replace")
            record["base64"] = base64.b64encode(kept).decode("ascii")
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _printable(path: str) -> str:
    """A file name as UTF-8 text, whatever bytes it has on disk."""
    return os.fsencode(path).decode("utf-8", errors="replace")


@dataclass(slots=True)
class Batch:
    """Rows of one file in order; each row is a dict whose `text_field` holds the text or None.

    With `columns` (Arrow data of the same rows) the dicts hold only the text.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    bytes_read: int = 0
    columns: pa.RecordBatch | None = None


class RowWriter(Protocol):
    """Writes batches of rows; `close` finishes the file but not the stream."""

    def write(self, batch: Batch) -> None: ...

    def close(self) -> None: ...

    def write_lines(
        self, pieces: Sequence[bytes | memoryview], joined: int = 0, *, compressed: bool = False
    ) -> None:
        """Write finished lines, of formats of lines only.

        Args:
            pieces: whole lines.
            joined: line breaks that became spaces in them.
            compressed: each piece is a member made by `compress_block`.
        """
        del pieces, joined, compressed
        raise NotImplementedError(f"{type(self).__name__} takes no lines")

    def write_columns(self, columns: pa.RecordBatch) -> None:
        """Write rows as Arrow data, of formats of columns only."""
        del columns
        raise NotImplementedError(f"{type(self).__name__} takes no columns")

    def losses(self) -> list[str]:
        """What of the rows the format could not hold, in words."""
        return []


class MissingFieldError(ValueError):
    """A row without the text field; `fields` are those it has."""

    def __init__(self, text_field: str, fields: list[str]) -> None:
        super().__init__(f"no field {text_field!r}")
        self.fields = fields


def refuse_wrong_field(
    name: str, text_field: str, rows_seen: int, missing: int, fields_seen: set[str]
) -> None:
    """Raise `UsageError` for a field that no row so far has: a wrong option, not bad data."""
    if missing and not rows_seen:
        raise UsageError(
            f"no row of {name!r} has a field {text_field!r}. {choices(text_field, fields_seen)}"
        )


def choices(text_field: str, names: Collection[str]) -> str:
    """What to say about a field that is not there."""
    if not names:
        return "It has no fields at all: check the file."
    return f"{did_you_mean(text_field, names)} Choose one with --field."


class _Lifted(str):
    """Stands where a nested text was taken from; known by identity, whatever it looks like."""

    __slots__ = ()


_LIFTED: Final = _Lifted("")


def lift_text(row: dict[str, Any], text_field: str) -> bool:
    """Make the text at the path `text_field` a value of the row itself; False if there is none.

    `{"meta": {"body": "x"}}` with `meta.body` gains a key `meta.body`, so that steps find
    every text at `row[text_field]`. A key that is called `meta.body` comes first.
    `restore_text` undoes it.
    """
    if text_field in row:
        return True
    *path, last = text_field.split(".")
    if not path:
        return False
    place: Any = row
    for key in path:
        place = place.get(key)
        if not isinstance(place, dict):
            return False
    if last not in place:
        return False
    row[text_field] = place[last]
    place[last] = _LIFTED
    return True


def restore_text(row: dict[str, Any], text_field: str) -> None:
    """Put a text that `lift_text` lifted back to its place, if it was lifted.

    The dicts on the way are copied, because rows that a step made of one row share them.
    """
    *path, last = text_field.split(".")
    if not path or text_field not in row:
        return
    place: Any = row
    for key in path:
        place = place.get(key)
        if not isinstance(place, dict):
            return
    if place.get(last) is not _LIFTED:
        return
    text = row.pop(text_field)
    place = row
    for key in path:
        place[key] = dict(place[key])
        place = place[key]
    place[last] = text


def text_of(row: dict[str, Any], text_field: str) -> str | None:
    """The text of a row, at the top or at a path."""
    place: Any = row
    for key in (text_field,) if text_field in row else text_field.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    text: str | None = place
    return text


def field_names(row: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Names of the fields of a row, nested ones as paths (to three levels)."""
    for key, value in row.items():
        yield prefix + key
        if isinstance(value, dict) and prefix.count(".") < 2:
            yield from field_names(value, f"{prefix}{key}.")
