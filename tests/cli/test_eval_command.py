"""`arabench eval` as a person meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from arabench.cli.main import main
from arabench.evaluation.runner.results import load_evaluation

for package in ("torch", "lm_eval", "peft"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

Captured = pytest.CaptureFixture[str]


def test_a_whole_run(tiny_base: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "arabench.cli", "eval", "--model", str(tiny_base),
        "--tasks", "arabench_lm_egy, arabench_lm_msa", "--limit", "2", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "EGY" in done.stdout
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "summary.md").read_text(encoding="utf-8") == done.stdout
    assert list((tmp_path / "out" / "base").glob("results_*.json"))


def test_own_and_packaged_data_in_one_table_are_said(
    tiny_base: Path, tmp_path: Path, capsys: Captured
) -> None:
    row = {
        "id": "p",
        "code": "egy",
        "context": "فتح الفرن.",
        "question": "ماذا؟",
        "answers": ["نعم"],
    }
    (tmp_path / "reading.jsonl").write_text(json.dumps(row), encoding="utf-8")
    command = [
        "eval", "--model", str(tiny_base), "--limit", "2", "--dtype", "float32", "--threads", "1",
        "--max-gen-tokens", "2", "--tasks", "arabench_rc_egy,arabench_lm_egy,arabench_lm_msa",
        "--metadata", json.dumps({"arabench_data": str(tmp_path)}), "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert f"arabench: {tmp_path} has no parallel sentences: the packaged ones are used" in err
    assert all(line.startswith("arabench: ") for line in err.splitlines() if "packaged" in line)
    assert "the data that was given in some tasks, packaged data in others (see below)" in out
    said = "- arabench_lm_egy, arabench_lm_msa: measured on the packaged parallel sentences, for "
    assert f"{said}{tmp_path} has none" in out.replace("\\", "")
    assert main(["report", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == out
    found = load_evaluation(tmp_path / "out" / "base").tasks
    assert {name: task.run["data"] for name, task in found.items()} == {
        "arabench_rc_egy": "given", "arabench_lm_egy": "packaged", "arabench_lm_msa": "packaged",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["parallel.jsonl", "reading.jsonl"])
def test_a_variety_without_data_is_wrong_usage_whatever_the_file(
    name: str, tiny_base: Path, tmp_path: Path, capsys: Captured
) -> None:
    row = {
        "id": "p",
        "arb": "نص",
        "code": "arb",
        "context": "نص",
        "question": "ما",
        "answers": ["نعم"],
    }
    (tmp_path / name).write_text(json.dumps(row), encoding="utf-8")
    task = "arabench_rc_egy" if name == "reading.jsonl" else "arabench_lm_egy"
    command = ["eval", "--model", str(tiny_base), "--tasks", task, "-o", str(tmp_path / "out"),
               "--metadata", json.dumps({"arabench_data": str(tmp_path)})]  # fmt: skip
    assert main(command) == 2
    err = capsys.readouterr().err
    assert f"error: {tmp_path / name} has no text for 'egy'. It holds arb; egy needs" in err


def test_an_error_of_all_processes_is_said_once(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
        "-m", "arabench.cli", "eval", "--model", str(tmp_path / "none"), "-o", str(tmp_path / "o"),
        "--tasks", "arabench_lm_egy",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode != 0
    assert done.stderr.count("arabench: error: base model") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--metadata", "{"], "--metadata is no JSON"),
        (["--metadata", "[1]"], "--metadata must be a JSON object"),
        (["--metadata", '{"arabench_dta": "x"}'], "Did you mean 'arabench_data'"),
        (["--metadata", '{"arabench_data": "/nowhere"}'], "/nowhere"),
        (["--limit", "0"], "--limit is 0; allowed is 1 or more"),
        (["--batch-size", "-1"], "--batch-size is -1"),
        (["--adapter", "x"], "is not NAME=DIR"),
        (["--adapter", "x="], "is not NAME=DIR"),
        (["--adapter", "x=a", "--adapter", "x=b"], "names 'x' twice"),
        (["--tasks", " , "], "no task given"),
        (["--tasks", "arabench_lm_egi"], "Did you mean 'arabench_lm_egy'"),
        (["--tasks", "hellaswag"], "There are 65; `arabench eval --list-tasks` names them.\n"),
        (["--bits", "5"], "invalid choice"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], expected: str, tiny_base: Path, tmp_path: Path, capsys: Captured
) -> None:
    fixed = ["--model", str(tiny_base), "--tasks", "arabench_lm_egy", "-o", str(tmp_path / "out")]
    assert main(["eval", *fixed, *arguments]) in {1, 2}
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert err.count("error:") == 1
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("results*"))


def test_names_of_tasks_are_listed_without_a_model(capsys: Captured) -> None:
    assert main(["eval", "--list-tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "arabench_dialects: arabench_lm arabench_tax arabench_mt arabench_rc" in lines
    assert "arabench_mmlu_arabicmmlu" in lines
    names = [name for line in lines for name in line.replace(":", "").split()]
    assert {"arabench_lm_egy", "arabench_robust_mc_vowels"} <= set(names)


@pytest.mark.parametrize("missing", ["model", "output"])
def test_what_is_needed_is_asked_for(missing: str, tmp_path: Path, capsys: Captured) -> None:
    given = {"--model": "somewhere", "--output": str(tmp_path / "out")}
    del given[f"--{missing}"]
    assert main(["eval", *(part for pair in given.items() for part in pair)]) == 2
    assert f"--{missing} is not given" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_second_command_shows_what_the_first_measured(
    tiny_base: Path, tmp_path: Path, capsys: Captured
) -> None:
    prompt = tmp_path / "system.txt"
    prompt.write_text("أجب باختصار\n", encoding="utf-8")
    command = [
        "eval", "--model", str(tiny_base), "--tasks", "arabench_mmlu_physics", "--limit", "2",
        "--dtype", "float32", "--seed", "7", "-o", str(tmp_path / "out"),
        "--system-prompt", f"@{prompt}", "--cache", str(tmp_path / "cache"),
    ]  # fmt: skip
    assert main(command) == 0
    first = capsys.readouterr()
    assert (tmp_path / "cache" / "answers.sqlite").is_file()
    assert "Signature: `base:" in first.out
    assert main(command) == 0
    second = capsys.readouterr()
    assert second.out == first.out
    assert "done before" in second.err
    (samples,) = (tmp_path / "out" / "base").glob("samples_*.jsonl")
    assert samples.read_text(encoding="utf-8").count("أجب باختصار") >= 2
    prompt.write_text("أجب بحرف", encoding="utf-8")
    assert main(command) == 2
    assert "holds a run of something else: chat was" in capsys.readouterr().err


def test_a_system_prompt_that_cannot_be_read(tmp_path: Path, capsys: Captured) -> None:
    command = ["eval", "--model", "m", "-o", str(tmp_path / "out"), "--system-prompt", "@/nowhere"]
    assert main(command) == 2
    assert "--system-prompt '@/nowhere' cannot be read: No such file" in capsys.readouterr().err
    file = tmp_path / "latin"
    file.write_bytes(b"\xff\xfe\xff")
    assert main([*command[:-1], f"@{file}"]) == 2
    assert "it is not UTF-8" in capsys.readouterr().err


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from arabench.cli.console import document_progress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with document_progress() as watcher:
        assert watcher is not None
        watcher.plan(20)
        watcher.begin("arabench_lm_egy", 10, 4)
        watcher.advance(6)
    shown = terminal.getvalue()
    assert "arabench_lm_egy" in shown
    assert "10/20" in shown
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with document_progress() as watcher:
        assert watcher is None
