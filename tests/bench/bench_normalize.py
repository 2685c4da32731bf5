"""Normalization of strings in memory: the reference engine beside named peers.

    python tests/bench/bench_normalize.py [FILE ...]

Peers run alternately in one process on the same text (the packaged demo corpus, or the
lines of FILEs), so the ratios hold on a noisy machine; MB are UTF-8 megabytes per
CPU-second of one core, from and to Python strings. The peers do less than `llm`:
pyarabic strips tashkeel and tatweel and unifies hamza; camel-tools maps characters with
its `arclean` mapper and dediacritizes; the standard-library chain is one
`str.translate` and one `re.sub`.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path

from arabench import chars
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

ROUNDS = 5
TARGET_BYTES = 2_000_000


Engine = Callable[[list[str]], list[str]]


def _line_by_line(function: Callable[[str], str]) -> Engine:
    return lambda lines: [function(line) for line in lines]


def _alone(engine: BatchNormalizer, line: str) -> str:
    return engine.normalize_many([line])[0]


def peers() -> dict[str, Engine]:
    """Name -> function of many lines; missing packages are left out and named."""
    found: dict[str, Engine] = {}
    for preset in ("llm", "paper", "search"):
        found[f"arabench reference, {preset}"] = _line_by_line(
            Normalizer(options_from(preset)).normalize
        )
        engine = BatchNormalizer(Normalizer(options_from(preset)), compile_after_chars=0)
        found[f"arabench compiled, {preset}"] = engine.normalize_many
        if preset == "llm":
            found["the same, a call for every line"] = _line_by_line(partial(_alone, engine))
    table = str.maketrans(
        dict.fromkeys(chars.DIACRITICS | {chars.TATWEEL}, None)
        | dict.fromkeys(chars.ALIF_VARIANTS, chars.ALIF)
    )
    space = re.compile(r"\s+")
    found["str.translate + re.sub"] = _line_by_line(
        lambda text: space.sub(" ", text.translate(table))
    )
    try:
        import pyarabic.araby as araby

        found["pyarabic"] = _line_by_line(
            lambda text: araby.normalize_hamza(araby.strip_tatweel(araby.strip_tashkeel(text)))
        )
    except ImportError:
        print("pyarabic is not installed: left out")
    try:
        from camel_tools.utils.charmap import CharMapper
        from camel_tools.utils.dediac import dediac_ar

        mapper = CharMapper.builtin_mapper("arclean")
        found["camel-tools arclean + dediac"] = _line_by_line(lambda text: dediac_ar(mapper(text)))
    except ImportError:
        print("camel-tools is not installed: left out")
    return found


def main() -> None:
    """Print a table of rates and ratios."""
    names = sys.argv[1:]
    if names:
        lines = [line for name in names for line in Path(name).read_text("utf-8").splitlines()]
    else:
        data = files("arabench.demo").joinpath("data")
        lines = [
            line
            for name in ("msa", "egy")
            for line in data.joinpath(f"{name}.txt").read_text("utf-8").splitlines()
        ]
    size = sum(len(line.encode()) for line in lines)
    lines = lines * max(1, TARGET_BYTES // size)
    megabytes = sum(len(line.encode()) for line in lines) / 1e6
    functions = peers()
    rates: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function(lines[:1])  # compile and load before anything is timed
    for _ in range(ROUNDS):
        for name, function in functions.items():
            started = time.process_time()
            function(lines)
            rates[name].append(megabytes / (time.process_time() - started))
    last = next(reversed(functions))
    peer = statistics.median(rates[last])
    print(f"{megabytes:.1f} MB in {len(lines)} lines, median of {ROUNDS} alternating rounds")
    print(f"{'engine':<34}{'MB/s':>8}{'x ' + last:>34}")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:<34}{middle:>8.1f}{middle / peer:>34.2f}")


if __name__ == "__main__":
    main()
