"""What is a row, what is a reject, and what stops the work."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.corpus.formats import readers
from arabench.corpus.formats.names import Format
from arabench.corpus.formats.readers import Reject, read_batches
from arabench.errors import DataError, UsageError
from tests.corpus.support import invalid_utf8_parquet


def read(
    tmp_path: Path, data: bytes, file_format: Format, text_field: str = "text"
) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """All rows, and line and reason of all rejects."""
    file = tmp_path / f"in.{file_format}"
    file.write_bytes(data)
    batches = list(read_batches(str(file), file_format, text_field))
    rows = [row for batch in batches for row in batch.rows]
    return rows, [(reject.line, reject.reason) for batch in batches for reject in batch.rejects]


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\n\r\nb\r\n", ["a", "", "b"]),
        (b"a\n\n\n", ["a", "", ""]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        (b"a\rb\x0bc\xe2\x80\xa8d\n", ["a\rb\x0bc\u2028d"]),
        (b"a\x00b\n", ["a\x00b"]),
    ],
    ids=["lf", "no-last-lf", "crlf", "blank", "bom-only-first", "only-lf-ends-lines", "nul"],
)
def test_every_text_line_is_a_row(tmp_path: Path, data: bytes, texts: list[str]) -> None:
    rows, rejects = read(tmp_path, data, "txt")
    assert [row["text"] for row in rows] == texts
    assert not rejects


def test_blank_json_lines_crlf_and_bom_are_no_rows(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"text":"a"}\r\n\r\n  \n{"text":null}\n'
    rows, rejects = read(tmp_path, data, "jsonl")
    assert rows == [{"text": "a"}, {"text": None}]
    assert not rejects


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a"', "invalid JSON"),
        (b'{"text": "a"} x', "invalid JSON"),
        (b'{"text": "\xff"}', "invalid UTF-8 at byte 10"),
        (rb'{"text": "\ud800"}', "half of a surrogate pair"),
        (rb'{"text": "a", "\udc00": 1}', "half of a surrogate pair"),
        (b'{"text": "a", "n": NaN}', "invalid JSON"),
        (b'{"text": "a", "n": 1e999}', "invalid JSON"),
        (b'{"text": "a", "n": ' + b"1" * 5000 + b"}", "invalid JSON: the number is too large"),
        (b'{"text": 1234567890123456789012 3}', "invalid JSON"),
        (b'{"text": "a", "n": ' + b"[" * 600 + b"]" * 600 + b"}", "nested more than 250"),
        (b'{"text": "a", "n": ' + b"[" * 9999 + b"]" * 9999 + b"}", "invalid JSON"),
        (b"[1]", "not a JSON object but list"),
        (b"null", "not a JSON object but NoneType"),
        (b'{"txt": "a"}', "no field 'text'"),
        (b'{"text": 3}', "field 'text' is int, not text"),
    ],
    ids=range(15),
)
def test_bad_json_row_is_set_aside_and_the_rest_is_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    rows, rejects = read(tmp_path, b'{"text":"a"}\n' + line + b'\n{"text":"b"}\n', "jsonl")
    assert [row["text"] for row in rows] == ["a", "b"]
    assert len(rejects) == 1
    assert rejects[0][0] == 2
    assert reason in rejects[0][1]


def test_surrogate_pair_escape_is_a_character(tmp_path: Path) -> None:
    assert read(tmp_path, rb'{"text":"\ud83d\ude00"}', "jsonl")[0] == [{"text": "😀"}]


@pytest.mark.parametrize(
    "number",
    [
        2**63,
        2**64 - 1,
        2**64,
        -(2**63),
        -(2**63) - 1,
        10**19,
        10**40,
        0.1,
        1e300,
        3.141592653589793,
        1e-7,
        1.2345678901234567e19,
    ],
)
def test_numbers_are_read_exactly(tmp_path: Path, number: float) -> None:
    for value in (number, [number], {"deep": [{"n": number}]}):
        line = json.dumps({"text": "a", "n": value})
        rows, _ = read(tmp_path, line.encode(), "jsonl")
        assert rows[0]["n"] == value
        assert json.dumps(rows[0]) == line


def test_text_line_that_is_not_utf8_is_set_aside(tmp_path: Path) -> None:
    rows, rejects = read(tmp_path, b"a\nb\xff\nc\n", "txt")
    assert [row["text"] for row in rows] == ["a", "c"]
    assert rejects == [(2, "invalid UTF-8 at byte 1")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("file_format", ["txt", "jsonl"])
def test_utf16_is_refused_with_the_remedy(
    tmp_path: Path, encoding: str, file_format: Format
) -> None:
    with pytest.raises(DataError, match=r"UTF-16, not UTF-8. Convert it with: iconv"):
        read(tmp_path, "\ufeffنص\nنص\n".encode(encoding), file_format)


def test_field_that_no_row_has_is_a_wrong_option(tmp_path: Path) -> None:
    data = b'{"body": "a", "id": 1}\n{"body": "b"}\n'
    with pytest.raises(UsageError, match=r"Did you mean 'body'. Allowed: body, id.*--field"):
        read(tmp_path, data, "jsonl", "boddy")
    with pytest.raises(UsageError, match="no fields at all"):
        read(tmp_path, b"{}\n", "jsonl")


def test_batches_are_bounded_and_report_all_bytes(tmp_path: Path) -> None:
    line = b"x" * 999 + b"\n"
    file = tmp_path / "a.txt"
    file.write_bytes(line * 10_000)
    seen: list[int] = []
    batches = list(read_batches(str(file), "txt", "text", seen.append))
    assert len(batches) == 3
    assert all(batch.bytes_read <= readers.BATCH_BYTES + len(line) for batch in batches)
    assert sum(seen) == file.stat().st_size
    assert sum(len(batch.rows) for batch in batches) == 10_000


def test_wide_parquet_rows_come_in_smaller_batches(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    texts = [os.urandom(50_000).hex() for _ in range(200)]
    pq.write_table(pa.table({"text": texts}), file)
    sizes = [len(batch.rows) for batch in read_batches(str(file), "parquet", "text")]
    assert sum(sizes) == 200
    assert max(sizes) <= 50


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_every_arrow_text_type_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array(["a", None, "a"], type=kind)}), file)
    (batch,) = read_batches(str(file), "parquet", "text")
    assert [row["text"] for row in batch.rows] == ["a", None, "a"]


@pytest.mark.parametrize("keep_columns", [False, True])
def test_parquet_row_that_is_not_utf8_is_set_aside(tmp_path: Path, keep_columns: bool) -> None:
    file = invalid_utf8_parquet(tmp_path / "a.parquet")
    (batch,) = read_batches(str(file), "parquet", "text", keep_columns=keep_columns)
    assert [row["text"] for row in batch.rows] == ["a", "b"]
    (reject,) = batch.rejects
    assert (reject.line, reject.reason, reject.raw) == (2, "invalid UTF-8 at byte 0", b"\xff\xfe")
    if keep_columns:
        assert batch.columns.column("id").to_pylist() == [1, 3]


@pytest.mark.parametrize(
    ("table", "text_field", "message"),
    [
        (pa.table({"body": ["a"]}), "boddy", "no column 'boddy'. Did you mean 'body'"),
        (pa.table({"text": [1]}), "text", "is int64, not text. Choose a text column"),
        (pa.table({"text": [b"a"]}), "text", "is binary, not text"),
        (
            pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"]),
            "text",
            "several columns of the name 'text'",
        ),
    ],
)
def test_parquet_column_must_be_one_of_text(
    tmp_path: Path, table: pa.Table, text_field: str, message: str
) -> None:
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=message):
        list(read_batches(str(tmp_path / "a.parquet"), "parquet", text_field))


def test_damaged_parquet_says_where(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"text": [os.urandom(20).hex() for _ in range(20_000)]}),
        file,
        write_page_checksum=True,
    )
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a.parquet' is not a readable Parquet file"):
        list(read_batches(str(file), "parquet", "text"))
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    with pytest.raises(DataError, match=r"a.parquet' is damaged after row \d+"):
        list(read_batches(str(file), "parquet", "text"))


def test_parquet_from_standard_input_is_refused() -> None:
    with pytest.raises(UsageError, match=r"standard input. Name the file"):
        list(read_batches("-", "parquet", "text"))


def test_reject_is_one_json_line_that_keeps_the_bytes() -> None:
    record = json.loads(Reject("a.txt", 3, "why", b"x\xff").as_json())
    assert record["file"] == "a.txt"
    assert (record["line"], record["reason"], record["raw"]) == (3, "why", "x\ufffd")
    assert base64.b64decode(record["base64"]) == b"x\xff"
    assert json.loads(Reject("a", 1, "why", "نص".encode()).as_json())["raw"] == "نص"


def test_reject_of_a_huge_row_is_cut_and_says_so() -> None:
    size = 3 * readers.MAX_REJECT_BYTES
    record = json.loads(Reject("a", 1, "why", b"x" * size).as_json())
    assert record["truncated_from_bytes"] == size
    assert len(record["raw"]) == readers.MAX_REJECT_BYTES


def test_reject_from_a_file_whose_name_is_not_utf8_is_written() -> None:
    record = json.loads(Reject(os.fsdecode(b"\xff.txt"), 1, "why", b"x").as_json())
    assert record["file"] == "\ufffd.txt"
