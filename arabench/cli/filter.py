"""Keep or drop documents by their text, each drop with a named reason.

Rows that fall below a threshold go to OUT.dropped.jsonl (dropped.jsonl for -o -) with the
reason, the value and the threshold; counts per reason are printed. Kept rows are written
as they were. Shares are between 0 and 1; a lower bound of 0 and an upper bound of 1 (0
for counts and lengths) switch a check off.
"""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  arabench filter crawl.jsonl -o kept.jsonl
  arabench filter tweets.txt -o kept.txt --preset tweets --min-arabic 0.7
  arabench filter posts.jsonl -o egyptian.jsonl --keep-varieties egy --min-variety-prob 0.8
  arabench filter corpus.parquet -o kept.parquet --report filter.json
  arabench filter corpus.jsonl -o /dev/null --preset none --report profile.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, preset and one option per threshold."""
    from arabench.cli.files import add_file_arguments
    from arabench.corpus.steps.filters.filter_options import option_types, presets

    add_file_arguments(parser)
    parser.add_argument("--preset", default="web", help=f"one of {', '.join(presets())} [web]")
    parser.add_argument("--list-presets", action="store_true", help="show the presets and end")
    parser.add_argument(
        "--report",
        metavar="FILE.json",
        help="write counts per reason and how every measure is spread over the texts",
    )
    group = parser.add_argument_group("thresholds that override the preset")
    for name, kind in option_types().items():
        flag = f"--{name.replace('_', '-')}"
        metavar = "WORDS" if kind is int else "LETTERS" if name.endswith("_chars") else "SHARE"
        if kind is str:
            metavar = "CODES"
        group.add_argument(flag, dest=f"option_{name}", type=kind, metavar=metavar)
    group = parser.add_argument_group("dialect identification, where a threshold asks for it")
    group.add_argument(
        "--dialect-model", metavar="FILE", help="a model file [the one in the package]"
    )


def run(options: argparse.Namespace) -> int:
    """Filter files, or list presets."""
    if options.list_presets:
        return _list_presets()
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.cli.report_file import check_report, write_report
    from arabench.corpus.steps.filters.filter_options import option_types, options_from
    from arabench.corpus.steps.filters.verdicts import filter_files

    io = io_options(options)
    check_report(options.report, options.inputs, options.output)
    overrides = {
        name: value
        for name in option_types()
        if (value := getattr(options, f"option_{name}")) is not None
    }
    thresholds = options_from(options.preset, overrides)
    identifier = None
    if options.dialect_model is not None:
        from arabench.dialect.identification import Identifier
        from arabench.dialect.model import load_model

        identifier = Identifier(load_model(options.dialect_model))
    inputs = find_inputs(options)
    with input_progress("filter", inputs) as advance:
        summary, findings = filter_files(
            inputs, options.output, thresholds, io, advance, identifier
        )
    write_report(options.report, findings)
    return report(summary, findings["signature"], options.max_rejects)


def _list_presets() -> int:
    from arabench.corpus.steps.filters.filter_options import presets
    from arabench.files.standard_output import standard_output

    lines = []
    for name, values in presets().items():
        chosen = " ".join(f"{key}={value}" for key, value in values.items() if key != "description")
        lines.append(f"{name}: {values['description']}\n    {chosen}\n")
    with standard_output() as stream:
        stream.write("".join(lines).encode("utf-8"))
    return 0
