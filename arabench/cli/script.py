"""Write texts in another script: Arabizi (Arabic in Latin letters and digits) in Arabic
letters, Arabic as Arabizi for augmentation, and transliterations.

Arabizi is read word by word: spellings of the convention, ranked as Arabic words. Addresses,
mentions, hashtags, numbers and surely foreign words stay as they are. To Arabizi, short
vowels are guessed where the text has no vowel marks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from arabench.script.transliteration import SCHEMES

if TYPE_CHECKING:
    from arabench.corpus.steps.script import ScriptConversion
    from arabench.script.arabizi import ArabiziReader

EXAMPLES = """\
examples:
  arabench script comments.txt -o arabic.txt --to arabic --convention mgr
  arabench script tweets.jsonl -o arabic.jsonl --to arabic --convention lev --foreign convert
  arabench script comments.txt -o readings.jsonl --to arabic --candidates 3
  arabench script corpus.parquet -o arabizi.parquet --to arabizi --convention egy --seed 1
  arabench script words.txt -o - --to buckwalter
  arabench script words.bw.txt -o - --from buckwalter --to arabic
"""

TARGETS: Final = ("arabic", "arabizi", *SCHEMES)
CONVENTION_NAMES: Final = {
    "egy": "Egypt", "lev": "Levant", "glf": "Gulf and Iraq", "mgr": "Maghreb",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, scripts, and how Arabizi is read or written."""
    from arabench.cli.files import add_file_arguments

    add_file_arguments(parser)
    parser.add_argument(
        "--to", required=True, metavar="SCRIPT", help=f"what is written: {', '.join(TARGETS)}"
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SCRIPT",
        help="what is read, the same names [arabizi with --to arabic, else arabic]",
    )
    parser.add_argument(
        "--convention",
        default="egy",
        metavar="NAME",
        help="whose Arabizi: "
        + ", ".join(f"{name} ({region})" for name, region in CONVENTION_NAMES.items())
        + " [egy]",
    )
    parser.add_argument(
        "--spelling",
        metavar="MODE",
        help="from Arabizi: words (the likeliest Arabic words) or letters (each letter as it is "
        "typed, all vowels and doubled letters written) [words]",
    )
    parser.add_argument(
        "--foreign",
        metavar="MODE",
        help="from Arabizi: keep English and French words, or convert them too [keep]",
    )
    parser.add_argument(
        "--candidates",
        type=int,
        metavar="N",
        help="from Arabizi to arabic: also the N likeliest readings of the whole text, best first, "
        "in the field candidates; 1 to 50",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="to Arabizi: draw spellings; the same text and seed give the same spelling "
        "[the most common spelling of each letter]",
    )
    parser.add_argument(
        "--variation",
        type=float,
        metavar="P",
        help="to Arabizi: how often another spelling is drawn, 0 to 1 [0.3 with --seed, else 0]",
    )


def run(options: argparse.Namespace) -> int:
    """Convert files."""
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.corpus.steps.script import convert_files, list_candidates

    io = io_options(options)
    output, count = options.output, options.candidates
    conversion = _conversion(options)
    inputs = find_inputs(options)
    with input_progress("script", inputs) as advance:
        if count is None:
            summary, signature = convert_files(inputs, output, conversion, io, advance)
        else:
            reader = _reader(options)
            summary, signature = list_candidates(inputs, output, reader, count, io, advance)
    return report(summary, signature, options.max_rejects)


def _conversion(options: argparse.Namespace) -> ScriptConversion:
    """What the options ask for.

    Raises:
        UsageError: an unknown script or mode, or options that contradict each other.
    """
    from arabench.corpus.steps.script import ScriptConversion
    from arabench.errors import UsageError

    source = options.source or ("arabizi" if options.to == "arabic" else "arabic")
    _check_names(source, options)
    if source == options.to:
        raise UsageError(f"--from {source} --to {source} changes nothing. Name two scripts.")
    steps: list[tuple[Callable[[str], str], str]] = []
    if source == "arabizi":
        steps.append(_from_arabizi(options))
    elif source != "arabic":
        steps.append(_from_scheme(source))
    if options.to == "arabizi":
        steps.append(_to_arabizi(options))
    elif options.to != "arabic":
        steps.append(_to_scheme(options.to))
    signature = ">".join(name for _, name in steps)
    if len(steps) == 1:
        return ScriptConversion(steps[0][0], signature)
    first, second = steps[0][0], steps[1][0]
    return ScriptConversion(lambda text: second(first(text)), signature)


def _check_names(source: str, options: argparse.Namespace) -> None:
    from arabench.errors import UsageError, did_you_mean
    from arabench.script.conventions import check_convention

    for flag, name in (("--to", options.to), ("--from", source)):
        if name not in TARGETS:
            raise UsageError(f"{flag} {name!r} is not known. {did_you_mean(name, TARGETS)}")
    check_convention(options.convention)
    reading = {"--spelling": options.spelling, "--foreign": options.foreign}
    listing = {"--candidates": options.candidates}
    writing = {"--seed": options.seed, "--variation": options.variation}
    for flags, needed, given in (
        (reading, "--from arabizi", source == "arabizi"),
        (listing, "--from arabizi --to arabic", (source, options.to) == ("arabizi", "arabic")),
        (writing, "--to arabizi", options.to == "arabizi"),
    ):
        for flag, value in flags.items():
            if value is not None and not given:
                raise UsageError(f"{flag} {value} has no effect without {needed}. Leave it out.")


def _reader(options: argparse.Namespace) -> ArabiziReader:
    from arabench.script.arabizi import ArabiziReader

    return ArabiziReader(
        options.convention,
        spelling=options.spelling or "words",
        foreign=options.foreign or "keep",
    )


def _from_arabizi(options: argparse.Namespace) -> tuple[Callable[[str], str], str]:
    reader = _reader(options)
    return reader.read, reader.signature


def _to_arabizi(options: argparse.Namespace) -> tuple[Callable[[str], str], str]:
    from arabench.script.latin import ArabiziWriter

    writer = ArabiziWriter(options.convention, seed=options.seed, variation=options.variation)
    return writer.write, writer.signature


def _from_scheme(scheme: str) -> tuple[Callable[[str], str], str]:
    from arabench.script.transliteration import from_latin

    return lambda text: from_latin(text, scheme=scheme), f"from_{scheme}"


def _to_scheme(scheme: str) -> tuple[Callable[[str], str], str]:
    from arabench.script.transliteration import transliterate

    return lambda text: transliterate(text, to=scheme), f"to_{scheme}"
