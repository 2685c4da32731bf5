"""Train a QLoRA adapter from a recipe: on texts, answers, or preferences between answers.

A run that was killed resumes from its last checkpoint when the same command is given
again; a finished run is not repeated. The recipe's defaults are the settings of
arXiv 2412.17548.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arabench.trainers.run.outcome import Outcome

EXAMPLES = """\
examples:
  arabench train recipe.yaml
  arabench train recipe.yaml --set training.max_steps=50 --set training.warmup_steps=5
  arabench train recipe.yaml --show            # the resolved recipe, nothing is run
  arabench train recipe.yaml --check           # what is wrong with the data, nothing is run
  arabench train --list                        # recipes that come with the package
  arabench train qwen2_1_5b_paper --set data.source=clean.jsonl
  arabench train qwen2_5_3b_dpo --set data.source=pairs.jsonl --set dpo.beta=0.05
"""


#: Tasks whose items must not be in training data.
CHECKED_TASKS = "arabench_dialects,arabench_mmlu"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe and what overrides it."""
    parser.add_argument("recipe", nargs="?", help="YAML file, or the name of a packaged recipe")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the recipe, e.g. training.max_steps=50 (repeatable)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="discard an earlier run in output_dir"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of the CPU [those that are free now]"
    )
    parser.add_argument("--show", action="store_true", help="print the resolved recipe and end")
    parser.add_argument(
        "--check",
        action="store_true",
        help="look at all rows of the data, say what is wrong with them, and end",
    )
    parser.add_argument(
        "--tasks",
        default=CHECKED_TASKS,
        metavar="TASKS",
        help=f"whose items --check looks for in the data; none for none [{CHECKED_TASKS}]",
    )
    parser.add_argument("--list", action="store_true", help="list packaged recipes and end")


def run(options: argparse.Namespace) -> int:
    """Train; exit 1 when the run learned nothing or diverged."""
    from arabench.errors import UsageError, require_extra

    if options.list:
        return _list()
    if options.threads is not None and options.threads < 1:
        raise UsageError(f"--threads is {options.threads}; allowed is 1 or more.")
    if not options.recipe:
        raise UsageError("no recipe given. Name a YAML file or one of `arabench train --list`.")
    from arabench.trainers.recipe import dump_recipe, load_recipe

    recipe = load_recipe(_recipe_path(options.recipe), _overrides(options.set))
    if options.show:
        sys.stdout.write(dump_recipe(recipe))
        return 0
    if options.check:
        return _check(recipe, options.tasks)
    require_extra("train", "torch", "transformers", "trl", "peft", "bitsandbytes", "datasets")
    require_extra("train", "psutil", "matplotlib")
    return _train(recipe, options.overwrite, options.threads)


def _check(recipe: Any, tasks: str) -> int:
    from arabench.cli.console import say
    from arabench.cli.quiet import quiet_libraries
    from arabench.errors import require_extra

    require_extra("train", "torch", "transformers", "peft", "datasets")
    quiet_libraries()
    names = () if tasks == "none" else tuple(name for name in tasks.split(",") if name)
    if names:
        require_extra("eval", "lm_eval")
    from arabench.trainers.run.checking import check

    check(recipe, say, names)
    return 0


def _train(recipe: Any, overwrite: bool, threads: int | None) -> int:
    from arabench.cli.console import say, step_progress
    from arabench.cli.quiet import quiet_libraries

    quiet_libraries()
    from arabench.trainers.methods.table import METHODS
    from arabench.trainers.sft import train

    unit = METHODS[recipe.method].loss_unit
    with step_progress("train", recipe.training.max_steps) as on_step:
        outcome = train(recipe, overwrite=overwrite, threads=threads, on_step=on_step, say=say)
    if outcome.finished_before:
        say(f"this recipe was already run to its end: {outcome.adapter}")
    else:
        resumed = f", resumed from step {outcome.resumed_from}" if outcome.resumed_from else ""
        say(
            f"{outcome.steps} steps in {outcome.seconds:.0f} s{resumed}, "
            f"{outcome.trainable_parameters:,} trainable parameters, {outcome.elements_moved:.1%} "
            "of them moved, "
            f"training loss {outcome.first_loss:.4f} -> {outcome.last_loss:.4f} {unit} "
            "(first and last tenth of the steps, on different rows)"
        )
        for line in _of_rewards(outcome):
            say(line)
        say(
            f"loss on the same rows: {outcome.untrained_loss:.4f} without the adapter, "
            f"{outcome.trained_loss:.4f} with it, {unit}"
        )
        say(f"adapter: {outcome.adapter}")
    if not outcome.learned:
        say(f"this run learned nothing: {_why(outcome)}. Check learning rate, data and steps.")
        return 1
    return 0


def _of_rewards(outcome: Outcome) -> list[str]:
    """What a method of preferences did to rewards."""
    if outcome.untrained_margin is None or outcome.trained_margin is None:
        return []
    right = outcome.trained_accuracy
    return [
        f"margin of rewards on the same rows: {outcome.untrained_margin:.4f} without the adapter, "
        f"{outcome.trained_margin:.4f} with it"
        + ("" if right is None else f", where it is positive in {right:.0%} of pairs")
    ]


def _why(outcome: Outcome) -> str:
    """Why a run is said to have learned nothing."""
    if not outcome.elements_moved:
        return "not one number of the adapter changed"
    if outcome.untrained_margin is not None and outcome.trained_margin is not None:
        return (
            f"on the same rows the margin of rewards is {outcome.untrained_margin:.4f} without the "
            f"adapter and {outcome.trained_margin:.4f} with it"
        )
    return (
        f"on the same rows the loss is {outcome.untrained_loss:.4f} without the adapter and "
        f"{outcome.trained_loss:.4f} with it"
    )


def _overrides(pairs: list[str]) -> dict[str, Any]:
    from arabench.errors import UsageError
    from arabench.files.settings import parse_yaml

    result = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"--set {pair!r} is not KEY=VALUE.")
        result[key] = parse_yaml(value, f"--set {pair!r}: {value!r}")
    return result


def _recipe_path(name: str) -> str:
    from arabench.errors import UsageError, did_you_mean

    packaged = {path.stem: str(path) for path in _packaged()}
    if Path(name).is_file():
        return name
    if name in packaged:
        return packaged[name]
    if not Path(name).exists() and not Path(name).suffix and "/" not in name:
        raise UsageError(
            f"recipe {name!r} is neither a file nor packaged. {did_you_mean(name, packaged)}"
        )
    return name


def _packaged() -> list[Path]:
    from arabench.resources import trainers_dir

    return sorted((trainers_dir() / "recipes").glob("*.yaml"))


def _list() -> int:
    for path in _packaged():
        first = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        sys.stdout.write(f"{path.stem:<24} {first}\n")
    return 0
