"""`arabench script` as a person or a script meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from arabench.cli.main import main
from arabench.script.arabizi import to_arabic
from arabench.script.latin import to_arabizi
from tests.corpus.support import Row, read_rows, write_rows

ROWS: list[Row] = [
    {"id": 1, "text": "ezayak 3amel eh"},
    {"id": 2, "text": None},
    {"id": 3, "text": "2024"},
    {"id": 4, "text": "مرحبا 3ala el bab"},
]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_arabizi_becomes_arabic_and_other_fields_stay(
    here: Path, capsys: Captured, suffix: str
) -> None:
    write_rows(here / f"in.{suffix}", ROWS)
    assert main(["script", f"in.{suffix}", "-o", f"out.{suffix}", "--to", "arabic"]) == 0
    assert "4 rows read, 4 written, 2 changed, 1 null [script:arabizi1|" in capsys.readouterr().err
    rows = read_rows(here / f"out.{suffix}")
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    assert [row["text"] for row in rows] == [
        None if row["text"] is None else to_arabic(row["text"]) for row in ROWS
    ]


def test_arabic_becomes_arabizi_the_same_with_any_number_of_workers(here: Path) -> None:
    write_rows(here / "in.txt", [{"text": f"السلام عليكم يا صديقي {n}"} for n in range(50)])
    options = ["--to", "arabizi", "--convention", "lev", "--seed", "4"]
    assert main(["script", "in.txt", "-o", "one.txt", *options]) == 0
    assert main(["script", "in.txt", "-o", "two.txt", "--workers", "2", *options]) == 0
    assert read_rows(here / "one.txt") == read_rows(here / "two.txt")
    first = read_rows(here / "one.txt")[0]["text"]
    assert first == to_arabizi("السلام عليكم يا صديقي 0", "lev", 4)


@pytest.mark.parametrize("scheme", ["buckwalter", "safebw", "hsb"])
def test_transliterations_come_back(here: Path, scheme: str) -> None:
    rows = [{"text": "ذهبَ الولدُ إلى المدرسة"}, {"text": "سؤال"}]
    write_rows(here / "in.txt", rows)
    assert main(["script", "in.txt", "-o", "latin.txt", "--to", scheme]) == 0
    assert read_rows(here / "latin.txt") != rows
    options = ["--from", scheme, "--to", "arabic"]
    assert main(["script", "latin.txt", "-o", "back.txt", *options]) == 0
    assert read_rows(here / "back.txt") == rows


def test_two_steps_in_a_row_go_through_arabic(here: Path) -> None:
    write_rows(here / "in.txt", [{"text": "ana"}])
    options = ["--from", "arabizi", "--to", "buckwalter"]
    assert main(["script", "in.txt", "-o", "out.txt", *options]) == 0
    assert read_rows(here / "out.txt") == [{"text": ">nA"}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "arabci"], "Did you mean 'arabic'"),
        (["--to", "arabic", "--from", "buckwlter"], "Did you mean 'buckwalter'"),
        (["--to", "arabic", "--from", "arabic"], "changes nothing"),
        (["--to", "arabic", "--convention", "egi"], "Did you mean 'egy'"),
        (["--to", "arabic", "--spelling", "word"], "Did you mean 'words'"),
        (["--to", "arabic", "--foreign", "no"], "Allowed: convert, keep"),
        (["--to", "arabic", "--seed", "1"], "--seed 1 has no effect without --to arabizi"),
        (["--to", "arabizi", "--foreign", "keep"], "has no effect without --from arabizi"),
        (["--to", "arabizi", "--variation", "2"], "0 to 1"),
    ],
)
def test_wrong_options_are_one_message_and_leave_no_file(
    here: Path, capsys: Captured, options: list[str], message: str
) -> None:
    write_rows(here / "in.txt", [{"text": "ana"}])
    assert main(["script", "in.txt", "-o", "out.txt", *options]) == 2
    assert message in capsys.readouterr().err
    assert not (here / "out.txt").exists()


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_candidates_are_listed_best_first_beside_the_text(here: Path, suffix: str) -> None:
    write_rows(here / f"in.{suffix}", ROWS)
    options = ["--to", "arabic", "--convention", "egy", "--candidates", "3"]
    assert main(["script", f"in.{suffix}", "-o", f"out.{suffix}", *options]) == 0
    for before, after in zip(ROWS, read_rows(here / f"out.{suffix}"), strict=True):
        assert after["id"] == before["id"]
        if before["text"] is None:
            assert after["text"] is after["candidates"] is None
        else:
            assert after["candidates"] == to_arabic(before["text"], "egy", candidates=3)
            assert after["text"] == after["candidates"][0] == to_arabic(before["text"], "egy")
    rows = read_rows(here / f"out.{suffix}")
    assert len(rows[0]["candidates"]) == 3
    assert rows[2]["candidates"] == ["2024"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["in.txt", "-o", "out.txt", "--to", "arabic", "--candidates", "2"],
            "cannot hold readings",
        ),
        (["in.txt", "-o", "out.jsonl", "--to", "arabic", "--candidates", "0"], "Use 1 to 50"),
        (["in.txt", "-o", "out.jsonl", "--to", "arabic", "--candidates", "51"], "Use 1 to 50"),
        (["in.txt", "-o", "out.jsonl", "--to", "arabizi", "--candidates", "2"], "has no effect"),
        (
            ["c.jsonl", "-o", "out.jsonl", "--to", "arabic", "--candidates", "2"],
            "never overwritten",
        ),
    ],
)
def test_candidates_that_cannot_be_written_are_refused(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    write_rows(here / "in.txt", [{"text": "ana"}])
    write_rows(here / "c.jsonl", [{"text": "ana", "candidates": []}])
    assert main(["script", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (here / "out.jsonl").exists()


def test_candidates_on_standard_output_are_json_lines(here: Path, capsys: Captured) -> None:
    write_rows(here / "in.txt", [{"text": "ana"}])
    assert main(["script", "in.txt", "-o", "-", "--to", "arabic", "--candidates", "2"]) == 0
    assert capsys.readouterr().out.startswith('{"text":"أنا","candidates":["أنا",')
