"""How text of a corpus stands in a page: direction, language, numbers that read left to right.

A right-to-left paragraph orders groups of digits from right to left (Unicode Standard Annex
9, rules N1 and L2): "+20 100 123" is shown as "123 100 20+". Telephone numbers, accounts and
cards are written and read the other way in every variety of Arabic, so they are isolated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from arabench import chars
from arabench.audit.language import Language, arabic_script_language, latin_language, prose
from arabench.audit.personal_data import MASK, find_personal_data
from arabench.audit.tables import LANGUAGE_LETTERS

if TYPE_CHECKING:
    from markupsafe import Markup

Direction = Literal["rtl", "ltr", "auto"]

#: BCP 47 tags; what is not here is of no known language, which HTML writes as lang="".
_TAGS: Final[dict[Language, str]] = {
    "arabic": "ar",
    "arabizi": "ar-Latn",
    "persian": "fa",
    "urdu": "ur",
    "kurdish": "ckb",
    "pashto": "ps",
    "uyghur": "ug",
    "sindhi": "sd",
    "english": "en",
    "french": "fr",
}

_DIGIT: Final = "0-9" + chars.char_class(chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS)
_GAP: Final = r"[-. \u00a0()]{1,2}"
#: What `personal_data.mask` leaves of a number, an address or a user name.
_MASKED: Final = re.compile(
    rf"(?:@|[(+]{{0,2}})[A-Za-z{_DIGIT}{MASK}](?:[-. \u00a0()_@]{{0,2}}[{_DIGIT}{MASK}])*"
    rf"(?:[A-Za-z]{{1,2}}(?!\w))?"
)
#: Groups of at least two digits after a plus sign or a zero, as telephone numbers have them.
#: Years in a row, "1990 2000 2010", are a list and follow the text; so do dates.
_DIALLED: Final = re.compile(
    rf"(?<![\w.,:+-])(?!\d\d?[-.]\d\d?[-.]\d{{2,4}}(?!\w))"
    rf"(?:\(?\+|\(?[0\u0660\u06f0])[{_DIGIT}]*\)?(?:{_GAP}[{_DIGIT}]{{2,}})+(?!\w)"
)
_DIALLED_DIGITS: Final = 7


def direction(text: str) -> Direction:
    """Which way a snippet is read: by most of its letters, not by its first as in HTML.

    Letters of addresses and user names do not count.
    """
    words = prose(text)
    right = _arabic_letters(words)
    left = sum(char.isalpha() for char in words) - right
    return "auto" if right == left else "rtl" if right > left else "ltr"


def language_tag(text: str) -> str:
    """BCP 47 tag of the language a snippet is probably in; empty where none is known."""
    if direction(text) == "rtl":
        own = {
            name: sum(char in of_language for char in text)
            for name, of_language in LANGUAGE_LETTERS.items()
        }
        return _TAGS.get(arabic_script_language(_arabic_letters(text), own, text), "")
    return _TAGS.get(latin_language(text), "")


def text_attributes(text: str, neutral: Direction = "auto") -> Markup:
    """`dir` and `lang` for the element that holds `text`, with a space before them.

    Args:
        text: what the element shows.
        neutral: direction of text without letters, digits for example.
    """
    from markupsafe import Markup

    way = direction(text)
    # Both values come from closed sets, nothing of `text` is in them.
    return Markup(' dir="{}" lang="{}"').format(
        neutral if way == "auto" else way, language_tag(text)
    )


def isolated(text: str) -> Markup:
    """`text` as HTML, escaped; telephone numbers, accounts and masked data left to right."""
    from markupsafe import Markup, escape

    number = Markup('<bdi dir="ltr">{}</bdi>')
    parts: list[Markup] = []
    position = 0
    for start, end in _left_to_right(text):
        parts += [escape(text[position:start]), number.format(text[start:end])]
        position = end
    return Markup("").join([*parts, escape(text[position:])])


def _left_to_right(text: str) -> list[tuple[int, int]]:
    """Stretches that read left to right whatever stands around them, in order."""
    found = [(hit.start, hit.end) for hit in find_personal_data(text)]
    found += [match.span() for match in _MASKED.finditer(text) if _is_masked(match.group())]
    found += [match.span() for match in _DIALLED.finditer(text) if _is_dialled(match.group())]
    found.sort(key=lambda span: (span[0], -span[1]))
    kept: list[tuple[int, int]] = []
    for span in found:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _is_masked(run: str) -> bool:
    # A bullet alone is one of a list.
    return 2 * MASK in run or (run[0] == "@" and MASK in run)


def _is_dialled(run: str) -> bool:
    return sum(char.isdecimal() for char in run) >= _DIALLED_DIGITS


def _arabic_letters(text: str) -> int:
    return sum(char in chars.LETTERS or char in chars.PRESENTATION_FORMS for char in text)
