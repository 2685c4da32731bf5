"""`arabench filter` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arabench.cli.main import main
from arabench.corpus.steps.filters.verdicts import REASONS
from tests.corpus.support import command, read_rows, write_rows

GOOD = "وصل القطار متأخرا ولم يجد المسافرون من يخبرهم عن سبب التأخير في تلك الليلة"
DIALECT = "انا مش عارف ليه الناس دي كلها واقفة قدام المحل من الصبح بدري كده"
FOREIGN = "This row is in English from its beginning to its end"
ROWS = [
    {"id": 1, "text": GOOD},
    {"id": 2, "text": FOREIGN},
    {"id": 3, "text": None},
    {"id": 4, "text": "قصير"},
    {"id": 5, "text": DIALECT},
]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_kept_rows_are_written_as_they_were_and_others_with_a_reason(
    here: Path, capsys: Captured, name: str
) -> None:
    write_rows(here / name, ROWS)
    assert main(["filter", name, "-o", f"kept-{name}", "--min-words", "3"]) == 0
    assert read_rows(here / f"kept-{name}") == [ROWS[0], ROWS[2], ROWS[4]]
    dropped = read_rows(here / f"kept-{name}.dropped.jsonl")
    assert [row["reason"] for row in dropped] == [
        "Arabic share: 0, at least 0.5",
        "too few words: 1, at least 3",
    ]
    assert [row["row"]["text"] for row in dropped] == [FOREIGN, "قصير"]
    err = capsys.readouterr().err
    assert "5 rows read, 3 written, 0 changed, 1 null, 2 dropped [filter:2]" in err
    assert "1 x Arabic share" in err
    assert "1 x too few words" in err


def test_the_report_counts_every_reason_and_spreads_every_measure(here: Path) -> None:
    write_rows(here / "in.jsonl", ROWS)
    arguments = ["filter", "in.jsonl", "-o", "out.jsonl", "--preset", "none"]
    assert main([*arguments, "--min-arabic", "0.5", "--report", "filter.json"]) == 0
    report = json.loads((here / "filter.json").read_text("utf-8"))
    assert (report["rows"], report["kept"], report["null"], report["dropped"]) == (5, 4, 1, 1)
    assert report["reasons"] == {reason: int(reason == "Arabic share") for reason in REASONS}
    assert report["options"]["min_arabic"] == 0.5
    assert report["measured"] == 4
    assert report["quantiles"]["arabic"]["p95"] == 1


def test_workers_make_no_difference(here: Path) -> None:
    write_rows(here / "in.jsonl", ROWS * 200)
    outputs = []
    for workers in ("1", "3"):
        arguments = ["filter", "in.jsonl", "-o", f"{workers}.jsonl", "--workers", workers]
        assert main([*arguments, "--min-words", "3", "--report", f"{workers}.json"]) == 0
        names = (f"{workers}.jsonl", f"{workers}.jsonl.dropped.jsonl", f"{workers}.json")
        outputs.append([(here / name).read_bytes() for name in names])
    assert outputs[0] == outputs[1]


def test_presets_are_listed(capsys: Captured) -> None:
    assert main(["filter", "--list-presets"]) == 0
    listed = capsys.readouterr().out
    for name in ("none:", "web:", "tweets:", "books:", "min_words=50"):
        assert name in listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl", "-o", "o.jsonl", "--preset", "wep"], "Did you mean 'web'"),
        (["in.jsonl", "-o", "o.jsonl", "--min-arabic", "2"], "min_arabic=2.0 is not a share"),
        (["in.jsonl", "-o", "o.jsonl", "--max-words", "7"], "nothing would be kept"),
        (["in.jsonl"], "no output given"),
        (["-o", "o.jsonl"], "no input given"),
        (["in.jsonl", "-o", "o.jsonl", "--field", "txt"], "Did you mean 'text'"),
        (["in.jsonl", "-o", "o.jsonl", "--report", "in.jsonl"], "also an input"),
        (["in.jsonl", "-o", "o.jsonl", "--report", "o.jsonl"], "or the output"),
        (["in.jsonl", "-o", "o.jsonl", "--report", "."], "is a folder"),
    ],
)
def test_wrong_usage_is_one_message_and_writes_nothing(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    write_rows(here / "in.jsonl", ROWS)
    before = (here / "in.jsonl").read_bytes()
    assert main(["filter", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("arabench: error:") == 1
    assert [entry.name for entry in here.iterdir()] == ["in.jsonl"]
    assert (here / "in.jsonl").read_bytes() == before


def test_bad_rows_are_set_aside_and_bad_text_is_judged(here: Path) -> None:
    data = f"{GOOD}\n\0\0\0\n\xef\n".encode() + b"\xff\xfe\n" + "كلمة\u202e\n".encode()
    status, out, err = command(
        "filter", "-", "-o", "-", "--min-words", "3", "--max-rejects", "1", stdin=data, cwd=here
    )
    assert status == 0, err
    assert out.decode() == f"{GOOD}\n"
    assert "1 row could not be read" in err
    assert "Traceback" not in err


def test_help_needs_no_numpy(here: Path) -> None:
    code = (
        "import sys; from arabench.cli.main import main\n"
        "main(['filter', '--help']); main(['dedup', '--help'])\n"
        "sys.exit('numpy' in sys.modules or 'numba' in sys.modules)"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"--min-arabic" in done.stdout
    assert b"--threshold" in done.stdout
