"""Arabic script to Arabizi, for augmentation: one of the ways in which it may be typed.

Text without vowel marks does not say which short vowels are spoken, least of all in
dialect. They are guessed from counts of vocalised standard Arabic (`vowels`), so that the
result looks like Arabizi and is no phonetic transcription. Text with marks is spelled by
its marks.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from arabench.chars import (
    ALIF,
    ALIF_MADDA,
    ALIF_MAQSURA,
    ALIF_VARIANTS,
    DEFINITE_ARTICLE,
    MARKS,
    PERSIAN_TO_ARABIC,
    PUNCTUATION_ASCII,
    TA_MARBUTA,
    TATWEEL,
    WAW,
    YA,
    char_class,
)
from arabench.errors import UsageError
from arabench.script.character_model import NUMBERS
from arabench.script.conventions import (
    BUCKWALTER,
    CONVENTIONS,
    check_convention,
    load_convention,
)
from arabench.script.vowels import DAMMA, DOUBLED, FATHA, KASRA, NONE, guess_vowels, split_marks

#: Raised when the same text gives another result.
SPELLINGS_VERSION: Final = 1

#: (spelling, weight), the most common first
Spellings = tuple[tuple[str, float], ...]

#: How often another spelling than the most common is drawn where a seed is given.
DEFAULT_VARIATION: Final = 0.3
_MAX_LETTERS: Final = 40
#: Words kept per writer before its memory is emptied.
_MEMORY: Final = 200_000

_WORD: Final = re.compile(f"[{char_class({*NUMBERS, *MARKS, *PERSIAN_TO_ARABIC, TATWEEL})}]+")
_PERSIAN: Final = str.maketrans(PERSIAN_TO_ARABIC)
_PUNCTUATION: Final = str.maketrans(PUNCTUATION_ASCII)
_SHORT: Final = {FATHA: "a", KASRA: "i", DAMMA: "u"}
_LETTER_OF: Final = {
    **{arabic: latin for latin, arabic in BUCKWALTER.items()},
    "\u06a8": "G",  # ARABIC LETTER QAF WITH THREE DOTS ABOVE, the Tunisian gaf
}
#: What is written before the article, and how it is typed with the vowel of the article.
_PROCLITICS: Final = {"\u0648": "w", "\u0628": "b", "\u0641": "f", "\u0643": "k"}  # WAW BEH FEH KAF
_LAM: Final = "\u0644"  # ARABIC LETTER LAM
_BARE_ALIF: Final = str.maketrans(dict.fromkeys(ALIF_VARIANTS, ALIF))


@cache
def _spelling_tables(convention: str) -> dict[str, dict[str, Spellings]]:
    text = files("arabench.script").joinpath("spellings.toml").read_text(encoding="utf-8")
    tables: dict[str, Any] = tomllib.loads(text)
    made: dict[str, dict[str, Spellings]] = {}
    for part, rows in tables["shared"].items():
        merged: Mapping[str, str] = {**rows, **tables[convention].get(part, {})}
        made[part] = {key: _parse(row) for key, row in merged.items()}
    return made


def _parse(row: str) -> Spellings:
    found = []
    for part in row.split():
        spelling, _, weight = part.partition(":")
        found.append(("" if spelling == "-" else spelling, float(weight or 1)))
    return tuple(found)


class ArabiziWriter:
    """Spells Arabic in Latin letters.

    The same text and seed always give the same spelling, whatever was written before.

    Attributes:
        signature: version of the tables, and the options.
    """

    def __init__(
        self, convention: str = "egy", *, seed: int | None = None, variation: float | None = None
    ) -> None:
        """Choose spellings.

        Args:
            convention: egy, lev, glf or mgr.
            seed: of the draws; None spells each letter in the most common way.
            variation: how often another spelling is drawn, 0 to 1; 0.3 where a seed is given.

        Raises:
            UsageError: an unknown convention, or a variation that is no share.
        """
        check_convention(convention)
        if variation is None:
            variation = 0.0 if seed is None else DEFAULT_VARIATION
        if not 0 <= variation <= 1:
            raise UsageError(f"variation={variation} is not allowed. Use a share from 0 to 1.")
        self.convention = convention
        self.seed = seed or 0
        self.variation = variation
        self._tables = _spelling_tables(convention)
        self._listed = _listed_words(convention)
        self._memory: dict[str, str] = {}

    @property
    def signature(self) -> str:
        """Version of the tables, and the options, in one line."""
        varied = f"|variation:{self.variation:g}|seed:{self.seed}" if self.variation else ""
        return f"to_arabizi{SPELLINGS_VERSION}|convention:{self.convention}{varied}"

    def write(self, text: str) -> str:
        """The text with its Arabic words in Latin letters; other words stay."""
        draw = None
        if self.variation:
            draw = random.Random(f"{self.seed} {text}".encode("utf-8", "surrogatepass"))
        spelled = _WORD.sub(lambda match: self._word(match.group(), draw), text)
        return spelled.translate(_PUNCTUATION)

    def _word(self, word: str, draw: random.Random | None) -> str:
        if draw is not None:
            return self._spell(word, draw)
        known = self._memory.get(word)
        if known is None:
            if len(self._memory) > _MEMORY:
                self._memory.clear()
            known = self._memory[word] = self._spell(word, None)
        return known

    def _spell(self, word: str, draw: random.Random | None) -> str:
        marked = list(split_marks(word.translate(_PERSIAN)))
        plain = "".join(letter for letter, _ in marked)
        vocalised = any(vowel is not None for _, vowel in marked)
        listed = () if vocalised else self._listed.get(plain.translate(_BARE_ALIF), ())
        if listed:
            return self._pick(tuple((spelling, 1.0) for spelling in listed), draw)
        prefix, length = self._prefix(plain, draw)
        if vocalised:
            vowels = [(vowel or NONE, NONE) for _, vowel in marked]
        else:
            vowels = guess_vowels(plain) if len(plain) <= _MAX_LETTERS else []
            vowels += [(NONE, FATHA)] * (len(plain) - len(vowels))
        return prefix + self._letters(plain[length:], vowels[length:], not vocalised, draw)

    def _prefix(self, plain: str, draw: random.Random | None) -> tuple[str, int]:
        """What the article and a letter before it are typed as, and their length."""
        article = self._pick(self._tables["article"]["Al"], draw)
        if plain.startswith(DEFINITE_ARTICLE) and len(plain) > 4:
            return article, 2
        if len(plain) > 4 and plain[1:3] == DEFINITE_ARTICLE and plain[0] in _PROCLITICS:
            vowel = "" if article.startswith("l") else article[0]
            return _PROCLITICS[plain[0]] + vowel + "l", 3
        if len(plain) > 4 and plain.startswith(_LAM + _LAM):
            return ("l" if article.startswith("l") else "l" + article[0]) + "l", 2
        return "", 0

    def _letters(
        self,
        plain: str,
        vowels: Sequence[tuple[int, int]],
        guessed: bool,
        draw: random.Random | None,
    ) -> str:
        pieces: list[str] = []
        last = len(plain) - 1
        for place, letter in enumerate(plain):
            vowel, doubled = vowels[place][0] % DOUBLED, vowels[place][0] >= DOUBLED
            long = self._long(plain, vowels, place, guessed)
            if long:
                key = long + "$" if place == last and long + "$" in self._tables["vowels"] else long
                pieces.append(self._pick(self._tables["vowels"][key], draw))
                continue
            spelled = self._consonant(letter, place, last, vowel, draw)
            # Doubled letters are seldom typed, and guesses of them are poor.
            if doubled and not guessed and place and len(spelled) == 1 and spelled.isalpha():
                spelled += spelled
            pieces.append(spelled)
            if letter in (TA_MARBUTA, ALIF_MAQSURA, ALIF_MADDA) or (place == 0 and spelled == ""):
                continue
            if place == 0 and letter in ALIF_VARIANTS | {ALIF}:
                continue  # its spelling is a vowel
            if self._is_spoken(plain, vowels, place, guessed) and vowel in _SHORT:
                pieces.append(self._pick(self._tables["vowels"][_SHORT[vowel]], draw))
        return "".join(pieces)

    def _long(
        self, plain: str, vowels: Sequence[tuple[int, int]], place: int, guessed: bool
    ) -> str:
        """A, w or y where the letter is a long vowel, "" where it is a consonant."""
        letter = plain[place]
        if place == 0 or letter not in (ALIF, WAW, YA):
            return ""
        if letter == ALIF:
            return "A"
        after = plain[place + 1] if place + 1 < len(plain) else ""
        carries = vowels[place][0] != NONE and place < len(plain) - 1
        if after in (ALIF, TA_MARBUTA) or carries:
            return ""
        if plain[place - 1] in (ALIF, WAW, YA) and (
            place == 1 or self._long(plain, vowels, place - 1, guessed)
        ):
            return ""
        before = vowels[place - 1][0] % DOUBLED
        if before == FATHA and not guessed:
            return ""
        return "w" if letter == WAW else "y"

    def _is_spoken(
        self, plain: str, vowels: Sequence[tuple[int, int]], place: int, guessed: bool
    ) -> bool:
        """Whether a short vowel after a letter is written on its own."""
        if place + 1 >= len(plain):
            return not guessed
        after = plain[place + 1]
        if after in (ALIF, TA_MARBUTA, ALIF_MAQSURA) or self._long(
            plain, vowels, place + 1, guessed
        ):
            return False
        if self.convention != "mgr" or place + 2 >= len(plain):
            return True
        # In the Maghreb short vowels of open syllables are not spoken: ktb, not kataba.
        follows = plain[place + 2]
        open_syllable = vowels[place + 1][0] != NONE or follows in (ALIF, TA_MARBUTA)
        return not (open_syllable or self._long(plain, vowels, place + 2, guessed))

    def _consonant(
        self, letter: str, place: int, last: int, vowel: int, draw: random.Random | None
    ) -> str:
        key = _LETTER_OF[letter]
        if place == 0 and key in self._tables["initial"]:
            if letter in (ALIF, *ALIF_VARIANTS) and vowel in (KASRA, DAMMA):
                return self._pick(self._tables["vowels"][_SHORT[vowel]], draw)
            return self._pick(self._tables["initial"][key], draw)
        if place == last and key in self._tables["final"]:
            return self._pick(self._tables["final"][key], draw)
        return self._pick(self._tables["letters"].get(key, (("", 1.0),)), draw)

    def _pick(self, spellings: Spellings, draw: random.Random | None) -> str:
        if draw is None or len(spellings) == 1 or draw.random() >= self.variation:
            return spellings[0][0]
        point = draw.random() * sum(weight for _, weight in spellings)
        for spelling, weight in spellings:
            point -= weight
            if point < 0:
                return spelling
        return spellings[-1][0]


@cache
def _listed_words(convention: str) -> dict[str, tuple[str, ...]]:
    """Arabic word (plain alef) -> how it is typed: the list of whole words, turned round."""
    turned: dict[str, list[str]] = {}
    for latin, arabic in load_convention(convention).words.items():
        turned.setdefault(arabic[0].translate(_BARE_ALIF), []).append(latin)
    return {arabic: tuple(latin) for arabic, latin in turned.items()}


@lru_cache(maxsize=len(CONVENTIONS) * 8)
def _writer(convention: str, seed: int | None, variation: float | None) -> ArabiziWriter:
    return ArabiziWriter(convention, seed=seed, variation=variation)


def to_arabizi(
    text: str,
    convention: str = "egy",
    seed: int | None = None,
    *,
    variation: float | None = None,
) -> str:
    """Arabic text as it may be typed in Latin letters and digits.

    Args:
        text: any text; words in other scripts stay, Arabic punctuation becomes ASCII.
        convention: egy, lev, glf or mgr.
        seed: of the draws between spellings; None takes the most common of each.
        variation: how often another spelling is drawn, 0 to 1; 0.3 where a seed is given.

    Raises:
        UsageError: an unknown convention, or a variation that is no share.
    """
    return _writer(convention, seed, variation).write(text)
