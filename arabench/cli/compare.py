"""Lay several evaluations beside one: what is better, what is worse, and how sure that is.

RUN is a folder (or results file) written by `arabench eval -o DIR` or by
`lm_eval --output_path DIR --log_samples`; a folder may hold several models. All are held against
the first, or against the one named by --against, item by item, with 95 % intervals and p-values
corrected for the number of tests. `arabench gate` decides; this shows.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arabench.evaluation.reports.differences import Differences

#: Suffix of an output -> its format.
SUFFIXES = {
    ".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json",
    ".html": "html", ".htm": "html",
}  # fmt: skip

EXAMPLES = """\
examples:
  arabench compare results/
  arabench compare results/base egy=results/run-17 --html report.html
  arabench compare results/ --tasks 'arabench_lm_*' --metrics bits_per_char -o table.tex
  arabench compare results/ --against base --trained egy=egy --trained glf=glf --html report.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Runs, what of them is compared, and where reports go."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="results folder or file, or NAME=FOLDER"
    )
    parser.add_argument("--against", metavar="NAME", help="model that others are held against")
    parser.add_argument(
        "--tasks", metavar="A,B", help="only these tasks; patterns such as 'arabench_lm_*' [all]"
    )
    parser.add_argument("--metrics", metavar="A,B", help="only these metrics [all]")
    parser.add_argument(
        "--strict", action="store_true",
        help="refuse, as the gate does, what was measured differently, instead of saying so",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=["terminal", "markdown", "latex", "csv", "json"], default="terminal",
        help="of standard output [terminal]",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FILE", action="append", default=[],
        help="write .md, .tex, .csv, .json or .html (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--html", metavar="FILE", help="write one self-contained page: charts and samples"
    )
    parser.add_argument(
        "--trained", action="append", default=[], metavar="NAME=VARIETY",
        help="variety that a model was trained on, for the forgetting matrix (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--samples", type=int, default=20, metavar="N",
        help="most changed samples a task and model on the page; 0 for none [20]",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Compare and report."""
    from arabench.cli.console import say
    from arabench.errors import UsageError
    from arabench.evaluation.reports.difference_tables import FORMATS, summary
    from arabench.evaluation.reports.differences import find_differences
    from arabench.evaluation.reports.runs import choose, load_runs
    from arabench.files.atomic import write_text_atomically

    if options.samples < 0:
        raise UsageError(f"--samples is {options.samples}; allowed is 0 or more.")
    outputs = _outputs(options)
    runs = load_runs(options.runs, _trained(options.trained))
    base, others = choose(runs, options.against)
    report = find_differences(
        base, others, _names(options.tasks), _names(options.metrics), strict=options.strict
    )
    for path, form in outputs.items():
        if form == "html":
            from arabench.evaluation.reports.difference_page import page

            write_text_atomically(path, page(report, options.samples))
        else:
            write_text_atomically(path, FORMATS[form](report))
    if options.format != "terminal":
        _print(FORMATS[options.format](report))
    elif not outputs or sys.stdout.isatty():
        _show(report)
    for line in summary(report):
        say(line)
    if outputs:
        say(f"written: {', '.join(outputs)}")
    return 0


def _outputs(options: argparse.Namespace) -> dict[str, str]:
    """File -> its format.

    Raises:
        UsageError: an unknown suffix, a file that is named twice, a folder, a name of results.
    """
    from arabench.errors import UsageError

    found: dict[str, str] = {}
    for path in options.output:
        form = SUFFIXES.get(Path(path).suffix.lower())
        if form is None:
            raise UsageError(
                f"--output {path!r}: the suffix says the format, and {Path(path).suffix!r} says "
                f"none. Allowed: {', '.join(SUFFIXES)}."
            )
        found[path] = form
    if options.html is not None:
        found[options.html] = "html"
    places = [Path(path).resolve() for path in found]
    if len(set(places)) < len(options.output) + (options.html is not None):
        raise UsageError("--output and --html name one file twice. Name a file each.")
    for path, place in zip(found, places, strict=True):
        if place.is_dir():
            raise UsageError(f"output {path!r} is a folder. Name a file in it.")
        if place.name.startswith(("results", "samples_")) and place.suffix == ".json":
            raise UsageError(
                f"output {path!r} would be taken for results of a model. Choose another name."
            )
    return found


def _names(text: str | None) -> list[str]:
    """Names between commas; none at all is an error, for it would mean all."""
    from arabench.errors import UsageError

    if text is None:
        return []
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"{text!r} names nothing. Leave the option out to compare all.")
    return names


def _trained(pairs: list[str]) -> dict[str, str]:
    from arabench.errors import UsageError

    trained: dict[str, str] = {}
    for pair in pairs:
        name, separator, variety = pair.rpartition("=")
        if not separator or not name or not variety:
            raise UsageError(f"--trained {pair!r} is not NAME=VARIETY, e.g. egy=egy.")
        if name in trained:
            raise UsageError(f"--trained names {name!r} twice. Give it once.")
        trained[name] = variety
    return trained


def _show(report: Differences) -> None:
    """The report as tables, as wide as the terminal; 120 columns where there is none."""
    import shutil

    from rich.console import Console

    from arabench.evaluation.reports.difference_tables import terminal

    width = shutil.get_terminal_size((120, 24)).columns
    console = Console(
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=None,
        soft_wrap=False,
    )
    with console.capture() as capture:
        for part in terminal(report, width):
            console.print(part)
    _print("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _print(text: str) -> None:
    from arabench.files.standard_output import standard_output

    with standard_output() as stream:
        stream.write(text.encode("utf-8", "replace"))
