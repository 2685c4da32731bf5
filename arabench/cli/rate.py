"""Blind ratings: sheets of two models' answers for people, and what they say.

`export` writes one page and one spreadsheet that do not tell whose an answer is, and a key that
does. `import` reads what raters sent back: win rate with a 95 % interval, p-value, and how far
raters agree, per variety.
"""

from __future__ import annotations

import argparse
import sys

EXAMPLES = """\
examples:
  arabench rate export results/base results/egy -n 50 --seed 1 -o rating/
  arabench rate export results/base results/egy --tasks arabench_mt_egy_msa -n 30 -o rating/
  arabench rate import rating/ mona.json sami.csv
"""

EXPORT_EXAMPLES = """\
Give raters sheet.html or sheet.csv, and keep key.json. The seed decides which documents are
drawn; the sides are drawn anew at every export.

examples:
  arabench rate export results/base results/egy -n 50 --seed 1 -o rating/
  arabench rate export results/base results/egy --tasks arabench_rc_egy,arabench_rc_msa -o rating/
"""

IMPORT_EXAMPLES = """\
A sheet is what the page saved (JSON or CSV), or sheet.csv with the column choice filled in:
1, 2 or tie. Items without a choice are left out.

examples:
  arabench rate import rating/ mona.json
  arabench rate import rating/ sheets/*.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two actions with their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = _action(actions, "export", "write blind sheets of two runs", EXPORT_EXAMPLES)
    export.add_argument(
        "runs", nargs=2, metavar="RUN", help="results folder or file, or NAME=FOLDER"
    )
    export.add_argument(
        "--tasks", metavar="A,B", help="tasks with written answers [all that both runs have]"
    )
    export.add_argument("-n", "--items", type=int, default=50, help="items of the sheet [50]")
    export.add_argument("--seed", type=int, default=1, help="of the documents drawn [1]")
    export.add_argument("-o", "--output", metavar="FOLDER", required=True, help="a new folder")
    read = _action(actions, "import", "read rated sheets", IMPORT_EXAMPLES)
    read.add_argument("folder", metavar="FOLDER", help="what export wrote: its key is needed")
    read.add_argument("sheets", nargs="+", metavar="SHEET", help="one file a rater")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_: str, epilog: str
) -> argparse.ArgumentParser:
    return actions.add_parser(
        name,
        help=help_,
        description=f"{help_[0].upper()}{help_[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def run(options: argparse.Namespace) -> int:
    """Export or import."""
    return _export(options) if options.action == "export" else _import(options)


def _export(options: argparse.Namespace) -> int:
    import json
    import random
    from pathlib import Path

    from arabench.cli.console import say
    from arabench.errors import UsageError
    from arabench.evaluation.rating.answers import paired_answers
    from arabench.evaluation.rating.page import sheet_page
    from arabench.evaluation.rating.sheets import (
        CSV_NAME,
        HTML_NAME,
        KEY_NAME,
        make_sheet,
        write_csv,
    )
    from arabench.evaluation.reports.runs import load_runs
    from arabench.files.atomic import atomic_folder

    if Path(options.output).exists():
        raise UsageError(f"output {options.output!r} exists already. Name a new folder.")
    runs = load_runs(options.runs)
    if len(runs) != 2:
        raise UsageError(
            f"{' and '.join(options.runs)} hold results of {len(runs)} models: "
            f"{', '.join(run.name for run in runs)}. Name one of them each."
        )
    tasks = [name.strip() for name in (options.tasks or "").split(",") if name.strip()]
    answered = paired_answers(runs[0].evaluation, runs[1].evaluation, tasks)
    names = (runs[0].name, runs[1].name)
    sheet = make_sheet(answered, names, options.items, options.seed, random.SystemRandom())
    with atomic_folder(options.output) as folder:
        for name, text in (
            (HTML_NAME, sheet_page(sheet)),
            (CSV_NAME, write_csv(sheet)),
            (KEY_NAME, json.dumps(sheet.key, ensure_ascii=False, indent=1) + "\n"),
        ):
            (folder / name).write_bytes(text.encode("utf-8"))
    say(
        f"{len(sheet.items)} items of {len(answered)} "
        f"{'task' if len(answered) == 1 else 'tasks'} in {options.output}: give raters {HTML_NAME} "
        f"or {CSV_NAME}, and keep {KEY_NAME} [sheet {sheet.name}]"
    )
    return 0


def _import(options: argparse.Namespace) -> int:
    from arabench.evaluation.rating.reading import read_key, read_sheets
    from arabench.evaluation.rating.results import table

    key = read_key(options.folder)
    sys.stdout.write(table(key, read_sheets(key, options.sheets)))
    return 0
