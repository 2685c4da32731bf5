"""Split the words of files into clitics, stem and suffixes, so that it can be undone exactly.

Arabic words are split by --scheme and the tokens written as --mark says; everything else is
copied. Where a citation form could not be turned back into the word as it is spelled, the
spelling of the text is written. `arabench detokenize` gives the text back, byte by byte.

Rows that cannot be read (invalid UTF-8, broken JSON) are counted and set aside in
OUT.rejects.jsonl (rejects.jsonl for -o -); the command then ends with status 1 unless
--max-rejects allows them.
"""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  arabench tokenize clean.txt -o tokens.txt
  arabench tokenize tweets.jsonl -o segments.jsonl --scheme seg --mark plus
  arabench tokenize corpus.parquet -o corpus.jsonl --field body --scheme atb
  arabench tokenize 'clean/*.jsonl.zst' -o tokens/ --scheme d2 --mark split --workers 2
  arabench tokenize news.txt -o news.tok.txt --backend camel-mle
  echo 'وسيكتبونها للمدرسة' | arabench tokenize - -o - --scheme bw
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, scheme, mark and backend."""
    from arabench.cli.files import add_file_arguments
    from arabench.morph.marks import DEFAULT_MARK
    from arabench.morph.schemes import DEFAULT_SCHEME

    add_file_arguments(parser)
    add_scheme_arguments(parser, f"[{DEFAULT_SCHEME}]", f"[{DEFAULT_MARK}]")
    parser.set_defaults(scheme=DEFAULT_SCHEME, mark=DEFAULT_MARK)
    add_backend_arguments(parser)


def add_scheme_arguments(parser: argparse.ArgumentParser, scheme: str, mark: str) -> None:
    """--scheme and --mark; `scheme` and `mark` name their defaults for the help text."""
    from arabench.morph.marks import MARKS
    from arabench.morph.schemes import SCHEMES

    schemes = "; ".join(f"{name}: {known.summary}" for name, known in SCHEMES.items())
    marks = "; ".join(f"{name}: {summary}" for name, summary in MARKS.items())
    parser.add_argument("--scheme", metavar="NAME", help=f"what is split. {schemes} {scheme}")
    parser.add_argument("--mark", metavar="NAME", help=f"how it is shown. {marks} {mark}")


def add_backend_arguments(parser: argparse.ArgumentParser, note: str = "") -> None:
    """--backend and --database."""
    from arabench.morph.backends import BACKENDS

    parser.add_argument(
        "--backend",
        metavar="NAME",
        default="builtin",
        help=f"what segments words: {', '.join(BACKENDS)}{note} [builtin]",
    )
    parser.add_argument(
        "--database",
        metavar="PATH",
        help="with camel-db: a morphology database; with camel-mle and camel-bert: the name "
        f"of one that camel_data installed{note}",
    )


def run(options: argparse.Namespace) -> int:
    """Tokenize files."""
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.corpus.steps.tokenize import tokenize_files
    from arabench.morph.tokenizer import Tokenizer

    io = io_options(options)
    tokenizer = Tokenizer(options.scheme, options.mark, options.backend, options.database)
    inputs = find_inputs(options)
    with input_progress("tokenize", inputs) as advance:
        summary, signature = tokenize_files(inputs, options.output, tokenizer, io, advance)
    return report(summary, signature, options.max_rejects)
