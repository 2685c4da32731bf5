"""Our evaluator gives `simple_evaluate`'s numbers, samples and records, and asks nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.api.model import LM  # noqa: E402
from lm_eval.utils import handle_non_serializable  # noqa: E402

from arabench.errors import DataError, UsageError  # noqa: E402
from arabench.evaluation.harness.answers import MemoryStore  # noqa: E402
from arabench.evaluation.harness.assemble import select_tasks  # noqa: E402
from arabench.evaluation.harness.evaluator import Prompting, TaskRun, load_task  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from tests.evaluation.in_memory import measure_in_memory  # noqa: E402
from tests.evaluation.under_lm_eval import TEMPLATE, hf  # noqa: E402

SEEDS = ("random_seed", "numpy_random_seed", "torch_random_seed", "fewshot_random_seed")
#: What a run says of its place and time, and not of its numbers.
OF_THE_PLACE = {"date", "git_hash", "pretty_env_info", "upper_git_hash"}
#: More peak memory (MB) for 10,000 documents a task than for 1,000.
BOUND_MB = 48


class Scripted(LM):  # type: ignore[misc]
    """A model that answers from its request's text at once, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def _count(self, requests: list[Instance]) -> None:
        self.asked.update(repr(request.args) for request in requests)

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
        self._count(requests)
        return [
            (-1.25 * len(request.args[0]) - len(request.args[1]), False) for request in requests
        ]

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> Any:
        self._count(requests)
        return [-1.5 * len(request.args[0]) for request in requests]

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
        self._count(requests)
        return [request.args[0][-20:] for request in requests]


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=handle_non_serializable))


def both_ways(lm: LM, names: list[str], metadata: dict[str, Any], **more: Any) -> None:
    """Assert that all of results and samples is the same, field by field."""
    limit = more.pop("limit", 3)
    prompting = Prompting(limit=limit, max_gen_tokens=6, seed=99, **more)
    theirs = simple_evaluate(
        model=lm, tasks=names, task_manager=task_manager(metadata), limit=limit,
        bootstrap_iters=0, gen_kwargs={"max_gen_toks": 6},
        system_instruction=prompting.system_prompt, apply_chat_template=prompting.chat_template,
        fewshot_as_multiturn=prompting.multiturn, **dict.fromkeys(SEEDS, 99),
    )  # fmt: skip
    ours = measure_in_memory(task_manager(metadata), lm, names, prompting, 2)
    assert set(theirs) ^ set(ours) <= OF_THE_PLACE
    for part in set(theirs) - OF_THE_PLACE - {"config", "samples"}:
        assert plain(ours[part]) == plain(theirs[part]), part
    expected = {**theirs["config"], "batch_size": getattr(lm, "batch_size", None)}
    assert plain(ours["config"]) == plain(expected)
    assert list(ours["samples"]) == list(theirs["samples"])
    for task, rows in theirs["samples"].items():
        assert len(rows) == min(limit or len(rows), len(rows))
        for mine, row in zip(ours["samples"][task], rows, strict=True):
            assert list(mine) == list(row)
            for field in row:
                assert plain(mine[field]) == plain(row[field]), (task, field)


def test_every_task_gives_the_numbers_of_simple_evaluate(tiny_base: Path) -> None:
    # One request at a time: what stands beside a request in a batch moves its last bits.
    lm = hf(tiny_base, batch_size=1)
    groups = [name for name in task_manager({}).all_groups if "arabench" in name]
    outer = ["arabench_dialects", "arabench_mmlu", "arabench_robustness"]
    assert set(outer) <= set(groups)
    inside = set(select_tasks(task_manager({}), outer).tasks)
    # Two take their data from elsewhere.
    away = {"arabench_mmlu_arabicmmlu", "arabench_mmlu_files"}
    rest = [name for name in task_manager({}).all_subtasks if name not in inside | away]
    both_ways(lm, [*outer, *rest], {})


def test_chats_and_shots_give_the_prompts_of_simple_evaluate(tiny_base: Path) -> None:
    lm = hf(tiny_base, batch_size=1)
    lm.tokenizer.chat_template = TEMPLATE
    names = ["arabench_rc_egy", "arabench_mmlu_physics", "arabench_lm_egy"]
    both_ways(lm, names, {}, chat_template=True, system_prompt="أجب باختصار")
    both_ways(lm, names, {}, chat_template=True, multiturn=False)
    both_ways(lm, names, {}, system_prompt="أجب باختصار")


def test_groups_stand_for_their_tasks_without_reading_data() -> None:
    manager = task_manager({"arabench_data": "/nowhere"})
    found = select_tasks(manager, ["arabench_lm_egy", "arabench_dialects", "arabench_lm"])
    assert found.tasks[0] == "arabench_lm_egy"
    assert len(found.tasks) == len(set(found.tasks))
    assert {"arabench_lm", "arabench_tax", "arabench_mt", "arabench_rc"} <= set(found.groups)
    everything = task_manager({}).load(["arabench_dialects"])
    assert set(found.tasks) == set(everything["tasks"])
    assert {name: list(members) for name, members in found.groups.items()} == everything[
        "group_map"
    ]


def test_what_was_asked_before_is_not_asked_again() -> None:
    lm = Scripted()
    names = ["arabench_lm_msa", "arabench_lm_egy", "arabench_tax_egy", "arabench_tax_lev"]
    results = measure_in_memory(task_manager({}), lm, names, Prompting(limit=20), 7)
    assert set(lm.asked.values()) == {1}
    wanted = {
        text[0] for rows in results["samples"].values() for row in rows for text in row["arguments"]
    }
    assert (
        len(lm.asked)
        == len(wanted)
        < sum(len(row["arguments"]) for rows in results["samples"].values() for row in rows)
    )
    alone = measure_in_memory(task_manager({}), Scripted(), names[3:], Prompting(limit=20), 7)
    assert plain(alone["samples"][names[3]]) == plain(results["samples"][names[3]])


def test_ten_thousand_identical_items_are_one_request(tmp_path: Path) -> None:
    rows = (json.dumps({"id": str(n), "egy": "ازيك يا باشا"}) for n in range(10_000))
    (tmp_path / "parallel.jsonl").write_text("\n".join(rows), encoding="utf-8")
    lm = Scripted()
    manager = task_manager({"arabench_data": str(tmp_path)})
    run = TaskRun(load_task(manager, "arabench_lm_egy", Prompting()), lm, Prompting())
    store = MemoryStore()
    for window in run.windows():
        for row in run.ask(window, store):
            run.add(row)
    assert sum(lm.asked.values()) == 1
    outcome = run.outcome()
    assert outcome["answers"] == {"model": 1, "known": 9_999, "cached": 0}
    assert outcome["samples"] == {"original": 10_000, "effective": 10_000}
    assert outcome["metrics"]["bits_per_byte_stderr,none"] == pytest.approx(0, abs=1e-9)


def test_one_item_has_a_score_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "egy.txt").write_text("ازيك يا باشا\n", encoding="utf-8")
    manager = task_manager({"arabench_data": str(tmp_path)})
    results = measure_in_memory(manager, Scripted(), ["arabench_lm_egy"], Prompting(), 256)
    scores = results["results"]["arabench_lm_egy"]
    assert scores["bits_per_char,none"] > 0
    assert scores["bits_per_char_stderr,none"] != scores["bits_per_char_stderr,none"]  # NaN


def test_a_run_that_goes_on_draws_the_shots_of_one_that_did_not_stop() -> None:
    from lm_eval.api.samplers import ContextSampler

    def begin() -> TaskRun:
        prompting = Prompting(limit=6)
        task = load_task(task_manager({}), "arabench_mmlu_physics", prompting)
        task.set_config(key="num_fewshot", value=2)
        task.sampler = ContextSampler(list(task.sampler.df), rnd=prompting.seed)
        return TaskRun(task, Scripted(), prompting)

    def prompts(run: TaskRun, start: int) -> list[str]:
        return [
            row["prompt_hash"]
            for window in run.windows(2, start)
            for row in run.ask(window, MemoryStore())
        ]

    whole = prompts(begin(), 0)
    first = begin()
    for window in list(first.windows(2))[:2]:
        first.ask(window, MemoryStore())
    later = begin()
    assert prompts(later, 4) != whole[4:]  # the shots of the first documents again
    later = begin()
    later.restore(json.loads(json.dumps(first.state())))
    assert prompts(later, 4) == whole[4:]


def test_a_task_that_ends_the_process_gives_its_own_message(tmp_path: Path) -> None:
    lines, broken = tmp_path / "lines", tmp_path / "broken"
    for folder in (lines, broken):
        folder.mkdir()
    (lines / "msa.txt").write_text("نص\n", encoding="utf-8")
    manager = task_manager({"arabench_data": str(lines)})
    with pytest.raises(UsageError, match="has no text for 'egy'"):
        load_task(manager, "arabench_lm_egy", Prompting())
    (broken / "parallel.jsonl").write_text("{\n", encoding="utf-8")
    manager = task_manager({"arabench_data": str(broken)})
    with pytest.raises(DataError, match=r"parallel.jsonl:1"):
        load_task(manager, "arabench_lm_msa", Prompting())


MEMORY = """
import resource, sys
from pathlib import Path
from arabench.evaluation.harness.assemble import select_tasks
from arabench.evaluation.harness.evaluator import WINDOW, Prompting
from arabench.evaluation.harness.run import task_manager
from arabench.evaluation.runner.measuring import Plan, Silent, TaskShelf, measure_tasks
from arabench.evaluation.runner.progress import Progress
from arabench.statistics import resampling
from tests.evaluation.test_evaluator import Scripted

# Draws are made in parts of so many weights; with fewer, 1,000 items fill one as 10,000 do.
resampling.WEIGHTS_IN_MEMORY = 1_000_000
data, out = sys.argv[1:3]
manager = task_manager({"arabench_data": data})
names = ["arabench_lm_egy", "arabench_tax_egy", "arabench_lm_lev", "arabench_tax_lev"]
plan = Plan(manager, select_tasks(manager, names), Prompting(), WINDOW)
shelf = TaskShelf(plan)
for task in shelf.load_all(names):
    pass
lm = Scripted()
lm._count = lambda requests: None  # the count would grow with the data
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
progress = Progress(Path(out), {})
assert measure_tasks(plan, lm, Path(out), progress, progress, shelf, Silent()) == {}
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(before // 1024, after // 1024)
"""


def test_memory_does_not_grow_with_the_documents(tmp_path: Path) -> None:
    peaks = {}
    for count in (1_000, 10_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        with (folder / "parallel.jsonl").open("w", encoding="utf-8") as stream:
            for number in range(count):
                text = f"الجملة رقم {number} وفيها كلام كتير عن الحياة " * 4
                row = {"id": str(number), "msa": "فصحى " + text, "egy": text, "lev": "هلق " + text}
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(folder), str(folder / "out")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        before, after = map(int, done.stdout.split()[-2:])
        peaks[count] = after - before
        logs = list((folder / "out").glob("samples_*.jsonl"))
        assert len(logs) == 4
        with logs[0].open("rb") as stream:
            assert sum(1 for _ in stream) == count
    assert peaks[10_000] - peaks[1_000] < BOUND_MB, peaks
