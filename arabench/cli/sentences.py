"""Split the texts of files into sentences.

Each sentence becomes a row with the other fields of its document, its place
(`sentence_index`) and its offsets in the document (`start`, `end`, in characters); plain
text gets one sentence per line. Documents without a sentence, and sentences below
--min-chars, go to OUT.dropped.jsonl (dropped.jsonl for -o -) and are counted.
"""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  arabench sentences book.txt -o sentences.txt
  arabench sentences wiki.jsonl -o sentences.jsonl --field body --min-chars 20
  arabench sentences corpus.parquet -o corpus.jsonl --join
  zcat dump.jsonl.gz | arabench sentences - -o - --input-format jsonl | head
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, and what is written for each document."""
    from arabench.cli.files import add_file_arguments

    add_file_arguments(parser)
    parser.add_argument(
        "--join",
        action="store_true",
        help="one row per document, its sentences separated by line feeds",
    )
    parser.add_argument(
        "--min-chars",
        type=int,
        default=0,
        metavar="N",
        help="drop sentences of fewer characters [0]",
    )
    parser.add_argument(
        "--keep-empty",
        action="store_true",
        help="write documents without a sentence too, with an empty text",
    )


def run(options: argparse.Namespace) -> int:
    """Split files into sentences."""
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.corpus.steps.sentences import SentenceOptions, sentence_files
    from arabench.errors import UsageError

    io = io_options(options)
    if options.min_chars < 0:
        raise UsageError(f"--min-chars {options.min_chars} is negative. Use 0 or more.")
    chosen = SentenceOptions(options.join, options.min_chars, options.keep_empty)
    inputs = find_inputs(options)
    with input_progress("sentences", inputs) as advance:
        summary, signature = sentence_files(inputs, options.output, chosen, io, advance)
    return report(summary, signature, options.max_rejects)
