"""`arabench dedup` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arabench.cli.main import main
from tests.corpus.planted import plant
from tests.corpus.support import command, read_rows, write_rows

ONE = "ركبت الحافلة صباحا ونسيت كتابي على المقعد ثم عدت أبحث عنه طوال النهار ولم أجده هناك"
SPELLED = ONE.replace("أبحث", "ابحث").replace("كتابي", "كِتابــي")
NEAR = f"{ONE} أبدا"
OTHER = "زرع جدي شجرة زيتون في حديقة البيت قبل أن يولد أبي بسنوات"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with two inputs."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "a.jsonl", [{"id": "a1", "text": ONE}, {"id": "a2", "text": OTHER}])
    write_rows(
        tmp_path / "b.jsonl",
        [
            {"id": "b1", "text": SPELLED},
            {"id": "b2", "text": None},
            {"id": "b3", "text": NEAR},
            {"id": "b4", "text": "جملة جديدة لا تشبه غيرها"},
        ],
    )
    return tmp_path


def _ids(path: Path) -> list[str]:
    return [row["id"] for row in read_rows(path)]


def test_the_first_of_all_inputs_stays_and_the_others_name_it(here: Path, capsys: Captured) -> None:
    arguments = ["dedup", "a.jsonl", "b.jsonl", "-o", "out.jsonl", "--id-field", "id"]
    assert main([*arguments, "--report", "r.json"]) == 0
    assert _ids(here / "out.jsonl") == ["a1", "a2", "b2", "b4"]
    dropped = read_rows(here / "out.jsonl.dropped.jsonl")
    assert dropped[0]["reason"] == "exact duplicate: of id a1"
    assert dropped[0]["row"] == {"id": "b1", "text": SPELLED}
    assert dropped[1]["reason"].startswith("near duplicate: of id a1, estimated similarity 0.")
    err = capsys.readouterr().err
    assert "6 rows read, 4 written, 0 changed, 1 null, 2 dropped [dedup:2|near|" in err
    assert "1 x exact duplicate" in err
    assert "1 x near duplicate" in err
    assert "1 clusters of duplicates; the largest has 3 rows, of which id a1 stays" in err
    report = json.loads((here / "r.json").read_text("utf-8"))
    assert report["reasons"] == {"exact duplicate": 1, "near duplicate": 1}
    assert report["largest"] == [{"kept": "id a1", "rows": 3}]
    assert report["memory_bytes"]["exact"] > 0


def test_exact_keeps_near_duplicates(here: Path) -> None:
    assert main(["dedup", "a.jsonl", "b.jsonl", "-o", "out.jsonl", "--exact"]) == 0
    assert _ids(here / "out.jsonl") == ["a1", "a2", "b2", "b3", "b4"]


def test_a_folder_of_outputs_is_deduplicated_as_one_corpus(here: Path) -> None:
    assert main(["dedup", "a.jsonl", "b.jsonl", "-o", "out/"]) == 0
    assert _ids(here / "out" / "a.jsonl") == ["a1", "a2"]
    assert _ids(here / "out" / "b.jsonl") == ["b2", "b4"]


def test_verified_similarity_is_said_to_be_true(here: Path) -> None:
    arguments = ["dedup", "a.jsonl", "b.jsonl", "-o", "out.jsonl", "--verify"]
    assert main([*arguments, "--threshold", "0.9"]) == 0
    dropped = read_rows(here / "out.jsonl.dropped.jsonl")
    pairs = len(ONE.split()) - 1
    assert dropped[1]["reason"].endswith(f", similarity {pairs / (pairs + 1):.2f}")


def test_workers_make_no_difference(here: Path) -> None:
    rows = [{"text": text} for text in plant(seed=3, originals=60).texts]
    write_rows(here / "in.jsonl", rows)
    written = []
    for workers in ("1", "4"):
        arguments = ["dedup", "in.jsonl", "-o", f"{workers}.jsonl", "--workers", workers]
        assert main(arguments) == 0
        names = (f"{workers}.jsonl", f"{workers}.jsonl.dropped.jsonl")
        written.append([(here / name).read_bytes() for name in names])
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.jsonl", "-o", "o.jsonl", "--threshold", "0"], "threshold=0.0 is no similarity"),
        (["a.jsonl", "-o", "o.jsonl", "--shingle", "char"], "Did you mean 'chars'"),
        (["a.jsonl", "-o", "o.jsonl", "--preset", "serch"], "Did you mean 'search'"),
        (["a.jsonl", "-o", "o.jsonl", "--exact", "--near"], "not allowed with"),
        (["a.jsonl"], "no output given"),
        (["a.jsonl", "-o", "o.jsonl", "--report", "b.jsonl/x"], "cannot write"),
    ],
)
def test_wrong_usage_is_one_message(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    assert main(["dedup", *arguments]) in {1, 2}
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_plain_text_through_a_pipe(here: Path) -> None:
    data = f"{ONE}\n{OTHER}\n{SPELLED}\n".encode()
    status, out, err = command("dedup", "-", "-o", "-", stdin=data, cwd=here)
    assert status == 0, err
    assert out.decode() == f"{ONE}\n{OTHER}\n"
    assert (here / "dropped.jsonl").exists()
