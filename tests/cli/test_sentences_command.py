"""`arabench sentences` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.cli.main import main
from arabench.corpus.steps.sentences import SentenceOptions, SentenceStep
from arabench.errors import UsageError
from arabench.text.sentences import sentences
from tests.corpus.support import command, names, read_rows, write_rows

TEXT = "  وصل القطار. هل تأخر؟\nنعم "
ROWS: list[dict[str, Any]] = [
    {"id": 7, "text": TEXT, "tags": ["a"]},
    {"id": 8, "text": None, "tags": []},
    {"id": 9, "text": "جملة واحدة", "tags": ["b"]},
]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "arrow", "jsonl.gz"])
def test_every_sentence_is_a_row_with_its_place_in_the_document(
    here: Path, capsys: Captured, suffix: str
) -> None:
    write_rows(here / "in.jsonl", ROWS)
    assert main(["sentences", "in.jsonl", "-o", f"out.{suffix}"]) == 0
    err = capsys.readouterr().err
    assert "3 rows read, 5 written, 1 changed, 1 null [sentences:" in err
    if suffix != "jsonl":
        assert main(["normalize", f"out.{suffix}", "-o", "out.jsonl", "--preset", "none"]) == 0
    rows = read_rows(here / "out.jsonl")
    assert [row["text"] for row in rows] == [*sentences(TEXT), None, "جملة واحدة"]
    assert [row["sentence_index"] for row in rows] == [0, 1, 2, 0, 0]
    assert [row["id"] for row in rows] == [7, 7, 7, 8, 9]
    assert [TEXT[row["start"] : row["end"]] for row in rows[:3]] == sentences(TEXT)
    assert list(rows[0]) == ["id", "text", "tags", "sentence_index", "start", "end"]


def test_parquet_goes_to_parquet(here: Path) -> None:
    write_rows(here / "in.parquet", ROWS)
    assert main(["sentences", "in.parquet", "-o", "out.parquet"]) == 0
    table = pq.read_table(here / "out.parquet")
    assert table.column("id").to_pylist() == [7, 7, 7, 8, 9]
    assert table.column("tags").to_pylist()[0] == ["a"]
    assert table.schema.field("start").type == pa.int64()


def test_plain_text_gets_the_sentences_alone(here: Path, capsys: Captured) -> None:
    (here / "in.txt").write_text("وصل القطار. هل تأخر؟ نعم\nسطر\n", encoding="utf-8")
    assert main(["sentences", "in.txt", "-o", "out.txt"]) == 0
    out = (here / "out.txt").read_text("utf-8")
    assert out == "وصل القطار.\nهل تأخر؟\nنعم\nسطر\n"
    assert "not in plain text" not in capsys.readouterr().err


def test_join_writes_one_row_per_document(here: Path) -> None:
    write_rows(here / "in.jsonl", ROWS)
    assert main(["sentences", "in.jsonl", "-o", "out.jsonl", "--join"]) == 0
    rows = read_rows(here / "out.jsonl")
    assert [row["text"] for row in rows] == ["وصل القطار.\nهل تأخر؟\nنعم", None, "جملة واحدة"]
    assert [list(row) for row in rows] == [["id", "text", "tags"]] * 3


@pytest.mark.parametrize("shape", [[], ["--join"]])
def test_blank_documents_are_dropped_with_a_reason_or_kept(here: Path, shape: list[str]) -> None:
    write_rows(here / "in.jsonl", [{"text": " \n"}, {"text": ""}, {"text": "نعم"}])
    assert main(["sentences", "in.jsonl", "-o", "out.jsonl", *shape]) == 0
    assert [row["text"] for row in read_rows(here / "out.jsonl")] == ["نعم"]
    dropped = read_rows(here / "out.jsonl.dropped.jsonl")
    assert [(row["reason"], row["row"]["text"]) for row in dropped] == [
        ("no sentence: the text is blank", " \n"),
        ("no sentence: the text is blank", ""),
    ]
    assert main(["sentences", "in.jsonl", "-o", "kept.jsonl", "--keep-empty", *shape]) == 0
    assert [row["text"] for row in read_rows(here / "kept.jsonl")] == ["", "", "نعم"]
    assert not (here / "kept.jsonl.dropped.jsonl").exists()


def test_short_sentences_are_dropped_and_leave_their_number(here: Path, capsys: Captured) -> None:
    write_rows(here / "in.jsonl", ROWS)
    assert main(["sentences", "in.jsonl", "-o", "out.jsonl", "--min-chars", "5"]) == 0
    rows = read_rows(here / "out.jsonl")
    assert [(row["text"], row["sentence_index"]) for row in rows] == [
        ("وصل القطار.", 0),
        ("هل تأخر؟", 1),
        (None, 0),
        ("جملة واحدة", 0),
    ]
    (dropped,) = read_rows(here / "out.jsonl.dropped.jsonl")
    assert dropped["reason"] == "too short: 3, at least 5"
    assert (dropped["row"]["text"], dropped["row"]["sentence_index"]) == ("نعم", 2)
    assert "1 x too short" in capsys.readouterr().err


def test_short_sentences_leave_joined_documents(here: Path) -> None:
    write_rows(here / "in.jsonl", [{"text": TEXT}, {"text": "لا"}])
    arguments = ["sentences", "in.jsonl", "--join", "--min-chars", "5"]
    assert main([*arguments, "-o", "out.jsonl"]) == 0
    assert read_rows(here / "out.jsonl") == [{"text": "وصل القطار.\nهل تأخر؟"}]
    dropped = read_rows(here / "out.jsonl.dropped.jsonl")
    assert [row["row"]["text"] for row in dropped] == ["نعم", "لا"]
    assert main([*arguments, "-o", "kept.jsonl", "--keep-empty"]) == 0
    assert [row["text"] for row in read_rows(here / "kept.jsonl")][1] == ""


def test_nested_texts_stay_in_their_place(here: Path) -> None:
    write_rows(here / "in.jsonl", [{"doc": {"body": "نعم. لا", "n": 1}}])
    assert main(["sentences", "in.jsonl", "-o", "out.jsonl", "--field", "doc.body"]) == 0
    rows = read_rows(here / "out.jsonl")
    assert [row["doc"] for row in rows] == [{"body": "نعم.", "n": 1}, {"body": "لا", "n": 1}]
    assert [(row["start"], row["end"]) for row in rows] == [(0, 4), (5, 7)]


def test_workers_and_much_text_make_no_difference(here: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": number, "text": TEXT * 40} for number in range(6000)
    ]  # beyond COMPILE_AFTER
    write_rows(here / "in.jsonl", rows)
    for workers in ("1", "3"):
        arguments = ["-o", f"{workers}.jsonl", "--workers", workers, "--join"]
        assert main(["sentences", "in.jsonl", *arguments]) == 0
    assert (here / "1.jsonl").read_bytes() == (here / "3.jsonl").read_bytes()
    expected = "\n".join(sentences(rows[0]["text"]))
    assert {row["text"] for row in read_rows(here / "3.jsonl")} == {expected}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["in.jsonl"], 2, "no output given"),
        (["-o", "x.jsonl"], 2, "no input given"),
        (["in.jsonl", "-o", "x.txt", "--join"], 2, "cannot hold the lines that --join makes"),
        (["in.jsonl", "-o", "x.jsonl", "--min-chars", "-1"], 2, "--min-chars -1 is negative"),
        (["in.jsonl", "-o", "x.jsonl", "--min-chars", "few"], 2, "invalid int value"),
        (["taken.jsonl", "-o", "x.jsonl"], 2, "has a field 'start' already"),
        (["taken.jsonl", "-o", "x.parquet"], 2, "has a field 'start' already"),
        (["in.jsonl", "-o", "x.jsonl", "--field", "texts"], 2, "Did you mean 'text'"),
        (["in.jsonl", "-o", "x.csvx"], 2, "cannot tell the format"),
        (["broken.jsonl", "-o", "x.jsonl", "--on-error", "stop"], 1, "broken.jsonl:2: invalid"),
    ],
)
def test_wrong_use_is_one_message_and_leaves_nothing(
    here: Path, capsys: Captured, arguments: list[str], status: int, message: str
) -> None:
    write_rows(here / "in.jsonl", ROWS)
    write_rows(here / "taken.jsonl", [{"text": "a", "start": 1}])
    (here / "broken.jsonl").write_bytes(b'{"text":"a"}\n{"text":\n')
    before = names(here)
    assert main(["sentences", *arguments]) == status
    err = capsys.readouterr().err
    assert message in err
    assert err.count("error:") == 1
    assert "Traceback" not in err
    assert names(here) == before


def test_fields_that_are_taken_do_not_matter_where_none_is_added(here: Path) -> None:
    write_rows(here / "in.jsonl", [{"text": "نعم. لا", "start": 1}])
    assert main(["sentences", "in.jsonl", "-o", "out.jsonl", "--join"]) == 0
    assert read_rows(here / "out.jsonl") == [{"text": "نعم.\nلا", "start": 1}]
    assert main(["sentences", "in.jsonl", "-o", "out.txt"]) == 0
    assert read_rows(here / "out.txt") == [{"text": "نعم."}, {"text": "لا"}]


def test_unreadable_rows_are_set_aside(here: Path) -> None:
    (here / "in.jsonl").write_bytes(b'{"text":"ab. Cd"}\n{"text":"\xff"}\n')
    assert main(["sentences", "in.jsonl", "-o", "out.jsonl"]) == 1
    assert [row["text"] for row in read_rows(here / "out.jsonl")] == ["ab.", "Cd"]
    assert "invalid UTF-8" in read_rows(here / "out.jsonl.rejects.jsonl")[0]["reason"]


def test_dash_reads_and_writes_the_standard_streams(here: Path) -> None:
    data = "نعم. لا\nسطر\n".encode()
    status, out, err = command("sentences", "-", "-o", "-", stdin=data, cwd=here)
    assert (status, out.decode("utf-8")) == (0, "نعم.\nلا\nسطر\n"), err
    data = json.dumps({"text": "نعم. لا"}).encode()
    arguments = ["--input-format", "jsonl", "--min-chars", "3"]
    status, out, err = command("sentences", "-", "-o", "-", *arguments, stdin=data, cwd=here)
    assert status == 0, err
    assert [json.loads(line)["text"] for line in out.decode().splitlines()] == ["نعم."]
    assert "in dropped.jsonl" in err


def test_help_shows_options_and_examples(capsys: Captured) -> None:
    assert main(["sentences", "--help"]) == 0
    out = capsys.readouterr().out
    for word in ("--field", "--join", "--min-chars", "--keep-empty", "examples:"):
        assert word in out


def test_the_step_tells_the_columns_that_it_makes() -> None:
    schema = pa.schema([("text", pa.large_string()), ("n", pa.int8())])
    assert SentenceStep(SentenceOptions(join=True)).output_schema(schema) == schema
    made = SentenceStep().output_schema(schema)
    assert made.names == ["text", "n", "sentence_index", "start", "end"]
    rows = SentenceStep()([{"text": TEXT, "n": 1}, {"text": None, "n": 2}]).rows
    assert pa.Table.from_pylist(rows, schema=made).num_rows == 4


def test_the_step_tells_its_options_and_refuses_impossible_ones() -> None:
    signatures = {
        SentenceStep(options).signature
        for options in (
            SentenceOptions(),
            SentenceOptions(join=True),
            SentenceOptions(min_chars=3),
            SentenceOptions(keep_empty=True),
            SentenceOptions(add_fields=False),
        )
    }
    assert len(signatures) == 5
    with pytest.raises(UsageError, match="negative"):
        SentenceOptions(min_chars=-1)
