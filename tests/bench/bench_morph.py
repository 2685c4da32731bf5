"""Morphological tokenization in memory: `arabench tokenize` beside camel-tools' word path.

    python tests/bench/bench_morph.py [FILE ...]

Peers run alternately in one process on the same text (the packaged demo corpus repeated, or
the lines of FILEs; in .tsv the last column), so the ratios hold on a noisy machine. Rates are
Arabic words per CPU-second of one core, from Python strings to Python strings. The peer is
`simple_word_tokenize` of camel-tools, which every tokenizer of camel-tools needs before it
sees a word, then one lookup per word in a dictionary that already holds the answers: what
camel-tools would do if its disambiguator cost nothing. A first pass, with every spelling
segmented anew, is printed apart from later ones, where answers are kept.
"""

from __future__ import annotations

import importlib.util
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

from arabench.morph.schemes import WORD_CLASS
from arabench.morph.tokenizer import Detokenizer, Tokenizer

ROUNDS = 5
TARGET_WORDS = 400_000
#: Rows given to the tokenizer at once, as a run over files does.
BATCH = 1000
#: Share of the text that slow peers get.
PEER_SHARE = 10
_WORD = re.compile(f"[{WORD_CLASS}]+")


def _read() -> list[str]:
    names = sys.argv[1:]
    if names:
        lines = [line for name in names for line in Path(name).read_text("utf-8").split("\n")]
        lines = [line.rsplit("\t", 1)[-1] for line in lines]
    else:
        data = files("arabench.demo").joinpath("data")
        lines = [
            line
            for name in ("msa", "egy")
            for line in data.joinpath(f"{name}.txt").read_text("utf-8").splitlines()
        ]
        lines *= 1 + TARGET_WORDS // _words(lines)
    total, kept = 0, []
    for line in lines:
        kept.append(line)
        total += len(_WORD.findall(line))
        if total >= TARGET_WORDS:
            break
    return kept


def _words(lines: list[str]) -> int:
    return sum(len(_WORD.findall(line)) for line in lines)


def _in_batches(function: Callable[[Sequence[str]], list[str]], lines: list[str]) -> list[str]:
    return [
        text
        for start in range(0, len(lines), BATCH)
        for text in function(lines[start : start + BATCH])
    ]


Peers = dict[str, tuple[Callable[[], list[str]], int]]


def peers(lines: list[str]) -> Peers:
    """Name -> what to time, and the words it goes through."""
    words = _words(lines)
    found: Peers = {}
    for scheme, mark in (("d3", "marked"), ("seg", "plus"), ("d3", "split")):
        tokenizer = Tokenizer(scheme, mark)
        tokenized = _in_batches(tokenizer.tokenize_many, lines)
        undo = Detokenizer(scheme, mark)
        if undo.detokenize_many(tokenized) != lines:
            raise SystemExit("detokenized text differs: the rates below would mean nothing")
        found[f"arabench tokenize {scheme} {mark}"] = (
            partial(_in_batches, tokenizer.tokenize_many, lines),
            words,
        )
        found[f"arabench detokenize {scheme} {mark}"] = (
            partial(_in_batches, undo.detokenize_many, tokenized),
            words,
        )
    part = lines[: 1 + len(lines) // PEER_SHARE]
    known = {word: word for line in lines for word in _WORD.findall(line)}
    get = known.get
    found["re.findall + dictionary"] = (
        lambda: [" ".join([get(word, word) for word in _WORD.findall(line)]) for line in lines],
        words,
    )
    if importlib.util.find_spec("camel_tools") is None:
        print("camel-tools is not installed: left out")
        return found
    from camel_tools.tokenizers.word import simple_word_tokenize

    found[PEER] = (
        lambda: [" ".join([get(word, word) for word in simple_word_tokenize(x)]) for x in part],
        _words(part),
    )
    return found


PEER = "simple_word_tokenize + dictionary"


def _first_pass(lines: list[str]) -> None:
    tokenizer = Tokenizer("d3", "marked")
    started = time.process_time()
    tokenizer.tokenize("كتاب")
    print(f"load the model: {time.process_time() - started:.2f} s, not counted below")
    started = time.process_time()
    _in_batches(tokenizer.tokenize_many, lines)
    spent = time.process_time() - started
    types = len({word for line in lines for word in _WORD.findall(line)})
    print(
        f"first pass, d3 marked: {_words(lines) / spent / 1e6:.2f} million words/s; "
        f"{types} spellings, each segmented once"
    )


def main() -> None:
    """Print a table of rates and ratios."""
    lines = _read()
    _first_pass(lines)
    functions = peers(lines)
    rates: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, (function, words) in functions.items():
            started = time.process_time()
            function()
            rates[name].append(words / 1e6 / (time.process_time() - started))
    last = PEER if PEER in rates else "re.findall + dictionary"
    peer = statistics.median(rates[last])
    print(
        f"{_words(lines)} words in {len(lines)} rows, answers kept, "
        f"median of {ROUNDS} alternating rounds"
    )
    print(f"{'tokenizer':<36}{'million words/s':>17}{'x ' + last:>38}")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:<36}{middle:>17.2f}{middle / peer:>38.1f}")


if __name__ == "__main__":
    main()
