"""The three tables of a CAMeL morphology database, as looking words up needs them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final, NamedTuple

from arabench.morph.camel.morphemes import Morph, Part, letters_of, morphs_of, tags_of_tokens

#: A table of camel-tools: spelling -> rows of category and features.
Table = dict[str, list[tuple[str, dict[str, str]]]]

_LOGPROBS: Final = ("pos_lex_logprob", "lex_logprob")
#: Waw, feh and teh before a word: conjunctions unless all else is equal. The others swear.
_RARELY_ELSE: Final = frozenset("\u0648\u0641\u062a")  # WAW, FEH, TEH


class Entry(NamedTuple):
    """A row of one of the three tables, with what ranking and segmenting need of it.

    Attributes:
        letters: of the diacritized spelling.
        morph_count: of morphemes with letters, one at least of a stem.
        oaths: waw, feh or teh that are no conjunctions.
    """

    category: str
    features: dict[str, str]
    letters: str
    morphs: tuple[Morph, ...]
    morph_count: int
    has_article: bool
    oaths: int
    bw_length: int
    logprobs: dict[str, float]


def outermost(
    table: dict[str, list[Entry]], one: slice, two: slice
) -> dict[str, list[tuple[int, list[Entry] | None]]]:
    """Outermost two letters, one, and none -> the keys that may be there, shortest first.

    Each as its length, and its entries where the letters are all of it.
    """
    lengths: dict[str, set[int]] = {"": {0} if "" in table else set()}
    for key in sorted(table, key=len):
        outer = key[two]
        if outer not in lengths:
            lengths[outer] = lengths.get(outer[one], lengths[""]) | set()
        lengths[outer].add(len(key))
    found: dict[str, list[tuple[int, list[Entry] | None]]] = {}
    for outer, sizes in lengths.items():
        known = {0: table.get(""), 1: table.get(outer[one]), 2: table.get(outer)}
        found[outer] = [(size, known.get(size)) for size in sorted(sizes)]
    return found


def first_letters(stems: Iterable[str], alphabet: Iterable[str]) -> frozenset[str]:
    """What the next three letters can be where a stem begins, or fewer where the word ends."""
    found: set[str] = set()
    short: set[str] = set()
    for stem in stems:
        (found if len(stem) > 2 else short).add(stem[:3])
    alphabet = list(alphabet)
    for _ in range(2):  # a stem of one letter has any two after it
        found |= short
        short = {letters + letter for letters in short if len(letters) < 3 for letter in alphabet}
    return frozenset(found | short)


def entry_of(category: str, features: dict[str, str], part: Part) -> Entry:
    """A row of a table.

    Raises:
        ValueError: a probability is no number.
    """
    diac = features.get("diac", "")
    tagged = features.get("bw") or tags_of_tokens(features)
    logprobs = {
        name: float(features[name]) for name in _LOGPROBS if features.get(name, "-") not in "-"
    }
    morphs = morphs_of(tagged, part)
    if part == "stem" and not morphs:
        morphs = (Morph(letters_of(diac), "stem"),)
    return Entry(
        category=sys.intern(category),
        features=features,
        letters=letters_of(diac),
        morphs=morphs,
        morph_count=max(part == "stem", len(morphs)),
        has_article=any(morph.kind == "article" for morph in morphs),
        oaths=sum(
            morph.letters in _RARELY_ELSE and morph.kind != "conjunction" for morph in morphs
        ),
        bw_length=len(tagged),
        logprobs=logprobs,
    )


def entries_of(table: Table, part: Part) -> dict[str, list[Entry]]:
    """All rows of the table of prefixes or suffixes."""
    return {
        key: [entry_of(category, features, part) for category, features in rows]
        for key, rows in table.items()
    }


def check_stem(features: dict[str, str]) -> None:
    """Raise KeyError or ValueError for a stem that `entry_of` or `merged` cannot use."""
    for name in ("diac", "lex"):
        if name not in features:
            raise KeyError(name)
    for name in _LOGPROBS:
        if features.get(name, "-") not in "-":
            float(features[name])


class LazyStems:
    """Entries of the stems asked for: a database has up to 100,000, a text few of them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._made: dict[str, list[Entry]] = {}

    def get(self, letters: str) -> list[Entry]:
        """The entries of a stem; none of one that is not in the table."""
        made = self._made.get(letters)
        if made is None:
            rows = self._table.get(letters, ())
            made = [entry_of(category, features, "stem") for category, features in rows]
            self._made[letters] = made
        return made
