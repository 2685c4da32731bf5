"""`arabench contamination` as a person or a script meets it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from arabench.cli.main import main

QUESTIONS = [
    "ما اسم أطول جسر معلق بني في المدينة قبل عام 1950؟",
    "من كتب الرسالة التي عثر عليها في صندوق المكتبة القديمة؟",
    "كم عدد الأبواب الخشبية التي بقيت في سور البلدة؟",
]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three questions, and training text that holds one of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    rows = [
        {
            "id": f"q{n}",
            "subject": "s",
            "question": text,
            "choices": ["نعم", "جسر الحرية"],
            "answer": 1,
        }
        for n, text in enumerate(QUESTIONS)
    ]
    write(tmp_path / "own" / "questions.jsonl", rows)
    spelled = QUESTIONS[0].replace("أطول", "اطول").replace("1950", "١٩٥٠").rstrip("؟")
    texts = ["سطر أول", f"سئلت: {spelled}: جسر الحرية. فلم أجب", "سطر أخير"]
    write(tmp_path / "train.jsonl", [{"body": text} for text in texts])
    return tmp_path


def write(path: Path, rows: list[dict[str, object]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def run(*arguments: str) -> int:
    return main(["contamination", *arguments, "--tasks", "arabench_mmlu_files", "--data", "own"])


def test_table_and_file(here: Path, capsys: Captured) -> None:
    assert run("train.jsonl", "--field", "body", "-o", "found.jsonl") == 0
    out, err = capsys.readouterr()
    assert "| arabench_mmlu_files | 3 | 1 | 1 | 1 | 0 | 1 | 33.3 % [6.1, 79.2] | 0 |" in out
    assert "Signature: contamination:1|ngram:8|overlap:0.5|near:0.35|arabizi:0.6" in out
    assert "arabench: 3 rows of 1 file searched for 3 items; written: found.jsonl" in err
    (row,) = [json.loads(line) for line in Path("found.jsonl").read_text("utf-8").splitlines()]
    assert (row["task"], row["id"], row["level"]) == ("arabench_mmlu_files", "q0", "exact")
    assert (row["part"], row["answer"], row["score"]) == ("question", True, 1.0)
    assert (row["file"], row["row"]) == ("train.jsonl", 2)
    assert row["excerpt"].startswith("ما اسم اطول جسر")


def test_its_output_leaves_items_out(here: Path, capsys: Captured) -> None:
    """What was found is not found again in what is left."""
    run("train.jsonl", "--field", "body", "-o", "found.jsonl")
    options = json.dumps({"arabench_exclude": "found.jsonl"})
    capsys.readouterr()
    assert run("train.jsonl", "--field", "body", "--metadata", options) == 0
    assert "| arabench_mmlu_files | 2 | 0 | 0 | 0 | 0 | 0 |" in capsys.readouterr().out


def test_compressed_text_and_status(here: Path, capsys: Captured) -> None:
    with gzip.open("train.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join(QUESTIONS[1:]))
    assert run("train.txt.gz", "--fail-above", "0.7") == 0
    assert run("train.txt.gz", "--fail-above", "0.5") == 1
    assert "66.7 % of its items are contaminated, above --fail-above" in capsys.readouterr().err


def test_rows_that_cannot_be_read_are_not_clean(here: Path, capsys: Captured) -> None:
    Path("bad.jsonl").write_bytes(b'{"text": "x"}\n{"text": \n{"text": null}\n')
    assert run("bad.jsonl") == 1
    assert "1 rows could not be read; what they hold is not known" in capsys.readouterr().err
    assert run("bad.jsonl", "--max-rejects", "1") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.txt"], "absent.txt' does not exist"),
        (["train.jsonl", "-o", "train.jsonl"], "is also an input"),
        (["train.jsonl", "-o", "own"], "is a folder"),
        (["train.jsonl", "--ngram", "2"], "Use 5 to 100 words"),
        (["train.jsonl", "--near", "0"], "near=0.0 is no share"),
        (["train.jsonl", "--fail-above", "5"], "--fail-above 5.0 is no share"),
        (["train.jsonl", "--max-rejects", "-1"], "is negative"),
        (["train.jsonl", "--metadata", "{"], "--metadata is no JSON"),
        (["train.jsonl", "--metadata", '{"arabench_data": "x"}'], "name the data twice"),
        (["train.jsonl"], "has a field 'text'"),
    ],
)
def test_refusals(here: Path, capsys: Captured, arguments: list[str], message: str) -> None:
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("arabench: error:") == 1


def test_unknown_tasks(here: Path, capsys: Captured) -> None:
    assert main(["contamination", "train.jsonl", "--tasks", "arabench_mmlus"]) == 2
    assert "Did you mean 'arabench_mmlu'" in capsys.readouterr().err
    assert main(["contamination", "train.jsonl", "--tasks", ","]) == 2
    assert "no task given" in capsys.readouterr().err


def test_the_gate_sees_what_was_left_out(here: Path, tiny_base: Path, capsys: Captured) -> None:
    """A run without some items does not compare with one that has them."""
    gone = [{"task": "arabench_mmlu_physics", "id": "physics-02"}]
    write(here / "found.jsonl", [dict(row) for row in gone])
    command = ["eval", "--model", str(tiny_base), "--tasks", "arabench_mmlu_physics"]
    assert main([*command, "-o", "all"]) == 0
    assert main([*command, "--exclude", "found.jsonl", "-o", "fewer"]) == 0
    samples = next(Path("fewer").rglob("samples_*.jsonl")).read_text("utf-8").splitlines()
    assert "physics-02" not in {json.loads(line)["doc"]["id"] for line in samples}
    assert len(samples) == 11
    capsys.readouterr()
    assert main(["gate", "all", "fewer"]) == 2
    assert "1 of 12 documents left out" in capsys.readouterr().err
