"""How fast `arabench audit` and the explanation of a corpus read JSON lines.

    python tests/bench/bench_audit.py [FILE.jsonl ...]

Without files the packaged demo text is repeated to some 20 MB. MB are bytes of the files
per CPU-second of one core, reading included; the floor reads the same rows and looks at
nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import orjson

from arabench.audit.explain import explain_files
from arabench.audit.reading import Unread, plan_reading, read_texts
from arabench.audit.run import AuditOptions, audit_files
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

ROUNDS = 3
TARGET_BYTES = 20_000_000


def demo_corpus(folder: Path) -> str:
    """The packaged text as JSON lines, every repetition numbered so that none is a duplicate."""
    lines = [
        line
        for name in ("msa.txt", "egy.txt")
        for line in files("arabench.demo")
        .joinpath("data", name)
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    path = folder / "demo.jsonl"
    with path.open("wb") as stream:
        number = 0
        while stream.tell() < TARGET_BYTES:
            for line in lines:
                stream.write(orjson.dumps({"text": f"{line} {number}"}) + b"\n")
            number += 1
    return str(path)


def measure(work: Callable[[], object], size: int) -> float:
    """MB per CPU-second."""
    started = time.process_time()
    work()
    return size / (time.process_time() - started) / 1e6


def main(paths: list[str]) -> None:
    """Run all rounds in turn and print medians."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = paths or [demo_corpus(Path(folder))]
        size = sum(Path(path).stat().st_size for path in inputs)
        plan = plan_reading(inputs)
        normalizer = Normalizer(options_from("llm"))
        jobs: dict[str, Callable[[], object]] = {
            "read only (floor)": lambda: sum(map(len, read_texts(plan, "text", Unread()))),
            "audit": lambda: audit_files(plan),
            "audit without terms": lambda: audit_files(plan, AuditOptions(terms=())),
            "explain, llm": lambda: explain_files(plan, normalizer),
        }
        rates: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, job in jobs.items():
                rates[name].append(measure(job, size))
        print(f"{size / 1e6:.1f} MB, median of {ROUNDS} rounds, MB per CPU-second")
        floor = statistics.median(rates["read only (floor)"])
        for name, found in rates.items():
            rate = statistics.median(found)
            print(f"{name:<24} {rate:7.1f}   {rate / floor:5.2f} of the floor")


if __name__ == "__main__":
    main(sys.argv[1:])
