"""Measuring one model beside lm-eval's own backend: the same tasks, the same numbers.

    python tests/bench/bench_eval.py [MODEL] [--limit N] [--rounds N] [--parts lm,mt]

Without MODEL the toy base of `arabench demo` is trained first, for a minute. Both sides have the
model in memory and measure whole tasks, from documents to metrics: lm-eval by `simple_evaluate`
with `HFLM` (float32 softmax, as ours) at each batch size, ours by the loop of `arabench eval`. They
take turns; seconds are the least of the rounds, of the CPU (all threads) and of the wall clock, and
the ratio is to lm-eval's best batch size. Metrics must agree to 1e-6, or the exit status is 1.

- `lm`: arabench_lm, arabench_tax, arabench_mmlu (texts, renderings asked twice, choices).
- `mt`: arabench_mt, generation with three examples in the prompt.

Parts of whole commands, each in a fresh process (`eval_commands.py`; minutes each):

- `start`: from command to the first call of the model.
- `commands`: the tasks of `lm`.
- `adapters`: arabench_dialects, base and three LoRA adapters in one run beside four runs.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench.cli.quiet import quiet_libraries
from tests.bench.eval_commands import (
    Setup,
    compare_adapters,
    compare_commands,
    compare_starts,
)

TASKS = {"lm": ["arabench_lm", "arabench_tax", "arabench_mmlu"], "mt": ["arabench_mt"]}
SIZES = (1, 8, 32, 64)
COMMANDS = {"start": compare_starts, "commands": compare_commands, "adapters": compare_adapters}
#: Of an answer: three examples and more do not fit into the toy's context.
ANSWER_TOKENS = 64
#: Relative difference of metrics that rounding explains.
CLOSE = 1e-6

Values = dict[str, float]


@contextlib.contextmanager
def base_folder(given: str | None) -> Iterator[str]:
    """A model's folder: the one that was named, or a toy that is trained now."""
    if given:
        yield given
        return
    from arabench.demo.base_model import ToySize, build_base

    texts = files("arabench.demo").joinpath("data", "msa.txt").read_text("utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        build_base(texts, folder, ToySize())
        yield folder


def values_of(results: dict[str, Any]) -> tuple[Values, int]:
    """Every number of every task, and the number of documents."""
    found = {
        f"{task}/{metric}": float(value)
        for task, metrics in results["results"].items()
        for metric, value in metrics.items()
        if isinstance(value, float)
    }
    return found, sum(one["effective"] for one in results["n-samples"].values())


def by_lm_eval(
    model: Any, tokenizer: Any, tasks: list[str], size: int, limit: int | None
) -> dict[str, Any]:
    """lm-eval's evaluation with its own backend."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    from arabench.evaluation.harness.run import task_manager

    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size, softmax_dtype="float32")
    results: dict[str, Any] = simple_evaluate(
        model=lm, tasks=tasks, task_manager=task_manager({}), limit=limit, bootstrap_iters=0,
        gen_kwargs={"max_gen_toks": ANSWER_TOKENS},
    )  # fmt: skip
    return results


def by_arabench(
    model: Any, tokenizer: Any, tasks: list[str], size: int, limit: int | None
) -> dict[str, Any]:
    """The loop of `arabench eval`, with answers kept in memory."""
    from arabench.evaluation.harness.evaluator import WINDOW, Prompting
    from arabench.evaluation.harness.run import language_model, task_manager
    from tests.evaluation.in_memory import measure_in_memory

    lm = language_model(model, tokenizer, size)
    lm.encodings = type(lm.encodings)()  # nothing is left over from the round before
    prompting = Prompting(limit=limit, max_gen_tokens=ANSWER_TOKENS)
    return measure_in_memory(task_manager({}), lm, tasks, prompting, WINDOW)


def timed(work: Callable[[], dict[str, Any]]) -> tuple[float, float, dict[str, Any]]:
    """Seconds of the wall clock and of the CPU, and the results."""
    wall, cpu = time.perf_counter(), time.process_time()
    results = work()
    return time.perf_counter() - wall, time.process_time() - cpu, results


def compare(part: str, model: Any, tokenizer: Any, options: argparse.Namespace) -> bool:
    """Print a table of one part; whether the numbers agree."""
    tasks = TASKS[part]
    sizes = [int(size) for size in options.sizes.split(",")]
    sides: dict[str, Callable[[], dict[str, Any]]] = {
        f"lm-eval, batch {size}": lambda size=size: by_lm_eval(
            model, tokenizer, tasks, size, options.limit
        )
        for size in sizes
    }
    sides["arabench"] = lambda: by_arabench(model, tokenizer, tasks, 8, options.limit)
    least: dict[str, tuple[float, float]] = {}
    values: dict[str, Values] = {}
    documents = 0
    for _ in range(options.rounds):
        for name, work in sides.items():
            wall, cpu, results = timed(work)
            before = least.get(name, (math.inf, math.inf))
            least[name] = (min(wall, before[0]), min(cpu, before[1]))
            values[name], documents = values_of(results)
    print(f"\n{', '.join(tasks)}: {documents} documents\n")
    print("| | CPU seconds | documents/CPU s | wall seconds |\n|---|---|---|---|")
    for name, (wall, cpu) in least.items():
        print(f"| {name} | {cpu:.2f} | {documents / cpu:.0f} | {wall:.2f} |")
    ours = least.pop("arabench")
    best = [min(seconds[kind] for seconds in least.values()) for kind in (0, 1)]
    print(
        f"\narabench is {best[1] / ours[1]:.2f} x lm-eval at its best in CPU seconds, "
        f"{best[0] / ours[0]:.2f} x in wall seconds"
    )
    reference = values[f"lm-eval, batch {sizes[0]}"]
    shared = sorted(set(reference) & set(values["arabench"]))
    worst = max(
        (abs(values["arabench"][name] - reference[name]) / max(1e-9, abs(reference[name])), name)
        for name in shared
    )
    print(f"{len(shared)} numbers; largest relative difference {worst[0]:.1e} ({worst[1]})")
    return worst[0] <= CLOSE


def main() -> int:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", help="model folder [the demo's base, trained now]")
    parser.add_argument("--limit", type=int, help="documents per task [all]")
    parser.add_argument("--rounds", type=int, default=3, help="[3]")
    parser.add_argument(
        "--parts", default="lm,mt", help="of lm, mt, start, commands, adapters [lm,mt]"
    )
    parser.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="batch sizes of lm-eval [1,8,32,64]"
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch [1]")
    options = parser.parse_args()
    quiet_libraries()
    logging.disable(logging.WARNING)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(options.threads)
    agree = True
    with base_folder(options.model) as folder:
        sizes = [int(size) for size in options.sizes.split(",")]
        setup = Setup(folder, sizes, options.rounds, options.limit, options.threads)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for part in options.parts.split(","):
            if part in COMMANDS:
                agree &= COMMANDS[part](setup)
            else:
                agree &= compare(part, model, tokenizer, options)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
