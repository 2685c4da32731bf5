"""Which Arabic word a Latin string stands for: readings of the tables, ranked as words.

A noisy channel: the cost of typing the Latin string for a word (the tables) plus the cost
of the word itself. The word costs -log(share * frequency + (1 - share) * letters), where
frequency is its share of the running words of the variety and letters the probability that
the character model gives it; so words never seen are spelled out of likely letters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from arabench.script.character_model import (
    BITS,
    CONTEXT_MASK,
    EDGE,
    NUMBERS,
    CharacterModel,
)
from arabench.script.conventions import Convention, Reading, load_convention
from arabench.script.words import WordList, count_of, load_words

#: How much a running word of each column counts, per convention; the convention's own is 1.
#: Own sets are small, so that tweets and wikis fill in what every variety shares.
BACKGROUND: Final[Mapping[str, float]] = {
    "egy": 0.05, "lev": 0.03, "glf": 0.05, "mgr": 0.02, "general": 0.04, "wiki": 0.01,
}  # fmt: skip
#: Share of words that the list knows; the rest are spelled by the character model.
KNOWN_SHARE: Final = 0.6
#: Weight of the word against the channel. Costs of the tables are rough guesses, and longer
#: words have more of them, so that the word counts a little less.
WORD_WEIGHT: Final = 0.8
#: Cost of splitting a Latin string that the tables know as one (s+h for "sh").
SPLIT_COST: Final = 2.5
#: An a before one consonant, e and a last consonant is that of an active participle more
#: often than a short one; the tables have readings of its own for it.
LONG_A: Final = "\u00e2"  # LATIN SMALL LETTER A WITH CIRCUMFLEX
_CONSONANT: Final = r"(?:[kgsctd]h|[b-df-hj-np-tv-z2-9SDTZ]'?)"
_PARTICIPLE: Final = re.compile(rf"(?<=[^aeiouw])a(?={_CONSONANT}e{_CONSONANT}$)")
#: Hypotheses kept after each letter, and how much worse than the best one they may be.
#: Twice and half as much gave the same words on the development pairs.
WIDTH: Final = 16
SLACK: Final = 7.0
#: Letters above which a word is read letter by letter: no Arabic word is as long.
MAX_LETTERS: Final = 32

_LETTER_OF: Final = {number: letter for letter, number in NUMBERS.items()}
#: A word of the list is never impossible, although it may be in a column of no weight.
_LEAST_SHARE: Final = 1e-6
_NO_READING: Final[tuple[Reading, ...]] = ()


class Ranker:
    """Ranks readings for one convention.

    Attributes:
        convention: its tables.
        frequency: word -> -log of its share of running words.
    """

    def __init__(self, convention: Convention, words: WordList) -> None:
        self.convention = convention
        self.frequency, weights = _frequencies(words, convention.name)
        self.letters = CharacterModel(words.words, weights)

    def word_cost(self, word: str) -> float:
        """-log probability of an Arabic word."""
        return self._mixed(word, self.letters.word_cost(word))

    def rank(self, latin: str, count: int = 1, before: str = "") -> list[tuple[str, float]]:
        """The best Arabic words for a Latin one, with their costs, best first.

        Args:
            latin: letters and digits as `tokens.folded` leaves them, at most `MAX_LETTERS`.
            count: how many at most.
            before: Arabic that the word begins with, such as the article.
        """
        latin = _PARTICIPLE.sub(LONG_A, latin)
        # Per place: Arabic so far -> (cost of channel, cost of letters, context).
        places: list[dict[str, tuple[float, float, int]]] = [{} for _ in range(len(latin) + 1)]
        context = 0
        for letter in before:
            context = (context << BITS | NUMBERS[letter]) & CONTEXT_MASK
        places[0][before] = (0.0, 0.0, context)
        for place in range(len(latin)):
            self._extend(latin, place, places)
            places[place] = {}
        ranked: list[tuple[str, float]] = []
        for word, (channel, letters, context) in places[-1].items():
            whole = letters + self.letters.cost(context, EDGE)
            ranked.append((word, channel + WORD_WEIGHT * self._mixed(word, whole)))
        ranked.sort(key=lambda item: (item[1], item[0]))
        return [item for item in ranked[: max(count, 1)] if item[0]]

    def _extend(
        self, latin: str, place: int, places: list[dict[str, tuple[float, float, int]]]
    ) -> None:
        """Read every Latin string that begins at a place."""
        states = sorted(
            (channel + WORD_WEIGHT * letters, word, channel, letters, context)
            for word, (channel, letters, context) in places[place].items()
        )[:WIDTH]
        if not states:
            return
        worst = states[0][0] + SLACK
        for length, readings in self._matches(latin, place):
            target = places[place + length]
            for arabic, cost in readings:
                numbers = [NUMBERS[letter] for letter in arabic]
                for total, word, channel, letters, context in states:
                    if total > worst:
                        break
                    for number in numbers:
                        letters += self.letters.cost(context, number)
                        context = (context << BITS | number) & CONTEXT_MASK
                    longer = word + arabic
                    known = target.get(longer)
                    if known is None or channel + cost < known[0]:
                        target[longer] = (channel + cost, letters, context)

    def _matches(self, latin: str, place: int) -> list[tuple[int, list[Reading]]]:
        """(length, readings) of the Latin strings at a place, dearer where a longer one is."""
        tables = self.convention
        end = len(latin)
        found: list[tuple[int, tuple[Reading, ...]]] = []
        for length in range(min(tables.longest, end - place), 0, -1):
            key = latin[place : place + length]
            if not place:
                readings = tables.initial.get(key, _NO_READING)
            elif place + length == end:
                readings = tables.final.get(key, _NO_READING)
            elif place + length == end - 1:
                readings = tables.closing.get(key, _NO_READING)
            else:
                readings = tables.any.get(key, _NO_READING)
            if readings:
                found.append((length, readings))
        if not found or found[-1][0] > 1:
            # What no table knows stands for nothing, so that the rest can be read.
            found.append((1, (("", SPLIT_COST),)))
        longest = found[0][0]
        return [
            (
                length,
                [(word, cost + (SPLIT_COST if length < longest else 0)) for word, cost in readings],
            )
            for length, readings in found
        ]

    def _mixed(self, word: str, letters: float) -> float:
        spelled = (1 - KNOWN_SHARE) * math.exp(-letters)
        known = self.frequency.get(word)
        if known is not None:
            spelled += KNOWN_SHARE * math.exp(-known)
        return -math.log(spelled) if spelled > 0 else letters + 2.0


def _frequencies(words: WordList, name: str) -> tuple[dict[str, float], list[int]]:
    """-log of the share of each word, and its weight in the character model."""
    import numpy as np

    counts = np.array([count_of(level) for level in range(256)])
    shares = np.zeros(len(words.words))
    for column, levels in words.levels.items():
        factor = 1.0 if column == name else BACKGROUND[column]
        shares += factor * counts[np.frombuffer(levels, dtype=np.uint8)]
    shares = np.maximum(shares, _LEAST_SHARE)
    costs = -np.log(shares / shares.sum())
    # No letter has the number of the separator.
    spelled = b"\xff".join(words.words).decode("latin-1").translate(_LETTER_OF).split("\xff")
    # Damped, as a new word is like the kinds of words and not like the few frequent ones.
    weights = 1 + (8 * np.log2(1 + shares)).astype(np.int64)
    return dict(zip(spelled, costs.tolist(), strict=True)), weights.tolist()


@cache
def load_ranker(name: str) -> Ranker:
    """The ranker of a convention, read once per process.

    Raises:
        UsageError: there is no such convention.
        DataError: the word list of the package is damaged.
    """
    return Ranker(load_convention(name), load_words())
