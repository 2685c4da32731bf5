"""`arabench tokenize` and `arabench detokenize` as a person or a script meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arabench.cli.main import main
from arabench.morph import backends
from tests.corpus.support import command, names, read_rows, write_rows
from tests.morph.fakes import Lexicon

TEXT = "وسيكتبونها للمدرسة، بيحبك؟ C++ كتاب+ قلم"
ROWS: list[dict[str, Any]] = [
    {"id": 7, "text": TEXT, "tags": ["a"]},
    {"id": 8, "text": None, "tags": []},
    {"id": 9, "text": "no Arabic", "tags": ["b"]},
]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def known_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend whose answers no training changes."""
    lexicon = Lexicon("c:و q:س s:يكتب V:ون o:ها", "b:ب s:يحب o:ك", "c:و s:كتاب o:هم")
    monkeypatch.setitem(backends.BACKENDS, "builtin", lambda database: lexicon)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "jsonl.gz"])
def test_files_come_back_as_they_were(here: Path, capsys: Captured, suffix: str) -> None:
    write_rows(here / "in.jsonl", ROWS)
    assert main(["tokenize", "in.jsonl", "-o", f"out.{suffix}", "--scheme", "bw"]) == 0
    assert "3 rows read, 3 written, 1 changed, 1 null [tokenize:" in capsys.readouterr().err
    assert main(["detokenize", f"out.{suffix}", "-o", "back.jsonl"]) == 0
    assert "scheme:bw|mark:marked]" in capsys.readouterr().err
    assert read_rows(here / "back.jsonl") == ROWS


@pytest.mark.usefixtures("known_words")
def test_seg_with_plus_writes_the_segments_inside_the_words(here: Path) -> None:
    write_rows(here / "in.jsonl", ROWS)
    arguments = ["--scheme", "seg", "--mark", "plus"]
    assert main(["tokenize", "in.jsonl", "-o", "out.jsonl", *arguments]) == 0
    text = read_rows(here / "out.jsonl")[0]["text"]
    assert text.startswith("و+س+يكتب+ون+ها ")
    assert "ب+يحب+ك؟" in text
    assert text.endswith(" C++ كتاب+ قلم")


def test_dash_reads_and_writes_the_standard_streams(here: Path) -> None:
    data = (TEXT + "\n\nسطر\n").encode()
    status, out, err = command("tokenize", "-", "-o", "-", stdin=data, cwd=here)
    assert status == 0, err
    assert "ل+ " in out.decode("utf-8")
    assert "\\+ قلم" in out.decode("utf-8")
    status, back, err = command("detokenize", "-", "-o", "-", stdin=out, cwd=here)
    assert (status, back) == (0, data), err
    assert names(here) == set()


def test_nested_texts_stay_in_their_place(here: Path) -> None:
    write_rows(here / "in.jsonl", [{"doc": {"body": TEXT, "n": 1}}])
    assert main(["tokenize", "in.jsonl", "-o", "out.jsonl", "--field", "doc.body"]) == 0
    (row,) = read_rows(here / "out.jsonl")
    assert row["doc"]["n"] == 1
    assert row["doc"]["body"] != TEXT
    assert main(["detokenize", "out.jsonl", "-o", "back.jsonl", "--field", "doc.body"]) == 0
    assert read_rows(here / "back.jsonl") == [{"doc": {"body": TEXT, "n": 1}}]


def test_detokenize_takes_the_options_of_tokenize(here: Path) -> None:
    write_rows(here / "in.jsonl", ROWS)
    options = ["--scheme", "atb", "--mark", "split", "--backend", "builtin", "--manifest", "none"]
    assert main(["tokenize", "in.jsonl", "-o", "out.jsonl", *options]) == 0
    assert main(["detokenize", "out.jsonl", "-o", "back.jsonl", *options]) == 0
    assert read_rows(here / "back.jsonl") == ROWS


def test_shards_are_written_and_read_back(here: Path) -> None:
    rows = [{"text": f"{TEXT} {number}", "pad": "x" * 3000} for number in range(3000)]
    write_rows(here / "in.jsonl", rows)
    assert main(["tokenize", "in.jsonl", "-o", "out/", "--shard-size", "1MB"]) == 0
    assert len([name for name in names(here / "out") if name.startswith("part-")]) > 1
    assert main(["tokenize", "in.jsonl", "-o", "out/", "--shard-size", "1MB"]) == 0  # resumed
    assert main(["detokenize", "out", "-o", "back/"]) == 0
    parts = sorted((here / "back").glob("part-*"))
    assert [row for part in parts for row in read_rows(part)] == rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tokenize", "in.jsonl"], "no output given"),
        (["tokenize", "-o", "x.jsonl"], "no input given"),
        (["tokenize", "in.jsonl", "-o", "x.jsonl", "--scheme", "d33"], "Did you mean 'd3'"),
        (["tokenize", "in.jsonl", "-o", "x.jsonl", "--mark", "spilt"], "Did you mean 'split'"),
        (["tokenize", "in.jsonl", "-o", "x.jsonl", "--backend", "camel"], "Did you mean 'camel-"),
        (["tokenize", "in.jsonl", "-o", "x.jsonl", "--backend", "camel-db"], "--database PATH"),
        (["tokenize", "in.jsonl", "-o", "x.jsonl", "--database", "a.db"], "reads no database"),
        (["tokenize", "in.jsonl", "-o", "x.jsonl", "--field", "texts"], "Did you mean 'text'"),
        (["detokenize", "in.jsonl", "-o", "x.jsonl", "--scheme", "d33"], "Did you mean 'd3'"),
        (["detokenize", "in.jsonl", "-o", "x.jsonl", "--mark", "mark"], "Did you mean 'marked'"),
        (["detokenize", "in.jsonl", "-o", "x.jsonl", "--backend", "x"], "unknown backend 'x'"),
        (["detokenize", "none.jsonl", "-o", "x.jsonl"], "none.jsonl"),
    ],
)
def test_wrong_use_is_one_message_and_leaves_nothing(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    write_rows(here / "in.jsonl", ROWS)
    before = names(here)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("error:") == 1
    assert "Traceback" not in err
    assert names(here) == before


def test_a_contradiction_with_the_manifest_is_told(here: Path, capsys: Captured) -> None:
    write_rows(here / "in.jsonl", ROWS)
    assert main(["tokenize", "in.jsonl", "-o", "out.jsonl"]) == 0
    before = names(here)
    assert main(["detokenize", "out.jsonl", "-o", "back.jsonl", "--scheme", "bw"]) == 2
    assert "--scheme bw contradicts 'out.jsonl.manifest.json'" in capsys.readouterr().err
    assert names(here) == before


def test_missing_data_of_a_backend_is_one_message(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("camel_tools", reason="needs the extra with camel-tools")
    monkeypatch.setenv("CAMELTOOLS_DATA", str(here / "camel"))
    write_rows(here / "in.jsonl", ROWS)
    (here / "not.db").write_text("no database\n", encoding="utf-8")
    for options, message in (
        (["--backend", "camel-mle"], "camel_data -i"),
        (["--backend", "camel-db", "--database", "absent.db"], "absent.db"),
        (["--backend", "camel-db", "--database", "not.db"], "not.db"),
    ):
        assert main(["tokenize", "in.jsonl", "-o", "out.jsonl", *options]) in {1, 2}
        err = capsys.readouterr().err
        assert message in err
        assert err.count("error:") == 1
    assert not (here / "out.jsonl").exists()


@pytest.mark.usefixtures("known_words")
def test_unreadable_rows_are_set_aside(here: Path) -> None:
    (here / "in.jsonl").write_bytes('{"text":"وكتابهم"}\n{"text":"'.encode() + b'\xff"}\n')
    assert main(["tokenize", "in.jsonl", "-o", "out.jsonl"]) == 1
    assert [row["text"] for row in read_rows(here / "out.jsonl")] == ["و+ كتاب +هم"]
    assert "invalid UTF-8" in read_rows(here / "out.jsonl.rejects.jsonl")[0]["reason"]


def test_help_shows_options_and_examples(capsys: Captured) -> None:
    for name in ("tokenize", "detokenize"):
        assert main([name, "--help"]) == 0
        out = capsys.readouterr().out
        for word in ("--scheme", "--mark", "--backend", "--field", "examples:"):
            assert word in out


def test_a_word_of_ten_thousand_letters_and_odd_rows_are_no_trouble(here: Path) -> None:
    texts = ["ب" * 10_000, "", " ", "+", "ـ" * 50, "\u0651", "😀هم", "\u202bكتاب\u202c"]
    write_rows(here / "in.jsonl", [{"text": text} for text in texts])
    for mark in ("marked", "plus", "split"):
        assert main(["tokenize", "in.jsonl", "-o", "out.jsonl", "--mark", mark]) == 0
        assert main(["detokenize", "out.jsonl", "-o", "back.jsonl"]) == 0
        assert [row["text"] for row in read_rows(here / "back.jsonl")] == texts
        (here / "out.jsonl").unlink()
        json.loads((here / "out.jsonl.manifest.json").read_text())
