"""What `arabench filter` measures of texts, in memory, beside counting words in Python.

    python tests/bench/bench_filter.py [FILE ...]

Texts are the lines of FILEs (in .tsv the last column), else of the packaged demo corpus, some
13 MB; and pages of twenty lines of 50 characters, which have the most lines per character.
Variants run alternately in one process; MB are UTF-8 megabytes per CPU-second of one core,
from Python strings. The peer is `str.split` and a `Counter` of the words of every text; the
floor only scans words, without a measure.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from arabench.corpus.steps.filters.text_measures import measure_many
from arabench.corpus.word_hashes import blocks

ROUNDS = 7
LINES_BYTES = 13_000_000
PAGES_BYTES = 2_300_000
LINES_PER_PAGE = 20
SHORT_CHARS = 50
#: Texts measured at once, as a run over files does.
BATCH = 1000


def read_lines(names: list[str]) -> list[str]:
    """Lines of the files, or of the packaged corpus; blank ones are left out."""
    data = files("arabench.demo").joinpath("data")
    texts = [Path(name).read_text("utf-8") for name in names] or [
        data.joinpath(f"{name}.txt").read_text("utf-8") for name in ("msa", "egy")
    ]
    lines = [line.rsplit("\t", 1)[-1] for text in texts for line in text.split("\n")]
    return [line for line in lines if line.strip()]


def repeat_to(texts: list[str], least_bytes: int) -> list[str]:
    """As many of the texts, in order and from the start again, as have so many bytes."""
    kept: list[str] = []
    size = 0
    while size < least_bytes:
        kept.append(texts[len(kept) % len(texts)])
        size += len(kept[-1].encode())
    return kept


def pages_of(lines: list[str]) -> list[str]:
    """Pages of short lines."""
    short = [line[:SHORT_CHARS] for line in lines]
    return [
        "\n".join(short[start : start + LINES_PER_PAGE])
        for start in range(0, len(short), LINES_PER_PAGE)
    ]


def count_words(texts: Sequence[str]) -> None:
    """The standard library's word counts of every text."""
    for text in texts:
        Counter(text.split())


def scan_words(texts: Sequence[str]) -> None:
    """Words and classes of characters, without a measure."""
    for _ in blocks(texts):
        pass


def in_batches(function: Callable[[Sequence[str]], object], texts: list[str]) -> None:
    """Call it with `BATCH` texts at once."""
    for start in range(0, len(texts), BATCH):
        function(texts[start : start + BATCH])


def main() -> None:
    """Print a table of rates and ratios for lines, and one for pages."""
    lines = read_lines(sys.argv[1:])
    variants: dict[str, Callable[[Sequence[str]], object]] = {
        "measure_many": measure_many,
        "words only (floor)": scan_words,
        "str.split + Counter": count_words,
    }
    for title, texts in (
        ("lines", repeat_to(lines, LINES_BYTES)),
        ("pages of short lines", repeat_to(pages_of(lines), PAGES_BYTES)),
    ):
        size = sum(len(text.encode()) for text in texts) / 1e6
        rates: dict[str, list[float]] = {name: [] for name in variants}
        for function in variants.values():
            in_batches(function, texts[:BATCH])  # tables are made before anything is timed
        for _ in range(ROUNDS):
            for name, function in variants.items():
                gc.collect()
                started = time.process_time()
                in_batches(function, texts)
                rates[name].append(size / (time.process_time() - started))
        peer = statistics.median(rates["str.split + Counter"])
        print(f"\n{title}: {size:.1f} MB, {len(texts)} texts, median of {ROUNDS} rounds")
        print(f"{'':<34}{'MB/s':>8}{'x str.split + Counter':>24}")
        for name, values in rates.items():
            middle = statistics.median(values)
            print(f"{name:<34}{middle:>8.1f}{middle / peer:>24.2f}")


if __name__ == "__main__":
    main()
