"""Rules about vocalisation and Quranic annotation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from arabench import chars
from arabench.text.hashes import splitmix64
from arabench.text.rules.letters import WORD_END
from arabench.text.rules.rule import Rule, char_map, scanner, substitution

_MARK = chars.char_class(chars.MARKS)
_LETTER = chars.char_class(chars.LETTERS)
ENDINGS = chars.DIACRITICS - {chars.SHADDA, "\u0670"}  # SUPERSCRIPT ALEF spells a long vowel

_WORD_GOES_ON = re.compile(f"[{_LETTER}]")
#: The alif or maqsura on which tanwin fath sits, as the end of a word.
_FINAL_SEAT = re.compile(f"[{chars.ALIF}{chars.ALIF_MAQSURA}][{_MARK}]*{WORD_END}")
#: Marks in a row of which one at least is vocalisation. The look behind keeps a long run
#: without vocalisation from being searched from each of its marks.
_CLUSTER = re.compile(
    f"(?<![{_MARK}])[{chars.char_class(chars.MARKS - chars.DIACRITICS)}]*+"
    f"[{chars.char_class(chars.DIACRITICS)}][{_MARK}]*+"
)


def strip_quranic_marks() -> Rule:
    """Pause signs, honorifics and small letters of printed Qurans.

    >>> strip_quranic_marks().apply("قالۖ")
    'قال'
    >>> strip_quranic_marks().apply("قَالَ")
    'قَالَ'
    """
    return char_map(
        "quranic-marks",
        "pause signs, honorifics and small annotation letters are removed",
        dict.fromkeys(chars.QURANIC_MARKS, ""),
    )


def strip_diacritics() -> Rule:
    """All vocalisation; hamza and madda marks stay, they belong to letters.

    >>> strip_diacritics().apply("كِتَابٌ")
    'كتاب'
    >>> strip_diacritics().apply("رٔس")
    'رٔس'
    """
    return char_map("diacritics", "vowel marks are removed", dict.fromkeys(chars.DIACRITICS, ""))


def keep_only_shadda() -> Rule:
    """All vocalisation but shadda, the mark that most often decides a reading.

    >>> keep_only_shadda().apply("مُحَمَّدٌ")
    'محمّد'
    >>> keep_only_shadda().apply("محمّد")
    'محمّد'
    """
    return char_map(
        "diacritics-but-shadda",
        "vowel marks except shadda are removed",
        dict.fromkeys(chars.DIACRITICS - {chars.SHADDA}, ""),
    )


def strip_case_endings() -> Rule:
    """Vowels and tanwin of the last letter, and tanwin before a final alif or maqsura.

    Word-internal vowels and every shadda stay: what a reader in pause would keep.

    >>> strip_case_endings().apply("كِتَابٌ جَدِيدًا")
    'كِتَاب جَدِيدا'
    >>> strip_case_endings().apply("كِتَاب")
    'كِتَاب'
    """

    def bare(match: re.Match[str]) -> str:
        if not _WORD_GOES_ON.match(match.string, match.end()):
            gone = ENDINGS
        elif _FINAL_SEAT.match(match.string, match.end()):
            gone = frozenset(chars.TANWIN_FATH)
        else:
            return match.group()
        return "".join(char for char in match.group() if char not in gone)

    return substitution(
        "case-endings",
        "vowels and tanwin of the last letter are removed",
        f"(?<=[{_LETTER}{_MARK}])[{_MARK}]+",
        bare,
    )


def keep_first_vowel() -> Rule:
    """Vocalisation on the first letter of each word stays, all other goes.

    A word's first letter is one with no letter (tatweel included) and no mark before it.

    >>> keep_first_vowel().apply("كِتَابٌ")
    'كِتاب'
    >>> keep_first_vowel().apply("كِتاب")
    'كِتاب'
    """
    return substitution(
        "first-vowel",
        "vowel marks after the first letter of a word are removed",
        f"(?<=[{_LETTER}{_MARK}][{_LETTER}])[{_MARK}]+",
        _without_vowels,
    )


def strip_for_skeleton() -> Rule:
    """Every mark and small letter, hamza and madda marks included.

    >>> strip_for_skeleton().apply("رٔسٌ")
    'رس'
    >>> strip_for_skeleton().apply("رأس")
    'رأس'
    """
    return char_map(
        "skeleton-marks",
        "all marks are removed",
        dict.fromkeys(chars.MARKS | chars.QURANIC_MARKS, ""),
    )


def keep_some_vowels(rate: float, seed: int) -> Rule:
    """The vocalisation of each letter stays with probability `rate`, as a seed decides.

    A cluster is a run of marks that holds vocalisation. A state of 64 bits starts at
    `seed` for each text; each cluster replaces it by

        splitmix64(state XOR (code point before the cluster << 21 | its first mark))

    with 0 for the code point at the start of the text. The cluster stays whole if the
    state's upper 53 bits are below `rate * 2**53`, and loses its vocalisation otherwise.
    So the choice depends on the text and the seed alone, not on its neighbours in a batch,
    and two texts that begin differently are thinned differently.

    >>> keep_some_vowels(0.5, seed=1).apply("كَتَبَ الوَلَدُ")
    'كتَب الوَلد'
    >>> keep_some_vowels(0.5, seed=1).apply("كتب")
    'كتب'
    """
    threshold = int(rate * (1 << 53))

    def scan(text: str) -> Iterator[tuple[int, int, str]]:
        state = seed
        for match in _CLUSTER.finditer(text):
            start, end = match.span()
            base = ord(text[start - 1]) if start else 0
            state = splitmix64(state ^ (base << 21 | ord(text[start])))
            if state >> 11 >= threshold:
                yield start, end, _without_vowels(match)

    return scanner("partial", "some vowel marks are removed at random", _CLUSTER.pattern, scan)


def _without_vowels(match: re.Match[str]) -> str:
    return "".join(char for char in match.group() if char not in chars.DIACRITICS)
