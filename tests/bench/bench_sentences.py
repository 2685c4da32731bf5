"""Sentence segmentation in memory: the compiled procedure beside named peers.

    python tests/bench/bench_sentences.py [FILE ...]

Peers run alternately in one process on the same text (the packaged demo corpus repeated, or
the lines of FILEs), so the ratios hold on a noisy machine; MB are UTF-8 megabytes per
CPU-second of one core. `sentence_ends` goes from an Arrow string array to byte offsets, its
UTF-8 checked; everything else from Python strings to Python objects. The peers do less: the
split cuts at every stop, pySBD (Arabic) knows some abbreviations. camel-tools and pyarabic
have no sentence segmentation. Slow peers get the first part of the text only.
"""

from __future__ import annotations

import importlib
import re
import statistics
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa

from arabench.text.compiled.sentence_kernel import sentence_ends
from arabench.text.sentences import SentenceSplitter, sentence_spans

ROUNDS = 5
TARGET_BYTES = 15_000_000
#: Bytes of the part that slow peers get.
PART_BYTES = 2_000_000
SLOWEST_BYTES = 100_000
PEER = "re.split at [.!?\u061f\\n]"


def _read() -> list[str]:
    names = sys.argv[1:]
    if names:
        return [line for name in names for line in Path(name).read_text("utf-8").split("\n")]
    data = files("arabench.demo").joinpath("data")
    lines = [
        line
        for name in ("msa", "egy")
        for line in data.joinpath(f"{name}.txt").read_text("utf-8").splitlines()
    ]
    # Documents of a few lines: a row that is one sentence measures the row, not the rules.
    lines = [" ".join(lines[at : at + 5]) for at in range(0, len(lines), 5)]
    return lines * (1 + TARGET_BYTES // _size(lines))


def _size(lines: list[str]) -> int:
    return sum(len(line.encode()) for line in lines)


def _part(lines: list[str], size: int) -> list[str]:
    total = 0
    for place, line in enumerate(lines):
        total += len(line.encode())
        if total >= size:
            return lines[: place + 1]
    return lines


def _arrow(lines: list[str]) -> tuple[Callable[[], Any], int]:
    array = pa.array(lines)
    return lambda: sentence_ends(array), _size(lines)


def peers(lines: list[str]) -> dict[str, tuple[Callable[[], Any], int]]:
    """Name -> what to time, and the bytes it goes through."""
    stop = re.compile("[.!?\u061f\n]")
    splitter = SentenceSplitter(compile_after_chars=0)
    part = _part(lines, PART_BYTES)
    found: dict[str, tuple[Callable[[], Any], int]] = {
        "arabench sentence_ends (Arrow)": _arrow(lines),
        "arabench split_many (strings)": (lambda: splitter.split_many(lines), _size(lines)),
        "arabench reference (strings)": (
            lambda: [sentence_spans(line) for line in part],
            _size(part),
        ),
    }
    try:
        pysbd = importlib.import_module("pysbd")
        few = _part(lines, SLOWEST_BYTES)
        segmenter = pysbd.Segmenter(language="ar", clean=False)
        found["pySBD, ar (strings)"] = (
            lambda: [segmenter.segment(line) for line in few],
            _size(few),
        )
    except ImportError:
        print("pySBD is not installed: left out")
    found[PEER] = lambda: [stop.split(line) for line in lines], _size(lines)
    return found


def main() -> None:
    """Print a table of rates and ratios."""
    lines = _read()
    functions = peers(lines)
    started = time.process_time()
    sentence_ends(pa.array(lines[:1]))
    print(f"load or compile: {time.process_time() - started:.2f} s, not counted below")
    rates: dict[str, list[float]] = {name: [] for name in functions}
    for function, _ in functions.values():
        function()
    for _ in range(ROUNDS):
        for name, (function, size) in functions.items():
            started = time.process_time()
            function()
            rates[name].append(size / 1e6 / (time.process_time() - started))
    peer = statistics.median(rates[PEER])
    count = len(sentence_ends(pa.array(lines)).byte_ends)
    print(
        f"{_size(lines) / 1e6:.1f} MB in {len(lines)} rows, {count} sentences, "
        f"median of {ROUNDS} alternating rounds"
    )
    print(f"{'segmenter':<34}{'MB/s':>8}{'x ' + PEER:>34}")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:<34}{middle:>8.1f}{middle / peer:>34.2f}")


if __name__ == "__main__":
    main()
