"""`arabench tokenizer` as a person or a script meets it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from arabench.cli.main import main
from tests.corpus.support import command, names, write_rows
from tests.subwords.support import byte_level, word_piece

pytest.importorskip("transformers", reason="needs the extra arabench[eval]")

Captured = pytest.CaptureFixture[str]
_TEXTS = [
    {"text": "ذهب الولد إلى المدرسة.", "dialect": "msa"},
    {"text": "راح الواد المدرسة", "dialect": "arz"},
    {"text": "كتب الطلاب الدرس في الكتاب", "dialect": "msa"},
] * 5


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two tokenizers and some text."""
    monkeypatch.chdir(tmp_path)
    byte_level(tmp_path)
    word_piece(tmp_path)
    (tmp_path / "few").mkdir()
    write_rows(tmp_path / "c.jsonl", _TEXTS)
    for code, text in (("arb", "ذهب الولد"), ("arz", "راح الواد المدرسة"), ("eng", "the boy")):
        write_rows(tmp_path / "few" / f"{code}.txt", [{"text": text}, {"text": text + " ."}])
    return tmp_path


def refused(capsys: Captured, *arguments: str, status: int = 2) -> str:
    assert main(["tokenizer", *arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    line: str = err.splitlines()[-1]
    assert line.startswith("arabench: error: ")
    return line


def train(*arguments: str) -> int:
    return main(["tokenizer", "train", "c.jsonl", *arguments])


def test_a_report_is_a_table_a_json_and_a_plot(here: Path, capsys: Captured) -> None:
    arguments = ["byte-level", "word-piece", "-o", "report", "--context", "1000"]
    assert main(["tokenizer", "report", *arguments]) == 0
    out, _ = capsys.readouterr()
    for said in ("byte-level", "word-piece", "MSA", "MGR", "fertility", "Side by side"):
        assert said in out
    assert names(here / "report") == {"report.json", "report.png", "report.svg"}
    data = json.loads((here / "report" / "report.json").read_text(encoding="utf-8"))
    assert [item["name"] for item in data["tokenizers"]] == ["byte-level", "word-piece"]
    row = data["tokenizers"][0]["by_label"]["egy"]
    fertility = row["fertility"]
    assert fertility["low"] < fertility["value"] < fertility["high"]
    assert row["context_words"]["value"] == pytest.approx(1000 / fertility["value"])
    assert data["tokenizers"][1]["by_label"]["msa"]["unknown_tokens"]["value"] > 0.5
    assert (here / "report" / "report.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (here / "report" / "report.svg").read_bytes()


def test_the_same_report_is_the_same_bytes(here: Path) -> None:
    for folder in ("a", "b"):
        arguments = ["byte-level", "--parallel", "few", "-o", folder]
        assert main(["tokenizer", "report", *arguments]) == 0
    for name in ("report.json", "report.svg"):
        assert (here / "a" / name).read_bytes() == (here / "b" / name).read_bytes()


def test_data_of_several_varieties(here: Path, capsys: Captured) -> None:
    arguments = ["--data", "c.jsonl", "--variety-field", "dialect", "--json", "-"]
    arguments += ["--parallel", "few"]
    assert main(["tokenizer", "report", "byte-level", *arguments]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert {label: row["texts"] for label, row in data["data"]["labels"].items()} == {
        "msa": 10,
        "egy": 5,
    }
    assert "15 texts measured" in err


def test_rows_that_cannot_be_read_are_told(here: Path, capsys: Captured) -> None:
    with (here / "c.jsonl").open("ab") as stream:
        stream.write(b"{broken\n")
    arguments = ["tokenizer", "report", "byte-level", "--data", "c.jsonl", "--parallel", "few"]
    assert main(arguments) == 1
    assert "1 rows could not be read" in capsys.readouterr().err
    assert main([*arguments, "--max-rejects", "1"]) == 0
    assert train("-o", "t", "--vocab-size", "300") == 1
    assert "1 rows could not be read" in capsys.readouterr().err
    assert (here / "t" / "tokenizer.json").is_file()


def test_standard_input_is_data_too(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    class Stdin:
        buffer = io.BytesIO("كت كتب\n".encode())

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert (
        main(
            ["tokenizer", "report", "byte-level", "--data", "-", "--parallel", "few", "--json", "-"]
        )
        == 0
    )
    data = json.loads(capsys.readouterr().out)
    found: dict[str, Any] = data["tokenizers"][0]["by_label"]["all"]
    assert found["fertility"] == {"value": 2.5, "low": None, "high": None}


def test_a_trained_tokenizer_is_reported(here: Path, capsys: Captured) -> None:
    assert train("-o", "mine", "--vocab-size", "330", "--model", "unigram") == 0
    err = capsys.readouterr().err
    assert "tokenizer:1|unigram|byte-fallback|vocab:330" in err
    assert "pieces from 15 texts in mine" in err
    assert main(["tokenizer", "report", "mine", "byte-level", "--parallel", "few"]) == 0
    assert "mine: byte-fallback" in capsys.readouterr().out


def test_a_vocabulary_larger_than_the_data_is_told(here: Path, capsys: Captured) -> None:
    assert train("-o", "mine", "--vocab-size", "9000") == 0
    assert "of the 9000 asked for" in capsys.readouterr().err


def test_a_tokenizer_is_not_overwritten_by_chance(here: Path, capsys: Captured) -> None:
    assert train("-o", "mine", "--vocab-size", "300") == 0
    before = (here / "mine" / "tokenizer.json").read_bytes()
    capsys.readouterr()
    message = refused(capsys, "train", "c.jsonl", "-o", "mine", "--vocab-size", "310")
    assert "--force" in message
    assert (here / "mine" / "tokenizer.json").read_bytes() == before
    assert train("-o", "mine", "--vocab-size", "310", "--force") == 0
    assert (here / "mine" / "tokenizer.json").read_bytes() != before
    assert not [name for name in names(here) if name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "missing/folder/x"], "does not exist"),
        (["report", "byte-level", "byte-level/"], "named twice"),
        (["report", "byte-level", "--data", "missing.txt"], "does not exist"),
        (["report", "byte-level", "--data", "c.jsonl", "--field", "body"], "body"),
        (["report", "byte-level", "--data", "c.jsonl", "--limit", "0"], "--limit 0"),
        (["report", "byte-level", "--variety-field", "x"], "without --data"),
        (["report", "byte-level", "--context", "0"], "context=0"),
        (["report", "byte-level", "--presets", "lmm"], "Did you mean 'llm'"),
        (["report", "byte-level", "--parallel", "nowhere"], "is no folder"),
        (["report", "byte-level", "-o", "c.jsonl"], "is a file"),
        (["report", "byte-level", "--data", "c.jsonl", "--json", "./c.jsonl"], "also an input"),
        (["train", "c.jsonl", "-o", "t", "--vocab-size", "5"], "too small"),
        (["train", "missing.txt", "-o", "t", "--vocab-size", "300"], "does not exist"),
        (["train", "c.jsonl", "-o", "c.jsonl", "--vocab-size", "300"], "is a file"),
        (["train", "c.jsonl", "-o", ".", "--vocab-size", "300"], "other files"),
        (["train", "c.jsonl", "-o", "t", "--vocab-size", "300", "--field", "x"], "'x'"),
        (["train", "c.jsonl", "-o", "t", "--vocab-size", "300", "--normalize", "y"], "'y'"),
        (["train", "c.jsonl", "-o", "t", "--vocab-size", "300", "--pre-segment", "d9"], "'d9'"),
        (["train", "-", "-o", "t", "--vocab-size", "300", "--characters"], "read twice"),
    ],
)
def test_wrong_usage_is_one_message(
    here: Path, capsys: Captured, arguments: list[str], said: str
) -> None:
    assert said in refused(capsys, *arguments)
    assert "t" not in names(here)


def test_a_place_that_cannot_be_written_is_named(here: Path, capsys: Captured) -> None:
    arguments = ["c.jsonl", "-o", "c.jsonl/x", "--vocab-size", "300"]
    assert "cannot write 'c.jsonl/x'" in refused(capsys, "train", *arguments, status=1)
    few = ["byte-level", "--parallel", "few", "--json", "c.jsonl/x"]
    assert main(["tokenizer", "report", *few]) == 1
    assert "cannot write 'c.jsonl/x'" in capsys.readouterr().err


def test_a_missing_library_is_named_with_the_line_that_installs_it(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tokenizers" else found(name)
    )
    for arguments in (
        ["report", "byte-level"],
        ["train", "c.jsonl", "-o", "t", "--vocab-size", "300"],
    ):
        assert "pip install 'arabench[eval]'" in refused(capsys, *arguments)


def test_segmented_text_without_marks_is_refused(here: Path, capsys: Captured) -> None:
    arguments = ["byte-level", "--segmented", "c.jsonl"]
    assert "no word with a plus sign" in refused(capsys, "report", *arguments, status=1)


def test_empty_data_is_refused(here: Path, capsys: Captured) -> None:
    write_rows(here / "blank.txt", [{"text": " "}])
    arguments = ["blank.txt", "-o", "t", "--vocab-size", "300"]
    assert "nothing to train on" in refused(capsys, "train", *arguments, status=1)
    reported = ["byte-level", "--data", "blank.txt"]
    assert "no text but white space" in refused(capsys, "report", *reported, status=1)
    assert "t" not in names(here)


def test_help_loads_no_model_library() -> None:
    for arguments in (["--help"], ["report", "--help"], ["train", "--help"]):
        status, out, err = command("tokenizer", *arguments)
        assert status == 0, err
        assert b"examples:" in out
    code = (
        "import sys; from arabench.cli.main import main; main(['tokenizer', 'train', '--help']); "
        "sys.exit(any(m in sys.modules for m in ('transformers', 'tokenizers', 'numba', 'torch')))"
    )
    import subprocess

    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0


def test_a_trained_tokenizer_stays_what_it_is_beside_a_model(here: Path, capsys: Captured) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    from arabench.models.saved_tokenizers import FAMILIES

    text = "آ قَرَأَ الولد 2024 كتابًا"
    for kind in (["--model", "bpe"], ["--model", "unigram"]):
        assert train("-o", kind[1], "--vocab-size", "330", *kind) == 0
        wanted = Tokenizer.from_file(f"{kind[1]}/tokenizer.json").encode(text).ids
        for family in FAMILIES:
            Path(kind[1], "config.json").write_text(json.dumps({"model_type": family}))
            assert AutoTokenizer.from_pretrained(kind[1])(text)["input_ids"] == wanted, family
    # One that others saved is said to be read otherwise, and measured as it was saved.
    settings = json.loads(Path("bpe/tokenizer_config.json").read_text(encoding="utf-8"))
    settings.pop("trust_remote_code")
    Path("bpe/tokenizer_config.json").write_text(json.dumps(settings))
    Path("bpe/config.json").write_text(json.dumps({"model_type": "qwen2"}))
    capsys.readouterr()
    assert main(["tokenizer", "report", "bpe", "--parallel", "few"]) == 0
    assert "bpe: transformers builds another tokenizer here" in capsys.readouterr().err
