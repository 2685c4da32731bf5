"""Entry point: picks the subcommand, turns errors into one message and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from arabench import __version__
from arabench.errors import ArabenchError, did_you_mean

#: Subcommand -> one line of help, in the order of the four jobs.
COMMANDS = {
    "normalize": "prepare: clean and normalize Arabic text files",
    "sentences": "prepare: split texts into sentences",
    "script": "prepare: Arabizi to Arabic letters and back, transliterations",
    "dialect": "prepare: say which variety of Arabic each text is written in",
    "filter": "prepare: keep or drop documents, with a named reason for each",
    "dedup": "prepare: drop exact and near duplicates",
    "tokenize": "prepare: split words into clitics, stem and suffixes, reversibly",
    "detokenize": "prepare: put tokenized words together again",
    "audit": "prepare: profile a corpus as one page: scripts, duplicates, personal data",
    "verify": "prepare: check outputs against the manifest of the run that wrote them",
    "tokenizer": "prepare: what tokenizers of models cost Arabic text; train one",
    "eval": "measure: score a model and its adapters per variety, with intervals",
    "report": "measure: show a finished run as a table; how much of its scores is spelling",
    "compare": "measure: lay evaluations side by side: differences, intervals, samples",
    "contamination": "measure: look for evaluation items in training text, respelled ones too",
    "rate": "measure: blind sheets for people to rate answers, and what they say",
    "train": "train: a QLoRA adapter from a recipe",
    "gate": "guard: compare two evaluations and pass or stop the candidate",
    "demo": "all four jobs on a toy model, offline, in minutes",
}

#: What is left of an interrupted command that says no more of itself.
_NOTHING_PARTIAL = "No partial file was left under a final name."

EPILOG = """\
examples:
  arabench normalize corpus.jsonl -o clean.jsonl --preset llm
  arabench train recipe.yaml
  lm_eval --tasks arabench_dialects --model hf --model_args pretrained=MODEL,peft=ADAPTER
  arabench eval --model MODEL --adapter mine=ADAPTER -o results/
  arabench compare results/ --html report.html
  arabench gate results/base results/mine --improve egy
"""


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            f"arabench {__version__}: from raw Arabic text to an adapter one can trust.",
            "",
            "usage: arabench [--version] COMMAND [options]",
            "",
            "commands:",
            *lines,
            "",
            "`arabench COMMAND --help` shows options and examples.",
            "",
            EPILOG,
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand. Returns 0 (fine), 1 (the gate or the work failed) or 2 (wrong usage)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        sys.stdout.write(_overview())
        return 0 if arguments else 2
    if arguments[0] in {"-V", "--version"}:
        sys.stdout.write(f"arabench {__version__}\n")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        _complain(f"unknown command {name!r}. {did_you_mean(name, COMMANDS)}")
        return 2
    try:
        return _run(name, rest)
    except SystemExit as stop:
        if isinstance(stop.code, str):  # a task's data function, speaking for itself
            sys.stderr.write(stop.code + "\n")
            return 2
        return int(stop.code or 0)  # argparse: 0 after --help, 2 after wrong usage
    except ArabenchError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt as stop:
        _complain(f"interrupted. {str(stop) or _NOTHING_PARTIAL}")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _complain(f"{error.strerror or error}{where}. Check the path, permissions and free space.")
        return 1


def _run(name: str, rest: list[str]) -> int:
    from arabench.cli.console import say_warnings
    from arabench.files.interrupt import interruptible

    say_warnings()
    module = importlib.import_module(f"arabench.cli.{name}")
    parser = argparse.ArgumentParser(
        prog=f"arabench {name}",
        description=module.__doc__,
        epilog=module.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    options = parser.parse_args(rest)
    with interruptible():
        code: int = module.run(options)
    return code


def _complain(message: str) -> None:
    """One line on standard error; of several processes of a run, by the first that has it."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        from arabench.cli.console import is_first_to_say

        if not is_first_to_say(message):
            return
    sys.stderr.write(f"arabench: error: {message}\n")
