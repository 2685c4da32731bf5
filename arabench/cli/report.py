"""Show what a finished evaluation measured: the table per variety, every number with its interval.

RUN is a folder (or results file) written by `arabench eval -o DIR` or by
`lm_eval --output_path DIR --log_samples`; a folder may hold several models. --orthography scores
the logged answers again, under each rule of normalization, and says how much of a score is
spelling. No model is loaded.
"""

from __future__ import annotations

import argparse
import json

EXAMPLES = """\
examples:
  arabench report results/
  arabench report results/base results/egy -o table.md
  arabench report --signature results/base
  arabench report --orthography results/base
  arabench report --orthography results/base --format json -o spelling.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Runs, what of them is shown, and where it goes."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="results folder or file, or NAME=FOLDER"
    )
    parser.add_argument(
        "--orthography", action="store_true",
        help="points that F1, exact match, BLEU and chrF++ gain under each normalization rule",
    )  # fmt: skip
    parser.add_argument(
        "--signature", action="store_true",
        help="everything that fixes each number, a line per task and metric",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=["markdown", "json"], default="markdown", help="[markdown]"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write a file [standard output]")


def run(options: argparse.Namespace) -> int:
    """Read the runs and report."""
    from pathlib import Path

    from arabench.errors import UsageError, require_extra
    from arabench.evaluation.reports import orthography, summary
    from arabench.evaluation.reports.runs import load_runs
    from arabench.files.atomic import write_text_atomically
    from arabench.files.standard_output import standard_output

    if options.output is not None and Path(options.output).is_dir():
        raise UsageError(f"output {options.output!r} is a folder. Name a file in it.")
    runs = load_runs(options.runs)
    if options.signature and options.orthography:
        raise UsageError("--signature and --orthography are two reports. Give one of them.")
    if options.orthography:
        require_extra("eval", "sacrebleu")
        found = [(one.name, orthography.attribute(one.evaluation)) for one in runs]
        records = [record for one in found for record in orthography.as_records(*one)]
        text = "\n".join(orthography.markdown(*one) for one in found)
    else:
        records = [record for one in runs for record in summary.as_records(one.evaluation)]
        text = summary.markdown_table([one.evaluation for one in runs])
    if options.signature:
        lines = [line for one in runs for line in summary.signature_lines(one.evaluation)]
        text = "\n".join(lines) + "\n"
    if options.format == "json":
        text = json.dumps(records, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    if options.output is not None:
        write_text_atomically(options.output, text)
        return 0
    with standard_output() as stream:
        stream.write(text.encode("utf-8", "replace"))
    return 0
