"""Answers kept across runs: found by the very same model only, whatever happens to the file."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.cache import CACHE_NAME, AnswerCache  # noqa: E402
from tests.evaluation.test_runner import make_adapter  # noqa: E402

TASKS = ["arabench_lm_egy", "arabench_mmlu_physics", "arabench_rc_egy"]


def request(base: Path, output: Path, cache: Path, **changes: Any) -> Request:
    given = Request(
        str(base), {}, TASKS, str(output), {}, limit=3, dtype="float32", threads=1, device="cpu",
        max_gen_tokens=4, cache=str(cache),
    )  # fmt: skip
    return dataclasses.replace(given, **changes)


def run(asked: Request, name: str = "base") -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
    """Numbers, and where the answers of each task came from."""
    folder = evaluate(asked, lambda message: None)[name]
    (file,) = folder.glob("results_*.json")
    results = json.loads(file.read_text(encoding="utf-8"))
    return results["results"], results["arabench"]["answers"]


def test_a_second_run_asks_nothing(tiny_base: Path, tmp_path: Path) -> None:
    numbers, answers = run(request(tiny_base, tmp_path / "a", tmp_path / "cache"))
    assert {one["cached"] for one in answers.values()} == {0}
    again, answers = run(request(tiny_base, tmp_path / "b", tmp_path / "cache"))
    assert again == numbers
    assert {one["model"] for one in answers.values()} == {0}
    assert answers["arabench_lm_egy"] == {"model": 0, "known": 3, "cached": 3}
    # Other tasks that ask the same, and more.
    _, answers = run(request(tiny_base, tmp_path / "c", tmp_path / "cache", tasks=[
        "arabench_tax_egy",
    ]))  # fmt: skip
    assert answers["arabench_tax_egy"] == {"model": 3, "known": 3, "cached": 3}


def test_settings_and_notes_are_those_of_answers_from_the_model(
    tiny_base: Path, tmp_path: Path
) -> None:
    from arabench.evaluation.runner.comparable import check_comparable
    from arabench.evaluation.runner.results import load_evaluation

    fresh = evaluate(request(tiny_base, tmp_path / "a", tmp_path / "cache"), print)["base"]
    cached = evaluate(request(tiny_base, tmp_path / "b", tmp_path / "cache"), print)["base"]
    ours, theirs = load_evaluation(fresh), load_evaluation(cached)
    assert ours.settings["answered"] == "by the model"
    said = theirs.settings["answered"]
    assert said == "by the model (12 of 12 from its cache) | by the model (3 of 3 from its cache)"
    assert {**ours.settings, "answered": said} == theirs.settings
    check_comparable(ours, theirs)
    other = {**theirs.settings, "answered": "3 of 3 requests by a cache"}
    with pytest.raises(UsageError, match="answered is by the model in the baseline"):
        check_comparable(ours, dataclasses.replace(theirs, settings=other))
    for name, task in ours.tasks.items():
        assert theirs.tasks[name].notes == task.notes


def test_what_a_run_took_from_the_cache_stays_so_in_its_next_task(
    tiny_base: Path, tmp_path: Path
) -> None:
    from arabench.evaluation.runner.results import load_evaluation

    run(request(tiny_base, tmp_path / "a", tmp_path / "cache", tasks=["arabench_lm_egy"]))
    both = request(
        tiny_base, tmp_path / "b", tmp_path / "cache", tasks=["arabench_lm_egy", "arabench_tax_egy"]
    )
    tasks = load_evaluation(evaluate(both, print)["base"]).tasks
    assert tasks["arabench_lm_egy"].run["answered"] == "by the model (3 of 3 from its cache)"
    # Half of its texts are those of the task before, which the cache knew; the rest was asked.
    assert tasks["arabench_tax_egy"].run["answered"] == "by the model (3 of 6 from its cache)"


def test_one_byte_of_an_adapter_finds_nothing(tiny_base: Path, tmp_path: Path) -> None:
    adapter = make_adapter(tiny_base, tmp_path / "adapter", 0.5)

    def answers(output: str) -> dict[str, dict[str, int]]:
        asked = request(
            tiny_base, tmp_path / output, tmp_path / "cache", tasks=TASKS[:1],
            adapters={"mine": str(adapter)},
        )  # fmt: skip
        return run(asked, "mine")[1]

    assert answers("a")["arabench_lm_egy"] == {"model": 3, "known": 0, "cached": 0}
    assert answers("b")["arabench_lm_egy"] == {"model": 0, "known": 3, "cached": 3}
    weights = adapter / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert answers("c")["arabench_lm_egy"] == {"model": 3, "known": 0, "cached": 0}


def test_a_damaged_file_is_set_aside(tiny_base: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / CACHE_NAME).write_bytes(b"no database at all, but long enough to look at" * 40)
    said: list[str] = []
    asked = request(tiny_base, tmp_path / "a", cache, tasks=TASKS[:1])
    evaluate(asked, said.append)
    assert (
        sum("is damaged" in line and "set aside as answers.damaged-" in line for line in said) == 1
    )
    assert len(list(cache.glob("answers.damaged-*"))) == 1
    _, answers = run(dataclasses.replace(asked, output=str(tmp_path / "b")))
    assert answers["arabench_lm_egy"]["cached"] == 3


def filled(folder: Path, count: int = 50, model: str = "m") -> dict[bytes, str]:
    answers = {
        f"{model}{number:04d}".encode(): json.dumps({"n": number}) for number in range(count)
    }
    cache = AnswerCache(folder, model, print)
    cache.keep(answers)
    cache.close()
    return answers


def test_a_changed_answer_is_noticed(tmp_path: Path) -> None:
    answers = filled(tmp_path)
    file = tmp_path / CACHE_NAME
    data = file.read_bytes()
    assert data.count(b'{"n": 17}') == 1
    file.write_bytes(data.replace(b'{"n": 17}', b'{"n": 71}'))
    said: list[str] = []
    cache = AnswerCache(tmp_path, "m", said.append)
    found = cache.find(list(answers))
    assert b"m0017" not in found
    assert found.items() <= answers.items()
    assert "an answer is not what was written" in said[0]
    cache.keep(answers)
    assert cache.find(list(answers)) == answers
    cache.close()


@pytest.mark.parametrize("cut", [0.3, 0.6])
def test_a_cut_file_gives_no_wrong_answer(cut: float, tmp_path: Path) -> None:
    answers = filled(tmp_path, 2_000)
    file = tmp_path / CACHE_NAME
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * cut)])
    said: list[str] = []
    cache = AnswerCache(tmp_path, "m", said.append)
    found = cache.find(list(answers))
    assert all(answers[key] == value for key, value in found.items())
    assert any("is damaged" in line for line in said)
    cache.close()


def test_models_do_not_find_each_others_answers(tmp_path: Path) -> None:
    answers = filled(tmp_path)
    cache = AnswerCache(tmp_path, "other", print)
    assert cache.find(list(answers)) == {}
    cache.close()


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from arabench.evaluation.runner.cache import AnswerCache\n"
        "cache = AnswerCache(sys.argv[1], 'm', print)\n"
        "for part in range(40):\n"
        "    cache.keep({f'{sys.argv[2]}{part}-{n}'.encode(): '{}' for n in range(25)})\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), name], stdout=subprocess.PIPE
        )
        for name in ("a", "b")
    ]
    for process in processes:
        out, _ = process.communicate()
        assert (process.returncode, out) == (0, b"")
    with sqlite3.connect(tmp_path / CACHE_NAME) as database:
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (2_000,)


def test_a_full_cache_is_read_and_not_added_to(tmp_path: Path) -> None:
    answers = filled(tmp_path, 500)
    said: list[str] = []
    size = (tmp_path / CACHE_NAME).stat().st_size
    cache = AnswerCache(tmp_path, "m", said.append, max_bytes=size)
    more = {f"new{number:05d}".encode(): "{}" for number in range(2_000)}
    cache.keep(more)  # goes over the bound
    cache.keep({b"one more": "{}"})
    cache.keep({b"and another": "{}"})
    assert [line for line in said if "is full" in line] == said
    assert len(said) == 1
    assert cache.find([b"one more", b"and another"]) == {}
    assert cache.find(list(answers)) == answers
    cache.close()


def test_a_full_cache_makes_room_for_the_next_run(tmp_path: Path) -> None:
    old, new = filled(tmp_path, 2_000, "old"), filled(tmp_path, 300, "new")
    size = (tmp_path / CACHE_NAME).stat().st_size
    cache = AnswerCache(tmp_path, "new", print, max_bytes=size * 2 // 3)
    assert cache.find(list(new)) == new
    cache.close()
    cache = AnswerCache(tmp_path, "old", print)
    assert cache.find(list(old)) == {}
    cache.close()


def test_a_folder_that_is_none_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="is no folder that can be used"):
        evaluate(request(tiny_base, tmp_path / "out", file), print)
    assert not list((tmp_path / "out").rglob("results*"))


def test_a_run_that_goes_on_without_its_cache_stays_the_same(
    tiny_base: Path, tmp_path: Path
) -> None:
    from tests.evaluation.test_resume import Stop

    cache = tmp_path / "cache"
    asked = request(tiny_base, tmp_path / "a", cache, window=2)
    numbers, _ = run(asked)
    stopped = dataclasses.replace(asked, output=str(tmp_path / "b"))
    with pytest.raises(KeyboardInterrupt):
        evaluate(stopped, print, Stop(1))
    shutil.rmtree(cache)
    again, answers = run(stopped)
    assert again == numbers
    assert answers["arabench_lm_egy"]["cached"] == 2
