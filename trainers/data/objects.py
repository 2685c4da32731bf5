"""Rows as they lie in files, with all their fields, whatever these hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from arabench.corpus.formats.compression import ByteSource
from arabench.corpus.formats.lines import line_blocks
from arabench.corpus.formats.names import codec_of, format_of
from arabench.errors import DataError

#: How a file is named that holds one array of rows, as Alpaca and ShareGPT are handed on.
ARRAY_SUFFIX: Final = ".json"
#: Characters of an array that are read at once.
_CHUNK: Final = 1 << 20
#: Characters of one row of an array, beyond which the file is taken for something else.
_MAX_ROW: Final = 1 << 28
_DECODE: Final = json.JSONDecoder().raw_decode


def read_objects(path: str) -> Iterator[dict[str, Any]]:
    """Rows of JSON lines, of an array in a .json file, or of Arrow columns, one by one.

    Raises:
        DataError: a row cannot be read, with its number.
    """
    if path.endswith(ARRAY_SUFFIX):
        yield from _array(path)
    elif format_of(path) == "jsonl":
        yield from _lines(path)
    else:
        yield from _columns(path)


def _lines(path: str) -> Iterator[dict[str, Any]]:
    number = 0
    for block in line_blocks(ByteSource(path, codec_of(path))):
        for line in block.data.removesuffix(b"\n").split(b"\n"):
            number += 1
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DataError(
                    f"{path}:{number}: not valid JSON ({error}). Take the line out."
                ) from error
            yield _object(path, f":{number}", row)


def _object(path: str, place: str, row: object) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(
            f"{path}{place}: not a JSON object but {type(row).__name__}. Take it out, or write "
            "{FIELD: VALUE}."
        )
    return row


def _array(path: str) -> Iterator[dict[str, Any]]:
    """Objects of one array, of which a row and what was read with it are held at a time."""
    with Path(path).open(encoding="utf-8-sig") as stream:
        text, at = _after_space(stream, "", 0)
        if text[at : at + 1] != "[":
            raise DataError(
                f"{path!r} begins with {text[at : at + 1]!r}, not with '[': a .json file of "
                "training rows is one array of objects. Name it .jsonl if every line is an object."
            )
        text, at = _after_space(stream, text, at + 1)
        number = 0
        while number or text[at : at + 1] != "]":
            number += 1
            row, text, at = _value(path, stream, text, at, number)
            yield _object(path, f", row {number}", row)
            text, at = _after_space(stream, text, at)
            mark = text[at : at + 1]
            if mark == "]":
                return
            if mark != ",":
                raise _broken(path, number + 1, "neither ',' nor ']' stands before it")
            text, at = _after_space(stream, text, at + 1)


def _value(path: str, stream: Any, text: str, at: int, number: int) -> tuple[object, str, int]:
    """The value at `at`, the text that was read with it, and the place behind it."""
    text, at, size = text[at:], 0, _CHUNK
    while True:
        try:
            row, end = _DECODE(text, at)
            return row, text, end
        except (ValueError, RecursionError) as error:
            more = stream.read(size)
            if not more or len(text) > _MAX_ROW:
                raise _broken(path, number, str(error)) from error
            text, size = text + more, 2 * size


def _after_space(stream: Any, text: str, at: int) -> tuple[str, int]:
    """The text, read on so far that it has a character that is no space at or behind `at`."""
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text):
            return text, at
        more = stream.read(_CHUNK)
        if not more:
            return text, at
        text, at = text[at:] + more, 0


def _broken(path: str, number: int, why: str) -> DataError:
    return DataError(
        f"{path!r}: row {number} of its array cannot be read ({why}). Is the file cut short? "
        "Mend it, or write its rows as .jsonl."
    )


def _columns(path: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.dataset

    kind = format_of(path)
    source: Any = path
    if kind in {"csv", "tsv", "txt"}:
        raise DataError(f"{path!r} holds text alone, and no conversations. Use .jsonl or .parquet.")
    try:
        name = "parquet" if kind == "parquet" else "ipc"
        if name == "ipc":
            yield from _ipc(source)
            return
        for batch in pyarrow.dataset.dataset(source, format=name).to_batches(batch_size=1000):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path!r} cannot be read: {str(error)[:200]}") from error


def _ipc(path: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    with pa.memory_map(path) as stream:
        try:
            reader = pa.ipc.open_file(stream)
            batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
        except pa.ArrowInvalid:
            stream.seek(0)
            batches = iter(pa.ipc.open_stream(stream))
        for batch in batches:
            yield from batch.to_pylist()
