"""Put the words of files together again that `arabench tokenize` split, exactly as they were.

Scheme and mark are those of `arabench tokenize`; where the manifest of that run lies beside
the input, they are taken from there, and others are refused.

Rows that cannot be read (invalid UTF-8, broken JSON) are counted and set aside in
OUT.rejects.jsonl (rejects.jsonl for -o -); the command then ends with status 1 unless
--max-rejects allows them.
"""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  arabench detokenize tokens.txt -o text.txt
  arabench detokenize translated.txt -o text.txt --scheme atb
  arabench detokenize tokens/ -o text/
  arabench tokenize a.txt -o - | arabench detokenize - -o - | cmp - a.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, scheme and mark."""
    from arabench.cli.files import add_file_arguments
    from arabench.cli.tokenize import add_backend_arguments, add_scheme_arguments
    from arabench.morph.marks import DEFAULT_MARK
    from arabench.morph.schemes import DEFAULT_SCHEME

    add_file_arguments(parser)
    add_scheme_arguments(
        parser,
        f"[that of the manifest beside the input, or {DEFAULT_SCHEME}]",
        f"[that of the manifest beside the input, or {DEFAULT_MARK}]",
    )
    add_backend_arguments(parser, " (taken as by tokenize, of no effect here)")


def run(options: argparse.Namespace) -> int:
    """Detokenize files."""
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.corpus.steps.tokenize import detokenize_files
    from arabench.morph.backends import refuse_unknown

    io = io_options(options)
    refuse_unknown(options.backend)
    inputs = find_inputs(options)
    with input_progress("detokenize", inputs) as advance:
        summary, signature = detokenize_files(
            inputs, options.output, options.scheme, options.mark, io, advance
        )
    return report(summary, signature, options.max_rejects)
