"""The CAMeL backends beside camel-tools word by word, on the same text and database.

    python tests/bench/bench_camel.py [--db FILE.db]... [--words N] [TEXT ...]

Peers run alternately in one process on the words of TEXT (or of the packaged demo corpus,
repeated). Every run of ours starts with nothing cached and gets all words in batches; rates
are running words per CPU-second, so they hold on a noisy machine. camel-tools runs

- word by word: `Analyzer.analyze` for every running word, the best by the same ranking;
- `MorphologicalTokenizer` for d3tok on the database without counts, word by word;
- with its cache: `Analyzer.analyze` with `cache_size=100000`, as fresh as ours;
- `MorphologicalTokenizer` over `MLEDisambiguator` for d3tok (whose own cache never keeps
  anything in camel-tools 1.6.0), against `camel_mle`.

It produces features only; ours, the segments. Slow peers get the first part of the words.
Without --db the database of the tests is used, and its word counts. Without TEXT a spelling
comes back far more often than in real text, which flatters caches, ours above all: give it
text, and judge by that.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from arabench.camel_data import import_camel
from arabench.morph.camel.database import CompiledDatabase
from arabench.morph.camel.database_file import read_database
from arabench.morph.camel.segmenters import camel_mle
from tests.morph.camel.camel_folder import write_mle

ROUNDS = 3
BATCH = 10_000
#: Running words that slow peers get.
PART = 10_000
WORD = re.compile("[\u0621-\u063a\u0640-\u0652\u0670\u0671]+")


def running_words(names: list[str], count: int) -> list[str]:
    """Words of the files, or of the demo corpus."""
    if names:
        text = "\n".join(Path(name).read_text("utf-8") for name in names)
        return WORD.findall(text)[:count]
    data = files("arabench.demo").joinpath("data")
    text = "\n".join(data.joinpath(f"{name}.txt").read_text("utf-8") for name in ("msa", "egy"))
    words = WORD.findall(text)
    return (words * (1 + count // len(words)))[:count]


def _fresh_rate(make: Callable[[], Any], words: list[str]) -> float:
    """Running words per second of a segmenter that has seen none of them."""
    segmenter = make()
    started = time.process_time()
    for at in range(0, len(words), BATCH):
        segmenter.segment(words[at : at + BATCH])
    return len(words) / (time.process_time() - started)


def _peer_rate(analyze: Callable[[str], Any], words: list[str]) -> float:
    started = time.process_time()
    for word in words:
        analyze(word)
    return len(words) / (time.process_time() - started)


def compare_database(path: Path, words: list[str]) -> None:
    """Print rates of the database backend and of `Analyzer`."""
    from arabench.morph.camel.segmenters import CamelDatabase

    database, left_out = read_database(path)
    analyzer = import_camel("camel_tools.morphology.analyzer").Analyzer
    compiled = CompiledDatabase(database, left_out=left_out)
    part = words[:PART]

    def best(analyses: list[dict[str, Any]]) -> Any:
        return min(analyses, key=lambda a: (len(a["bw"]), a["diac"]), default=None)

    def slow() -> float:
        one = analyzer(database, compiled.backoff)
        return _peer_rate(lambda word: best(one.analyze(word)), part)

    def tokenized() -> float:
        mle = import_camel("camel_tools.disambig.mle")
        tokenizers = import_camel("camel_tools.tokenizers.morphological")
        ranked = mle.MLEDisambiguator(analyzer(database, compiled.backoff))
        tokenizer = tokenizers.MorphologicalTokenizer(ranked, scheme="d3tok")
        return _peer_rate(lambda word: tokenizer.tokenize([word]), part)

    def cached() -> float:
        one = analyzer(database, compiled.backoff, cache_size=100_000)
        return _peer_rate(lambda word: best(one.analyze(word)), words)

    def ours() -> float:
        def make() -> CamelDatabase:
            fresh = CompiledDatabase(database)
            return CamelDatabase(fresh, fresh.best_of, "bench")

        return _fresh_rate(make, words)

    known = sum(bool(compiled.candidates(word)) for word in set(words))
    table = {
        "camel-tools, word by word": slow,
        "camel-tools MorphologicalTokenizer": tokenized,
        "camel-tools, cache_size=100000": cached,
        "arabench camel-db": ours,
    }
    print(f"\n{path.name}: {len(words)} words, {len(set(words))} spellings, {known} analyzed")
    _print(table, f"backoff {compiled.backoff}")


def compare_mle(words: list[str]) -> None:
    """Print rates of the MLE backend and of `MorphologicalTokenizer` over the same model."""
    mle = import_camel("camel_tools.disambig.mle")
    tokenizers = import_camel("camel_tools.tokenizers.morphological")
    folder = Path(os.environ["CAMELTOOLS_DATA"]) / "data"
    database, _ = read_database(folder / "morphology_db/calima-msa-r13/morphology.db")
    analyzer = import_camel("camel_tools.morphology.analyzer").Analyzer(database, "NOAN_PROP")
    model = str(folder / "disambig_mle/calima-msa-r13/model.json")

    def theirs() -> float:
        tokenizer = tokenizers.MorphologicalTokenizer(
            mle.MLEDisambiguator(analyzer, model), scheme="d3tok"
        )
        return _peer_rate(lambda word: tokenizer.tokenize([word]), words[:PART])

    print(f"\nMLE stand-in: {len(words)} words, {len(set(words))} spellings")
    _print(
        {
            "camel-tools MorphologicalTokenizer": theirs,
            "arabench camel-mle": lambda: _fresh_rate(camel_mle, words),
        },
        "backoff NOAN_PROP",
    )


def _print(table: dict[str, Callable[[], float]], note: str) -> None:
    rates: dict[str, list[float]] = {name: [] for name in table}
    for _ in range(ROUNDS):
        for name, rate in table.items():
            rates[name].append(rate())
    slowest = statistics.median(rates[next(iter(table))])
    print(f"{note}, median of {ROUNDS} alternating rounds")
    print(f"{'':<36}{'words/s':>12}{'ratio':>9}")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:<36}{middle:>12,.0f}{middle / slowest:>9.1f}")


def main() -> None:
    """Print tables of rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--db", action="append", default=[], type=Path)
    parser.add_argument("--words", type=int, default=200_000)
    parser.add_argument("texts", nargs="*")
    given = parser.parse_args()
    words = running_words(given.texts, given.words)
    with tempfile.TemporaryDirectory() as folder:
        write_mle(Path(folder))
        os.environ["CAMELTOOLS_DATA"] = folder
        stand_in = Path(folder) / "data/morphology_db/calima-msa-r13/morphology.db"
        for path in given.db or [stand_in]:
            compare_database(path, words)
        compare_mle(words)


if __name__ == "__main__":
    main()
