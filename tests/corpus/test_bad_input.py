"""Input that nobody should have written: one message, the right exit status, nothing half-done."""

from __future__ import annotations

import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.cli.main import main
from arabench.corpus.formats import lines
from tests.corpus.support import CLEAN, RAW, names

Captured = pytest.CaptureFixture[str]
Make = Callable[[Path], Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def normalize(*arguments: str) -> int:
    return main(["normalize", *arguments, "--manifest", "none"])


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def write(name: str, data: bytes) -> Make:
    return lambda folder: (folder / name).write_bytes(data)


def loop(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "again").symlink_to(folder / "in")


def self_link(folder: Path) -> None:
    (folder / "in.txt").symlink_to("in.txt")


def same_names(folder: Path) -> None:
    for name in ("x/in.txt", "y/in.txt"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("a\n")


def link_out(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a\n")
    (folder / "out").mkdir()
    (folder / "out" / "a.txt").symlink_to("/etc/passwd")


def state_out(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "dataset_info.json").write_text("{}")
    state = {"_data_files": [{"filename": "../../etc/passwd"}]}
    (folder / "in" / "state.json").write_text(json.dumps(state))


def numbers(folder: Path) -> None:
    pq.write_table(pa.table({"text": [1]}), folder / "in.parquet")


def twice_named(folder: Path) -> None:
    columns = [pa.array(["a"]), pa.array(["b"])]
    pq.write_table(pa.Table.from_arrays(columns, names=["text", "text"]), folder / "in.parquet")


REFUSED: dict[str, tuple[Make, list[str], int, str]] = {
    "cut gzip": (
        write("in.txt.gz", gzip.compress(os.urandom(99_999))[:50_000]),
        ["in.txt.gz", "-o", "out.txt"], 1, "'in.txt.gz' is cut short: its gzip data ends after",
    ),
    "cut zstd": (
        write("in.jsonl.zst", zstd(b'{"text":"a"}\n' * 999)[:-9]),
        ["in.jsonl.zst", "-o", "out.jsonl"], 1, "'in.jsonl.zst' is cut short",
    ),
    "cut xz": (
        write("in.txt.xz", lzma.compress(b"a\n" * 999)[:-9]),
        ["in.txt.xz", "-o", "out.jsonl"], 1, "'in.txt.xz' is cut short",
    ),
    "no gzip": (
        write("in.txt.gz", b"plain text\n"),
        ["in.txt.gz", "-o", "out.txt"], 1, "is damaged or no gzip data",
    ),
    "bomb": (
        write("in.txt.zst", zstd(bytes(300 << 20))),
        ["in.txt.zst", "-o", "out.txt"], 1, "decompression bomb",
    ),
    "window too large": (
        write("in.txt.zst", bytes.fromhex("28b52ffd0098010000")),
        ["in.txt.zst", "-o", "out.txt"], 1, "needs more than 128 MiB",
    ),
    "gzip by another name": (
        write("in.txt", gzip.compress(b"a\n")),
        ["in.txt", "-o", "out.txt"], 1, "is compressed with gzip: its name must end in .gz",
    ),
    "parquet by another name": (
        lambda folder: pq.write_table(pa.table({"text": ["a"]}), folder / "in.jsonl"),
        ["in.jsonl", "-o", "out.jsonl"], 1, "is Parquet, not lines of text",
    ),
    "compressed Parquet": (
        write("in.parquet.gz", b"x"),
        ["in.parquet.gz", "-o", "out.txt"], 2, "compressed inside",
    ),
    "endless line": (
        write("in.txt", b"x" * 300_000),
        ["in.txt", "-o", "out.txt"], 1, "line 1 of 'in.txt' is longer than",
    ),
    "endless JSON": (
        write("in.jsonl", b'{"text":"a"}\n{"text":"' + b"x" * (9 << 20)),
        ["in.jsonl", "-o", "out.csv"], 1, "line 2 of 'in.jsonl' is longer than",
    ),
    "empty compressed file": (
        write("in.txt.gz", gzip.compress(b"")),
        ["in.txt.gz", "-o", "out.txt"], 1, "'in.txt.gz' is empty",
    ),
    "csv of one name twice": (
        write("in.csv", b"text,text\na,b\n"),
        ["in.csv", "-o", "out.csv"], 2, "several columns of the name 'text'",
    ),
    "csv of other separators": (
        write("in.csv", b"id;text\n1;a\n"),
        ["in.csv", "-o", "out.csv"], 2, "seem to be separated by ';'",
    ),
    "folder of nothing but itself": (
        loop, ["in", "-o", "out/"], 2, "links to folders were not followed (in/again)",
    ),
    "link to itself": (self_link, ["in.txt", "-o", "out.txt"], 2, "leads nowhere"),
    "colliding names": (
        same_names, ["x", "y", "-o", "out/"], 2, "several inputs would be written to 'out/in.txt'",
    ),
    "link out of the output": (
        link_out, ["in", "-o", "out/"], 1, "would be written outside of the folder 'out/'",
    ),
    "dataset that names a file elsewhere": (
        state_out, ["in", "-o", "out.jsonl"], 1, "outside of its folder",
    ),
    "output in the input": (
        same_names, ["x", "-o", "x/clean"], 2, "'x/clean' lies in the input folder 'x'",
    ),
    "pattern of nothing": (same_names, ["x/*.csv", "-o", "out.csv"], 2, "nothing matches"),
    "column of numbers": (numbers, ["in.parquet", "-o", "out.parquet"], 2, "is int64, not text"),
    "parquet of one name twice": (
        twice_named, ["in.parquet", "-o", "out.parquet"], 2, "several columns of the name 'text'",
    ),
    "feather to a pipe": (
        write("in.txt", b"a\n"),
        ["in.txt", "-o", "-", "--output-format", "feather"], 2, "cannot be written to '-'",
    ),
    "Arrow from a pipe": (
        write("in.txt", b"a\n"),
        ["-", "--input-format", "arrow", "-o", "out.txt"], 2, "cannot be read from standard input",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "arguments", "status", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_ends_with_one_message_and_no_output(
    here: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    make: Make,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    if "endless" in message or "longer" in message:
        monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100_000)
    make(here)
    before = names(here)
    assert normalize(*arguments) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("arabench: error: ")
    assert error.count("\n") == 1
    assert names(here) <= {*before, "out"}
    assert not list(here.rglob("*.partial"))


SET_ASIDE: dict[str, tuple[bytes, str, int]] = {
    "half a surrogate pair": (rb'{"text":"\ud800"}', "half of a surrogate pair", 1),
    "half a surrogate pair in a key": (rb'{"text":"a","\udfff":1}', "half of a surrogate pair", 1),
    "other half": (rb'{"text":"a","x":["\udc00\ud800"]}', "half of a surrogate pair", 1),
    "invalid UTF-8": (b'{"text":"\xff"}', "invalid UTF-8 at byte 9", 1),
    "surrogate in UTF-8": (b'{"text":"\xed\xa0\x80"}', "invalid UTF-8", 1),
    "raw NUL": (b'{"text":"a\x00b"}', "invalid JSON", 1),
    "cut line": (b'{"text":"a', "invalid JSON", 1),
    "missing key": (b'{"txt":"a"}', "no field 'text'", 1),
    "number": (b'{"text":1}', "is int, not text", 1),
    "list": (b'["text"]', "not a JSON object", 1),
    "two objects": (b'{"text":"a"}{"text":"b"}', "invalid JSON", 1),
    "lone carriage return": (b'{"text":"a"}\r{"text":"b"}', "invalid JSON", 1),
    "deep": (b'{"text":"a","x":' + b"[" * 5000 + b"]" * 5000 + b"}", "", 1),
}


@pytest.mark.parametrize("target", ["out.jsonl", "out.jsonl.zst", "out.csv"])
@pytest.mark.parametrize(("line", "reason", "status"), SET_ASIDE.values(), ids=SET_ASIDE)
def test_bad_row_is_set_aside_with_its_reason(
    here: Path, capsys: Captured, line: bytes, reason: str, status: int, target: str
) -> None:
    (here / "in.jsonl").write_bytes(b'{"text":"a"}\n' + line + b'\n{"text":"b"}\n')
    assert normalize("in.jsonl", "-o", target) == status
    assert "3 rows read, 2 written" in capsys.readouterr().err
    (reject,) = map(json.loads, (here / f"{target}.rejects.jsonl").read_bytes().splitlines())
    assert (reject["file"], reject["line"]) == ("in.jsonl", 2)
    assert reason in reject["reason"]
    assert normalize("in.jsonl", "-o", target, "--max-rejects", "1") == 0
    assert normalize("in.jsonl", "-o", "stop.jsonl", "--on-error", "stop") == 1
    assert not (here / "stop.jsonl").exists()


KEPT: dict[str, tuple[str, bytes, bytes]] = {
    "mixed line ends, lone ones as spaces": ("in.txt", b"a\r\nb\nc\rd\r\r\n", b"a\nb\nc d \n"),
    "NUL": ("in.txt", b"a\x00b\n", b"a\x00b\n"),
    "escaped NUL": ("in.jsonl", b'{"text":"a\\u0000b"}\n', b'{"text":"a\\u0000b"}\n'),
    "last key counts": (
        "in.jsonl", b'{"text":"x","id":1,"text":"y"}\n', b'{"text":"y","id":1}\n',
    ),
    "blank lines of JSON": ("in.jsonl", b'\n \r\n{"text":"a"}\n\n', b'{"text":"a"}\n'),
    "no last line end": ("in.csv", b"text\na", b"text\na\n"),
    "mixed line ends of CSV": ("in.csv", b"text,n\r\na,1\nb,2\r\n", b"text,n\na,1\nb,2\n"),
    "byte order mark": ("in.tsv", b"\xef\xbb\xbftext\na\n", b"text\na\n"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data", "expected"), KEPT.values(), ids=KEPT)
def test_odd_but_sound_input_is_kept(here: Path, name: str, data: bytes, expected: bytes) -> None:
    (here / name).write_bytes(data)
    out = "out" + Path(name).suffix
    assert normalize(name, "-o", out, "--preset", "none") == 0
    assert (here / out).read_bytes() == expected


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".tsv", ".txt.zst", ".jsonl.gz"])
def test_million_empty_lines_are_read_at_once(here: Path, capsys: Captured, suffix: str) -> None:
    head = {".jsonl": b'{"text":"a"}\n', ".csv": b"text\n", ".tsv": b"text\n"}
    data = head.get(Path("a" + suffix).suffixes[0], b"") + b"\n" * 1_000_000
    if suffix.endswith((".zst", ".gz")):
        data = zstd(data) if suffix.endswith(".zst") else gzip.compress(data, 1)
    (here / f"in{suffix}").write_bytes(data)
    assert normalize(f"in{suffix}", "-o", f"out{suffix}", "--preset", "none") == 0
    rows = {".txt": 1_000_000, ".jsonl": 1}.get(Path("a" + suffix).suffixes[0], 0)
    assert f"{rows} rows read, {rows} written" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".txt.gz"])
def test_line_of_many_megabytes_is_one_row(here: Path, capsys: Captured, suffix: str) -> None:
    text = f"{RAW} " * 300_000
    plain = {
        ".txt": f"{text}\n",
        ".jsonl": json.dumps({"text": text}, ensure_ascii=False) + "\n",
        ".csv": f"text\n{text}\n",
    }
    data = plain[Path("a" + suffix).suffixes[0]].encode()
    assert len(data) > 6_000_000
    (here / f"in{suffix}").write_bytes(gzip.compress(data, 1) if suffix.endswith("gz") else data)
    assert normalize(f"in{suffix}", "-o", "out.txt") == 0
    assert "1 rows read, 1 written" in capsys.readouterr().err
    assert (here / "out.txt").read_text(encoding="utf-8").split("\n")[0][:9] == CLEAN


def test_pipe_may_be_compressed_where_the_format_says_so(here: Path) -> None:
    (here / "in").mkdir()
    (here / "in" / "dump.gz").write_bytes(gzip.compress(f"{RAW}\n".encode()))
    assert normalize("in/dump.gz", "--input-format", "txt", "-o", "out.jsonl.zst") == 0
    data = pa.CompressedInputStream(str(here / "out.jsonl.zst"), "zstd").read()
    assert json.loads(data) == {"text": CLEAN}
