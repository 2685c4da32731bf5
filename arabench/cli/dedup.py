"""Drop exact and near duplicates across all inputs; the first occurrence stays.

Two texts are exact duplicates when normalization makes them equal, near duplicates when
the sets of their word pairs (or other shingles) are at least as similar as --threshold:
by MinHash-LSH, or with --verify by the true Jaccard similarity of what it proposes. Texts
are written as they were. Dropped rows go to OUT.dropped.jsonl (dropped.jsonl for -o -)
with the row that each duplicates.

Memory grows with the rows that stay: 34 to 68 bytes each with --exact, else about 2.5 kB
(at threshold 0.8), and with --verify 4 bytes per word instead of the sketch of 0.5 kB.
"""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  arabench dedup crawl.jsonl -o unique.jsonl
  arabench dedup 2023.parquet 2024.parquet -o unique/ --exact
  arabench dedup tweets.jsonl -o unique.jsonl --threshold 0.7 --verify --id-field id
  arabench dedup corpus.txt -o unique.txt --shingle chars --report clusters.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths and what counts as a duplicate."""
    from arabench.cli.files import add_file_arguments
    from arabench.text.presets import presets

    add_file_arguments(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--exact", dest="mode", action="store_const", const="exact", help="exact duplicates only"
    )
    mode.add_argument(
        "--near",
        dest="mode",
        action="store_const",
        const="near",
        help="exact and near duplicates [default]",
    )
    parser.set_defaults(mode="near")
    parser.add_argument(
        "--preset",
        default="search",
        help=f"normalization before texts are compared: one of {', '.join(presets())} [search]",
    )
    parser.add_argument(
        "--id-field", metavar="NAME", help="field that names a row in reasons [its number]"
    )
    parser.add_argument(
        "--report", metavar="FILE.json", help="write counts, cluster sizes and memory"
    )
    group = parser.add_argument_group("near duplicates")
    group.add_argument(
        "--threshold",
        type=float,
        default=0.8,
        metavar="S",
        help="least Jaccard similarity, above 0 up to 1 [0.8]",
    )
    group.add_argument("--shingle", default="words", help="runs of words or of chars [words]")
    group.add_argument(
        "--shingle-size",
        type=int,
        default=0,
        metavar="N",
        help="words or characters per run [2 words, 7 chars]",
    )
    group.add_argument(
        "--permutations", type=int, default=128, metavar="N", help="values per sketch [128]"
    )
    group.add_argument(
        "--verify", action="store_true", help="decide by true similarity, not by its estimate"
    )


def run(options: argparse.Namespace) -> int:
    """Deduplicate files."""
    from arabench.cli.console import say
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.cli.report_file import check_report, write_report
    from arabench.corpus.steps.dedup.duplicates import DedupOptions, dedup_files

    io = io_options(options)
    check_report(options.report, options.inputs, options.output)
    chosen = DedupOptions(
        mode=options.mode,
        preset=options.preset,
        threshold=options.threshold,
        shingle=options.shingle,
        shingle_size=options.shingle_size,
        permutations=options.permutations,
        verify=options.verify,
        id_field=options.id_field,
    )
    inputs = find_inputs(options)
    with input_progress("dedup", inputs) as advance:
        summary, findings = dedup_files(inputs, options.output, chosen, io, advance)
    write_report(options.report, findings)
    status = report(summary, chosen.signature, options.max_rejects)
    if findings["clusters"]:
        largest = findings["largest"][0]
        say(
            f"{findings['clusters']} clusters of duplicates; "
            f"the largest has {largest['rows']} rows, of which {largest['kept']} stays"
        )
    return status
