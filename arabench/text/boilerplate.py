"""Removal of lines that are no text: menus, notices, invitations to share or subscribe."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from arabench import chars
from arabench.text.rule import Rule, scanner

#: Words of a line that begins like boilerplate and goes on with a title or a name.
MOST_WORDS: Final = 12
#: A longer line is not looked at.
MOST_CHARS: Final = 200
#: What stands between the entries of a menu on one line.
MENU_SEPARATORS: Final = frozenset("|\u00bb\u203a\u00b7\u2022")  # >> and >, MIDDLE DOT, BULLET
#: Entries of a menu at least, and words of each at most.
FEWEST_ENTRIES: Final = 3
MOST_ENTRY_WORDS: Final = 3

_BREAKS = chars.char_class(chars.LINE_BREAKS)
_LINE = re.compile(f"([^{_BREAKS}]*)(\r\n|[{_BREAKS}]|\\Z)")
_SENTENCE = frozenset(
    ".!?,;:" + chars.ARABIC_COMMA + chars.ARABIC_SEMICOLON + chars.ARABIC_QUESTION
)
_OTHER = re.compile(f"[^a-z{chars.char_class(chars.LETTERS)}]+")
_MENU = re.compile(f"[{chars.char_class(MENU_SEPARATORS)}]")


def strip_boilerplate() -> Rule:
    """Whole lines of boilerplate.toml, and menus on one line, with their line breaks.

    A line of at most `MOST_CHARS` characters is folded (see `fold_line`) and goes if the
    result is a line of `whole`; or begins with one of `beginning`, whole words, and has at
    most `MOST_WORDS` words; or if the line is three or more entries parted by
    `MENU_SEPARATORS`, each of one to three words and without sentence punctuation.
    """
    return scanner("boilerplate", "lines of menus and notices are removed", r"\S", _scan)


def _scan(text: str) -> Iterator[tuple[int, int, str]]:
    for line in _LINE.finditer(text):
        if line.group(1) and is_boilerplate(line.group(1)):
            yield line.start(), line.end(), ""


def is_boilerplate(line: str) -> bool:
    """Whether a line, without its break, is a menu, a notice or an invitation."""
    if len(line) > MOST_CHARS:
        return False
    key = fold_line(line)
    if not key:
        return False
    whole, beginning = _phrases()
    if key in whole:
        return True
    if key.count(" ") < MOST_WORDS and f"{key} ".startswith(beginning):
        return True
    entries = _MENU.split(line)
    if len(entries) < FEWEST_ENTRIES or not _SENTENCE.isdisjoint(line):
        return False
    return all(1 <= len(fold_line(entry).split()) <= MOST_ENTRY_WORDS for entry in entries)


def fold_line(line: str) -> str:
    """The words of a line as they are compared.

    Marks, tatweel and invisible characters go; presentation forms and Persian keys become
    letters; forms of alif, ya, waw and ta marbuta become one each; capitals small; all else
    (digits, punctuation) parts words.
    """
    return _OTHER.sub(" ", line.translate(_folding())).strip(" ")


@cache
def _folding() -> dict[int, str]:
    table = dict.fromkeys(
        chars.MARKS
        | chars.QURANIC_MARKS
        | chars.ZERO_WIDTH
        | chars.BIDI_CONTROLS
        | {chars.TATWEEL},
        "",
    )
    table |= dict.fromkeys(chars.ALIF_VARIANTS, chars.ALIF)
    table |= {
        chars.ALIF_MAQSURA: chars.YA,
        chars.YA_HAMZA: chars.YA,
        chars.WAW_HAMZA: chars.WAW,
        chars.TA_MARBUTA: chars.HA,
    }
    # What a key or a form stands for may itself be folded: the Urdu ta marbuta becomes ha.
    for form, letters in (chars.PERSIAN_TO_ARABIC | chars.PRESENTATION_FORMS).items():
        table[form] = "".join(table.get(char, char) for char in letters)
    table |= {chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
    return str.maketrans(table)


@cache
def _phrases() -> tuple[frozenset[str], tuple[str, ...]]:
    text = files("arabench.text").joinpath("boilerplate.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(text)
    return (
        frozenset(map(fold_line, lists["whole"])),
        tuple(f"{fold_line(phrase)} " for phrase in lists["beginning"]),
    )
