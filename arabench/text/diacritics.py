"""Rules about vocalisation and Quranic annotation."""

from __future__ import annotations

import re

from arabench import chars
from arabench.text.letters import WORD_END
from arabench.text.rule import Rule, char_map, substitution

_MARK = chars.char_class(chars.MARKS)
_LETTER = chars.char_class(chars.LETTERS)
_ENDING = chars.DIACRITICS - {chars.SHADDA, "\u0670"}  # SUPERSCRIPT ALEF spells a long vowel


def strip_quranic_marks() -> Rule:
    """Pause signs, honorifics and small letters of printed Qurans."""
    return char_map(
        "quranic-marks",
        "pause signs, honorifics and small annotation letters are removed",
        dict.fromkeys(chars.QURANIC_MARKS, ""),
    )


def strip_diacritics() -> Rule:
    """All vocalisation; hamza and madda marks stay, they belong to letters."""
    return char_map("diacritics", "vowel marks are removed", dict.fromkeys(chars.DIACRITICS, ""))


def keep_only_shadda() -> Rule:
    """All vocalisation but shadda, the mark that most often decides a reading."""
    return char_map(
        "diacritics-but-shadda",
        "vowel marks except shadda are removed",
        dict.fromkeys(chars.DIACRITICS - {chars.SHADDA}, ""),
    )


def strip_case_endings() -> Rule:
    """Vowels and tanwin of the last letter, and tanwin before a final alif or maqsura.

    Word-internal vowels and every shadda stay: what a reader in pause would keep.
    """

    def bare(match: re.Match[str]) -> str:
        return "".join(char for char in match.group() if char not in _ENDING)

    seats = chars.ALIF + chars.ALIF_MAQSURA
    return substitution(
        "case-endings",
        "vowels and tanwin of the last letter are removed",
        # Marks that end a word, or marks holding tanwin fath before a final alif.
        f"(?<=[{_LETTER}{_MARK}])(?:[{_MARK}]+{WORD_END}"
        f"|{chars.TANWIN_FATH}(?=[{_MARK}]*[{seats}][{_MARK}]*{WORD_END}))",
        bare,
    )
