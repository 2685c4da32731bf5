"""`arabench dialect`, and varieties in `filter`, `normalize`, `audit`, as a script meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arabench.cli.main import main
from arabench.dialect import evaluation, training
from arabench.dialect.model import save_model
from tests.corpus.support import command, names, read_rows, write_rows
from tests.dialect.toy_model import hand_made

Captured = pytest.CaptureFixture[str]
ROWS = [
    {"id": 1, "text": "عايز كده دلوقتي"},
    {"id": 2, "text": "شو بدي هلق"},
    {"id": 3, "text": "good morning"},
    {"id": 4, "text": "دلوقتي"},
    {"id": 5, "text": "كتاب جديد هنا"},
]
VARIETIES = ["egy", "lev", "unknown", "unknown", "unknown"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a corpus and a model."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "in.jsonl", ROWS)
    save_model("m.bin", hand_made())
    return tmp_path


def label(*arguments: str) -> int:
    return main(["dialect", *arguments, "--model", "m.bin"])


def refused(capsys: Captured, *arguments: str, status: int = 2) -> str:
    assert main([*arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("arabench: error: ")
    assert "Traceback" not in err
    return err


def test_rows_get_a_variety_and_keep_their_fields(here: Path, capsys: Captured) -> None:
    assert label("in.jsonl", "-o", "out.jsonl") == 0
    rows = read_rows(here / "out.jsonl")
    assert [row["variety"] for row in rows] == VARIETIES
    assert [row["reason"] for row in rows] == ["", "", "no_arabic", "short", "ambiguous"]
    assert [list(row) for row in rows] == [["id", "text", "variety", "probs", "reason"]] * 5
    assert list(rows[0]["probs"]) == ["msa", "egy", "glf", "lev", "mgr"]
    assert "5 rows read, 5 written, 0 changed [dialect:2|model:" in capsys.readouterr().err


def test_standard_input_of_plain_text_becomes_json_lines(here: Path) -> None:
    text = "عايز كده\n\n".encode()
    status, out, err = command(
        "dialect", "-", "-o", "-", "--model", "m.bin", "--explain", stdin=text, cwd=here
    )
    assert status == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["variety"] for row in rows] == ["egy", "unknown"]
    assert {item["word"] for item in rows[0]["evidence"]} == {"عايز", "كده"}


def test_every_option_shows_in_the_rows(here: Path) -> None:
    arguments = [
        "--explain",
        "--explain-words",
        "1",
        "--sentences",
        "--dialectness",
        "--variety-field",
        "v",
    ]
    assert label("in.jsonl", "-o", "out.jsonl", *arguments) == 0
    row = read_rows(here / "out.jsonl")[0]
    added = ["v", "v_probs", "v_reason", "v_dialectness", "v_evidence", "v_sentences"]
    assert list(row) == ["id", "text", *added]
    assert len(row["v_evidence"]) == 1
    assert row["v_sentences"] == [
        {"start": 0, "end": 15, "variety": "egy", "prob": row["v_probs"]["egy"]}
    ]


def test_when_a_text_is_unknown_can_be_chosen(here: Path) -> None:
    def found(*arguments: str) -> list[str]:
        assert label("in.jsonl", "-o", "out.jsonl", *arguments) == 0
        return [row["variety"] for row in read_rows(here / "out.jsonl")]

    assert found("--unknown", "never") == ["egy", "lev", "unknown", "egy", "msa"]
    assert found("--min-words", "1") == ["egy", "lev", "unknown", "egy", "unknown"]
    assert found("--min-prob", "0") == ["egy", "lev", "unknown", "unknown", "msa"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl", "-o", "o.jsonl", "--min-prob", "2"], "not a probability"),
        (["in.jsonl", "-o", "o.jsonl", "--min-words", "-1"], "no number of words"),
        (["--explain", "in.jsonl", "-o", "o.jsonl", "--explain-words", "0"], "Use 1 or more"),
        (["in.jsonl", "-o", "o.jsonl", "--explain-words", "3"], "belongs to --explain"),
        (["in.jsonl", "-o", "o.jsonl", "--unknown", "never", "--min-prob", "0.5"], "Leave out one"),
        (["in.jsonl", "-o", "o.jsonl", "--variety-field", ""], "needs a name"),
        (["in.jsonl", "-o", "o.jsonl", "--variety-field", "text"], "'text' already"),
        (["in.jsonl", "-o", "o.txt"], "would be plain text"),
        (["in.jsonl"], "no output given"),
        (["-o", "o.jsonl"], "no input given"),
        (["in.jsonl", "-o", "o.jsonl", "--data", "d"], "--data belongs to"),
        (["in.jsonl", "-o", "o.jsonl", "--model", "none.bin"], "there is no dialect model"),
        (["train", "-o", "x.bin"], "--data DIR"),
        (["train", "--data", "d"], "-o MODEL"),
        (["train", "--data", "d", "-o", "none/x.bin"], "'none' is no folder"),
        (["evaluate"], "--data DIR"),
    ],
)
def test_wrong_usage_is_said_and_writes_nothing(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    given = arguments if "--model" in arguments else [*arguments, "--model", "m.bin"]
    assert message in refused(capsys, "dialect", *given)
    assert names(here) == {"in.jsonl", "m.bin"}


def test_rows_that_have_a_variety_are_refused_and_the_way_out_is_named(
    here: Path, capsys: Captured
) -> None:
    assert label("in.jsonl", "-o", "once.jsonl") == 0
    capsys.readouterr()
    error = refused(capsys, "dialect", "once.jsonl", "-o", "twice.jsonl", "--model", "m.bin")
    assert "--variety-field NAME" in error
    assert not (here / "twice.jsonl").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "empty"])
def test_a_damaged_model_is_one_message(here: Path, capsys: Captured, damage: str) -> None:
    content = bytearray((here / "m.bin").read_bytes())
    if damage == "cut":
        del content[1000:]
    elif damage == "flip":
        content[5000] ^= 1
    else:
        content = bytearray(b"" if damage == "empty" else b"x" * 5000)
    (here / "m.bin").write_bytes(content)
    error = refused(capsys, "dialect", "in.jsonl", "-o", "o.jsonl", "--model", "m.bin", status=1)
    assert "dialect model" in error
    assert error.count("\n") == 1
    assert not (here / "o.jsonl").exists()


def test_unreadable_rows_are_set_aside(here: Path, capsys: Captured) -> None:
    (here / "bad.jsonl").write_bytes('{"text": "شو بدي"}\n{"text": \n'.encode())
    assert label("bad.jsonl", "-o", "o.jsonl") == 1
    assert len(read_rows(here / "o.jsonl")) == 1
    assert (here / "o.jsonl.rejects.jsonl").exists()
    assert "set aside" in capsys.readouterr().err


def test_a_field_inside_of_an_object_is_read(here: Path) -> None:
    write_rows(here / "deep.jsonl", [{"meta": {"body": "شو بدي هلق"}}])
    assert label("deep.jsonl", "-o", "o.jsonl", "--field", "meta.body") == 0
    row = read_rows(here / "o.jsonl")[0]
    assert row["meta"] == {"body": "شو بدي هلق"}
    assert row["variety"] == "lev"


def test_train_and_evaluate_call_their_rooms(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[object, ...]] = []

    def train(folder: str, output: str, say: Callable[[str], None]) -> None:
        say("texts: none")
        called.append((folder, output))

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(evaluation, "evaluate", lambda *arguments: called.append(arguments))
    assert main(["dialect", "train", "--data", "d", "-o", "new.bin"]) == 0
    assert "texts: none" in capsys.readouterr().err
    assert main(["dialect", "evaluate", "--data", "d"]) == 0
    assert main(["dialect", "evaluate", "--data", "d", "--model", "m.bin", "-o", "r.json"]) == 0
    assert called == [("d", "new.bin"), ("d", None, None), ("d", "m.bin", "r.json")]


def test_evaluate_refuses_a_missing_folder(here: Path, capsys: Captured) -> None:
    assert "none" in refused(capsys, "dialect", "evaluate", "--data", "none", "--model", "m.bin")


# --- other commands -----------------------------------------------------------------------


def test_filter_keeps_a_variety(here: Path, capsys: Captured) -> None:
    arguments = ["--preset", "none", "--keep-varieties", "egy,lev", "--dialect-model", "m.bin"]
    assert main(["filter", "in.jsonl", "-o", "o.jsonl", *arguments, "--report", "r.json"]) == 0
    assert [row["id"] for row in read_rows(here / "o.jsonl")] == [1, 2]
    report = json.loads((here / "r.json").read_text(encoding="utf-8"))
    assert report["reasons"]["variety"] == 3
    assert "|dialect:2|model:" in report["signature"]
    assert "3 x variety" in capsys.readouterr().err


def test_filter_refuses_an_unknown_variety(here: Path, capsys: Captured) -> None:
    error = refused(capsys, "filter", "in.jsonl", "-o", "o.jsonl", "--keep-varieties", "eg")
    assert "Did you mean 'egy'" in error


def test_normalize_tags_rows(here: Path) -> None:
    arguments = ["--tag-dialect", "--dialect-model", "m.bin"]
    assert main(["normalize", "in.jsonl", "-o", "o.jsonl", *arguments]) == 0
    assert [row["variety"] for row in read_rows(here / "o.jsonl")] == VARIETIES
    assert main(["normalize", "o.jsonl", "-o", "p.jsonl", *arguments, "--variety-field", "v"]) == 0
    assert [row["v"] for row in read_rows(here / "p.jsonl")] == VARIETIES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "o.txt", "--tag-dialect", "--dialect-model", "m.bin"], "would be plain text"),
        (["--explain", "--tag-dialect"], "Leave out --explain"),
        (["-o", "o.jsonl", "--dialect-model", "m.bin"], "belongs to --tag-dialect"),
        (["-o", "o.jsonl", "--variety-field", "v"], "belongs to --tag-dialect"),
    ],
)
def test_normalize_refuses_what_it_cannot_tag(
    here: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    assert message in refused(capsys, "normalize", "in.jsonl", *arguments)


def test_the_audit_shows_the_mix_and_can_leave_it_out(here: Path, capsys: Captured) -> None:
    assert main(["audit", "in.jsonl", "--json", "n.json", "--dialect-model", "m.bin"]) == 0
    data = json.loads((here / "n.json").read_text(encoding="utf-8"))
    assert {row["variety"]: row["documents"] for row in data["varieties"]} == {
        "unknown": 2, "egy": 1, "lev": 1,
    }  # fmt: skip
    assert main(["audit", "in.jsonl", "--json", "n.json", "--no-dialect"]) == 0
    assert "varieties" not in json.loads((here / "n.json").read_text(encoding="utf-8"))
    capsys.readouterr()
    both = ["--no-dialect", "--dialect-model", "m.bin"]
    assert "exclude each other" in refused(capsys, "audit", "in.jsonl", "--json", "n.json", *both)
