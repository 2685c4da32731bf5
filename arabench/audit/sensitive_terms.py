"""Slurs and sensitive terms: the list in sensitive_terms.toml, and finding its words.

Words are compared after folding (`arabench.text.rules.folding`), whole, with Arabic proclitics
allowed before them. All words of a block are hashed at once and looked up in a table, so
the size of the list costs nothing.
"""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np

from arabench.audit.blocks import TextBlock, Words
from arabench.errors import UsageError, did_you_mean
from arabench.text.hash_arrays import U64, HashSet, phrases, runs
from arabench.text.rules.folding import fold_words

#: Conjunctions, prepositions and the article as they are written before a noun, folded;
#: "هال" and "عال" are Levantine.
PROCLITICS: Final = tuple(
    conjunction + rest
    for conjunction in ("", "و", "ف")
    for rest in ("", "ال", "ب", "بال", "ل", "لل", "ك", "كال", "هال", "عال")
)
#: Before a word of two letters the others would make many an innocent word.
SAFE_PROCLITICS: Final = ("", "ال", "و", "وال")
_SHORT: Final = 2
#: Endings that `*` allows, folded: feminine, dual, plurals, pronouns, indefinite accusative.
ENDINGS: Final = ("", "ه", "ها", "هم", "ك", "كم", "نا", "ين", "ون", "ات", "ان", "ا")


class Term(NamedTuple):
    """An entry of the list as it is written there."""

    group: str
    text: str
    ambiguous: bool


class TermHit(NamedTuple):
    """A term at `joined[start:end]` of a block."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True)
class Group:
    """A group of terms: title and note are shown in the report."""

    name: str
    title: str
    note: str
    slurs: tuple[str, ...]
    ambiguous: tuple[str, ...]

    @property
    def terms(self) -> list[Term]:
        """Every entry."""
        return [
            *(Term(self.name, text, False) for text in self.slurs),
            *(Term(self.name, text, True) for text in self.ambiguous),
        ]


@functools.cache
def shipped_groups() -> tuple[Group, ...]:
    """The groups of the list that comes with the package."""
    text = files("arabench.audit").joinpath("sensitive_terms.toml").read_text(encoding="utf-8")
    return parse_groups(tomllib.loads(text), "sensitive_terms.toml")


def parse_groups(tables: Mapping[str, Any], source: str) -> tuple[Group, ...]:
    """Groups from the tables of a TOML file in the form of sensitive_terms.toml.

    Raises:
        UsageError: a key is unknown, a list holds something else than words, or nothing
            of an entry is left after folding.
    """
    allowed = ("title", "note", "slurs", "ambiguous")
    groups = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{source}: {name!r} is no group. Write [{name}] and lists below it.")
        for key in table:
            if key not in allowed:
                raise UsageError(
                    f"{source}: [{name}] has a key {key!r}. {did_you_mean(key, allowed)}"
                )
        lists = {key: table.get(key, []) for key in ("slurs", "ambiguous")}
        for key, entries in lists.items():
            if not isinstance(entries, list) or not all(isinstance(e, str) for e in entries):
                raise UsageError(f"{source}: {key!r} of [{name}] must be a list of strings.")
            for entry in entries:
                if not fold_words(entry):
                    raise UsageError(
                        f"{source}: {entry!r} in [{name}] has no letter or digit to look for."
                    )
        groups.append(
            Group(
                name,
                str(table.get("title", name)),
                str(table.get("note", "")),
                tuple(lists["slurs"]),
                tuple(lists["ambiguous"]),
            )
        )
    return tuple(groups)


#: Bits of the first look-up: a table that fits the cache and lets one word in a hundred
#: through.
_FILTER_BITS: Final = 22


class TermFinder:
    """Finds the terms of some groups in blocks of text."""

    def __init__(self, groups: Sequence[Group] | None = None) -> None:
        self.groups = tuple(shipped_groups() if groups is None else groups)
        # First word or two, folded -> what follows, and the term.
        self._forms: dict[tuple[str, ...], list[tuple[tuple[str, ...], Term]]] = {}
        for group in self.groups:
            for term in group.terms:
                for words in _forms(term.text):
                    known = self._forms.setdefault(words[:2], [])
                    if (words[2:], term) not in known:
                        known.append((words[2:], term))
        singles = [start[0] for start in self._forms if len(start) == 1]
        pairs = [start for start in self._forms if len(start) == 2]
        self._singles = HashSet(_hash_list(singles), _FILTER_BITS)
        in_a_row = _hash_list([word for pair in pairs for word in pair])
        self._pairs = HashSet(phrases(in_a_row, 2)[::2], _FILTER_BITS)

    def find(self, block: TextBlock) -> Iterator[TermHit]:
        """All terms of a block in order; of each group the longest, without overlaps."""
        if not self._forms:
            return
        words = block.words
        if not len(words.starts):
            return
        hashes = runs(words.folded, words.starts, words.ends)
        found = {(number, 1) for number in self._singles.places(hashes).tolist()}
        found |= {(number, 2) for number in self._pairs.places(phrases(hashes, 2)).tolist()}
        best: dict[tuple[int, str], tuple[int, Term]] = {}
        for number, size in sorted(found):
            for last, term in self._at(words, number, size):
                if not self._spans_lines(block, words, number, last):
                    best[number, term.group] = (last, term)
        covered: dict[str, int] = {}
        for (number, group), (last, term) in best.items():
            if number <= covered.get(group, -1):
                continue  # a word of a phrase that was found
            covered[group] = last
            yield TermHit(term, words.span(number)[0], words.span(last)[1])

    def _at(self, words: Words, number: int, size: int) -> list[tuple[int, Term]]:
        """(last word, term) of the terms at a word, the longest last."""
        start = tuple(words.word(number + offset) for offset in range(size))
        found = []
        for rest, term in self._forms.get(start, ()):
            last = number + size - 1 + len(rest)
            if last < len(words.starts) and all(
                words.word(number + size + offset) == word for offset, word in enumerate(rest)
            ):
                found.append((last, term))
        return sorted(found, key=lambda entry: entry[0])

    @staticmethod
    def _spans_lines(block: TextBlock, words: Words, number: int, last: int) -> bool:
        if number == last:
            return False
        return "\n" in block.joined[words.span(number)[0] : words.span(last)[1]]


def _hash_list(words: Sequence[str]) -> U64:
    """Hashes of folded words."""
    codes = np.frombuffer("".join(words).encode("utf-32-le"), dtype="<u4")
    sizes = np.array([len(word) for word in words], dtype=np.int64)
    ends = np.cumsum(sizes)
    return runs(codes, ends - sizes, ends)


def _forms(entry: str) -> Iterator[tuple[str, ...]]:
    """Everything an entry matches, as folded words."""
    words = fold_words(entry.removesuffix("*")).split()
    endings = ENDINGS if entry.endswith("*") else ("",)
    if not "\u0621" <= words[0][0] <= "\u064a":  # HAMZA to YEH
        proclitics: tuple[str, ...] = ("",)
    else:
        proclitics = SAFE_PROCLITICS if len(words[0]) <= _SHORT else PROCLITICS
    for proclitic, ending in itertools.product(proclitics, endings):
        inflected = [*words[:-1], words[-1] + ending]
        yield (proclitic + inflected[0], *inflected[1:])
