"""The engine inside datasets and datatrove, beside the plain reference inside the same.

    python tests/bench/bench_engines.py [FILE ...]

Text is the packaged demo corpus, or the lines of FILEs, one line per row, repeated to the
stated size. Variants run alternately. `datasets.map` runs in two processes and is measured
by wall-clock time, writing its result to disk as it always does; its processes are new in
every call, so loading the compiled engine (about a second) is in every figure, and weighs
less on more text. The datatrove step runs in this process and is measured in CPU-seconds.
"no-op" is the same machinery with a function that changes nothing: the most that any engine
could reach there.
"""

from __future__ import annotations

import dataclasses
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from arabench.engines.datatrove_step import NormalizeDocuments
from arabench.engines.hf_datasets import normalize_examples
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options
from arabench.text.presets import options_from

ROUNDS = 3
SMALL_MB = 10
LARGE_MB = 80
PRESET = "llm"


@dataclasses.dataclass(frozen=True)
class ReferenceMap:
    """What one writes by hand: the reference on every example."""

    options: Options

    def __call__(self, examples: dict[str, Any]) -> dict[str, Any]:
        normalize = Normalizer(self.options).normalize
        return {"text": [normalize(text) for text in examples["text"]]}


def same(examples: Any) -> Any:
    """A map that changes nothing and still has the column written again."""
    return examples if not hasattr(examples, "keys") else {"text": list(examples["text"])}


def lines_of(names: list[str], megabytes: int) -> list[str]:
    """Lines of the files, or of the packaged corpus, repeated to at most `megabytes`."""
    data = files("arabench.demo").joinpath("data")
    texts = (
        [Path(name).read_text("utf-8") for name in names]
        if names
        else [data.joinpath(f"{name}.txt").read_text("utf-8") for name in ("msa", "egy")]
    )
    lines = [line for text in texts for line in text.splitlines()]
    size = sum(len(line.encode()) for line in lines)
    return lines * max(1, megabytes * 1_000_000 // size)


def size_of(lines: list[str]) -> float:
    """UTF-8 megabytes."""
    return sum(len(line.encode()) for line in lines) / 1e6


def rates(
    variants: dict[str, Callable[[], object]], lines: list[str], clock: Callable[[], float]
) -> dict[str, float]:
    """Median MB/s of every variant over alternating rounds, after one that is not counted."""
    for run in variants.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, run in variants.items():
            gc.collect()  # else what the run before left is collected in this one, or is not
            started = clock()
            run()
            seconds[name].append(clock() - started)
    return {name: size_of(lines) / statistics.median(taken) for name, taken in seconds.items()}


def show(title: str, found: dict[str, float]) -> None:
    """Rates, and ratios to the first variant."""
    first = next(iter(found.values()))
    print(f"\n{title}")
    print(f"  {'':<44}{'MB/s':>8}{'x reference':>13}")
    for name, rate in found.items():
        print(f"  {name:<44}{rate:>8.1f}{rate / first:>13.1f}")


def bench_datasets(small: list[str], large: list[str]) -> None:
    """`datasets.map(num_proc=2)`, wall-clock; the reference on the small text only."""
    import datasets

    datasets.disable_progress_bars()
    options = options_from(PRESET)
    found: dict[str, float] = {}
    for lines in (small, large):
        with tempfile.TemporaryDirectory() as folder:
            datasets.Dataset.from_dict({"text": lines}).save_to_disk(folder)
            variants = {
                f"{name}, {size_of(lines):.0f} MB": _map(folder, function, form)
                for name, function, form in (
                    ("reference", ReferenceMap(options), None),
                    ("normalize_examples", normalize_examples(options), None),
                    ('normalize_examples, "arrow"', normalize_examples(options), "arrow"),
                    ("no-op", same, None),
                    ('no-op, "arrow"', same, "arrow"),
                )
                if lines is small or name != "reference"
            }
            found |= rates(variants, lines, time.perf_counter)
    show("datasets.map(num_proc=2), wall-clock", found)


def _map(folder: str, function: Any, form: str | None) -> Callable[[], object]:
    import datasets

    rows = datasets.load_from_disk(folder).with_format(form)
    cache = str(Path(folder) / "out.arrow")
    return lambda: rows.map(
        function, batched=True, num_proc=2, load_from_cache_file=False, cache_file_name=cache
    )


def bench_datatrove(lines: list[str], _: list[str]) -> None:
    """One pipeline step over documents in memory, CPU time."""
    from datatrove.data import Document
    from datatrove.pipeline.formatters.base import BaseFormatter

    class ReferenceFormatter(BaseFormatter):  # type: ignore[misc]  # datatrove is untyped
        normalize = staticmethod(Normalizer(options_from(PRESET)).normalize)

        def format(self, text: str) -> str:
            return self.normalize(text)

    class NoFormatter(BaseFormatter):  # type: ignore[misc]
        def format(self, text: str) -> str:
            return text

    def documents() -> Iterator[Any]:
        for number, line in enumerate(lines):
            yield Document(text=line, id=str(number))

    def variant(step: Any) -> Callable[[], object]:
        return lambda: sum(1 for _ in step(documents()))

    variants = {
        "reference as a formatter": variant(ReferenceFormatter()),
        "NormalizeDocuments": variant(NormalizeDocuments(PRESET)),
        "no-op formatter": variant(NoFormatter()),
    }
    found = rates(variants, lines, time.process_time)
    show(f"datatrove step, {size_of(lines):.0f} MB, per CPU-second", found)


def main() -> None:
    """Both tables."""
    small, large = (lines_of(sys.argv[1:], size) for size in (SMALL_MB, LARGE_MB))
    print(f"preset {PRESET}, median of {ROUNDS} alternating rounds")
    for bench, package in ((bench_datasets, "datasets"), (bench_datatrove, "datatrove")):
        try:
            bench(small, large)
        except ImportError:
            print(f"\n{package} is not installed: left out")


if __name__ == "__main__":
    main()
