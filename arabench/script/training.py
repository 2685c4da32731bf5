"""Count the words of Arabic text: all the training that the script models need.

Counts are whole numbers and words are sorted, so that the same data give the same file,
bit for bit.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from arabench.chars import DIACRITICS, LETTERS, PERSIAN_TO_ARABIC, TATWEEL, char_class
from arabench.errors import DataError
from arabench.script.character_model import ALPHABET
from arabench.script.words import COLUMNS

#: Least count by which a word is kept, per column. Dialect sets are small and hand-picked;
#: tweets and wikis are long tails of names and misspellings.
LEAST: Final = {"egy": 1, "lev": 1, "glf": 1, "mgr": 1, "general": 3, "wiki": 12}

_ARSARCASM: Final = {
    "egypt": "egy", "levant": "lev", "gulf": "glf", "magreb": "mgr", "msa": "general",
}  # fmt: skip
_MADAR: Final = {"CAI": "egy", "BEI": "lev", "DOH": "glf", "RAB": "mgr", "TUN": "mgr"}
_FLORES: Final = {
    "arz_Arab": "egy", "apc_Arab": "lev", "ajp_Arab": "lev", "acm_Arab": "glf",
    "acq_Arab": "glf", "aeb_Arab": "mgr", "ary_Arab": "mgr", "arb_Arab": "general",
}  # fmt: skip

_IGNORED: Final = re.compile(f"[{char_class(DIACRITICS | {TATWEEL})}]")
_LETTERS: Final = frozenset(ALPHABET)
_WORD: Final = re.compile(f"[{char_class(LETTERS | DIACRITICS)}]+")
_VOCALISED: Final = re.compile(f"[{char_class(_LETTERS | DIACRITICS)}]+")
#: Three of one letter in a row are drawn out for effect, never spelled.
_DRAWN_OUT: Final = re.compile(r"(.)\1\1")
_PERSIAN: Final = str.maketrans(PERSIAN_TO_ARABIC)
_MAX_LETTERS: Final = 20


def plain_word(word: str) -> str:
    """A word without vowel marks and tatweel; "" where it is no plain Arabic word."""
    plain = _IGNORED.sub("", word.translate(_PERSIAN))
    if len(plain) > _MAX_LETTERS or not _LETTERS.issuperset(plain) or _DRAWN_OUT.search(plain):
        return ""
    return plain


def count_texts(texts: Iterable[str]) -> Counter[str]:
    """How often each plain Arabic word is in some texts."""
    spelled: Counter[str] = Counter()
    for text in texts:
        spelled.update(_WORD.findall(text))
    counts: Counter[str] = Counter()
    for word, count in spelled.items():
        if plain := plain_word(word):
            counts[plain] += count
    return counts


def count_words(data: Path) -> dict[str, list[int]]:
    """Words of the sets under a folder, with their counts in the order of `COLUMNS`.

    Raises:
        DataError: a set is not there.
    """
    texts: dict[str, list[str]] = {name: [] for name in COLUMNS}
    for column, text in _texts(data):
        texts[column].append(text)
    counters = {name: count_texts(texts[name]) for name in COLUMNS}
    kept = {
        word
        for name, counter in counters.items()
        for word, count in counter.items()
        if count >= LEAST[name]
    }
    return {word: [counters[name][word] for name in COLUMNS] for word in sorted(kept)}


def vocalised_words(data: Path) -> Iterator[str]:
    """The words of the vocalised text under a folder, with their marks.

    Raises:
        DataError: it is not there.
    """
    for name in ("val", "books"):
        for line in _lines(data / f"tashkeela/{name}.txt"):
            yield from _VOCALISED.findall(line)


def _texts(data: Path) -> Iterator[tuple[str, str]]:
    """(column, text) of every row of every set."""
    for row in _rows(data / "madar_coda/train.tsv", "\t"):
        yield _MADAR[row[2]], row[3]
    for row in _rows(data / "arsarcasm_v2/training_data.csv", ","):
        yield _ARSARCASM[row[3]], row[0]
    for name in ("Lebanees", "Palestinian", "jordinian"):
        for line in _lines(data / f"shami/{name}.txt"):
            yield "lev", line
    for variety in ("egy", "lev", "glf", "mgr"):
        for line in _lines(data / f"dialect_segmentation/{variety}.tsv"):
            yield variety, line.split("\t")[4]
    for name, column in _FLORES.items():
        for line in _lines(data / f"flores200/{name}.txt"):
            yield column, line
    for name in ("train_negative", "train_positive"):
        for line in _lines(data / f"motaz_tweets/{name}.tsv"):
            yield "general", line
    for name in ("ar", "arz"):
        for line in _lines(data / f"wiki/{name}.tsv"):
            yield "wiki", line


def _lines(path: Path) -> Iterable[str]:
    if not path.is_file():
        raise DataError(f"{path} is not there. Name the folder of the training sets with --data.")
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    """The rows of a table below its header."""
    rows = csv.reader(_lines(path), delimiter=delimiter)
    next(rows, None)
    yield from rows
