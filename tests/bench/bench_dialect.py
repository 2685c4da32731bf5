"""Dialect identification: the shipped scorer beside scikit-learn's hashing and a linear model.

    python tests/bench/bench_dialect.py [FILE ...]

Peers run alternately in one process on the same sentences (the lines of FILEs, else the packaged
ones), in sentences per CPU-second of one core. The peers hash the same n-grams (of 2 to 5
characters inside of words, words, and pairs of words) into as many buckets and predict five
classes with a linear model; their text is folded by nobody. scikit-learn is slow and gets a
part of the sentences; the scorer gets all of them, cut off from its word cache (each round
begins with an empty one) and with a warm one.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from arabench.corpus.io_options import IoOptions
from arabench.corpus.steps.dialect.labels import dialect_files
from arabench.dialect.features import FeatureSpec, words_of
from arabench.dialect.identification import Identifier, identify_column
from arabench.dialect.model import CLASSES, DialectModel, shipped_model
from arabench.errors import DataError
from arabench.resources import tasks_dir

ROUNDS = 5
#: Packaged sentences are repeated to this many.
AT_LEAST = 40_000
#: Sentences that scikit-learn gets.
PART = 2_000
PEER = "scikit-learn, char_wb 2-5"
Timed = tuple[Callable[[], Any], int]


def _read() -> list[str]:
    names = sys.argv[1:]
    if names:
        text = "\n".join(Path(name).read_text("utf-8") for name in names)
        return [line for line in text.split("\n") if line.strip()]
    data = files("arabench.demo").joinpath("data")
    lines = [line for name in ("msa", "egy") for line in _lines(data.joinpath(f"{name}.txt"))]
    for path in sorted((tasks_dir() / "arabench_dialects" / "data").glob("*.jsonl")):
        texts = [orjson.loads(line).get("text") for line in path.read_bytes().splitlines()]
        lines += [text for text in texts if isinstance(text, str)]
    return lines * -(-AT_LEAST // len(lines))


def _lines(path: Any) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()]


def _part(lines: list[str]) -> list[str]:
    """Sentences from everywhere in the text, for what is slow."""
    return lines[:: max(1, len(lines) // PART)][:PART]


def _model() -> tuple[DialectModel, str]:
    try:
        return shipped_model(), "shipped"
    except DataError:
        spec = FeatureSpec()
        random = np.random.default_rng(0)
        weights = random.integers(-127, 128, (spec.buckets, len(CLASSES))).astype(np.int8)
        flat = (1.0 / len(CLASSES),) * len(CLASSES)
        return DialectModel(spec, weights, (0.01,) * 5, (0.0,) * 5, flat), "of random weights"


def _scikit_learn(lines: list[str]) -> dict[str, Timed]:
    try:
        text = importlib.import_module("sklearn.feature_extraction.text")
        linear = importlib.import_module("sklearn.linear_model")
        sparse = importlib.import_module("scipy.sparse")
    except ImportError:
        print("scikit-learn is not installed: left out (pip install scikit-learn)")
        return {}
    part = _part(lines)
    common = {"n_features": 1 << 20, "alternate_sign": False, "norm": None}
    chars = text.HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)
    words = text.HashingVectorizer(analyzer="word", ngram_range=(1, 2), **common)
    labels = np.arange(len(part)) % len(CLASSES)

    def both() -> Any:
        return sparse.hstack([chars.transform(part), words.transform(part)], format="csr")

    one = linear.SGDClassifier(loss="log_loss", max_iter=1, tol=None, random_state=0)
    one.fit(chars.transform(part), labels)
    two = linear.SGDClassifier(loss="log_loss", max_iter=1, tol=None, random_state=0)
    two.fit(both(), labels)
    return {
        PEER: (lambda: one.predict(chars.transform(part)), len(part)),
        "scikit-learn, char_wb 2-5 + words 1-2": (lambda: two.predict(both()), len(part)),
    }


def peers(lines: list[str], model: DialectModel, folder: Path) -> dict[str, Timed]:
    """Name -> what to time, and the sentences it goes through."""
    warm = Identifier(model, compile_after_chars=0)
    array = pa.array(lines)
    source, count = folder / "in.jsonl", len(lines)
    source.write_bytes(
        b"".join(orjson.dumps({"text": line}, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
    )
    pq.write_table(pa.table({"text": array}), folder / "in.parquet")
    io = IoOptions(output_format="jsonl")
    part = _part(lines)

    def cold() -> Any:
        return identify_column(array, Identifier(model, compile_after_chars=0))

    def by_reference() -> Any:
        return Identifier(model, compile_after_chars=sys.maxsize).label(part)

    return {
        "arabench, Arrow to Arrow": (lambda: identify_column(array, warm), count),
        "arabench, the same, empty cache": (cold, count),
        "arabench, strings to labels": (lambda: warm.label(lines).varieties(), count),
        "arabench, strings to objects": (lambda: warm.identify(lines), count),
        "arabench dialect, .jsonl to .jsonl": (
            lambda: dialect_files([str(source)], "/dev/null", None, io, warm),
            count,
        ),
        "arabench dialect, .parquet to .parquet": (
            lambda: dialect_files(
                [str(folder / "in.parquet")], str(folder / "out.parquet"), None, None, warm
            ),
            count,
        ),
        "arabench, reference": (by_reference, len(part)),
        **_scikit_learn(lines),
    }


def main() -> None:
    """Print a table of rates and ratios."""
    lines = _read()
    model, kind = _model()
    started = time.process_time()
    Identifier(model, compile_after_chars=0).label(lines[:1])
    print(f"load or compile: {time.process_time() - started:.2f} s, not counted below")
    with tempfile.TemporaryDirectory() as folder:
        functions = peers(lines, model, Path(folder))
        rates: dict[str, list[float]] = {name: [] for name in functions}
        for function, _ in functions.values():
            function()
        for _ in range(ROUNDS):
            for name, (function, count) in functions.items():
                started = time.process_time()
                function()
                rates[name].append(count / (time.process_time() - started))
    words = [word for line in lines for word in words_of(line)]
    print(
        f"{len(lines)} sentences, {len(words) / len(lines):.1f} words each, {len(set(words))} "
        f"distinct; model {kind}; median of {ROUNDS} alternating rounds"
    )
    peer = statistics.median(rates[PEER]) if PEER in rates else float("nan")
    print(f"{'':<40}{'sentences/s':>12}{'x ' + PEER:>30}")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:<40}{middle:>12,.0f}{middle / peer:>30.1f}")


if __name__ == "__main__":
    main()
