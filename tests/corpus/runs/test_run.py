"""Shards: where they end, what they are called, what they refuse."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from arabench.cli.files import parse_size
from arabench.corpus.formats import readers
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.journal import JOURNAL_NAME
from arabench.corpus.runs.manifest import FOLDER_MANIFEST
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Step
from arabench.corpus.steps.normalize import normalize_files
from arabench.errors import DataError, UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import CLEAN, RAW, names, read_rows, write_rows

LLM = Normalizer(options_from("llm"))


class Keep(Step):
    """Changes nothing; drops rows without text."""

    signature = "keep:1"
    parallel = True
    reshapes = False

    def __call__(self, rows: list[dict[str, Any]]) -> Processed:
        kept = [row for row in rows if row["text"]]
        return Processed(kept, [(row, "empty") for row in rows if not row["text"]])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ_BYTES", "BATCH_BYTES"):
        monkeypatch.setattr(readers, name, 1000)
    monkeypatch.setattr("arabench.corpus.lanes.line_lane.BLOCK_BYTES", 1000)


def rows_of(first: int, count: int) -> list[dict[str, Any]]:
    return [{"n": number, "text": f"{RAW} {number}" * 3} for number in range(first, first + count)]


def keep(inputs: list[Path], output: Path | str, **options: Any) -> Summary:
    return run_files([str(path) for path in inputs], str(output), Keep(), IoOptions(**options))


def test_shards_hold_all_rows_in_order_and_have_about_the_size(tmp_path: Path) -> None:
    files = [
        write_rows(tmp_path / "a.jsonl", rows_of(0, 50)),
        write_rows(tmp_path / "b.jsonl", rows_of(50, 70)),
    ]
    summary = keep(files, tmp_path / "out", shard_bytes=3000)
    assert names(tmp_path / "out") == {f"part-{n:05}.jsonl" for n in range(len(summary.outputs))}
    rows = [row for name in summary.outputs for row in read_rows(Path(name))]
    assert rows == rows_of(0, 120)
    sizes = [Path(name).stat().st_size for name in summary.outputs]
    assert len(sizes) > 3
    assert all(3000 <= size < 3000 + 2000 for size in sizes[:-1])
    assert 0 < sizes[-1] < 5000


@pytest.mark.parametrize("workers", [2, 5])
@pytest.mark.parametrize("suffix", ["txt", "jsonl", "jsonl.zst", "jsonl.gz", "csv"])
def test_shards_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, suffix: str, workers: int
) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 200))
    for count in (1, workers):
        normalize_files(
            [str(file)],
            str(tmp_path / str(count)),
            LLM,
            IoOptions(workers=count, shard_bytes=2000, output_format=suffix),
        )
    found = names(tmp_path / "1")
    assert found == names(tmp_path / str(workers))
    assert f"part-00000.{suffix}" in found
    for name in found:
        one, other = (tmp_path / folder / name for folder in ("1", str(workers)))
        assert one.read_bytes() == other.read_bytes()


def test_shards_have_the_format_and_compression_of_the_first_input(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 9))
    keep([file], tmp_path / "a.jsonl.gz")
    keep([tmp_path / "a.jsonl.gz"], tmp_path / "out", shard_bytes=3000)
    assert names(tmp_path / "out") == {"part-00000.jsonl.gz"}
    keep([tmp_path / "out" / "part-00000.jsonl.gz"], tmp_path / "back.jsonl")
    assert read_rows(tmp_path / "back.jsonl") == rows_of(0, 9)


def test_name_with_a_suffix_is_a_folder_if_it_ends_in_a_slash(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 9))
    keep([file], f"{tmp_path}/v1.jsonl/", shard_bytes=3000)
    assert names(tmp_path / "v1.jsonl") == {"part-00000.jsonl"}


def test_each_shard_has_its_own_side_files(tmp_path: Path) -> None:
    rows = rows_of(0, 60)
    rows[3]["text"] = rows[55]["text"] = ""
    file = write_rows(tmp_path / "a.jsonl", rows)
    with file.open("a") as stream:
        stream.write("broken\n")
    summary = keep([file], tmp_path / "out", shard_bytes=3000)
    dropped = [row["row"]["n"] for name in summary.dropped_files for row in read_rows(Path(name))]
    assert dropped == [3, 55]
    assert summary.dropped_files[0].endswith("part-00000.jsonl.dropped.jsonl")
    assert [row["line"] for name in summary.rejects_files for row in read_rows(Path(name))] == [61]
    assert summary.rows == summary.written + summary.dropped + summary.rejected == 61


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "txt"])
def test_inputs_without_a_row_to_write_give_one_shard(tmp_path: Path, suffix: str) -> None:
    file = write_rows(tmp_path / "a.jsonl", [{"text": ""}])
    summary = keep([file], tmp_path / "out", shard_bytes=9, output_format=suffix)
    assert [Path(name).name for name in summary.outputs] == [f"part-00000.{suffix}"]
    assert read_rows(Path(summary.outputs[0])) == []
    assert summary.dropped == 1


def test_last_chunk_that_fills_a_shard_leaves_no_empty_one_behind(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 5))
    summary = keep([file], tmp_path / "out", shard_bytes=1)
    assert all(read_rows(Path(name)) for name in summary.outputs)


def test_standard_input_can_be_written_in_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "".join(json.dumps(row) + "\n" for row in rows_of(0, 60)).encode()
    for mode in ("none", "resume"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        options = IoOptions(input_format="jsonl", shard_bytes=3000, journal=mode)
        summary = run_files(["-"], str(tmp_path / mode), Keep(), options)
        rows = [row for name in summary.outputs for row in read_rows(Path(name))]
        assert rows == rows_of(0, 60)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(UsageError, match="standard input and pipes cannot be read again"):
        run_files(["-"], str(tmp_path / "resume"), Keep(), options)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out.jsonl", "shards need a folder, and .*out.jsonl' is a file"),
        ("out.jsonl.zst", "shards need a folder"),
        ("-", "shards need a folder"),
        ("/dev/null", "shards need a folder"),
        ("plain", "shards need a folder, and .*plain' is a file. Choose another name"),
        ("shards", "has the name of a shard in the output folder"),
    ],
)
def test_shards_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text("x")
    Path("shards").mkdir()
    file = write_rows(Path("shards/part-00003.jsonl"), rows_of(0, 2))
    with pytest.raises(UsageError, match=message):
        keep([file], output, shard_bytes=9)
    assert read_rows(file) == rows_of(0, 2)
    assert names(tmp_path) == {"plain", "shards"}


def test_shards_as_a_datasets_folder_are_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 2))
    with pytest.raises(UsageError, match=r"Leave out --shard-size"):
        keep([file], tmp_path / "out", shard_bytes=9, output_format="datasets")


def test_bad_row_stops_with_the_name_of_the_shard_and_keeps_those_before(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 60))
    with file.open("a") as stream:
        stream.write("broken\n")
    with pytest.raises(DataError, match=r"a\.jsonl:61: .*part-0000[1-9]\.jsonl' was not written"):
        keep([file], tmp_path / "out", shard_bytes=3000, on_error="stop", journal="resume")
    left = names(tmp_path / "out")
    assert {JOURNAL_NAME, "part-00000.jsonl"} <= left
    assert all(name.endswith(".jsonl") for name in left)


def test_library_calls_leave_nothing_beside_the_outputs(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows_of(0, 2))
    keep([file], tmp_path / "one.jsonl")
    keep([file], tmp_path / "folder")
    assert names(tmp_path) == {"a.jsonl", "one.jsonl", "folder"}
    assert names(tmp_path / "folder") == {"a.jsonl"}


@pytest.mark.parametrize("options", [{}, {"shard_bytes": 3000}])
def test_step_that_wants_to_know_is_told_where_rows_come_from(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    class Told(Keep):
        parallel = False

        def __init__(self) -> None:
            self.events: list[str] = []

        def start_source(self, name: str) -> None:
            self.events.append(Path(name).name)

        def __call__(self, rows: list[dict[str, Any]]) -> Processed:
            self.events += [row["file"] for row in rows]
            return Processed(rows)

    files = [
        str(write_rows(tmp_path / name, [{"file": name, "text": RAW}] * 40))
        for name in ("a.jsonl", "b.jsonl")
    ]
    step = Told()
    run_files(files, str(tmp_path / "out"), step, IoOptions(workers=2, **options))
    assert step.events == ["a.jsonl"] * 41 + ["b.jsonl"] * 41


def test_parquet_shards_keep_schema_and_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arabench.corpus.formats.writers.ROW_GROUP_BYTES", 1000)
    file = write_rows(tmp_path / "a.parquet", rows_of(0, 9000))
    io_options = IoOptions(shard_bytes=1000)
    summary = normalize_files([str(file)], str(tmp_path / "out"), LLM, io_options)
    assert len(summary.outputs) > 1
    tables = [pq.read_table(name) for name in summary.outputs]
    assert all(table.schema.equals(pq.read_schema(file), True) for table in tables)
    numbers = [number for table in tables for number in table["n"].to_pylist()]
    assert numbers == list(range(9000))
    assert tables[0]["text"][0].as_py().startswith(CLEAN)


def test_tree_of_inputs_is_one_run_with_one_journal_and_manifest(tmp_path: Path) -> None:
    for place in ("x", "x/y"):
        (tmp_path / "in" / place).mkdir(parents=True)
        write_rows(tmp_path / "in" / place / "a.jsonl", rows_of(0, 2))
    out = tmp_path / "out"
    summary = keep([tmp_path / "in"], out, journal="resume", manifest="xxh128")
    assert summary.outputs == [str(out / "x/a.jsonl"), str(out / "x/y/a.jsonl")]
    assert names(out) == {"x", JOURNAL_NAME, FOLDER_MANIFEST}
    assert names(out / "x" / "y") == {"a.jsonl"}
    assert keep([tmp_path / "in"], out, journal="resume", manifest="xxh128").already_complete


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("256MB", 256_000_000),
        ("256mb", 256_000_000),
        ("1GiB", 1 << 30),
        (" 1.5 GB ", 1_500_000_000),
        ("2TiB", 2 << 40),
        ("4000KB", 4_000_000),
        ("1000000", 1_000_000),
        ("1000000B", 1_000_000),
        ("0.1GB", 100_000_000),
    ],
)
def test_sizes_are_read_as_their_units_say(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "MB", "256M", "1 G", "-1MB", "1e9", "256MB/s", "٢٥٦MB", "nan", "1.GB", "9" * 99, "1_0MB"],
)
def test_sizes_that_can_be_misread_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not understood. Use a number with one of the units"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0", "999999", "0.5MB", "64KiB"])
def test_size_that_no_shard_could_keep_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="too small: use 1MB or more"):
        parse_size(text)


def test_shard_size_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="shard_bytes=0"):
        IoOptions(shard_bytes=0)
