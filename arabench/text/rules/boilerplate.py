"""Removal of lines that are no text: menus, notices, invitations to share or subscribe."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from arabench import chars
from arabench.text.rules.folding import fold_words
from arabench.text.rules.links import blank, link_spans
from arabench.text.rules.rule import Rule, scanner

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
_MENU = re.compile(f"[{chars.char_class(MENU_SEPARATORS)}]")


def strip_boilerplate() -> Rule:
    r"""Whole lines of boilerplate.toml, and menus on one line, with their line breaks.

    A line of at most `MOST_CHARS` characters is folded (`fold_words` without links and
    digits) and goes if the result is a line of `whole`; or begins with one of `beginning`,
    whole words, and has at most `MOST_WORDS` words; or if the line is several entries parted
    by `MENU_SEPARATORS`, each of them a line of `whole`; or three or more such entries, each
    of one to three words and without sentence punctuation.

    >>> strip_boilerplate().apply("خبر\nشارك على فيسبوك\nآخر")
    'خبر\nآخر'
    >>> strip_boilerplate().apply("شارك اللاعب في مباراة أمس")
    'شارك اللاعب في مباراة أمس'
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
    line = blank(line, link_spans(line))
    key = fold_words(line, digits=False)
    if not key:
        return False
    whole, beginning = phrases()
    if key in whole:
        return True
    if key.count(" ") < MOST_WORDS and f"{key} ".startswith(beginning):
        return True
    parts = _MENU.split(line)
    if len(parts) == 1:
        return False
    entries = [fold_words(entry, digits=False) for entry in parts]
    if whole.issuperset(entries):
        return True
    if len(entries) < FEWEST_ENTRIES or not _SENTENCE.isdisjoint(line):
        return False
    return all(1 <= len(entry.split()) <= MOST_ENTRY_WORDS for entry in entries)


@cache
def phrases() -> tuple[frozenset[str], tuple[str, ...]]:
    """Folded lines of `whole`, and folded beginnings with a space after each."""
    text = files("arabench.text.rules").joinpath("boilerplate.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(text)
    return (
        frozenset(fold_words(phrase, digits=False) for phrase in lists["whole"]),
        tuple(f"{fold_words(phrase, digits=False)} " for phrase in lists["beginning"]),
    )
