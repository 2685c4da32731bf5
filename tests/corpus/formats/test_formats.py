"""Every format to every format; what CSV, Arrow and `datasets` folders keep; nested fields."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.corpus.formats import readers_csv, writers_columns
from arabench.corpus.formats.compression import ByteSource, _Counted
from arabench.corpus.formats.names import LINE_FORMATS, Format, codec_of, format_of, renamed
from arabench.corpus.formats.readers import read_batches
from arabench.corpus.formats.readers_csv import csv_batches
from arabench.corpus.formats.rows import Batch, lift_text, restore_text, text_of
from arabench.corpus.formats.text_columns import text_column, with_text_column
from arabench.corpus.formats.writers import json_cell
from arabench.corpus.formats.writers_columns import DatasetWriter
from arabench.corpus.formats.writers_csv import CsvWriter
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Step
from arabench.corpus.steps.normalize import normalize_files
from arabench.errors import DataError, UnsafeInputError, UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import CLEAN, RAW, Row, names

LLM = Normalizer(options_from("llm"))
NAMES = [
    "a.txt", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.arrow", "a.feather", "folder",
    "a.txt.gz", "a.jsonl.zst", "a.csv.bz2", "a.ndjson.xz",
]  # fmt: skip


def normalize(source: Path, output: Path, normalizer: Normalizer = LLM, **options: Any) -> Summary:
    return normalize_files([str(source)], str(output), normalizer, IoOptions(**options))


class KeepAll(Step):
    """A step that works on rows as dicts, so that no shorter way can be taken."""

    signature = "keep"
    parallel = True

    def __init__(self, *, reshapes: bool = False) -> None:
        self.reshapes = reshapes

    def __call__(self, rows: list[Row]) -> Processed:
        return Processed(rows)


def write_as(path: Path, rows: list[Row]) -> Path:
    """Rows written without the code under test."""
    table = pa.Table.from_pylist(rows)
    if path.suffix == "":
        datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")
        datasets.Dataset(table).save_to_disk(str(path))
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".feather":
        pf.write_feather(table, path, compression="uncompressed")
    elif path.suffix == ".arrow":
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    else:
        path.write_bytes(lines_of(path.name, rows))
    return path


def lines_of(name: str, rows: list[Row]) -> bytes:
    import bz2
    import lzma

    plain = Path(name).suffixes[0]
    if plain in (".csv", ".tsv"):
        target = io.StringIO(newline="")
        writer = csv.DictWriter(target, list(rows[0]), delimiter="," if plain == ".csv" else "\t")
        writer.writeheader()
        writer.writerows(rows)
        data = target.getvalue().encode()
    elif plain == ".txt":
        data = "".join(f"{row['text']}\n" for row in rows).encode()
    else:
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    compress: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
    }
    if name.endswith(".zst"):
        return bytes(pa.Codec("zstd").compress(data, asbytes=True))
    suffix = Path(name).suffix
    return compress[suffix](data) if suffix in compress else data


def read_as(path: Path) -> list[Row]:
    """Rows read without the code under test."""
    import bz2
    import lzma

    if path.is_dir():
        datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")
        rows: list[Row] = datasets.load_from_disk(str(path)).to_list()
        return rows
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".feather":
        return list(pf.read_table(path).to_pylist())
    if path.suffix == ".arrow":
        return list(pa.ipc.open_stream(path.read_bytes()).read_all().to_pylist())
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    opened = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
    text = opened.get(path.suffix, bytes)(data).decode()
    plain = path.suffixes[0]
    if plain in (".csv", ".tsv"):
        delimiter = "," if plain == ".csv" else "\t"
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    lines = text.split("\n")[:-1]
    return [{"text": line} if plain == ".txt" else json.loads(line) for line in lines]


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("source", NAMES)
def test_every_format_is_rewritten_as_every_format(
    tmp_path: Path, source: str, target: str
) -> None:
    rows = [{"id": "1", "text": RAW}, {"id": "2", "text": "نص"}]
    (tmp_path / "in").mkdir()
    file = write_as(tmp_path / "in" / source, rows)
    out = tmp_path / f"out-{target}"
    given_format = "datasets" if target == "folder" else None
    summary = normalize(file, out, output_format=given_format)
    expected = [{"id": "1", "text": CLEAN}, {"id": "2", "text": "نص"}]
    if ".txt" in source + target:
        expected = [{"text": row["text"]} for row in expected]
    assert read_as(out) == expected
    assert (summary.rows, summary.written, summary.changed) == (2, 2, 1)
    assert names(tmp_path) == {"in", out.name}


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("a.csv", None, ("csv", None)),
        ("a.TSV.GZ", None, ("tsv", "gzip")),
        ("a.b.jsonl.zst", None, ("jsonl", "zstd")),
        ("a.txt.xz", None, ("txt", "xz")),
        ("a.feather", None, ("feather", None)),
        ("-", "jsonl.zst", ("jsonl", "zstd")),
        ("-", None, ("txt", None)),
        ("dump.gz", "jsonl", ("jsonl", "gzip")),
        ("dump.gz", "jsonl.gz", ("jsonl", "gzip")),
        ("dump", "txt.bz2", ("txt", "bz2")),
    ],
)
def test_format_and_compression_come_from_suffixes_or_option(
    path: str, given: str | None, expected: tuple[str, str | None]
) -> None:
    assert (format_of(path, given), codec_of(path, given)) == expected


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("a.gz", None, "cannot tell the format of 'a.gz'"),
        ("a.parquet.gz", None, r"compressed inside.*Take \.gz off the name"),
        ("a", "parquet.zst", "parquet files are compressed inside"),
        ("a", "jsonl.zip", r"'jsonl\.zip' is not known.*jsonl\.gz, jsonl\.zst"),
        ("a", "jsnl", "Did you mean 'jsonl'"),
        ("a.jsonl", "jsonl.zst", "says otherwise than the format"),
        ("a.jsonl.gz", "jsonl.zst", "says otherwise than the format"),
    ],
)
def test_contradicting_names_are_refused(path: str, given: str | None, message: str) -> None:
    def both() -> None:
        format_of(path, given)
        codec_of(path, given)

    with pytest.raises(UsageError, match=message):
        both()


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("a.txt", "jsonl", "a.jsonl"),
        ("a.v2.jsonl.zst", "jsonl", "a.v2.jsonl"),
        ("a.jsonl", "jsonl.gz", "a.jsonl.gz"),
        ("a.ndjson.gz", "jsonl.gz", "a.ndjson.gz"),
        ("a.parquet", "datasets", "a"),
        ("a.dat", "csv", "a.dat.csv"),
    ],
)
def test_converted_files_take_the_suffixes_of_the_format(
    name: str, given: str, expected: str
) -> None:
    assert renamed(name, given) == expected


# -- CSV and TSV


def rows_of(
    data: bytes, file_format: Literal["csv", "tsv"] = "csv", text_field: str = "text"
) -> tuple[list[Row], list[tuple[int, str, bytes]]]:
    """Rows, and line, reason and bytes of each reject."""
    source = ByteSource.__new__(ByteSource)
    source.name, source.codec = "a.csv", None
    source._file = source._stream = _Counted(io.BytesIO(data))
    batches = list(csv_batches(source, text_field, file_format))
    rejects = [reject for batch in batches for reject in batch.rejects]
    assert sum(batch.bytes_read for batch in batches) == len(data)
    return (
        [row for batch in batches for row in batch.rows],
        [(reject.line, reject.reason, reject.raw) for reject in rejects],
    )


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"text\na\nb\n", ["a", "b"]),
        (b"text\r\na\r\nb", ["a", "b"]),
        (b"\xef\xbb\xbftext\na\n", ["a"]),
        (b'"text"\n"a"\n', ["a"]),
        (b'text\n"a\nb"\n', ["a\nb"]),
        (b'text\n"a\r\nb"\r\n', ["a\r\nb"]),
        (b'text\n"a\rb"\n', ["a\rb"]),
        (b'text\n"a ""b"" c"\n', ['a "b" c']),
        (b'text\na "b" c\n', ['a "b" c']),
        (b"text\n\n\na\n\n", ["a"]),
        (b'text\n""\n', [""]),
        (b"text\na\x00b\n", ["a\x00b"]),
        (b"text\n 007 \nNA\n1e5\ntrue\n", [" 007 ", "NA", "1e5", "true"]),
    ],
)
def test_csv_cell_is_read_as_it_stands(data: bytes, texts: list[str]) -> None:
    rows, rejects = rows_of(data)
    assert [row["text"] for row in rows] == texts
    assert not rejects


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"1", "wrong number of cells: 1 instead of 2"),
        (b"1,2,3", "wrong number of cells: 3 instead of 2"),
        (b'1,"a"b', "text behind a closing quote"),
        (b"1,a\rb", "a lone carriage return outside of quotes"),
        (b"1,\xff", "invalid UTF-8 at byte 2"),
        (b'1,"a\n\xff"', "invalid UTF-8 at byte 5"),
        (b'1,"a\nb",3', "wrong number of cells: 3 instead of 2"),
    ],
)
def test_csv_row_that_does_not_fit_is_set_aside_whole(bad: bytes, reason: str) -> None:
    rows, rejects = rows_of(b'id,text\n0,"x\ny"\n' + bad + b"\n7,z\n")
    assert [row["id"] for row in rows] == ["0", "7"]
    assert rejects == [(4, reason, bad)]


def test_quote_that_is_never_closed_costs_one_row() -> None:
    rows, rejects = rows_of('id,text\n1,a\n2,"b\n3,c\n4,د\n'.encode())
    assert [row["text"] for row in rows] == ["a", "c", "د"]
    assert rejects == [(3, "a quote that is never closed", b'2,"b')]


def test_quoted_cell_beyond_the_limit_stops_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers_csv, "MAX_LINE_BYTES", 1000)
    with pytest.raises(DataError, match=r"a\.csv:2: a quoted cell does not end within"):
        rows_of(b'text\n"' + b"a\n" * 1000 + b'"\n')


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('1\t"قال" نعم', '"قال" نعم'),
        ('1\t"مفتوح', '"مفتوح'),
        ('1\tقال "نعم"', 'قال "نعم"'),
        ('1\t"مقتبس"', "مقتبس"),
        ('1\t"سطر\nثان"', "سطر\nثان"),
        ('1\t"فيه\tفاصل"', "فيه\tفاصل"),
        ("1\ta\rb", "a\rb"),
    ],
)
def test_tsv_quotes_are_quoting_only_where_they_hold(line: str, text: str) -> None:
    rows, rejects = rows_of(f"id\ttext\n{line}\n2\tb\n".encode(), "tsv")
    assert [row["text"] for row in rows] == [text, "b"]
    assert not rejects


def test_tsv_quotes_that_would_swallow_rows_are_text() -> None:
    rows, rejects = rows_of(b'id\ttext\n1\t"a\n2\t"b\n3\t"c\n4\tx\t"y"\n5\te', "tsv")
    assert [row["text"] for row in rows] == ['"a', '"b', '"c', "e"]
    assert [line for line, _, _ in rejects] == [5]


def test_unclosed_tsv_quote_is_text_once_its_row_is_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers_csv, "_TSV_ROW_CHARS", 100)
    rows, rejects = rows_of(b'id\ttext\n1\t"a\n' + b"2\tb\n" * 1000 + b'3\tc"\n', "tsv")
    assert [row["text"] for row in rows] == ['"a', *["b"] * 1000, 'c"']
    assert not rejects


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"id,text,id\n1,a,2\n", UsageError, "several columns of the name 'id'"),
        (b"id,body\n1,a\n", UsageError, r"no column 'text'.*Allowed: body, id.*--field"),
        (b"id;text\n1;a\n", UsageError, r"separated by ';'.*write it with commas"),
        (b"id\ttext\n1\ta\n", UsageError, r"separated by '\\t'.*--input-format tsv"),
        (b"\n\n", DataError, "no row of column names"),
        (b'"id"x,text\n', DataError, r"a\.csv:1: the row of column names has text behind"),
    ],
)
def test_csv_without_usable_column_names_is_refused(
    data: bytes, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        rows_of(data)


CELLS = st.text(st.sampled_from('ab",;\t\r\n\x00 \ufeff\u2028نً'), max_size=6)


@pytest.mark.parametrize("file_format", ["csv", "tsv"])
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6))
def test_written_cells_are_read_back_exactly(
    file_format: Literal["csv", "tsv"], rows: list[list[str]]
) -> None:
    target = io.BytesIO()
    writer = CsvWriter(target, "text", file_format, json_cell)
    writer.write(Batch(rows=[{"text": "first", "id": "0"}]))
    writer.write(Batch(rows=[dict(zip(("text", "id"), row, strict=True)) for row in rows]))
    writer.close()
    read, rejects = rows_of(target.getvalue(), file_format)
    assert [list(row.values()) for row in read[1:]] == rows
    assert not rejects
    delimiter = "," if file_format == "csv" else "\t"
    peer = csv.reader(io.StringIO(target.getvalue().decode(), newline=""), delimiter=delimiter)
    assert list(peer)[2:] == rows


@given(rows=st.lists(CELLS, max_size=6))
def test_single_column_keeps_empty_cells(rows: list[str]) -> None:
    target = io.BytesIO()
    writer = CsvWriter(target, "text", "csv", json_cell)
    writer.write(Batch(rows=[{"text": cell} for cell in ["first", *rows]]))
    assert [row["text"] for row in rows_of(target.getvalue())[0]] == ["first", *rows]


@given(
    data=st.binary(max_size=60)
    | st.lists(st.sampled_from([b'"', b",", b"\n", b"a", b"\r"])).map(b"".join)
)
def test_csv_bytes_are_rows_or_rejects_and_never_lost(data: bytes) -> None:
    rows, rejects = rows_of(b"id,text\n" + data)
    read = sum(len(row["id"].encode()) + len(row["text"].encode()) for row in rows)
    assert read + sum(len(raw) for _, _, raw in rejects) <= len(data)
    blank = not data.replace(b"\n", b"").replace(b"\r", b"")
    assert rows or rejects or blank


def test_values_of_other_formats_have_one_form_each_in_cells(tmp_path: Path) -> None:
    row = {"text": "a", "n": 1, "f": 0.5, "t": True, "none": None, "deep": {"x": [1, "ن"]}}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    summary = normalize(tmp_path / "a.jsonl", tmp_path / "a.csv")
    assert read_as(tmp_path / "a.csv") == [
        {"text": "a", "n": "1", "f": "0.5", "t": "true", "none": "", "deep": '{"x":[1,"ن"]}'}
    ]
    assert any("1 null values became empty cells" in loss for loss in summary.losses)


def test_field_that_comes_late_stops_csv(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text":"a"}\n')
    (tmp_path / "b.jsonl").write_text('{"text":"b","late":1}\n')
    inputs = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    with pytest.raises(DataError, match=r"'late' of a later row.*Write \.jsonl"):
        normalize_files(inputs, str(tmp_path / "o.csv"), LLM)
    assert not (tmp_path / "o.csv").exists()


# -- Arrow


def rich_table(rows: int = 5) -> pa.Table:
    body = pa.StructArray.from_arrays(
        [pa.array([RAW, None, "x", RAW, "y"]), pa.array([1, 2, None, 4, 5], pa.int8())],
        fields=[pa.field("body", pa.string()), pa.field("n", pa.int8())],
        mask=pa.array([False, False, False, True, False]),
    )
    columns = {
        "id": pa.array([1, 2, 3, 4, 5], pa.int32()),
        "text": pa.array([RAW, None, "a", RAW, ""]),
        "meta": body,
        "when": pa.array([1, None, 3, 4, 5], pa.timestamp("ns", tz="UTC")),
        "raw": pa.array([b"\xff", None, b"", b"x", b"y"]),
        "tags": pa.array([["a"], [], None, ["b", None], []]),
    }
    table = pa.table(columns)
    return table.replace_schema_metadata({"owner": "me"}).slice(0, rows)


@pytest.mark.parametrize("step", ["text", "rows"])
@pytest.mark.parametrize("text_field", ["text", "meta.body"])
@pytest.mark.parametrize("target", ["o.parquet", "o.arrow", "o.feather", "o"])
@pytest.mark.parametrize("source", ["i.parquet", "i.arrow", "i.feather", "i.file.arrow"])
def test_columns_keep_types_metadata_and_all_other_values(
    tmp_path: Path, source: str, target: str, text_field: str, step: str
) -> None:
    table = rich_table()
    path = tmp_path / source
    if source.endswith(".parquet"):
        pq.write_table(table, path)
    elif source == "i.arrow":
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table, max_chunksize=2)
    io_options = IoOptions(
        text_field=text_field, output_format="datasets" if target == "o" else None
    )
    if step == "rows":
        run_files([str(path)], str(tmp_path / target), KeepAll(), io_options)
    else:
        normalize_files([str(path)], str(tmp_path / target), LLM, io_options)
    after = read_table(tmp_path / target)
    assert after.schema.equals(table.schema)
    assert after.schema.metadata[b"owner"] == b"me"
    changed = text_field.split(".")[0]
    for name in set(table.column_names) - ({changed} if step == "text" else set()):
        assert after[name].to_pylist() == table[name].to_pylist(), name
    if step == "text" and changed == "text":
        assert after["text"].to_pylist() == [CLEAN, None, "a", CLEAN, ""]
    if step == "text" and changed == "meta":
        assert after["meta"].to_pylist() == [
            {"body": CLEAN, "n": 1},
            {"body": None, "n": 2},
            {"body": "x", "n": None},
            None,
            {"body": "y", "n": 5},
        ]


def read_table(path: Path) -> pa.Table:
    if path.is_dir():
        (part,) = path.glob("data-*.arrow")
        return pa.ipc.open_stream(part).read_all()
    if path.suffix == ".parquet":
        return pq.read_table(path)
    if path.suffix == ".arrow":
        return pa.ipc.open_stream(path).read_all()
    return pa.ipc.open_file(path).read_all()


TEXT_TYPES = [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int8(), pa.large_string()),
]  # fmt: skip


@pytest.mark.parametrize("reshapes", [False, True])
@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_every_type_of_text_is_kept(
    tmp_path: Path, kind: pa.DataType, suffix: str, reshapes: bool
) -> None:
    table = pa.table({"text": pa.array([RAW, None, "a", RAW]).cast(pa.string()).cast(kind)})
    path = tmp_path / f"i.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table, max_chunksize=3)
    out = tmp_path / f"o.{suffix}"
    expected = [CLEAN, None, "a", CLEAN]
    if reshapes:
        run_files([str(path)], str(out), KeepAll(reshapes=True), IoOptions())
        expected = [RAW, None, "a", RAW]
    else:
        normalize(path, out)
        assert read_table(out).schema.equals(read_table(path).schema)
    assert read_table(out)["text"].to_pylist() == expected


@pytest.mark.parametrize("target", ["o.parquet", "o.arrow", "o.jsonl", "o.csv"])
@pytest.mark.parametrize("source", ["i.parquet", "i.arrow"])
def test_column_of_nulls_is_text_without_any(tmp_path: Path, source: str, target: str) -> None:
    table = pa.table({"text": pa.nulls(3), "id": [1, 2, 3]})
    if source == "i.parquet":
        pq.write_table(table, tmp_path / source)
    else:
        with pa.ipc.new_stream(tmp_path / source, table.schema) as stream:
            stream.write_table(table)
    summary = normalize(tmp_path / source, tmp_path / target)
    empty = "" if target == "o.csv" else None
    assert [row["text"] for row in read_as(tmp_path / target)] == [empty] * 3
    assert (summary.null, summary.changed, summary.rejected) == (3, 0, 0)


def test_dictionaries_are_written_out_where_a_format_cannot_hold_them(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array([RAW, "a"]).dictionary_encode(), "id": [1, 2]})
    pq.write_table(table, tmp_path / "i.parquet")
    for target, given_format in (("o.feather", None), ("o", "datasets")):
        summary = normalize(tmp_path / "i.parquet", tmp_path / target, output_format=given_format)
        assert read_table(tmp_path / target).schema.field("text").type == pa.string()
        assert read_table(tmp_path / target)["text"].to_pylist() == [CLEAN, "a"]
        assert any("written out, not as dictionaries" in loss for loss in summary.losses)


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view()], ids=str)
def test_columns_of_dropped_rows_are_dropped(tmp_path: Path, kind: pa.DataType) -> None:
    class DropOdd(KeepAll):
        def __call__(self, rows: list[Row]) -> Processed:
            odd = [row for row in rows if row["id"] % 2 or row["id"] == 4]
            return Processed([row for row in rows if row not in odd], [(row, "odd") for row in odd])

    texts = pa.array([f"نص {number}" for number in range(9)], kind)
    with pa.ipc.new_stream(
        tmp_path / "i.arrow", pa.schema([("id", pa.int64()), ("text", kind)])
    ) as out:
        out.write_table(pa.table({"id": list(range(9)), "text": texts}))
    run_files([str(tmp_path / "i.arrow")], str(tmp_path / "o.arrow"), DropOdd(), IoOptions())
    after = read_table(tmp_path / "o.arrow")
    assert after.to_pylist() == [{"id": n, "text": f"نص {n}"} for n in (0, 2, 6, 8)]
    assert after.schema.field("text").type == kind


def test_column_name_that_is_not_utf8_is_damage(tmp_path: Path) -> None:
    table = pa.table({"text": ["a"], "strange": [1]})
    with pa.ipc.new_stream(tmp_path / "i.arrow", table.schema) as stream:
        stream.write_table(table)
    whole = (tmp_path / "i.arrow").read_bytes()
    (tmp_path / "i.arrow").write_bytes(whole.replace(b"strange", b"str\xffnge"))
    with pytest.raises(DataError, match="is not a readable Arrow file"):
        normalize(tmp_path / "i.arrow", tmp_path / "o.arrow")


def test_large_batch_is_handed_on_in_pieces(tmp_path: Path) -> None:
    table = pa.table({"text": ["نص " * 4000] * 2000})
    with pa.ipc.new_stream(tmp_path / "i.arrow", table.schema) as stream:
        stream.write_table(table)
    batches = list(read_batches(str(tmp_path / "i.arrow"), "arrow", "text"))
    assert len(batches) > 5
    assert sum(len(batch.rows) for batch in batches) == 2000
    size = (tmp_path / "i.arrow").stat().st_size
    assert 0.99 * size < sum(batch.bytes_read for batch in batches) <= size


def test_arrow_text_that_is_not_utf8_is_set_aside(tmp_path: Path) -> None:
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1, 3, 4)))
    column = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"a\xff\xfeb"))
    table = pa.table({"id": [1, 2, 3], "text": column})
    with pa.ipc.new_stream(tmp_path / "i.arrow", table.schema) as stream:
        stream.write_table(table)
    for target in ("o.arrow", "o.jsonl"):
        summary = normalize(tmp_path / "i.arrow", tmp_path / target)
        assert [row["id"] for row in read_as(tmp_path / target)] == [1, 3]
        assert summary.reasons == {"invalid UTF-8": 1}


def test_offsets_that_lead_outside_are_damage_not_a_crash(tmp_path: Path) -> None:
    table = pa.table({"text": ["aaaa", "bbbb", "cccc"], "note": ["x", "y", "z"]})
    with pa.ipc.new_stream(tmp_path / "i.arrow", table.schema) as stream:
        stream.write_table(table)
    whole = (tmp_path / "i.arrow").read_bytes()
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 4, 8, 12))
    assert whole.count(offsets) == 1
    for bad in (2**30, 2**31 - 1):
        broken = offsets[:8] + bad.to_bytes(4, "little") + offsets[12:]
        (tmp_path / "i.arrow").write_bytes(whole.replace(offsets, broken))
        for target in ("o.arrow", "o.jsonl"):
            with pytest.raises(DataError, match=r"i\.arrow' is damaged after row 0"):
                normalize(tmp_path / "i.arrow", tmp_path / target)


@pytest.mark.parametrize("name", ["a.arrow", "a.feather"])
def test_file_that_is_no_arrow_is_refused(tmp_path: Path, name: str) -> None:
    for content in (b"ARROW1 no ARROW1", b"text\n", b"\xff\xff\xff\xff\x10\x00\x00\x00junk"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="is not a readable Arrow file"):
            normalize(tmp_path / name, tmp_path / "o.jsonl")


def test_cut_arrow_stream_says_after_which_row(tmp_path: Path) -> None:
    table = pa.table({"text": [f"نص {number}" for number in range(5000)]})
    with pa.ipc.new_stream(tmp_path / "i.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=1000)
    whole = (tmp_path / "i.arrow").read_bytes()
    (tmp_path / "i.arrow").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"is damaged after row [12]000"):
        normalize(tmp_path / "i.arrow", tmp_path / "o.arrow")
    assert names(tmp_path) == {"i.arrow"}


def test_nested_text_is_replaced_in_slices_of_structs() -> None:
    inner = pa.StructArray.from_arrays([pa.array(["a", "b", "c", "d"])], names=["z"])
    outer = pa.StructArray.from_arrays(
        [inner, pa.array([1, 2, 3, 4])],
        names=["y", "n"],
        mask=pa.array([False, True, False, False]),
    )
    batch = pa.RecordBatch.from_arrays([outer], ["x"]).slice(1, 3)
    assert text_column(batch, "x.y.z").to_pylist() == [None, "c", "d"]
    after = with_text_column(batch, "x.y.z", pa.array([None, "C", "D"]))
    after.validate(full=True)
    assert after.schema.equals(batch.schema)
    assert after.to_pylist() == [
        {"x": None},
        {"x": {"y": {"z": "C"}, "n": 3}},
        {"x": {"y": {"z": "D"}, "n": 4}},
    ]


# -- folders of datasets


def save(path: Path, *splits: str) -> Any:
    """A `datasets` folder, or one with splits, as the library writes it."""
    datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")
    features = datasets.Features(
        {
            "id": datasets.Value("int32"),
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["msa", "egy"]),
        }
    )
    columns = {"id": [1, 2, 3], "text": [RAW, None, "a"], "label": [0, 1, 1]}
    info = datasets.DatasetInfo(description="وصف", license="cc-by-4.0", features=features)
    dataset = datasets.Dataset.from_dict(columns, info=info, split="train")
    if splits:
        dataset = datasets.DatasetDict(dict.fromkeys(splits, dataset))
    dataset.save_to_disk(str(path))
    return dataset


def test_dataset_stays_a_dataset_mapped_with_features_and_licence(tmp_path: Path) -> None:
    before = save(tmp_path / "in")
    summary = normalize(tmp_path / "in", tmp_path / "out")
    import datasets

    after = datasets.load_from_disk(str(tmp_path / "out"))
    assert summary.outputs == [str(tmp_path / "out")]
    assert after["text"][:] == [CLEAN, None, "a"]
    assert (after.features, after.split) == (before.features, "train")
    assert (after.info.description, after.info.license) == ("وصف", "cc-by-4.0")
    assert after._fingerprint != datasets.load_from_disk(str(tmp_path / "in"))._fingerprint
    assert [Path(file["filename"]).parent for file in after.cache_files] == [tmp_path / "out"]
    assert names(tmp_path) == {"in", "out"}
    assert names(tmp_path / "out") == names(tmp_path / "in")
    state = json.loads((tmp_path / "out" / "state.json").read_text())
    assert state.keys() == json.loads((tmp_path / "in" / "state.json").read_text()).keys()


def test_splits_stay_splits(tmp_path: Path) -> None:
    save(tmp_path / "in", "train", "test")
    summary = normalize(tmp_path / "in", tmp_path / "out")
    import datasets

    after = datasets.load_from_disk(str(tmp_path / "out"))
    assert list(after) == ["train", "test"]
    assert after["test"]["text"][:] == [CLEAN, None, "a"]
    assert summary.rows == 6


def test_splits_become_files_where_another_format_is_asked_for(tmp_path: Path) -> None:
    save(tmp_path / "in", "train", "test")
    normalize(tmp_path / "in", tmp_path / "out", output_format="jsonl.gz")
    assert names(tmp_path / "out") == {"train.jsonl.gz", "test.jsonl.gz"}
    normalize(tmp_path / "in", tmp_path / "all.parquet")
    assert pq.read_table(tmp_path / "all.parquet").num_rows == 6


def test_files_become_one_dataset_or_one_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"text": [RAW]}), tmp_path / f"{name}.parquet")
    inputs = [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]
    options = IoOptions(output_format="datasets")
    normalize_files(inputs, str(tmp_path / "one"), LLM, options)
    assert read_as(tmp_path / "one") == [{"text": CLEAN}] * 2
    normalize_files(inputs, str(tmp_path / "many") + "/", LLM, options)
    assert read_as(tmp_path / "many" / "b") == [{"text": CLEAN}]


def test_dataset_of_several_files_is_read_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")
    monkeypatch.setattr(DatasetWriter.__init__, "__defaults__", (None, (), 100_000))
    texts = [f"نص رقم {number}" for number in range(30_000)]
    datasets.Dataset.from_dict({"text": texts}).save_to_disk(str(tmp_path / "in"), num_shards=3)
    normalize(tmp_path / "in", tmp_path / "out")
    after = datasets.load_from_disk(str(tmp_path / "out"))
    assert after["text"][:] == texts
    assert len(after.cache_files) > 3
    assert writers_columns.SHARD_BYTES == 500 << 20


def test_dataset_without_rows_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"\xff\n")
    normalize(tmp_path / "in.txt", tmp_path / "out", output_format="datasets")
    assert read_as(tmp_path / "out") == []


def test_failed_run_leaves_the_previous_dataset(tmp_path: Path) -> None:
    save(tmp_path / "out")
    before = (tmp_path / "out" / "state.json").read_bytes()
    (tmp_path / "in.jsonl").write_bytes(b'{"text":"a"}\nbroken\n')
    with pytest.raises(DataError, match="invalid JSON"):
        normalize(
            tmp_path / "in.jsonl", tmp_path / "out", output_format="datasets", on_error="stop"
        )
    assert (tmp_path / "out" / "state.json").read_bytes() == before
    assert names(tmp_path) == {"in.jsonl", "out"}


def test_existing_dataset_is_replaced_but_no_other_folder(tmp_path: Path) -> None:
    save(tmp_path / "out")
    (tmp_path / "in.txt").write_text("b\n")
    normalize(tmp_path / "in.txt", tmp_path / "out", output_format="datasets")
    assert read_as(tmp_path / "out") == [{"text": "b"}]
    (tmp_path / "out" / "notes.md").write_text("precious")
    with pytest.raises(UsageError, match=r"other files than a dataset's \('notes\.md'\)"):
        normalize(tmp_path / "in.txt", tmp_path / "out", output_format="datasets")
    assert (tmp_path / "out" / "notes.md").read_text() == "precious"


def test_columns_that_datasets_cannot_load_are_refused(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.int64())
    pq.write_table(pa.table({"text": ["a"], "m": pa.array([[]], kind)}), tmp_path / "i.parquet")
    with pytest.raises(DataError, match=r"datasets cannot hold column 'm'.*Write \.parquet"):
        normalize(tmp_path / "i.parquet", tmp_path / "out", output_format="datasets")
    assert names(tmp_path) == {"i.parquet"}


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("state", "kind", "message"),
    [
        ({"_data_files": [{"filename": "../secret.arrow"}]}, UnsafeInputError, "outside of its"),
        ({"_data_files": [{"filename": "/etc/passwd"}]}, UnsafeInputError, "outside of its"),
        ({"_data_files": [{"filename": "gone.arrow"}]}, DataError, "lacks its file 'gone.arrow'"),
        ({"_data_files": 3}, DataError, "no list of data files"),
        ({"_data_files": []}, DataError, "is empty"),
        ({"_indices_data_files": [{"filename": "i"}]}, UsageError, r"flatten_indices\(\)"),
    ],
)
def test_damaged_or_hostile_state_of_a_dataset_is_refused(
    tmp_path: Path, state: dict[str, Any], kind: type[Exception], message: str
) -> None:
    save(tmp_path / "in")
    edit(tmp_path / "in" / "state.json", **state)
    with pytest.raises(kind, match=message):
        normalize(tmp_path / "in", tmp_path / "o.jsonl")


@pytest.mark.parametrize(
    ("splits", "kind", "message"),
    [
        (["../other"], UnsafeInputError, "outside of its folder"),
        (["dev"], DataError, "split 'dev' of .* is not there"),
        ("train", DataError, "is not there|no list"),
        ([], DataError, "is no list of splits"),
    ],
)
def test_damaged_or_hostile_list_of_splits_is_refused(
    tmp_path: Path, splits: Any, kind: type[Exception], message: str
) -> None:
    save(tmp_path / "in", "train")
    (tmp_path / "in" / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(kind, match=message):
        normalize(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize("name", ["o.jsonl", "o.parquet", "o.csv", "o.jsonl.gz", "o.arrow"])
def test_load_dataset_reads_what_is_written(tmp_path: Path, name: str) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")
    rows: list[Row] = [{"id": number, "text": f"{RAW}\n{number}"} for number in range(50)]
    (tmp_path / "i.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    normalize(tmp_path / "i.jsonl", tmp_path / name)
    builder = {"jsonl": "json", "gz": "json"}.get(name.rpartition(".")[2], name[2:])
    loaded = datasets.load_dataset(
        builder,
        data_files=str(tmp_path / name),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert loaded["text"][:] == [LLM.normalize(row["text"]) for row in rows]
    assert loaded["id"][:] == list(range(50))
    assert loaded.cache_files


# -- nested fields


def test_nested_text_of_json_keeps_the_place_of_every_key(tmp_path: Path) -> None:
    line = '{"a":1,"meta":{"x":[1],"body":"%s","z":null},"b":{"body":"ـ"}}\n'
    (tmp_path / "i.jsonl").write_text(line % RAW, encoding="utf-8")
    summary = normalize(tmp_path / "i.jsonl", tmp_path / "o.jsonl", text_field="meta.body")
    assert (tmp_path / "o.jsonl").read_text(encoding="utf-8") == line % CLEAN
    assert summary.changed == 1


def test_key_with_a_dot_comes_before_a_path(tmp_path: Path) -> None:
    both = '{"meta":{"body":"%s"},"meta.body":"%s"}\n'
    path = '{"meta":{"body":"%s"}}\n'
    (tmp_path / "i.jsonl").write_text(both % (RAW, RAW) + path % RAW, encoding="utf-8")
    normalize(tmp_path / "i.jsonl", tmp_path / "o.jsonl", text_field="meta.body")
    expected = both % (RAW, CLEAN) + path % CLEAN
    assert (tmp_path / "o.jsonl").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("target", ["o.txt", "o.csv", "o.parquet"])
def test_nested_text_goes_to_every_format(tmp_path: Path, target: str) -> None:
    (tmp_path / "i.jsonl").write_text(json.dumps({"meta": {"body": RAW, "n": 1}}) + "\n")
    normalize(tmp_path / "i.jsonl", tmp_path / target, text_field="meta.body")
    expected: dict[str, Any] = {
        "o.txt": {"text": CLEAN},
        "o.csv": {
            "meta": json.dumps({"body": CLEAN, "n": 1}, ensure_ascii=False, separators=(",", ":"))
        },
        "o.parquet": {"meta": {"body": CLEAN, "n": 1}},
    }
    assert read_as(tmp_path / target) == [expected[target]]


@pytest.mark.parametrize(
    "row", [{"meta": None}, {"meta": "x"}, {"meta": {}}, {"meta": {"other": 1}}, {"x": 1}]
)
def test_row_without_the_path_is_set_aside(tmp_path: Path, row: Row) -> None:
    good = {"meta": {"body": "a"}}
    (tmp_path / "i.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(row)}\n")
    summary = normalize(tmp_path / "i.jsonl", tmp_path / "o.jsonl", text_field="meta.body")
    assert (summary.written, summary.reasons) == (1, {"no field 'meta.body'": 1})
    (reject,) = read_as(tmp_path / "o.jsonl.rejects.jsonl")
    assert json.loads(reject["raw"]) == row


def test_wrong_path_names_the_paths_there_are(tmp_path: Path) -> None:
    (tmp_path / "i.jsonl").write_text(json.dumps({"meta": {"body": "a"}}) + "\n")
    pq.write_table(pa.table({"meta": [{"body": "a"}]}), tmp_path / "i.parquet")
    for name in ("i.jsonl", "i.parquet"):
        with pytest.raises(UsageError, match=r"Did you mean 'meta\.body'. Allowed: meta, meta"):
            normalize(tmp_path / name, tmp_path / "o.jsonl", text_field="meta.bdy")
    with pytest.raises(UsageError, match="is struct<body: string>, not text"):
        normalize(tmp_path / "i.parquet", tmp_path / "o.jsonl", text_field="meta")


def test_dropped_rows_have_their_nested_text_in_place(tmp_path: Path) -> None:
    class DropAll(KeepAll):
        def __call__(self, rows: list[Row]) -> Processed:
            assert [row["meta.body"] for row in rows] == [RAW]
            return Processed([], [(row, "no") for row in rows])

    row = {"meta": {"body": RAW, "n": 1}, "id": 7}
    (tmp_path / "i.jsonl").write_text(json.dumps(row) + "\n")
    io_options = IoOptions(text_field="meta.body")
    run_files([str(tmp_path / "i.jsonl")], str(tmp_path / "o.jsonl"), DropAll(), io_options)
    (dropped,) = read_as(tmp_path / "o.jsonl.dropped.jsonl")
    assert dropped == {"reason": "no", "row": row}


def test_rows_made_of_one_row_do_not_share_their_nested_text() -> None:
    row: Row = {"meta": {"body": "a. b.", "deep": {"n": 1}}}
    assert lift_text(row, "meta.body")
    parts = [{**row, "meta.body": text} for text in ("a.", "b.")]
    for part in parts:
        restore_text(part, "meta.body")
    assert parts == [{"meta": {"body": text, "deep": {"n": 1}}} for text in ("a.", "b.")]


PATHS = st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=3).map(".".join)
OBJECTS = st.recursive(
    st.none() | st.integers() | st.just("نص") | st.just(""),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "", "a.b", "a.a"]), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


@given(row=OBJECTS, path=PATHS)
def test_lifting_and_restoring_changes_nothing(row: Row, path: str) -> None:
    before = json.dumps(row)
    expected = text_of(row, path)
    if lift_text(row, path):
        assert row[path] == expected
    restore_text(row, path)
    assert json.dumps(row) == before


def test_formats_of_lines_are_those_that_compression_allows() -> None:
    for name in LINE_FORMATS:
        given_format: Format = format_of("-", f"{name}.gz")
        assert given_format == name
