"""Look for evaluation items in training text, also respelled, reworded and in Latin letters.

Training text is read once, in any format of `arabench normalize`. An item counts as exact (equal
after folding of letters, marks, digits and punctuation), n-gram (half of its words in runs of 8
that a row has too), near (like a stretch of a row), or Arabizi (like one in Latin letters).
The table goes to standard output; -o names each item with the row and the text that gave it away,
for `arabench eval --exclude`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLES = """\
examples:
  arabench contamination train.jsonl --tasks arabench_lm,arabench_mmlu
  arabench contamination 'corpus/**/*.parquet' --field content -o found.jsonl
  arabench contamination train/ --data flores200/ --tasks arabench_lm_egy --fail-above 0
  arabench eval --model base/ --exclude found.jsonl -o results/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Training text, tasks and thresholds."""
    parser.add_argument(
        "inputs", nargs="+", metavar="TRAIN",
        help="files, folders, quoted patterns, or - for standard input",
    )  # fmt: skip
    parser.add_argument(
        "--tasks", default="arabench_dialects,arabench_mmlu",
        help="comma-separated tasks and groups [arabench_dialects,arabench_mmlu]",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="FOLDER", help="your own evaluation data (tasks/README.md)"
    )
    parser.add_argument(
        "--metadata", default="{}", help="JSON with arabench_data etc., as for arabench eval"
    )
    parser.add_argument("--field", default="text", help="field or column of the text [text]")
    parser.add_argument(
        "--input-format", metavar="FORMAT", help="txt, jsonl, csv, parquet ... [by suffix]"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE.jsonl", help="one line per contaminated item"
    )
    parser.add_argument(
        "--ngram", type=int, default=8, metavar="WORDS",
        help="words of a run that counts; a shorter item counts as a whole [8]",
    )  # fmt: skip
    parser.add_argument(
        "--overlap", type=float, default=0.5, metavar="SHARE",
        help="least share of an item's words in such runs [0.5]",
    )  # fmt: skip
    parser.add_argument(
        "--near", type=float, default=0.35, metavar="SIMILARITY",
        help="least Jaccard similarity of words and pairs of words [0.35]",
    )  # fmt: skip
    parser.add_argument(
        "--arabizi", type=float, default=0.6, metavar="SIMILARITY",
        help="least similarity of letters, vowels left out [0.6]",
    )  # fmt: skip
    parser.add_argument(
        "--fail-above", type=float, metavar="SHARE",
        help="end with status 1 where a task has a greater share of contaminated items",
    )  # fmt: skip
    parser.add_argument(
        "--max-rejects", type=int, default=0, metavar="N",
        help="end with status 0 although up to N rows could not be read [0]",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Search and report."""
    from arabench.audit.reading import plan_reading
    from arabench.cli.console import byte_progress, say
    from arabench.cli.files import check_inputs
    from arabench.errors import UsageError, require_extra
    from arabench.files.atomic import write_text_atomically

    if options.fail_above is not None and not 0 <= options.fail_above <= 1:
        raise UsageError(f"--fail-above {options.fail_above} is no share. Use 0 to 1.")
    check_inputs(options)
    from arabench.evaluation.contamination.options import Options

    chosen = Options(options.ngram, options.overlap, options.near, options.arabizi)
    plan = plan_reading(options.inputs, options.input_format)
    _check_output(options.output, plan.paths)
    require_extra("eval", "lm_eval", "datasets", "sacrebleu")
    from arabench.cli.quiet import quiet_libraries

    quiet_libraries()
    from arabench.evaluation.contamination.items import load_items
    from arabench.evaluation.contamination.report import json_lines, table, worst_share
    from arabench.evaluation.contamination.search import Search

    for note in plan.notes:
        say(note)
    tasks = [task.strip() for task in options.tasks.split(",") if task.strip()]
    search = Search(load_items(tasks, _metadata(options)), chosen)
    with byte_progress("contamination", plan.total_bytes) as advance:
        search.read(plan, options.field, advance)
    findings = search.findings()
    if options.output:
        write_text_atomically(options.output, json_lines(findings))
    sys.stdout.write(table(findings, chosen))
    unread = search.unread
    say(
        f"{search.rows} rows of {len(plan.sources)} {'file' if len(plan.sources) == 1 else 'files'}"
        f" searched for {len(findings)} items"
        + (f", {unread.null} null" if unread.null else "")
        + (f"; written: {options.output}" if options.output else "")
    )
    for sample in unread.samples:
        say(f"not read: {sample}")
    if unread.rejected > options.max_rejects:
        say(f"{unread.rejected} rows could not be read; what they hold is not known")
        return 1
    task, most = worst_share(findings)
    if options.fail_above is not None and most > options.fail_above:
        say(f"{task}: {100 * most:.1f} % of its items are contaminated, above --fail-above")
        return 1
    return 0


def _metadata(options: argparse.Namespace) -> dict[str, Any]:
    from arabench.errors import UsageError

    try:
        metadata = json.loads(options.metadata)
    except ValueError as error:
        raise UsageError(f"--metadata is no JSON: {error}.") from error
    if not isinstance(metadata, dict):
        raise UsageError("--metadata must be a JSON object.")
    if options.data is not None:
        if "arabench_data" in metadata:
            raise UsageError("--data and arabench_data of --metadata name the data twice.")
        metadata["arabench_data"] = options.data
    return metadata


def _check_output(output: str | None, inputs: list[str]) -> None:
    from arabench.errors import UsageError

    if output is None:
        return
    place = Path(output)
    if place.is_dir():
        raise UsageError(f"output {output!r} is a folder. Name a file in it.")
    if any(Path(name).resolve() == place.resolve() for name in inputs):
        raise UsageError(f"output {output!r} is also an input. Choose another name.")
