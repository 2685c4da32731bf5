"""Runs that were stopped: the same command gives the same numbers, and refuses what is not its."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.cli.main import main  # noqa: E402
from arabench.errors import ArabenchError, DataError, UsageError  # noqa: E402
from arabench.evaluation.harness.evaluator import TaskRun  # noqa: E402
from arabench.evaluation.runner import Request, UnfinishedError, evaluate  # noqa: E402
from arabench.evaluation.runner.evaluate import LOCK_NAME  # noqa: E402
from arabench.evaluation.runner.log import SampleLog  # noqa: E402
from arabench.evaluation.runner.measuring import Silent  # noqa: E402
from arabench.evaluation.runner.progress import PROGRESS_NAME  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402

TASKS = ["arabench_lm_egy", "arabench_tax_egy", "arabench_mmlu_physics", "arabench_rc_egy"]
#: Windows of the four tasks at 6 documents each and 2 a window.
WINDOWS = 12


def request(base: Path, output: Path, **changes: Any) -> Request:
    given = Request(
        str(base), {}, TASKS, str(output), {}, limit=6, dtype="float32", threads=1, device="cpu",
        max_gen_tokens=4, window=2,
    )  # fmt: skip
    return dataclasses.replace(given, **changes)


def quiet(message: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def whole(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run that nothing stopped gives."""
    output = tmp_path_factory.mktemp("whole")
    return content(evaluate(request(tiny_base, output), quiet)["base"])


def content(folder: Path) -> dict[str, Any]:
    """Numbers, configurations and every byte of the samples."""
    (file,) = folder.glob("results_*.json")
    results = json.loads(file.read_text(encoding="utf-8"))
    samples = {path.name.partition("_2")[0]: path.read_bytes() for path in _samples(folder)}
    kept = ("results", "configs", "n-samples", "versions", "n-shot")
    assert not list(folder.glob("*.partial"))
    assert not (folder / PROGRESS_NAME).exists()
    assert load_evaluation(folder).tasks.keys() == set(TASKS)
    return {**{key: results[key] for key in kept}, "samples": samples}


def _samples(folder: Path) -> list[Path]:
    return sorted(folder.glob("samples_*.jsonl"))


class Stop(Silent):
    """Ctrl-C behind so many windows."""

    def __init__(self, windows: int) -> None:
        self.left = windows

    def advance(self, documents: int) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("windows", [1, 3, 5, 11])
def test_after_ctrl_c_the_same_command_gives_the_same_numbers(
    windows: int, whole: dict[str, Any], tiny_base: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    asked = request(tiny_base, tmp_path)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt, match=r"is kept: the same command goes on from there\."):
        evaluate(asked, said.append, Stop(windows))
    assert "kept" not in "".join(said)
    for command in (["report", str(tmp_path)], ["compare", str(tmp_path), str(tmp_path)]):
        assert main(command) == 2
        assert "holds an unfinished run (base). Give the command that began it again" in (
            capsys.readouterr().err
        )
    assert not list(tmp_path.rglob("results_*.json"))
    begun: list[tuple[str, int]] = []

    class Watch(Silent):
        def begin(self, task: str, documents: int, done: int) -> None:
            begun.append((task, done))

    assert content(evaluate(asked, quiet, Watch())["base"]) == whole
    task, window = divmod(windows - 1, 3)
    done = [(name, 6) for name in TASKS[:task]]
    assert begun[: task + 1] == [*done, (TASKS[task], 2 * (window + 1))]


KILL = """
import os, signal, sys
from pathlib import Path
from tests.evaluation.test_resume import request
from arabench.evaluation.runner import evaluate
from arabench.evaluation.runner import log, progress

place, count = sys.argv[3], int(sys.argv[4])
left = count

def die_in(cls, name, before):
    method = getattr(cls, name)
    def wrapper(self, *args):
        global left
        left -= 1
        if not left:
            before(self, *args)
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *args)
    setattr(cls, name, wrapper)

def half_a_line(self, rows):
    with self._partial.open("r+b") as stream:
        stream.seek(self._size)
        stream.write(log.sample_line(rows[0]) + log.sample_line(rows[1])[:40])

if place == "mid-write":
    die_in(log.SampleLog, "append", half_a_line)
elif place == "before the window counts":
    die_in(progress.Progress, "commit", lambda *args: None)
elif place == "between two names":
    def rename(self):
        self._partial.replace(self.path)
    die_in(log.SampleLog, "finish", rename)
evaluate(request(Path(sys.argv[1]), Path(sys.argv[2])), print)
"""


@pytest.mark.parametrize(
    ("place", "count"),
    [("mid-write", 2), ("mid-write", 9), ("before the window counts", 5), ("between two names", 2)],
)
def test_after_a_kill_the_same_command_gives_the_same_numbers(
    place: str, count: int, whole: dict[str, Any], tiny_base: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILL, str(tiny_base), str(tmp_path), place, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = {path.name for path in (tmp_path / "base").iterdir()}
    assert PROGRESS_NAME in left
    assert content(evaluate(request(tiny_base, tmp_path), quiet)["base"]) == whole


def test_a_finished_run_is_not_measured_again(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tiny_base, tmp_path)
    first = evaluate(asked, quiet)
    before = {path: path.stat().st_mtime_ns for path in first["base"].iterdir()}
    monkeypatch.setattr(TaskRun, "ask", None)
    said: list[str] = []
    assert evaluate(asked, said.append) == first
    assert said == [f"base: done before, in {first['base']}; nothing is measured again"]
    assert {path: path.stat().st_mtime_ns for path in first["base"].iterdir()} == before


def test_an_adapter_is_added_to_a_finished_base(tiny_base: Path, tmp_path: Path) -> None:
    from tests.evaluation.test_runner import make_adapter

    adapter = make_adapter(tiny_base, tmp_path / "adapter", 0.5)
    asked = request(tiny_base, tmp_path / "out", tasks=TASKS[:1])
    evaluate(asked, quiet)
    said: list[str] = []
    folders = evaluate(dataclasses.replace(asked, adapters={"new": str(adapter)}), said.append)
    assert list(folders) == ["base", "new"]
    assert said.count("evaluating new") == 1
    assert "evaluating base" not in said


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"limit": 5}, "options was"),
        ({"tasks": TASKS[:2]}, "tasks was"),
        ({"batch_size": 3}, "batch was 8 together, windows of 2, is now 3 together"),
        ({"seed": 5}, "seed was 1234, is now 5"),
        ({"dtype": "bfloat16"}, "dtype was float32, is now bfloat16"),
        ({"threads": 2}, "threads was 1, is now 2"),
        ({"system_prompt": "أجب"}, "chat was none"),
    ],
)
def test_another_run_does_not_go_on_with_this_one(
    changes: dict[str, Any], differs: str, stopped: Path, tiny_base: Path
) -> None:
    before = sorted((path.name, path.read_bytes()) for path in (stopped / "base").iterdir())
    with pytest.raises(UsageError, match="holds a run of something else") as caught:
        evaluate(request(tiny_base, stopped, **changes), quiet)
    assert differs in str(caught.value)
    assert sorted((path.name, path.read_bytes()) for path in (stopped / "base").iterdir()) == before


@pytest.fixture(scope="module")
def stopped(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was stopped in its second task."""
    output = tmp_path_factory.mktemp("stopped")
    with pytest.raises(KeyboardInterrupt):
        evaluate(request(tiny_base, output), quiet, Stop(4))
    return output


def test_threads_that_nobody_named_are_those_of_the_run(
    stopped: Path, whole: dict[str, Any], tiny_base: Path, tmp_path: Path
) -> None:
    shutil.copytree(stopped, tmp_path / "out")
    asked = request(tiny_base, tmp_path / "out", threads=None)
    assert content(evaluate(asked, quiet)["base"]) == whole


def test_another_model_does_not_go_on_with_this_one(
    stopped: Path, tiny_base: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_base, model)
    weights = model / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(UsageError, match=r"something else: base was [0-9a-f]+"):
        evaluate(request(model, stopped), quiet)


def _cut(folder: Path) -> None:
    (log,) = folder.glob("samples_*.partial")
    os.truncate(log, log.stat().st_size - 10)


def _change(folder: Path) -> None:
    (log,) = folder.glob("samples_*.partial")
    log.write_bytes(log.read_bytes().replace(b'"doc_id": 0', b'"doc_id": 7'))


def _garble(folder: Path) -> None:
    (log,) = folder.glob("samples_*.partial")
    log.write_bytes(b"\x00" * log.stat().st_size)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "is shorter than the windows that it held"),
        (_change, "is not what was written"),
        (_garble, "is not what was written|holds a line that is no JSON"),
    ],
)
def test_a_damaged_log_is_named_and_the_rest_is_measured(
    damage: Callable[[Path], None], said: str, stopped: Path, tiny_base: Path, tmp_path: Path
) -> None:
    shutil.copytree(stopped, tmp_path / "out")
    damage(tmp_path / "out" / "base")
    with pytest.raises(UnfinishedError, match=said) as caught:
        evaluate(request(tiny_base, tmp_path / "out"), quiet)
    assert "1 of 4 tasks could not be measured: arabench_tax_egy" in str(caught.value)
    found = load_evaluation(caught.value.folders["base"])
    assert set(found.tasks) == set(TASKS) - {"arabench_tax_egy"}


def test_a_damaged_record_is_named(stopped: Path, tiny_base: Path, tmp_path: Path) -> None:
    shutil.copytree(stopped, tmp_path / "out")
    record = tmp_path / "out" / "base" / PROGRESS_NAME
    record.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(DataError, match=r"the record of the run.*is damaged.*Remove .*base and"):
        evaluate(request(tiny_base, tmp_path / "out"), quiet)


def test_a_folder_in_use_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    holder = (
        "import sys, time; from pathlib import Path; from arabench.files.locks import hold_folder\n"
        "with hold_folder(Path(sys.argv[1]), sys.argv[2], 'output', 'evaluates into it'):\n"
        "    print('held', flush=True); time.sleep(300)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path), LOCK_NAME], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=rf"is in use: process {process.pid} evaluates into"):
            evaluate(request(tiny_base, tmp_path), quiet)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# --- tasks that fail -----------------------------------------------------------------------------


def fail_in(monkeypatch: pytest.MonkeyPatch, task: str, window: int, error: Exception) -> None:
    """Make a task raise in one of its windows."""
    ask = TaskRun.ask

    def raising(self: TaskRun, part: range, store: Any) -> Any:
        if self.name == task and part.start == window * 2:
            raise error
        return ask(self, part, store)

    monkeypatch.setattr(TaskRun, "ask", raising)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DataError("document 4 is broken"), "arabench_tax_egy: document 4 is broken"),
        (RuntimeError("CUDA out of memory\nand so on"), "RuntimeError: CUDA out of memory"),
        (KeyError("choices"), "KeyError: 'choices'"),
    ],
)
def test_what_is_done_is_kept_when_a_task_fails(
    error: Exception,
    said: str,
    whole: dict[str, Any],
    tiny_base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = request(tiny_base, tmp_path)
    with monkeypatch.context() as patched:
        fail_in(patched, "arabench_tax_egy", 2, error)
        with pytest.raises(UnfinishedError) as caught:
            evaluate(asked, quiet)
    assert said in str(caught.value)
    assert "only the rest is measured" in str(caught.value)
    folder = caught.value.folders["base"]
    assert set(load_evaluation(folder).tasks) == set(TASKS) - {"arabench_tax_egy"}
    (file,) = folder.glob("results_*.json")
    assert list(json.loads(file.read_text(encoding="utf-8"))["arabench"]["failed"]) == [
        "arabench_tax_egy"
    ]
    begun: list[tuple[str, int]] = []

    class Watch(Silent):
        def begin(self, task: str, documents: int, done: int) -> None:
            begun.append((task, done))

    assert content(evaluate(asked, quiet, Watch())["base"]) == whole
    assert begun == [(name, 4 if name == "arabench_tax_egy" else 6) for name in TASKS]


def test_one_message_and_a_table_of_what_is_done(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    fail_in(monkeypatch, "arabench_lm_lev", 0, RuntimeError("no"))
    command = [
        "eval", "--model", str(tiny_base), "-o", str(tmp_path), "--limit", "2", "--dtype",
        "float32", "--tasks", "arabench_lm_egy,arabench_lm_lev",
    ]  # fmt: skip
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert "EGY" in out
    assert err.count("error:") == 1
    assert "1 of 2 tasks could not be measured: arabench_lm_lev: RuntimeError: no" in err
    assert "Traceback" not in err


def test_a_disk_that_fills_at_the_last_sample(
    whole: dict[str, Any], tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tiny_base, tmp_path)
    left = [WINDOWS]
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if str(tmp_path) in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            left[0] -= 1
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr("arabench.evaluation.runner.log.os.fsync", full)
        with pytest.raises(ArabenchError, match=r"No space left on device\. What was measured"):
            evaluate(asked, quiet)
    assert len(_samples(tmp_path / "base")) == 3
    assert content(evaluate(asked, quiet)["base"]) == whole


def test_a_file_size_limit_ends_with_one_message(tiny_base: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-c",
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000));"
        "from arabench.cli.main import main; sys.exit(main(sys.argv[1:]))",
        "eval", "--model", str(tiny_base), "-o", str(tmp_path / "out"), "--tasks",
        "arabench_lm_egy", "--dtype", "float32", "--threads", "1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("error:") == 1
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_text_is_refused_before_anything_is_measured_of_it(
    tiny_base: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = [
        {"id": str(number), "subject": "physics", "question": text, "choices": ["ا", "ب"],
         "answer": 0}
        for number, text in enumerate(["سؤال", "سؤال ثان", " "])
    ]  # fmt: skip
    (data / "questions.jsonl").write_text(
        "\n".join(json.dumps(row) for row in rows), encoding="utf-8"
    )
    asked = request(
        tiny_base, tmp_path / "out", tasks=["arabench_mmlu_files"],
        metadata={"arabench_data": str(data)},
    )  # fmt: skip
    with pytest.raises(ArabenchError) as caught:
        evaluate(asked, quiet)
    assert "questions.jsonl" in str(caught.value) or "empty" in str(caught.value)


def test_a_log_that_is_begun_anew_forgets_what_was_there(tmp_path: Path) -> None:
    log = SampleLog(tmp_path, "t", "s")
    (tmp_path / "samples_t_s.jsonl.partial").write_bytes(b"half a li")
    assert list(log.resume(0, "")) == []
    log.append([{"a": "\ud800"}, {"a": "ب"}])
    size, digest = log.mark
    again = SampleLog(tmp_path, "t", "s")
    assert list(again.resume(size, digest)) == [{"a": "\ud800"}, {"a": "ب"}]
    again.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["samples_t_s.jsonl"]


def test_the_record_keeps_a_window_whole_or_not_at_all(stopped: Path) -> None:
    with sqlite3.connect(stopped / "base" / PROGRESS_NAME) as database:
        begun = dict(database.execute("SELECT task, documents FROM begun"))
        done = [task for (task,) in database.execute("SELECT task FROM done")]
    assert begun == {"arabench_lm_egy": 6, "arabench_tax_egy": 2}
    assert done == ["arabench_lm_egy"]


def test_ctrl_c_at_the_command_line(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    command = [
        "eval", "--model", str(tiny_base), "-o", str(tmp_path), "--limit", "2", "--dtype",
        "float32", "--tasks", "arabench_lm_egy,arabench_lm_lev",
    ]  # fmt: skip
    ask = TaskRun.ask

    def interrupted(self: TaskRun, window: range, store: Any) -> Any:
        if self.name == "arabench_lm_lev":
            raise KeyboardInterrupt
        return ask(self, window, store)

    with monkeypatch.context() as patched:
        patched.setattr(TaskRun, "ask", interrupted)
        assert main(command) == 130
    err = capsys.readouterr().err
    assert err.endswith(
        "arabench: error: interrupted. What was measured is kept: the same command goes on from "
        "there.\n"
    )
    assert err.count("kept") == 1
    assert "partial" not in err
    assert "Traceback" not in err
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "base: goes on; 1 of 2 tasks are done" in err
    assert {"EGY", "LEV"} <= set(out.split())


@pytest.mark.parametrize("content", ['{"arabench": []}', '{"arabench": {"identity": 3}}', "{}"])
def test_results_of_others_are_left_alone(content: str, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    file = tmp_path / "base" / "results_2026.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="holds an earlier run"):
        evaluate(request(tiny_base, tmp_path), quiet)
    assert [path.name for path in (tmp_path / "base").iterdir()] == [file.name]


def test_a_run_that_was_killed_as_it_ended_ends_again(
    whole: dict[str, Any], tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arabench.evaluation.runner.progress import Progress

    asked = request(tiny_base, tmp_path)
    with monkeypatch.context() as patched:

        def killed(self: Progress) -> None:
            raise KeyboardInterrupt

        patched.setattr(Progress, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(asked, quiet)
    assert list((tmp_path / "base").glob("results_*.json"))
    assert content(evaluate(asked, quiet)["base"]) == whole
