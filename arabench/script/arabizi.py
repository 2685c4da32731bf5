"""Arabizi to Arabic script: words ranked, the rest of the text left as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, get_args, overload

from arabench.chars import DEFINITE_ARTICLE, HA, SHADDA
from arabench.errors import UsageError, did_you_mean
from arabench.script.conventions import (
    CONVENTIONS,
    SUN_KEYS,
    VOWELS,
    check_convention,
    load_convention,
)
from arabench.script.ranking import MAX_LETTERS, load_ranker
from arabench.script.tokens import Token, folded, tokenize

#: "words": the likeliest Arabic words. "letters": each letter as it is typed, vowels and
#: doubled letters (shadda) written, nothing ranked.
Spelling = Literal["words", "letters"]
Foreign = Literal["keep", "convert"]
SPELLINGS: Final[tuple[Spelling, ...]] = get_args(Spelling)
FOREIGN_MODES: Final[tuple[Foreign, ...]] = get_args(Foreign)

#: Raised when the same text gives another result.
RULES_VERSION: Final = 1

MAX_CANDIDATES: Final = 50
#: Words kept per reader before its memory is emptied.
_MEMORY: Final = 200_000
#: What a reading found by rule costs more than those of the list of whole words.
_LISTED_BONUS: Final = 8.0
_LAUGHTER: Final = re.compile(r"(?:h{3,}|(?:ha|he|hi){2,}h?)", re.IGNORECASE)

#: (Arabic, cost)
Candidate = tuple[str, float]
#: The pieces of a reading from the last to the first: (path before, Arabic).
Path = tuple["Path", str] | None


def _first(item: tuple[float, Path]) -> float:
    return item[0]


def _joined(path: Path) -> str:
    pieces = []
    while path is not None:
        path, arabic = path
        pieces.append(arabic)
    return "".join(reversed(pieces))


class ArabiziReader:
    """Reads Arabizi of one convention; words are remembered.

    Attributes:
        signature: version of the rules, of the word list, and the options.
    """

    def __init__(
        self,
        convention: str = "egy",
        *,
        spelling: Spelling = "words",
        foreign: Foreign = "keep",
    ) -> None:
        """Choose tables.

        Args:
            convention: egy, lev, glf or mgr.
            spelling: see `Spelling`.
            foreign: leave English and French words alone, or read them as Arabizi.

        Raises:
            UsageError: a choice is unknown.
        """
        check_convention(convention)
        if spelling not in SPELLINGS:
            raise UsageError(f"unknown spelling {spelling!r}. {did_you_mean(spelling, SPELLINGS)}")
        if foreign not in FOREIGN_MODES:
            raise UsageError(f"unknown foreign={foreign!r}. {did_you_mean(foreign, FOREIGN_MODES)}")
        self.convention = convention
        self.spelling = spelling
        self.foreign = foreign
        self._tables = load_convention(convention)
        self._memory: dict[tuple[str, str, int], list[Candidate]] = {}

    @property
    def signature(self) -> str:
        """Version of the rules and the options, in one line."""
        return (
            f"arabizi{RULES_VERSION}|convention:{self.convention}|spelling:{self.spelling}"
            f"|foreign:{self.foreign}"
        )

    def read(self, text: str) -> str:
        """The likeliest Arabic for a text."""
        return "".join(candidates[0][0] for candidates in self._pieces(text, 1))

    def read_many(self, texts: Sequence[str]) -> list[str]:
        """The likeliest Arabic for each text."""
        return [self.read(text) for text in texts]

    def candidates(self, text: str, count: int) -> list[str]:
        """The `count` likeliest readings of a text, best first; fewer where there are no more.

        Raises:
            UsageError: count is not 1 to 50.
        """
        if not 1 <= count <= MAX_CANDIDATES:
            raise UsageError(f"candidates={count} is not allowed. Use 1 to {MAX_CANDIDATES}.")
        best: list[tuple[float, Path]] = [(0.0, None)]
        for piece in self._pieces(text, count):
            # Paths share their beginnings, so that long texts cost no more per word.
            longer: list[tuple[float, Path]] = [
                (cost + more, (before, arabic)) for cost, before in best for arabic, more in piece
            ]
            longer.sort(key=_first)
            best = longer[:count]
        return [_joined(path) for _, path in best]

    def word(self, latin: str, count: int = 1) -> list[Candidate]:
        """The likeliest Arabic words for one Latin word, with costs in nats, best first.

        Args:
            latin: letters, digits and apostrophes; other characters stand for nothing.
            count: how many at most.
        """
        return self._word(latin, "", count)

    def _pieces(self, text: str, count: int) -> list[list[Candidate]]:
        """Per token the Arabic it may stand for."""
        tokens = tokenize(text, self.convention, self.foreign == "keep")
        pieces: list[list[Candidate]] = []
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if token.kind != "word":
                pieces.append([(token.text, 0.0)])
            elif (before := self._attaches(tokens, place)) is not None:
                apart, _, attached = before.rpartition(" ")
                if apart:
                    pieces.append([(apart + " ", 0.0)])
                pieces.append(self._word(tokens[place + 2].text, attached, count))
                place += 2
            else:
                pieces.append(self._word(token.text, "", count))
            place += 1
        return pieces

    def _attaches(self, tokens: Sequence[Token], place: int) -> str | None:
        """What an article or preposition puts before the word after it; None where it is none."""
        if place + 2 >= len(tokens) or tokens[place + 1].text not in {" ", "-"}:
            return None
        if tokens[place + 2].kind != "word" or self.spelling == "letters":
            return None
        low = tokens[place].text.lower()
        found = self._tables.attached.get(low)
        if found is not None:
            return found
        following = tokens[place + 2].text.lower()
        if low[0] in VOWELS and low[1:] in SUN_KEYS and following.startswith(low[1:]):
            return DEFINITE_ARTICLE
        return None

    def _word(self, latin: str, before: str, count: int) -> list[Candidate]:
        key = (latin, before, count)
        known = self._memory.get(key)
        if known is None:
            if len(self._memory) > _MEMORY:
                self._memory.clear()
            known = self._memory[key] = self._find(latin, before, count)
        return known

    def _find(self, latin: str, before: str, count: int) -> list[Candidate]:
        if _LAUGHTER.fullmatch(latin):
            return [(HA * max(sum(char in "hH" for char in latin), 2), 0.0)]
        word = folded(latin, self.convention)
        if self.spelling == "letters" or len(word) > MAX_LETTERS:
            return [(before + self._by_letter(word), 0.0)]
        listed = [] if before else list(self._tables.words.get(word.lower(), ()))
        found: list[Candidate] = [(arabic, float(place)) for place, arabic in enumerate(listed)]
        if len(found) < count:
            for arabic, cost in load_ranker(self.convention).rank(word, count, before):
                if arabic not in listed:
                    found.append((arabic, cost + (_LISTED_BONUS if listed else 0.0)))
        return found[:count] or [(before + latin, 0.0)]

    def _by_letter(self, word: str) -> str:
        """Each Latin string at its one reading, the longest first."""
        tables = self._tables
        pieces: list[str] = []
        place, end = 0, len(word)
        longest = max(map(len, tables.letters))
        while place < end:
            for length in range(min(longest, end - place), 0, -1):
                key = word[place : place + length]
                arabic = tables.letters.get(key)
                if place == 0 and key in tables.letters_initial:
                    arabic = tables.letters_initial[key]
                elif place and place + length == end and key in tables.letters_final:
                    arabic = tables.letters_final[key]
                if arabic is not None:
                    break
            place += length
            if arabic is None:
                continue
            doubled = key[0] not in VOWELS and word.startswith(key, place)
            if doubled:
                place += length
            if doubled and place == 2 * length and key in SUN_KEYS and self.convention == "mgr":
                pieces.append(DEFINITE_ARTICLE + arabic)
            else:
                pieces.append(arabic + SHADDA if doubled and arabic else arabic)
        return "".join(pieces)


@lru_cache(maxsize=len(CONVENTIONS) * 4)
def _reader(convention: str, spelling: Spelling, foreign: Foreign) -> ArabiziReader:
    return ArabiziReader(convention, spelling=spelling, foreign=foreign)


@overload
def to_arabic(
    text: str,
    convention: str = ...,
    candidates: Literal[1] = ...,
    *,
    spelling: Spelling = ...,
    foreign: Foreign = ...,
) -> str: ...


@overload
def to_arabic(
    text: str,
    convention: str = ...,
    candidates: int = ...,
    *,
    spelling: Spelling = ...,
    foreign: Foreign = ...,
) -> str | list[str]: ...


def to_arabic(
    text: str,
    convention: str = "egy",
    candidates: int = 1,
    *,
    spelling: Spelling = "words",
    foreign: Foreign = "keep",
) -> str | list[str]:
    """Arabizi in Arabic script.

    Args:
        text: any text. Only words of Latin letters and digits change; addresses, mentions,
            hashtags, numbers and surely foreign words stay.
        convention: how it is typed: egy, lev, glf or mgr.
        candidates: how many readings of the whole text, best first.
        spelling: "words" ranks readings as words; "letters" writes what is typed.
        foreign: leave English and French words alone, or read them as Arabizi too.

    Returns:
        The likeliest reading, or a list of readings where `candidates` is above 1.

    Raises:
        UsageError: an unknown convention, spelling or mode, or candidates not 1 to 50.
    """
    reader = _reader(convention, spelling, foreign)
    if candidates == 1:
        return reader.read(text)
    return reader.candidates(text, candidates)
