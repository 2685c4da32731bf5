"""Whole commands beside `lm_eval`'s, in fresh processes that take turns: parts of `bench_eval.py`.

Seconds are those of the CPU, of a process and of all that it started. What only loads the model
(imports of torch and transformers, weights, tokenizer) is a process of its own, and is taken from
both sides: what is left is what a command adds to it.
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import ArabenchError

LM_TASKS: Final = "arabench_lm,arabench_tax,arabench_mmlu"
ALL_TASKS: Final = "arabench_dialects"
#: Of an answer, under both commands.
ANSWER_TOKENS: Final = 64
ADAPTERS: Final = ("a", "b", "c")

_LOAD: Final = """
import os, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
AutoTokenizer.from_pretrained(sys.argv[1])
os._exit(0)
"""
#: Ends the process where the first module of torch is called.
_FIRST_CALL: Final = """
import os, sys, torch
torch.nn.modules.module.register_module_forward_pre_hook(lambda module, inputs: os._exit(0))
command = sys.argv[1]
sys.argv = sys.argv[1:]
if command == "lm_eval":
    from lm_eval.__main__ import cli_evaluate
    cli_evaluate()
else:
    from arabench.cli.main import main
    main()
sys.exit("no module was called")
"""
Values = dict[str, float]


@dataclass(frozen=True)
class Seconds:
    """What a process took."""

    cpu: float
    wall: float

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.cpu + other.cpu, self.wall + other.wall)


@dataclass(frozen=True)
class Setup:
    """What is measured, and how often.

    Attributes:
        model: folder.
        sizes: batch sizes of lm-eval.
        rounds: turns of every command.
        limit: documents of a task, None for all.
        threads: of torch.
    """

    model: str
    sizes: Sequence[int]
    rounds: int
    limit: int | None
    threads: int

    def lm_eval(self, tasks: str, size: int, adapter: str | None = None) -> list[str]:
        """Arguments of lm-eval's command, its output aside."""
        model = f"pretrained={self.model},dtype=float32,softmax_dtype=float32"
        return [
            "--model", "hf", "--model_args", model + (f",peft={adapter}" if adapter else ""),
            "--tasks", tasks, "--batch_size", str(size), "--device", "cpu",
            "--gen_kwargs", f"max_gen_toks={ANSWER_TOKENS}", *self._limit(),
        ]  # fmt: skip

    def arabench(self, tasks: str, adapters: Mapping[str, str] | None = None) -> list[str]:
        """Arguments of ours, its output aside."""
        added = [f"--adapter={name}={path}" for name, path in (adapters or {}).items()]
        return [
            "eval", "--model", self.model, "--tasks", tasks, "--dtype", "float32",
            "--device", "cpu", "--threads", str(self.threads),
            "--max-gen-tokens", str(ANSWER_TOKENS), "--batch-size", "32", *self._limit(), *added,
        ]  # fmt: skip

    def _limit(self) -> list[str]:
        return [] if self.limit is None else ["--limit", str(self.limit)]

    def timed(self, *command: str) -> Seconds:
        """Seconds of a command.

        Raises:
            ArabenchError: it failed; says how.
        """
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "HF_HUB_OFFLINE": "1"}
        before, started = _children(), time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command],
            env=environment, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        wall = time.perf_counter() - started
        if done.returncode:
            raise ArabenchError(f"{' '.join(command)[:300]} failed: {done.stderr[-2000:]}")
        return Seconds(_children() - before, wall)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare_commands(setup: Setup) -> bool:
    """`arabench eval` beside `lm_eval` over likelihood tasks; whether their numbers agree."""
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[str, Callable[[Path], Seconds]] = {
            f"lm_eval, batch {size}": lambda output, size=size: setup.timed(  # type: ignore[misc]
                "-m", "lm_eval", *setup.lm_eval(LM_TASKS, size), "--output_path", str(output)
            )
            for size in setup.sizes
        }
        sides["arabench eval"] = lambda output: setup.timed(
            "-m", "arabench.cli", *setup.arabench(LM_TASKS), "-o", str(output)
        )
        spent: dict[str, list[Seconds]] = {name: [] for name in ("load", *sides)}
        values: dict[str, Values] = {}
        for turn in range(setup.rounds):
            spent["load"].append(setup.timed("-c", _LOAD, setup.model))
            for name, run in sides.items():
                output = Path(folder, f"{name}-{turn}")
                spent[name].append(run(output))
                values[name], documents = _values(output)
    print(f"\nCommands over {LM_TASKS}: {documents} documents\n")
    best = _print_table(spent, "arabench eval", documents)
    return _agree(values[best], values["arabench eval"])


def compare_starts(setup: Setup) -> bool:
    """From command to the first call of a module of the model."""
    spent: dict[str, list[Seconds]] = {"load": [], "lm_eval": [], "arabench eval": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(setup.rounds):
            spent["load"].append(setup.timed("-c", _LOAD, setup.model))
            of_lm_eval = setup.lm_eval(LM_TASKS, setup.sizes[-1])
            spent["lm_eval"].append(setup.timed("-c", _FIRST_CALL, "lm_eval", *of_lm_eval))
            ours = [*setup.arabench(LM_TASKS), "-o", str(Path(folder, str(turn)))]
            spent["arabench eval"].append(setup.timed("-c", _FIRST_CALL, "arabench", *ours))
    print(f"\nFrom command to the first call of the model, {LM_TASKS}\n")
    _print_table(spent, "arabench eval")
    return True


def compare_adapters(setup: Setup) -> bool:
    """Base and three adapters in one run beside four of `lm_eval`; whether their numbers agree."""
    with tempfile.TemporaryDirectory() as folder:
        adapters = make_adapters(setup.model, Path(folder))
        spent: dict[str, list[Seconds]] = {
            name: []
            for name in (*(f"4 x lm_eval, batch {size}" for size in setup.sizes), "arabench")
        }
        agree = True
        for turn in range(setup.rounds):
            theirs: dict[str, Values] = {}
            for size in setup.sizes:
                total = Seconds(0, 0)
                for name in ("base", *ADAPTERS):
                    output = Path(folder, f"lm_eval-{size}-{name}-{turn}")
                    total += setup.timed(
                        "-m", "lm_eval", *setup.lm_eval(ALL_TASKS, size, adapters.get(name)),
                        "--output_path", str(output),
                    )  # fmt: skip
                    theirs[name], _ = _values(output)
                spent[f"4 x lm_eval, batch {size}"].append(total)
            output = Path(folder, f"arabench-{turn}")
            spent["arabench"].append(
                setup.timed(
                    "-m", "arabench.cli", *setup.arabench(ALL_TASKS, adapters), "-o", str(output)
                )
            )
        print(f"\nBase and {len(ADAPTERS)} LoRA adapters over {ALL_TASKS}\n")
        _print_table(spent, "arabench")
        for name, values in theirs.items():
            agree &= _agree(values, _values(output / name)[0])
    return agree


def make_adapters(model: str, folder: Path) -> dict[str, str]:
    """LoRA adapters that change a model a little, name -> folder."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    made = {}
    for seed, name in enumerate(ADAPTERS):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        config = peft.LoraConfig(
            r=8, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
        )
        made[name] = str(folder / name)
        peft.get_peft_model(base, config).save_pretrained(made[name])
    return made


def _values(output: Path) -> tuple[Values, int]:
    """Numbers in the results below a folder, and documents."""
    (path,) = output.rglob("results*.json")
    results: dict[str, Any] = json.loads(path.read_text("utf-8"))
    found = {
        f"{task}/{metric}": float(value)
        for task, metrics in results["results"].items()
        for metric, value in metrics.items()
        if isinstance(value, float)
    }
    return found, sum(one["effective"] for one in results["n-samples"].values())


def _agree(theirs: Values, ours: Values) -> bool:
    """Whether numbers agree; says how far they do.

    Perplexities are compared by their logarithms, which are what a model gives. Standard errors
    are differences of nearly equal numbers, or grow with a perplexity: they may differ by more.
    """
    agree = True
    for of_errors, close in ((False, 1e-6), (True, 1e-4)):
        worst, which, count = 0.0, "", 0
        for name in sorted(set(theirs) & set(ours)):
            if ("_stderr" in name) is not of_errors:
                continue
            pair = (theirs[name], ours[name])
            if "perplexity" in name and not of_errors:
                pair = (math.log(pair[0]), math.log(pair[1]))
            count += 1
            worst, which = max(
                (worst, which), (abs(pair[1] - pair[0]) / max(1e-9, abs(pair[0])), name)
            )
        what = "standard errors" if of_errors else "numbers"
        print(f"{count} {what}; largest relative difference {worst:.1e} ({which})")
        agree &= worst <= close
    return agree


def _print_table(spent: Mapping[str, list[Seconds]], ours: str, documents: int = 0) -> str:
    """Medians, and lm_eval's best against ours by round; the name of lm_eval's best."""
    load = spent.get("load", [Seconds(0, 0)] * len(spent[ours]))
    print("| | CPU seconds | beyond load | documents/CPU s beyond load | wall seconds |")
    print("|---|---|---|---|---|")
    for name, taken in spent.items():
        cpu = statistics.median(one.cpu for one in taken)
        beyond = statistics.median(
            one.cpu - base.cpu for one, base in zip(taken, load, strict=True)
        )
        rate = f"{documents / beyond:.0f}" if documents and beyond > 0 else ""
        wall = statistics.median(one.wall for one in taken)
        print(f"| {name} | {cpu:.2f} | {beyond:.2f} | {rate} | {wall:.2f} |")
    others = [name for name in spent if name not in (ours, "load")]
    best = min(others, key=lambda name: statistics.median(one.cpu for one in spent[name]))
    rounds = list(zip(spent[best], spent[ours], load, strict=True))
    whole = statistics.median(us.cpu / they.cpu for they, us, _ in rounds)
    beyond = statistics.median(
        (us.cpu - base.cpu) / (they.cpu - base.cpu) for they, us, base in rounds
    )
    print(
        f"\n{ours} takes {whole:.2f} of the CPU seconds of {best} ({1 / whole:.2f} x as fast), "
        f"{beyond:.2f} of those beyond load ({1 / beyond:.2f} x); median of {len(rounds)} rounds"
    )
    return best
