"""Tokenizing and detokenizing files as steps of a run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes import function_engine as text_engine
from arabench.corpus.steps.tokenize import (
    DetokenizeStep,
    TokenizeStep,
    detokenize_files,
    tokenize_files,
)
from arabench.errors import DataError, UsageError
from arabench.morph.marks import MARKS
from arabench.morph.schemes import SCHEMES
from arabench.morph.tokenizer import Detokenizer, Tokenizer
from tests.corpus.support import read_rows, write_rows
from tests.morph.fakes import Lexicon, Scissors

LEXICON = Lexicon("c:و a:ال s:كتاب o:هم", "p:ل a:ل=ال s:كتاب")
TEXT = "والكتابهم: للكتاب+ كتاب"
ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": TEXT, "tags": ["a"]},
    {"id": 2, "text": None, "tags": []},
    {"id": 3, "text": "no Arabic\n+ here\\+ ", "tags": ["b"]},
]


def test_the_text_of_each_row_is_rewritten_and_nothing_else() -> None:
    step = TokenizeStep(Tokenizer("d3", "marked", LEXICON))
    processed = step([dict(row) for row in ROWS])
    assert processed.changed == 1
    assert processed.dropped == []
    assert [row["text"] for row in processed.rows] == [
        "و+ ال+ كتاب +هم: ل+ ال+ كتاب\\+ كتاب",
        None,
        ROWS[2]["text"],
    ]
    assert [list(row) for row in processed.rows] == [["id", "text", "tags"]] * 3
    assert DetokenizeStep(Detokenizer("d3", "marked"))(processed.rows).rows == ROWS


def test_signatures_name_what_was_done() -> None:
    assert TokenizeStep(Tokenizer("bw", "marked", LEXICON)).signature == (
        "tokenize:1|scheme:bw|mark:marked|backend:lexicon:1"
    )
    assert DetokenizeStep(Detokenizer("bw", "plus")).signature == (
        "detokenize:1|scheme:bw|mark:plus"
    )


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "txt", "jsonl.gz"])
@pytest.mark.parametrize("mark", list(MARKS))
def test_files_come_back_as_they_were(tmp_path: Path, suffix: str, mark: str) -> None:
    texts = [TEXT, "سطر آخر\t+هم", "كتاب\\+هم وكتاب +هم\u2060 هم", "الى  المدرسةِ ـ!"]
    source = write_rows(tmp_path / "in.jsonl", [{"text": text, "n": 1} for text in texts])
    middle, back = tmp_path / f"middle.{suffix}", tmp_path / "back.jsonl"
    for scheme in SCHEMES:
        io = IoOptions(manifest="xxh128")
        tokenizer = Tokenizer(scheme, mark, Scissors(5))
        tokenize_files([str(source)], str(middle), tokenizer, io)
        detokenize_files([str(middle)], str(back))  # scheme and mark from the manifest
        assert [row["text"] for row in read_rows(back)] == texts


def test_what_is_written_does_not_depend_on_workers(tmp_path: Path) -> None:
    letters = "ابتثجحخدذرزسشصضطظعغفقكلمنهوية"
    rows = [
        {
            "text": " ".join(letters[(n * m) % 28 :][: 3 + m % 5] for m in range(200)),
            "pad": "x" * 900,
        }
        for n in range(3000)
    ]
    source = write_rows(tmp_path / "in.jsonl", rows)
    for workers in (1, 3):
        tokenize_files(
            [str(source)],
            str(tmp_path / f"{workers}.jsonl"),
            Tokenizer("d3", "marked", Scissors(1)),
            IoOptions(workers=workers),
        )
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "3.jsonl").read_bytes()


def write(source: Path, output: Path, scheme: str = "d3", mark: str = "marked") -> None:
    """A tokenized file or folder with its manifest."""
    io = IoOptions(manifest="xxh128")
    tokenize_files([str(source)], str(output), Tokenizer(scheme, mark, LEXICON), io)


def test_the_manifest_of_a_folder_tells_scheme_and_mark_of_its_files(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "tokens"
    source.mkdir()
    for name in ("a", "b"):
        write_rows(source / f"{name}.jsonl", ROWS)
    write(source, folder, "bw", "split")
    for number, given in enumerate([folder, folder / "b.jsonl"]):
        output = tmp_path / f"back{number}"
        _, signature = detokenize_files([str(given)], str(output) + "/")
        assert signature.endswith("scheme:bw|mark:split")
        assert read_rows(output / "b.jsonl") == ROWS
    # a file beside them that the run did not write
    (folder / "other.txt").write_text("و+ كتاب\n", encoding="utf-8")
    _, signature = detokenize_files([str(folder / "other.txt")], str(tmp_path / "other.txt"))
    assert signature.endswith("scheme:d3|mark:marked")


def test_options_that_contradict_the_manifest_are_refused(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    middle, back = tmp_path / "middle.jsonl", tmp_path / "back.jsonl"
    write(source, middle, "atb", "plus")
    for scheme, mark in (("d3", None), (None, "marked"), ("atb", "split")):
        with pytest.raises(UsageError, match=r"contradicts .*middle.jsonl.manifest.json"):
            detokenize_files([str(middle)], str(back), scheme, mark)
    assert not back.exists()
    detokenize_files([str(middle)], str(back), scheme="atb", mark="plus")
    assert read_rows(back) == ROWS


def test_inputs_of_different_runs_are_not_mixed(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    middle = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    write(source, middle[0], "d3")
    write(source, middle[1], "d2")
    with pytest.raises(UsageError, match="in different ways"):
        detokenize_files([str(path) for path in middle], str(tmp_path / "back") + "/")


def test_manifests_of_other_commands_say_nothing(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    middle, copy = tmp_path / "middle.jsonl", tmp_path / "copy.jsonl"
    write(source, middle, "d2")
    detokenize_files([str(middle)], str(copy), io=IoOptions(manifest="xxh128"))
    _, signature = detokenize_files([str(copy)], str(tmp_path / "x.jsonl"), scheme="seg")
    assert signature.endswith("scheme:seg|mark:marked")


def test_text_of_another_version_of_the_schemes_is_refused(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    middle = tmp_path / "middle.jsonl"
    write(source, middle)
    manifest = tmp_path / "middle.jsonl.manifest.json"
    manifest.write_text(manifest.read_text().replace("tokenize:1|", "tokenize:99|"))
    with pytest.raises(DataError, match="by version 99 of the schemes"):
        detokenize_files([str(middle)], str(tmp_path / "back.jsonl"))


def test_a_damaged_manifest_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    (tmp_path / "in.jsonl.manifest.json").write_text('{"arabench_manifest": 1, "step": 3}')
    with pytest.raises(DataError, match="is damaged"):
        detokenize_files([str(source)], str(tmp_path / "x.jsonl"))
    assert not (tmp_path / "x.jsonl").exists()


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "txt", "parquet", "arrow"])
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_files_of_one_format_keep_every_other_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, engine: str
) -> None:
    """What is read as lines or columns is rewritten in place, and comes back byte by byte."""
    monkeypatch.setattr(text_engine, "COMPILE_AFTER_CHARS", 0 if engine == "compiled" else 1 << 60)
    texts = [
        TEXT,
        "",
        " \u2060+",
        "كتاب\\+هم",
        'quote " and \\ and \t',
        "والكتابهم" * 3,
        "ا\u0000ب",
    ]
    source = tmp_path / f"in.{suffix}"
    rows: list[dict[str, Any]] = [{"b": 1.50, "text": text, "a": None} for text in texts]
    if suffix == "txt":
        source.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    elif suffix.startswith("jsonl"):
        lines = [f" {json.dumps(row, ensure_ascii=False)} " for row in rows]
        lines += ['{"text":null,"n":1e2}', '{"n": 12345678901234567890123, "text" : "للكتاب"}']
        data = "".join(f"{line}\n" for line in lines).encode()
        source.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    else:
        table = pa.Table.from_pylist([*rows, {"b": 2.0, "text": None}])
        if suffix == "parquet":
            pq.write_table(table, source)
        else:
            with pa.ipc.new_stream(source, table.schema) as writer:
                writer.write_table(table)
    for mark in MARKS:
        middle, back = tmp_path / f"middle.{suffix}", tmp_path / f"back.{suffix}"
        io = IoOptions(manifest="xxh128")
        summary, _ = tokenize_files([str(source)], str(middle), Tokenizer("d3", mark, LEXICON), io)
        assert summary.changed > 0
        assert summary.rejected == 0
        summary, _ = detokenize_files([str(middle)], str(back))
        if suffix == "parquet":
            assert pq.read_table(back) == pq.read_table(source)
            assert pq.read_table(middle) != pq.read_table(source)
        elif suffix.endswith("gz"):
            assert gzip.decompress(back.read_bytes()) == gzip.decompress(source.read_bytes())
        else:
            assert back.read_bytes() == source.read_bytes()


def test_rows_that_are_not_utf8_are_set_aside_by_both_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes("والكتابهم\n".encode() + b"\xff\n" + "للكتاب\n".encode())
    for name, after in (("reference", 1 << 60), ("compiled", 0)):
        monkeypatch.setattr(text_engine, "COMPILE_AFTER_CHARS", after)
        output = tmp_path / f"{name}.txt"
        summary, _ = tokenize_files([str(source)], str(output), Tokenizer("d3", "marked", LEXICON))
        assert (summary.written, summary.rejected) == (2, 1)
        assert output.read_text("utf-8") == "و+ ال+ كتاب +هم\nل+ ال+ كتاب\n"
