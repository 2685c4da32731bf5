"""The one folding of "the same word", made by running the rules of the `search` preset.

Filter, deduplication, audit, dialect model, boilerplate and answers compare words by it:
forms of alif, hamza seats, ya and ta marbuta, letters of the Persian keyboard and presentation
forms meet; marks, tatweel and what shows nothing vanish. Letters for foreign sounds (p, ch,
v, g) and other languages' own letters stay.

The folding is of Arabic letters. What else belongs to a word depends on who asks: Latin
letters lose their case and digits become 0-9 for those who look at them, and the dialect
model takes neither, nor the ligatures that stand for a whole phrase.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from arabench import chars
from arabench.text.rules import letters
from arabench.text.rules.rule import apply_rules

#: Characters inside of words that leave no trace. Letters whose rules leave nothing of them
#: (a presentation form that is a mark alone) go with them.
INVISIBLE: Final = (
    chars.MARKS
    | chars.QURANIC_MARKS
    | chars.ZERO_WIDTH
    | chars.BIDI_CONTROLS
    | chars.CONTROLS
    | {chars.TATWEEL}
)


class Folding(NamedTuple):
    """What becomes of each character of the Arabic blocks.

    Attributes:
        letters: character -> the one to four folded letters that it stands for.
        phrases: character -> the folded words that it stands for, a space between two.
        ignored: characters that leave no trace.
    """

    letters: dict[str, str]
    phrases: dict[str, str]
    ignored: frozenset[str]


@functools.cache
def folding() -> Folding:
    """The tables: every letter and presentation form through the rules, its marks removed."""
    rules = [
        letters.expand_presentation_forms(),
        letters.persian_letters(),
        letters.maqsura_to_ya(),
        letters.compose_marks(),
        letters.unify_alif(),
        letters.hamza_carriers(to_hamza=False),
        letters.strip_loose_hamza_marks(),
        letters.ta_marbuta_to_ha(),
    ]
    ignored = set(INVISIBLE)
    bare = str.maketrans("", "", "".join(INVISIBLE))
    folded: dict[str, str] = {}
    phrases: dict[str, str] = {}
    for char in sorted((chars.LETTERS - ignored) | set(chars.PRESENTATION_FORMS)):
        after = apply_rules(rules, char).translate(bare)
        if not after:
            ignored.add(char)
        elif chars.LETTERS.issuperset(after):
            folded[char] = after
        else:
            phrases[char] = after
    return Folding(folded, phrases, frozenset(ignored))


def fold_words(text: str, digits: bool = True) -> str:
    """The folded words of a text, Arabic and Latin, with one space between two.

    Args:
        text: any string.
        digits: they are parts of words, as 0-9; else they part words like punctuation.

    >>> fold_words("إلى المدرسةِ، سنة ٢٠٢٤!")
    'الي المدرسه سنه 2024'
    >>> fold_words("ﺷﺎﺭﻙ Twitter 2", digits=False)
    'شارك twitter'
    """
    other = _OTHER if digits else _OTHER_OR_DIGIT
    return other.sub(" ", text.translate(_table())).strip(" ")


_LETTERS: Final = f"a-z{chars.char_class(chars.LETTERS)}"
_OTHER: Final = re.compile(f"[^{_LETTERS}0-9]+")
_OTHER_OR_DIGIT: Final = re.compile(f"[^{_LETTERS}]+")
#: Digit or capital -> the digit or small letter that it is compared as.
ALIKE: Final = {
    **dict(zip(chars.ARABIC_INDIC_DIGITS, chars.LATIN_DIGITS, strict=True)),
    **dict(zip(chars.EXTENDED_DIGITS, chars.LATIN_DIGITS, strict=True)),
    **{chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)},
}


@functools.cache
def _table() -> dict[int, str]:
    arabic = folding()
    return str.maketrans(
        {**ALIKE, **arabic.letters, **arabic.phrases, **dict.fromkeys(arabic.ignored, "")}
    )
