"""Throw random and damaged text at everything that works on words.

    python tools/fuzz_words.py [--cases 200000] [--seed 0]

For every text: each scheme and mark of tokenization gives it back; the segments of every word
rejoin to it; the compiled dialect scorer gives the sums of the reference, and probabilities
add up to one; Arabizi and transliterations end without an error. Prints how many texts passed,
or the first that failed and exit status 1. The count for a release stands in docs/log.md.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from importlib.resources import files

import numpy as np
import pyarrow as pa
from fuzz_engines import COMMON, random_text

from arabench.dialect.identification import Identifier
from arabench.dialect.scoring import Kernel, reference_sums
from arabench.morph.marks import MARKS
from arabench.morph.schemes import SCHEMES
from arabench.morph.segmenter import BuiltinSegmenter
from arabench.morph.tokenizer import Tokenizer
from arabench.script.arabizi import to_arabic
from arabench.script.latin import to_arabizi
from arabench.script.transliteration import from_latin, transliterate
from arabench.text.column import Column

BATCH = 500
PIECES = (
    "#",
    "@",
    " #",
    "_",
    "+",
    "\\",
    " +",
    "+ ",
    "\u2060",
    " ",
    "\n",
    "\u0640" * 5,
    "a",
    "3",
    "7",
    "\U0001f600",
)


def written() -> list[str]:
    """The sentences of the dialect model's data."""
    folder = files("arabench.dialect").joinpath("written")
    lines = []
    for name in ("msa", "egy", "glf", "lev", "mgr"):
        text = folder.joinpath(f"{name}.tsv").read_text(encoding="utf-8")
        lines += [line.split("\t")[3] for line in text.splitlines()[1:]]
    return lines


def damaged(rng: random.Random, text: str) -> str:
    """A sentence with letters taken out, doubled, marked or stretched, and signs put in."""
    letters = list(text)
    for _ in range(rng.randrange(6)):
        place = rng.randrange(len(letters) + 1)
        piece = rng.choice(PIECES) if rng.random() < 0.5 else rng.choice(COMMON)
        letters[place : place + rng.randrange(3)] = [piece * rng.choice((1, 1, 1, 2, 40))]
    return "".join(letters)


def texts(rng: random.Random, sentences: list[str]) -> list[str]:
    """A batch; lone surrogates are no text that a file could hold."""
    made = [
        damaged(rng, rng.choice(sentences)) if rng.random() < 0.5 else random_text(rng)
        for _ in range(BATCH)
    ]
    if rng.random() < 0.05:
        made.append(rng.choice(COMMON) * 10_000)
    return [text.encode("utf-8", "replace").decode() for text in made]


def check(rng: random.Random, batch: list[str], identifier: Identifier, kernel: Kernel) -> None:
    """Raise AssertionError with the text that fails."""
    scheme, mark = rng.choice(sorted(SCHEMES)), rng.choice(sorted(MARKS))
    tokenizer = Tokenizer(scheme, mark)
    for text, tokens in zip(batch, tokenizer.tokenize_many(batch), strict=True):
        back = tokenizer.detokenize(tokens)
        assert back == text, f"{scheme} {mark}: {text!a} -> {tokens!a} -> {back!a}"
        if mark == "plus" and "+" not in text:
            assert tokens.replace("+", "") == text, f"{scheme} plus: {text!a} -> {tokens!a}"
    words = [word for text in batch for word in text.split()]
    for word, analysis in zip(words, BuiltinSegmenter().segment(words), strict=True):
        assert "".join(part.surface for part in analysis) == word, f"segments of {word!a}"
    column = Column.of(pa.array(batch))
    expected, counts = reference_sums(identifier.model, batch)
    sums, n_words = kernel.sums(column)
    for row in np.flatnonzero((sums != expected).any(axis=1) | (n_words != counts)):
        raise AssertionError(f"dialect sums of {batch[row]!a}: {sums[row]}, not {expected[row]}")
    probs = identifier.label(batch).probs
    assert np.allclose(probs.sum(axis=1), 1.0), "probabilities"
    convention = rng.choice(("egy", "lev", "glf", "mgr"))
    for text in batch[:40]:
        to_arabic(text, convention)
        to_arabizi(text, convention, seed=rng.choice((None, 1)))
        for scheme_name in ("buckwalter", "safebw", "hsb"):
            from_latin(transliterate(text, to=scheme_name), scheme=scheme_name)


def main() -> int:
    """Run the cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    sentences = written()
    identifier = Identifier()
    kernel = Kernel(identifier.model)
    done, began = 0, time.perf_counter()
    while done < options.cases:
        batch = texts(rng, sentences)
        try:
            check(rng, batch, identifier, kernel)
        except AssertionError as error:
            print(error)
            return 1
        done += len(batch)
    print(f"{done} texts passed ({time.perf_counter() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
