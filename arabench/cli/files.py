"""File options that every corpus command shares, and the report they end with."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arabench.cli.console import byte_progress, say

if TYPE_CHECKING:
    from arabench.corpus.io_options import IoOptions
    from arabench.corpus.runs.inputs import Inputs
    from arabench.corpus.runs.run import Summary


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT..., -o, --field, formats, --workers, --on-error, --max-rejects."""
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="files, folders, quoted patterns such as 'data/**/*.jsonl.zst', or - for "
        "standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a file, a folder (one file per input, as in the folder of inputs) or -",
    )
    parser.add_argument(
        "--field",
        default="text",
        help="field or column of the text, or a path into nested ones such as meta.body [text]",
    )
    parser.add_argument(
        "--input-format",
        metavar="FORMAT",
        help="txt, jsonl, csv, tsv, parquet, arrow, feather or datasets; lines also compressed, "
        "such as jsonl.zst [by suffix: .txt .jsonl .ndjson .csv .tsv with .gz .zst .bz2 .xz, "
        ".parquet .arrow .feather, folders of datasets; txt for -]",
    )
    parser.add_argument("--output-format", metavar="FORMAT", help="the same [by suffix]")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="threads that process chunks [1]"
    )
    parser.add_argument(
        "--on-error",
        choices=["quarantine", "stop"],
        default="quarantine",
        help="set unreadable rows aside, or stop at the first [quarantine]",
    )
    parser.add_argument(
        "--max-rejects",
        type=int,
        default=0,
        metavar="N",
        help="end with status 0 although up to N rows were set aside [0]",
    )
    parser.add_argument(
        "--shard-size",
        metavar="SIZE",
        help="write OUT/part-00000... of this size each, such as 256MB or 1GiB, and up to a "
        "quarter more: a part ends with the block of rows that fills it (longer rows stay whole)",
    )
    parser.add_argument(
        "--no-resume",
        action="store_true",
        help="start over in a folder that holds finished or unfinished outputs",
    )
    parser.add_argument(
        "--manifest",
        choices=["xxh128", "sha256", "none"],
        default="xxh128",
        help="digest in the manifest beside OUT, for `arabench verify`; sha256 is slower [xxh128]",
    )


def check_inputs(options: argparse.Namespace) -> None:
    """Raise `UsageError` where no input is named or a number is impossible."""
    from arabench.errors import UsageError

    if not options.inputs:
        raise UsageError("no input given. Name files, or - for standard input.")
    if options.max_rejects < 0:
        raise UsageError(f"--max-rejects {options.max_rejects} is negative. Use 0 or more.")


def io_options(options: argparse.Namespace) -> IoOptions:
    """The options as the corpus room takes them.

    Raises:
        UsageError: no input, no output, or an impossible number.
    """
    from arabench.corpus.io_options import IoOptions
    from arabench.errors import UsageError

    check_inputs(options)
    if not options.output:
        raise UsageError("no output given. Use -o FILE, -o FOLDER or -o -.")
    return IoOptions(
        text_field=options.field,
        input_format=options.input_format,
        output_format=options.output_format,
        on_error=options.on_error,
        workers=options.workers,
        shard_bytes=None if options.shard_size is None else parse_size(options.shard_size),
        journal="restart" if options.no_resume else "resume",
        manifest=options.manifest,
        command=_command_line(),
    )


#: The names of SI and IEC 80000-13; `M` alone would be a guess between the two.
_UNITS: Final = {
    "": 1,
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", start=1)},
    **{f"{letter}IB": 1024**power for power, letter in enumerate("KMGT", start=1)},
}
#: Outputs end where a chunk ends, so that much smaller sizes would not be kept.
_MIN_SHARD_BYTES: Final = 1_000_000


def parse_size(text: str) -> int:
    """Bytes of a size such as 256MB (1000s), 1.5GiB (1024s) or 500000000.

    Raises:
        UsageError: it is no size, has an unknown unit, or is below 1MB.
    """
    from arabench.errors import UsageError

    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) *([A-Za-z]*)", text.strip(), re.ASCII)
    unit = None if match is None else _UNITS.get(match[2].upper())
    if match is None or unit is None:
        raise UsageError(
            f"size {text!r} is not understood. Use a number with one of the units "
            "KB, MB, GB, TB (1000s) or KiB, MiB, GiB, TiB (1024s), such as 256MB."
        )
    size = int(Decimal(match[1]) * unit)
    if size < _MIN_SHARD_BYTES:
        raise UsageError(f"--shard-size {text} is too small: use 1MB or more.")
    return size


def _command_line() -> str | None:
    """How arabench was called; None inside of another program."""
    program = Path(sys.argv[0])
    if program.name not in {"arabench", "arabench.exe"} and program.parts[-2:] != (
        "cli",
        "__main__.py",
    ):
        return None
    # A name may hold bytes that are no UTF-8.
    command = shlex.join(["arabench", *sys.argv[1:]])
    return os.fsencode(command).decode("utf-8", errors="replace")


def find_inputs(options: argparse.Namespace) -> Inputs:
    """The files that the command reads; folders and patterns are searched here and not again.

    Raises:
        UsageError: nothing of that name, or nothing readable in a folder.
    """
    from arabench.corpus.runs.inputs import expand_inputs

    return expand_inputs(options.inputs, options.input_format)


@contextlib.contextmanager
def input_progress(label: str, inputs: Inputs) -> Iterator[Callable[[int], None]]:
    """A progress bar over the bytes of all inputs; yields the function that advances it."""
    # Files are asked for their sizes only for a bar that somebody sees.
    total = inputs.bytes_on_disk() if sys.stderr.isatty() else None
    with byte_progress(label, total) as advance:
        yield advance


def report(summary: Summary, signature: str, max_rejects: int) -> int:
    """Say what happened; returns the exit status."""
    for note in summary.notes:
        say(note)
    count = len(summary.outputs)
    if summary.already_complete:
        say(
            f"already complete: {count} {'output is' if count == 1 else 'outputs are'} there and "
            "unchanged; nothing was done (--no-resume does the work again)"
        )
    elif summary.resumed:
        say(f"resumed: {summary.resumed} of {count} outputs were complete")
    say(
        f"{summary.rows} rows read, {summary.written} written, {summary.changed} changed"
        + (f", {summary.null} null" if summary.null else "")
        + (f", {summary.dropped} dropped" if summary.dropped else "")
        + f" [{signature}]"
    )
    for loss in summary.losses:
        say(loss)
    if summary.dropped:
        say(f"dropped: {_counts(summary.drop_reasons)}; in {_some(summary.dropped_files)}")
    for manifest in summary.manifests:
        say(f"manifest: {manifest}")
    if not summary.rejected:
        return 0
    say(
        f"{summary.rejected} {'row' if summary.rejected == 1 else 'rows'} could not be read "
        f"({_counts(summary.reasons)}); set aside in {_some(summary.rejects_files)}"
    )
    return 0 if summary.rejected <= max_rejects else 1


def _some(files: list[str]) -> str:
    """The first names; a run in shards may have thousands."""
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(files[:3]) + more


def _counts(reasons: dict[str, int]) -> str:
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} x {reason}" for reason, count in ordered)
