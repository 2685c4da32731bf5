"""Several processes of one `arabench eval`: the numbers and the samples of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.errors import ArabenchError, UsageError  # noqa: E402
from arabench.evaluation.harness.answers import MemoryStore  # noqa: E402
from arabench.evaluation.harness.evaluator import Prompting, TaskRun, load_task  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.processes import ALONE, Team, join_team  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.test_runner import make_adapter  # noqa: E402

#: Rolling, with choices, and with shots that are drawn document by document.
TASKS = ["arabench_lm_egy", "arabench_mmlu_physics", "arabench_mt_egy_en"]
ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, sys
from arabench.cli.quiet import quiet_libraries
quiet_libraries()
from arabench.evaluation.runner import Request, evaluate
from arabench.evaluation.runner.processes import join_team
from arabench.evaluation.runner.progress import Progress
left, commit = int(sys.argv[2]), Progress.commit
def counted(*given):
    global left
    commit(*given)
    left -= 1
    if not left:
        os._exit(9)
Progress.commit = counted
folders = evaluate(Request(**json.loads(sys.argv[1])), lambda text: print(text, file=sys.stderr))
assert bool(folders) == join_team().first
"""


def options(model: Path, output: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "model": str(model), "adapters": {}, "tasks": TASKS, "output": str(output),
        "metadata": {}, "limit": 5, "device": "cpu", "dtype": "float32", "threads": 1,
        "max_gen_tokens": 3, "window": 2,
    }  # fmt: skip
    return {**given, **changes}


def in_processes(
    count: int, request: dict[str, Any], folder: Path, killed_after: int = 0
) -> subprocess.CompletedProcess[str]:
    script = folder / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node",
        str(count), str(script), json.dumps(request), str(killed_after),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False
    )


def samples(folder: Path) -> dict[str, bytes]:
    found = sorted(folder.glob("samples_*.jsonl"))
    return {path.name.partition("_2")[0]: path.read_bytes() for path in found}


def test_two_processes_give_the_samples_of_one_also_when_they_were_killed(
    tiny_base: Path, tmp_path: Path
) -> None:
    adapter = make_adapter(tiny_base, tmp_path / "adapter", 0.5, seed=1)
    changes = {"adapters": {"egy": str(adapter)}}
    asked = options(tiny_base, tmp_path / "two", **changes)
    killed = in_processes(2, asked, tmp_path, killed_after=3)  # within the second task
    assert killed.returncode != 0
    assert list((tmp_path / "two").glob("base/*.partial"))
    done = in_processes(2, asked, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "goes on; 1 of 3 tasks are done" in done.stderr
    assert done.stderr.count("2 processes share the documents") == 1  # one process speaks
    alone = evaluate(Request(**options(tiny_base, tmp_path / "one", **changes)), lambda text: None)
    for name, folder in alone.items():
        ours = tmp_path / "two" / name
        assert samples(ours) == samples(folder)
        one, two = load_evaluation(folder), load_evaluation(ours)
        assert one.settings == two.settings
        shares = "windows of 2, in 2 shares"
        assert two.signature == one.signature.replace("windows of 2", shares)
        results = json.loads(two.path.read_text(encoding="utf-8"))
        assert results["arabench"]["processes"] == 2
        assert not list(ours.glob("*.partial"))


def test_an_error_in_any_process_ends_all(tiny_base: Path, tmp_path: Path) -> None:
    request = options(tmp_path / "nowhere", tmp_path / "out")
    done = in_processes(2, request, tmp_path)
    assert done.returncode != 0
    other = options(tiny_base, tmp_path / "out2", tasks=["arabench_lm_egy"], metadata={"x": 1})
    assert in_processes(2, {**other, "limit": 1}, tmp_path).returncode == 0  # one has no window


def test_shots_of_windows_that_others_ask_are_drawn_all_the_same(tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from arabench.evaluation.harness.run import language_model

    lm = language_model(
        AutoModelForCausalLM.from_pretrained(tiny_base),
        AutoTokenizer.from_pretrained(tiny_base),
        4,
    )

    def prompts(mine: int | None) -> list[str]:
        prompting = Prompting(limit=4, max_gen_tokens=1)
        task = load_task(task_manager({}), "arabench_mmlu_physics", prompting)
        task.set_config(key="num_fewshot", value=2)
        task.config.fewshot_config = None
        task.sampler.rnd.seed(5)
        task.sampler.sample = lambda n, *rest, **more: task.sampler.rnd.sample(
            list(task.eval_docs), n
        )
        run, found = TaskRun(task, lm, prompting), []
        for number, window in enumerate(run.windows(2)):
            if mine is not None and number != mine:
                run.pass_over(window)
                continue
            found += [row["arguments"][0][0] for row in run.ask(window, MemoryStore())]
        return found

    whole = prompts(None)
    assert len(set(whole)) == 4
    assert prompts(1) == whole[2:]
    assert prompts(0) == whole[:2]


def test_the_environment_says_who_is_who() -> None:
    assert join_team({}) == ALONE
    assert join_team({"RANK": "0", "WORLD_SIZE": "1"}).note == ""
    started = join_team({"ACCELERATE_MIXED_PRECISION": "no"})
    assert "torchrun --nproc_per_node N" in started.note
    with pytest.raises(UsageError, match="whole numbers"):
        join_team({"WORLD_SIZE": "two"})


def test_one_process_asks_and_tells_itself() -> None:
    assert ALONE.share(lambda: 3) == 3
    assert list(ALONE.groups([range(2), range(2, 4)])) == [[range(2)], [range(2, 4)]]
    three = Team(0, 3).groups([range(n, n + 1) for n in range(4)])
    assert [len(group) for group in three] == [3, 1]
    assert ALONE.window(256, 205) == 256
    assert Team(0, 2).window(256, 205) == 103  # each has a share of a small task
    assert Team(0, 2).window(256, 2050) == 256
    assert Team(0, 4).window(256, 2) == 1
    assert ALONE.threads(None) is None
    assert Team(1, 2, 1, 2).threads(4) == 4
    assert Team(1, 2, 1, 64).threads(None) == 1


def test_processes_at_different_places_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from arabench.evaluation.runner import processes

    def spread(found: list[Any]) -> None:
        found[0] = {"a": 1}

    monkeypatch.setattr(processes, "_spread", spread)
    assert Team(1, 2).follow(dict) == {"a": 1}
    with pytest.raises(ArabenchError, match="not at the same place"):
        Team(1, 2).follow(list)
