"""Near duplicates: recall, precision, speed and memory, beside datasketch in the same run.

    pip install datasketch && python tests/bench/bench_dedup.py

Quality is measured on planted duplicates against brute-force Jaccard over sets of word
pairs. Speed is CPU time of one process for sketching, searching and inserting the same
shingle sets, in alternating rounds. Memory is the growth of the resident set of a
process of its own per kept text, the index and what similarities are estimated from.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench.corpus.steps.dedup.duplicates import DedupOptions, DedupStep
from arabench.corpus.steps.dedup.exact_duplicates import DigestTable, digest_texts
from arabench.corpus.steps.dedup.near_duplicates import (
    U64,
    NearIndex,
    bands_for,
    jaccard,
    shingle_texts,
)
from tests.corpus.planted import Planted, plant

THRESHOLD = 0.8
PERMUTATIONS = 128
#: (bands, rows) of both libraries: what `NearIndex` takes for the threshold. datasketch's own
#: choice, 9 bands of 13, has a recall of 0.87 where this has 0.97.
BANDS = bands_for(THRESHOLD, PERMUTATIONS)
ROUNDS = 3
#: Answers for every shingle set, in order, whether it resembles a kept one.
Search = Callable[[Sequence[U64]], list[bool]]


def with_rensa(verify: bool = False) -> Search:
    """The package's own search."""

    def search(sets: Sequence[U64]) -> list[bool]:
        index = NearIndex(THRESHOLD, PERMUTATIONS, verify)
        found = []
        for number, (sketch, shingles) in enumerate(zip(index.sketch(sets), sets, strict=True)):
            found.append(index.find(sketch, shingles) is not None)
            if not found[-1]:
                index.add(number, sketch, shingles)
        return found

    return search


def with_datasketch() -> Search:
    """The same by datasketch: the same bands, candidates checked by estimate."""
    from datasketch import MinHash, MinHashLSH

    permutations = MinHash(PERMUTATIONS).permutations

    def search(sets: Sequence[U64]) -> list[bool]:
        index = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS)
        kept = {}
        found = []
        for number, shingles in enumerate(sets):
            sketch = MinHash(
                PERMUTATIONS, hashfunc=int, permutations=permutations, scheme="affine32"
            )
            sketch.update_batch((shingles >> np.uint64(32)).tolist())
            near = any(kept[key].jaccard(sketch) >= THRESHOLD for key in index.query(sketch))
            found.append(near)
            if not near:
                index.insert(number, sketch, check_duplication=False)
                kept[number] = sketch
        return found

    return search


def brute_force(sets: Sequence[U64]) -> list[bool]:
    """The truth: greedy, by the similarity to every kept set."""
    kept: list[U64] = []
    found = []
    for shingles in sets:
        own = np.unique(shingles)
        found.append(any(jaccard(own, other) >= THRESHOLD for other in kept))
        if not found[-1]:
            kept.append(own)
    return found


def print_quality(corpora: Sequence[Planted]) -> None:
    """Recall and precision of every search over several seeds together."""
    searches = {"rensa, estimate": with_rensa(), "rensa, --verify": with_rensa(verify=True)}
    if has_datasketch():
        searches["datasketch, estimate"] = with_datasketch()
    hits = dict.fromkeys(searches, 0)
    claims = dict.fromkeys(searches, 0)
    truths = texts = 0
    for corpus in corpora:
        sets = list(shingle_texts(corpus.texts, "words", 2))
        truth = brute_force(sets)
        truths += sum(truth)
        texts += len(sets)
        for name, search in searches.items():
            found = search(sets)
            claims[name] += sum(found)
            hits[name] += sum(a and b for a, b in zip(found, truth, strict=True))
    print(f"\nquality: {texts} texts, {truths} duplicates by brute force at {THRESHOLD}")
    print(f"{'search':<24}{'recall':>8}{'precision':>11}")
    for name in searches:
        print(f"{name:<24}{hits[name] / truths:>8.4f}{hits[name] / claims[name]:>11.4f}")


def print_kinds(corpora: Sequence[Planted]) -> None:
    """Share of each kind of planted copy that the command drops."""
    print(f"\n{'copy':<12}{'exact':>8}{'near':>8}{'near 0.6':>10}{'chars':>8}   share dropped")
    settings = (
        DedupOptions(mode="exact"),
        DedupOptions(),
        DedupOptions(threshold=0.6),
        DedupOptions(shingle="chars"),
    )
    shares: dict[str, list[float]] = {}
    for options in settings:
        counts: dict[str, list[bool]] = {}
        for corpus in corpora:
            rows = [
                {"text": text, "kind": kind}
                for text, kind in zip(corpus.texts, corpus.kinds, strict=True)
            ]
            processed = DedupStep(options)(rows)
            for row in processed.rows:
                counts.setdefault(row["kind"], []).append(False)
            for row, _ in processed.dropped:
                counts.setdefault(row["kind"], []).append(True)
        for kind, dropped in counts.items():
            shares.setdefault(kind, []).append(statistics.mean(dropped))
    for kind, values in sorted(shares.items()):
        print(f"{kind:<12}{values[0]:>8.3f}{values[1]:>8.3f}{values[2]:>10.3f}{values[3]:>8.3f}")


def print_speed(texts: int, shingles: int) -> None:
    """Microseconds per text and the ratio, alternating."""
    rng = np.random.default_rng(0)
    sets = [rng.integers(0, 2**63, size=shingles, dtype=np.uint64) for _ in range(texts)]
    searches = {"rensa": with_rensa()}
    if has_datasketch():
        searches["datasketch"] = with_datasketch()
    times: dict[str, list[float]] = {name: [] for name in searches}
    for _ in range(ROUNDS):
        for name, search in searches.items():
            started = time.process_time()
            search(sets)
            times[name].append((time.process_time() - started) / texts * 1e6)
    own = statistics.median(times["rensa"])
    print(f"\nspeed: {texts} unrelated sets of {shingles} shingles, CPU us per text")
    for name, values in times.items():
        print(
            f"{name:<24}{statistics.median(values):>8.1f}{statistics.median(values) / own:>8.1f} x"
        )


def print_end_to_end(corpora: Sequence[Planted]) -> None:
    """MB/s of the step on the planted corpora, normalization included."""
    rows = [
        {"text": f"{text} {place}"} for corpus in corpora for place, text in enumerate(corpus.texts)
    ]
    rows = [{"text": f"{row['text']} {copy}"} for copy in range(4) for row in rows]
    megabytes = sum(len(row["text"].encode()) for row in rows) / 1e6
    print(f"\nend to end: {len(rows)} rows, {megabytes:.1f} MB, per CPU-second")
    for options in (DedupOptions(mode="exact"), DedupOptions(), DedupOptions(shingle="chars")):
        step = DedupStep(options)
        step(rows[:4000])  # compile, fill caches
        step = DedupStep(options)
        started = time.process_time()
        for start in range(0, len(rows), 2000):
            step(rows[start : start + 2000])
        spent = time.process_time() - started
        print(f"{options.mode:<6}{options.shingle:<8}{megabytes / spent:>8.1f} MB/s")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def measure_memory(library: str, texts: int) -> float:
    """Growth of this process per kept text, in bytes."""
    rng = np.random.default_rng(0)

    def batches() -> Sequence[Sequence[U64]]:
        return [
            [rng.integers(0, 2**63, size=30, dtype=np.uint64) for _ in range(1000)]
            for _ in range(texts // 1000)
        ]

    given = batches()
    if library == "exact":
        table = DigestTable()
        before = _resident()
        for start in range(0, texts, 1000):
            digests = digest_texts(str(number) for number in range(start, start + 1000))
            table.insert(digests, np.arange(start, start + 1000))
        print(f"{table.nbytes / len(table):.0f} B by our own count", file=sys.stderr)
    elif library == "rensa":
        index = NearIndex(THRESHOLD, PERMUTATIONS)
        index.sketch(given[0])
        before = _resident()
        for place, sets in enumerate(given):
            for number, sketch in enumerate(index.sketch(sets)):
                index.add(1000 * place + number, sketch, sets[number])
        print(f"{index.nbytes / len(index):.0f} B by our own count", file=sys.stderr)
    else:
        from datasketch import MinHash, MinHashLSH

        permutations = MinHash(PERMUTATIONS).permutations
        lsh = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS)
        kept = []
        before = _resident()
        for place, sets in enumerate(given):
            for number, shingles in enumerate(sets):
                sketch = MinHash(
                    PERMUTATIONS, hashfunc=int, permutations=permutations, scheme="affine32"
                )
                sketch.update_batch((shingles >> np.uint64(32)).tolist())
                lsh.insert(1000 * place + number, sketch, check_duplication=False)
                kept.append(sketch)
    return (_resident() - before) / texts


def print_memory(texts: int) -> None:
    """Bytes per kept text, each library in a process of its own."""
    print(f"\nmemory: {texts} kept texts, threshold {THRESHOLD}, {PERMUTATIONS} permutations")
    for library in ("exact", "rensa", *(["datasketch"] if has_datasketch() else [])):
        done = subprocess.run(
            [sys.executable, __file__, "--memory", library, str(texts)],
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"{library:<24}{float(done.stdout):>8.0f} B per text  {done.stderr.strip()}")


def has_datasketch() -> bool:
    """Whether the peer is installed."""
    from importlib.util import find_spec

    return find_spec("datasketch") is not None


def main() -> None:
    """Print all tables, in about a minute."""
    if sys.argv[1:2] == ["--memory"]:
        print(measure_memory(sys.argv[2], int(sys.argv[3])))
        return
    if not has_datasketch():
        print("datasketch is not installed: left out")
    corpora = [plant(seed) for seed in range(5)]
    print_quality(corpora)
    print_kinds(corpora)
    print_speed(4000, 50)
    print_speed(2000, 400)
    print_end_to_end(corpora)
    print_memory(100_000)


if __name__ == "__main__":
    main()
