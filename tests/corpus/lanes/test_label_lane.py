"""Lanes that label lines and columns without rows: every byte kept, both engines alike."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.corpus.io_options import IoOptions
from arabench.corpus.steps.dialect.fields import DialectOptions
from arabench.corpus.steps.dialect.labels import dialect_files
from arabench.dialect.identification import Identifier
from arabench.errors import UsageError
from tests.corpus.support import invalid_utf8_parquet, read_rows, write_rows
from tests.dialect.toy_model import hand_made

IDENTIFIER = Identifier(hand_made())
TEXTS = ("عايز كده دلوقتي", "شو بدي هلق", "hello", "كتاب جديد هنا", "")
VARIETIES = ["egy", "lev", "unknown", "unknown", "unknown"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """JSON lines, the last of a null text."""
    rows = [{"id": place, "text": text} for place, text in enumerate([*TEXTS, None])]
    return write_rows(tmp_path / "in.jsonl", rows)


_ODD_LINES = (
    '{"text": "عايز كده"}',
    '  {"id" : 1.50 , "text" : "شو\\tبدي\\u0020هلق" }  ',
    '{"text": null, "x": [1, {"y": "}"}]}\r',
    '{"a": {"variety": 1}, "text": "شو بدي"}',
    '{"note": "say \\"variety\\"", "text": "شو بدي"}',
    '{"v\\u0061lue": 1, "text": "واش بزاف"}',
    '{"text": "one", "text": "عايز كده"}',
    '{"n": 123456789012345678901234567890, "text": "ماذا سوف"}',
    '{"text": "\\ud83d\\ude00 الحين وش"}',
    '{"text": ""}',
    "",
    "   ",
    '{"text": 5}',
    '{"no": 1}',
    "[1]",
    '{"text": "half',
    '{"text": "\\ud800"}',
)


def _lines(tmp_path: Path, lines: list[bytes], compile_after_chars: int, **io: Any) -> list[bytes]:
    source, target = tmp_path / "lane.jsonl", tmp_path / f"lane.{compile_after_chars}.out.jsonl"
    source.write_bytes(b"\n".join(lines))
    identifier = Identifier(hand_made(), compile_after_chars=compile_after_chars)
    options = DialectOptions(dialectness=True)
    dialect_files([str(source)], str(target), options, IoOptions(**io), identifier)
    rejects = Path(f"{target}.rejects.jsonl")
    return [
        *target.read_bytes().split(b"\n"),
        *(rejects.read_bytes().split(b"\n") if rejects.exists() else []),
    ]


def test_lines_keep_every_byte_and_both_engines_write_the_same(tmp_path: Path) -> None:
    lines = [
        *(line.encode() for line in _ODD_LINES),
        b'{"text": "\xff"}',
        b'{"text": "a", "b": "\xff"}',
    ]
    written = _lines(tmp_path, lines, 0)
    assert written == _lines(tmp_path, lines, 10**12)
    kept = [line for line in lines if line.strip()][:10]
    for before, after in zip(kept, written, strict=False):
        assert after.startswith(before.rstrip()[:-1] + b',"variety":')
    assert [orjson.loads(line)["variety"] for line in written[:10]] == [
        "egy", "lev", None, "lev", "lev", "mgr", "egy", "msa", "glf", "unknown",
    ]  # fmt: skip
    reasons = [orjson.loads(line)["reason"] for line in written[11:] if line]
    assert len(reasons) == 7
    assert [orjson.loads(line)["line"] for line in written[11:] if line] == list(range(13, 20))


@given(st.lists(st.sampled_from(_ODD_LINES) | st.binary(max_size=30).map(repr), max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_lines_are_labelled_alike_by_both_engines(lines: list[str]) -> None:
    with TemporaryDirectory() as folder:
        rows = ['{"text": "شو بدي"}', *lines]
        raw = [line.encode() for line in rows]
        assert _lines(Path(folder), raw, 0) == _lines(Path(folder), raw, 10**12)


@pytest.mark.parametrize("compile_after_chars", [0, 10**12])
@pytest.mark.parametrize("key", ["variety", "v\\u0061riety"])
def test_lines_with_a_field_of_that_name_are_refused(
    tmp_path: Path, compile_after_chars: int, key: str
) -> None:
    line = f'{{"text": "شو", "{key}": 1}}'.encode()
    with pytest.raises(UsageError, match="'variety' already"):
        _lines(tmp_path, [b'{"text": "x"}', line], compile_after_chars)


def test_lanes_and_rows_say_the_same(corpus: Path) -> None:
    by_lane, by_rows = corpus.with_name("lane.jsonl"), corpus.with_name("rows.csv")
    dialect_files([str(corpus)], str(by_lane), identifier=IDENTIFIER)
    again = corpus.with_name("rows.jsonl")
    dialect_files([str(corpus)], str(by_rows), identifier=IDENTIFIER)
    assert by_rows.exists()
    named = DialectOptions("the variety")  # no name for a lane
    dialect_files([str(corpus)], str(again), named, identifier=IDENTIFIER)
    renamed = [
        {key.replace("the variety_", "").replace("the ", ""): value for key, value in row.items()}
        for row in read_rows(again)
    ]
    assert renamed == read_rows(by_lane)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_lines_of_plain_text_become_rows_in_both_engines(tmp_path: Path, ends: str) -> None:
    source = tmp_path / "in.txt"
    texts = [*TEXTS, 'quoted "x" \t\\', "  شو بدي  ", ""]
    source.write_bytes(ends.join(texts).encode() + ends.encode() + b"\xff \xd8\n")
    written = []
    for size in (0, 10**12):
        target = tmp_path / f"{size}.jsonl"
        identifier = Identifier(hand_made(), compile_after_chars=size)
        summary, _ = dialect_files([str(source)], str(target), identifier=identifier)
        assert (summary.rows, summary.written, summary.rejected) == (9, 8, 1)
        written.append(target.read_bytes())
    assert written[0] == written[1]
    rows = read_rows(tmp_path / "0.jsonl")
    assert [row["text"] for row in rows] == texts
    assert [row["variety"] for row in rows] == [*VARIETIES, "unknown", "lev", "unknown"]
    io = IoOptions(text_field="variety", output_format="jsonl")
    with pytest.raises(UsageError, match="already"):
        dialect_files([str(source)], str(tmp_path / "x.jsonl"), io=io, identifier=IDENTIFIER)


def test_a_compressed_target_holds_the_same_lines(corpus: Path) -> None:
    plain, packed = corpus.with_name("o.jsonl"), corpus.with_name("o.jsonl.gz")
    for target in (plain, packed):
        dialect_files([str(corpus)], str(target), identifier=IDENTIFIER)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


@pytest.mark.parametrize("compile_after_chars", [0, 10**12])
def test_columns_that_are_not_utf8_are_set_aside(tmp_path: Path, compile_after_chars: int) -> None:
    source = invalid_utf8_parquet(tmp_path / "bad.parquet")
    rows = pq.read_metadata(source).num_rows
    target = tmp_path / "o.parquet"
    identifier = Identifier(hand_made(), compile_after_chars=compile_after_chars)
    summary, _ = dialect_files([str(source)], str(target), identifier=identifier)
    assert summary.rejected > 0
    assert pq.read_table(target).num_rows == rows - summary.rejected


def test_a_missing_field_is_wrong_usage(corpus: Path) -> None:
    with pytest.raises(UsageError, match=r"no row of .* has a field 'body'"):
        dialect_files(
            [str(corpus)], str(corpus.with_name("o.jsonl")), io=IoOptions("body"),
            identifier=IDENTIFIER,
        )  # fmt: skip
