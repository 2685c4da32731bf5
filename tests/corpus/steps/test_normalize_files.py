"""Rewriting whole files: every format to every format, nothing lost beside the text."""

from __future__ import annotations

import datetime
import decimal
import os
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.corpus.formats import writers
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.run import Summary
from arabench.corpus.steps.normalize import normalize_files
from arabench.errors import DataError, UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import CLEAN, RAW, Row, invalid_utf8_parquet, names, read_rows, write_rows

LLM = Normalizer(options_from("llm"))
NONE = Normalizer(options_from("none"))
SUFFIXES = ["txt", "jsonl", "parquet"]


def normalize(
    source: Path | list[Path], output: Path, normalizer: Normalizer = LLM, **options: Any
) -> Summary:
    sources = source if isinstance(source, list) else [source]
    return normalize_files(
        [str(path) for path in sources], str(output), normalizer, IoOptions(**options)
    )


@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_every_format_is_rewritten_as_every_format(
    tmp_path: Path, source: str, target: str
) -> None:
    rows = [{"text": RAW}, {"text": "نص"}, {"text": ""}]
    file = write_rows(tmp_path / f"in.{source}", rows)
    out = tmp_path / f"out.{target}"
    summary = normalize(file, out)
    assert read_rows(out) == [{"text": CLEAN}, {"text": "نص"}, {"text": ""}]
    assert (summary.rows, summary.written, summary.changed, summary.rejected) == (3, 3, 1, 0)
    assert summary.outputs == [str(out)]
    assert names(tmp_path) == {file.name, out.name}


@pytest.mark.parametrize("source", ["jsonl", "parquet"])
@pytest.mark.parametrize("target", SUFFIXES)
def test_null_text_stays_null_and_an_empty_line_in_txt(
    tmp_path: Path, source: str, target: str
) -> None:
    file = write_rows(tmp_path / f"in.{source}", [{"text": None}, {"text": "a"}])
    summary = normalize(file, tmp_path / f"out.{target}")
    empty = "" if target == "txt" else None
    assert read_rows(tmp_path / f"out.{target}") == [{"text": empty}, {"text": "a"}]
    assert (summary.null, summary.written) == (1, 2)


@pytest.mark.parametrize("source", ["jsonl", "parquet"])
@pytest.mark.parametrize("target", ["jsonl", "parquet"])
def test_only_the_chosen_field_changes(tmp_path: Path, source: str, target: str) -> None:
    row = {"id": 7, "text": RAW, "body": RAW, "deep": {"n": [1, 2], "text": RAW}, "f": 0.1}
    file = write_rows(tmp_path / f"in.{source}", [row])
    normalize(file, tmp_path / f"out.{target}", text_field="body")
    (after,) = read_rows(tmp_path / f"out.{target}")
    assert after == {**row, "body": CLEAN}
    assert list(after) == list(row)


def test_jsonl_keeps_key_order_and_every_number(tmp_path: Path) -> None:
    line = (
        '{"z":18446744073709551616,"text":"a","a":{"y":[],"b":{}},"i":-9223372036854775809,'
        '"u":18446744073709551615,"f":1.5,"t":true,"n":null,"s":"\\u0000\\n"}\n'
    )
    (tmp_path / "in.jsonl").write_text(line)
    normalize(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == line


def test_line_ends_and_byte_order_mark_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    summary = normalize(tmp_path / "in.txt", tmp_path / "out.txt", NONE)
    assert (tmp_path / "out.txt").read_bytes() == b"a\nb\n"
    assert summary.changed == 0


def test_row_of_several_lines_is_one_line_of_txt(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", [{"text": "a\n\nb\r\nc\rd"}, {"text": "e"}])
    summary = normalize(file, tmp_path / "out.txt", NONE)
    assert (tmp_path / "out.txt").read_bytes() == b"a b c d\ne\n"
    assert any("line breaks became spaces" in loss for loss in summary.losses)


def test_several_inputs_of_several_formats_become_one_file(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"in.{suffix}", [{"text": suffix}]) for suffix in SUFFIXES]
    normalize(files, tmp_path / "out.jsonl")
    assert [row["text"] for row in read_rows(tmp_path / "out.jsonl")] == SUFFIXES


def test_folder_gets_each_file_in_its_own_format(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"{suffix}.{suffix}", [{"text": RAW}]) for suffix in SUFFIXES]
    summary = normalize(files, tmp_path / "out")
    for file in files:
        assert read_rows(tmp_path / "out" / file.name) == [{"text": CLEAN}]
    assert summary.outputs == [str(tmp_path / "out" / file.name) for file in files]


def test_folder_and_format_convert_each_file(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.txt", [{"text": RAW}])
    normalize(file, tmp_path / "out", output_format="jsonl")
    assert names(tmp_path / "out") == {"a.jsonl"}
    assert read_rows(tmp_path / "out" / "a.jsonl") == [{"text": CLEAN}]


def test_file_of_unknown_suffix_keeps_its_name_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("a\n")
    normalize(tmp_path / "a.dat", tmp_path / "out", input_format="txt")
    assert (tmp_path / "out" / "a.dat").read_text() == "a\n"


def test_all_formats_are_checked_before_the_first_file_is_written(tmp_path: Path) -> None:
    good = write_rows(tmp_path / "a.txt", [{"text": "a"}])
    (tmp_path / "b.dat").write_text("b")
    with pytest.raises(UsageError, match=r"format of .*b\.dat"):
        normalize([good, tmp_path / "b.dat"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pipe_is_read_from_its_first_byte(tmp_path: Path) -> None:
    pipe = tmp_path / "in.txt"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_text, args=("first\nsecond\n",))
    feeder.start()
    normalize(pipe, tmp_path / "out.txt")
    feeder.join()
    assert (tmp_path / "out.txt").read_text() == "first\nsecond\n"


def rich_table() -> pa.Table:
    """Types that a round trip through Python objects or JSON would lose."""
    texts = [RAW, None, "a", RAW]
    times = pa.array([1, 2, None, 4], type=pa.timestamp("ns", tz="UTC"))
    schema = pa.schema(
        [
            pa.field("id", pa.int32(), nullable=False),
            pa.field("text", pa.dictionary(pa.int32(), pa.string()), metadata={"k": "v"}),
            pa.field("large", pa.large_string()),
            pa.field("nothing", pa.null()),
            pa.field("when", times.type),
            pa.field("price", pa.decimal128(10, 2)),
            pa.field("half", pa.float32()),
            pa.field("raw", pa.binary()),
            pa.field("tags", pa.map_(pa.string(), pa.int64())),
            pa.field("parts", pa.list_(pa.struct([("n", pa.int8())]))),
        ],
        metadata={"owner": "me"},
    )
    columns = [
        pa.array([1, 2, 3, 4], pa.int32()),
        pa.array(texts, schema.field("text").type),
        pa.array(texts, pa.large_string()),
        pa.nulls(4),
        times,
        pa.array([decimal.Decimal("1.50"), None, None, None], pa.decimal128(10, 2)),
        pa.array([0.1, None, float("nan"), -0.0], pa.float32()),
        pa.array([b"\xff", None, b"", b"x"]),
        pa.array([[("a", 1)], None, [], []], schema.field("tags").type),
        pa.array([[{"n": 1}], None, [], [None]], schema.field("parts").type),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


@pytest.mark.parametrize("text_field", ["text", "large"])
def test_parquet_keeps_schema_metadata_and_other_columns(tmp_path: Path, text_field: str) -> None:
    table = rich_table()
    pq.write_table(table, tmp_path / "in.parquet")
    before = pq.read_table(tmp_path / "in.parquet")
    normalize(tmp_path / "in.parquet", tmp_path / "out.parquet", text_field=text_field)
    after = pq.read_table(tmp_path / "out.parquet")
    assert after.schema.equals(before.schema, check_metadata=True)
    assert after[text_field].to_pylist() == [CLEAN, None, "a", CLEAN]
    for name in set(table.column_names) - {text_field, "half"}:
        assert after[name].equals(before[name]), name
    assert str(after["half"].to_pylist()) == str(before["half"].to_pylist())


def test_parquet_values_have_one_form_each_in_json(tmp_path: Path) -> None:
    row = {
        "text": "a",
        "day": datetime.date(2024, 1, 2),
        "at": datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.UTC),
        "raw": b"\xff\x00",
        "price": decimal.Decimal("1.50"),
        "nan": float("nan"),
    }
    write_rows(tmp_path / "in.parquet", [row])
    normalize(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert read_rows(tmp_path / "out.jsonl") == [
        {
            "text": "a",
            "day": "2024-01-02",
            "at": "2024-01-02T03:04:00+00:00",
            "raw": "/wA=",
            "price": "1.50",
            "nan": None,
        }
    ]


def test_row_groups_follow_size_not_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"text": [f"{number:0100}" for number in range(20_000)]})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=5000)
    normalize(tmp_path / "in.parquet", tmp_path / "one.parquet")
    assert pq.ParquetFile(tmp_path / "one.parquet").num_row_groups == 1
    monkeypatch.setattr(writers, "ROW_GROUP_BYTES", 1_000_000)
    normalize(tmp_path / "in.parquet", tmp_path / "some.parquet")
    assert pq.ParquetFile(tmp_path / "some.parquet").num_row_groups == 2
    assert pq.read_table(tmp_path / "some.parquet").equals(table)


def test_parquet_files_of_fitting_schemas_are_joined(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a.parquet", [{"text": RAW, "n": 1}])
    b = write_rows(tmp_path / "b.parquet", [{"extra": "x", "n": 2.5, "text": "b"}])
    normalize([a, b], tmp_path / "out.parquet")
    assert read_rows(tmp_path / "out.parquet") == [
        {"text": CLEAN, "n": 1.0, "extra": None},
        {"text": "b", "n": 2.5, "extra": "x"},
    ]


def test_parquet_files_that_contradict_are_refused(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a.parquet", [{"text": "a", "n": 1}])
    b = write_rows(tmp_path / "b.parquet", [{"text": "b", "n": "x"}])
    with pytest.raises(UsageError, match=r"do not fit together.*Write them to a folder"):
        normalize([a, b], tmp_path / "out.parquet")
    assert names(tmp_path) == {"a.parquet", "b.parquet"}


def test_parquet_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": pa.array([], pa.string()), "n": [0][:0]}), tmp_path / "a.parquet"
    )
    normalize(tmp_path / "a.parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column_names == ["text", "n"]


def test_parquet_of_no_readable_row_has_the_text_column(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"\xff\n")
    summary = normalize(tmp_path / "in.txt", tmp_path / "out.parquet")
    assert pq.read_schema(tmp_path / "out.parquet").equals(pa.schema([("text", pa.string())]))
    assert (summary.rows, summary.written, summary.rejected) == (1, 0, 1)


def test_parquet_from_json_has_the_fields_of_all_rows(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"text": "a"},
        {"text": "b", "late": {"x": 1}},
        {"text": "c", "late": {"y": 2}},
    ]
    file = write_rows(tmp_path / "in.jsonl", rows)
    normalize(file, tmp_path / "out.parquet")
    assert read_rows(tmp_path / "out.parquet") == [
        {"text": "a", "late": None},
        {"text": "b", "late": {"x": 1, "y": None}},
        {"text": "c", "late": {"x": None, "y": 2}},
    ]


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        ({"n": 1}, {"n": "x"}, "does not fit the columns"),
        ({"n": 1}, {"new": 1}, "field 'new' .* is new"),
        ({"n": 1}, {"n": 1.5}, "field 'n' was int64 and is now double"),
        ({"n": {"a": 1}}, {"n": {"b": 1}}, "field 'n' was struct"),
        ({"n": 1}, {"n": 2**70}, "too large"),
    ],
    ids=["type", "new-field", "wider", "nested-field", "huge"],
)
def test_later_rows_that_would_lose_something_in_parquet_stop_the_work(
    tmp_path: Path, first: dict[str, Any], later: dict[str, Any], message: str
) -> None:
    a = write_rows(tmp_path / "a.jsonl", [{"text": "a", **first}])
    b = write_rows(tmp_path / "b.jsonl", [{"text": "b", **later}])
    with pytest.raises(DataError, match=message):
        normalize([a, b], tmp_path / "out.parquet")
    assert names(tmp_path) == {"a.jsonl", "b.jsonl"}


def test_later_rows_with_narrower_values_fit_in_parquet(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a.jsonl", [{"text": "a", "n": 1.5, "s": "x"}])
    b = write_rows(tmp_path / "b.jsonl", [{"n": 2, "s": None, "text": "b"}, {"text": "c"}])
    normalize([a, b], tmp_path / "out.parquet")
    assert [row["n"] for row in read_rows(tmp_path / "out.parquet")] == [1.5, 2.0, None]


def test_columns_that_parquet_cannot_hold_are_reported(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", [{"text": "a", "empty": {}}])
    with pytest.raises(DataError, match=r"Parquet cannot hold.*Write \.jsonl"):
        normalize(file, tmp_path / "out.parquet")
    assert names(tmp_path) == {"a.jsonl"}


BAD_LINES = b'{"text":"a"}\nnot json\n{"text":"\xff"}\n{"text":"b"}\n'


@pytest.mark.parametrize("target", SUFFIXES)
def test_bad_rows_are_counted_and_set_aside(tmp_path: Path, target: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD_LINES)
    out = tmp_path / f"out.{target}"
    summary = normalize(tmp_path / "in.jsonl", out)
    assert [row["text"] for row in read_rows(out)] == ["a", "b"]
    assert (summary.rows, summary.written, summary.rejected) == (4, 2, 2)
    assert summary.reasons == {"invalid JSON": 1, "invalid UTF-8": 1}
    rejects = read_rows(Path(f"{out}.rejects.jsonl"))
    assert [reject["line"] for reject in rejects] == [2, 3]
    assert rejects[0]["raw"] == "not json"
    assert {reject["file"] for reject in rejects} == {str(tmp_path / "in.jsonl")}


def test_clean_run_removes_the_rejects_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD_LINES)
    normalize(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert "out.jsonl.rejects.jsonl" in names(tmp_path)
    write_rows(tmp_path / "in.jsonl", [{"text": "a"}])
    normalize(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert names(tmp_path) == {"in.jsonl", "out.jsonl"}


def test_rejects_file_is_never_a_lost_input(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "out.jsonl.rejects.jsonl", [{"raw": "precious"}])
    with pytest.raises(UsageError, match="also an input"):
        normalize(file, tmp_path / "out.jsonl", text_field="raw")
    assert read_rows(file) == [{"raw": "precious"}]


@pytest.mark.parametrize("target", SUFFIXES)
def test_stop_names_the_row_and_keeps_the_previous_output(tmp_path: Path, target: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD_LINES)
    out = tmp_path / f"out.{target}"
    out.write_text("before")
    with pytest.raises(DataError, match=r"in\.jsonl:2: invalid JSON.*--on-error quarantine"):
        normalize(tmp_path / "in.jsonl", out, on_error="stop")
    assert out.read_text() == "before"
    assert names(tmp_path) == {"in.jsonl", out.name}


@pytest.mark.parametrize("target", SUFFIXES)
def test_parquet_row_that_is_not_utf8_is_set_aside(tmp_path: Path, target: str) -> None:
    file = invalid_utf8_parquet(tmp_path / "in.parquet")
    out = tmp_path / f"out.{target}"
    summary = normalize(file, out)
    assert [row["text"] for row in read_rows(out)] == ["a", "b"]
    assert summary.reasons == {"invalid UTF-8": 1}


@pytest.mark.parametrize("size", [0, 1, 100])
def test_rows_are_written_or_rejected_never_lost(tmp_path: Path, size: int) -> None:
    lines = [b'{"text":"a"}', b"broken", b"", b"[]"] * size
    (tmp_path / "in.jsonl").write_bytes(b"\n".join([b'{"text":"first"}', *lines]))
    summary = normalize(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert summary.rows == summary.written + summary.rejected == 1 + 3 * size


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_second_run_changes_nothing(tmp_path: Path, suffix: str) -> None:
    file = write_rows(tmp_path / "in.jsonl", [{"text": f"{RAW}\n\n{RAW} "}, {"text": None}])
    normalize(file, tmp_path / f"once.{suffix}")
    summary = normalize(tmp_path / f"once.{suffix}", tmp_path / f"twice.{suffix}")
    assert summary.changed == 0
    assert read_rows(tmp_path / f"once.{suffix}") == read_rows(tmp_path / f"twice.{suffix}")
