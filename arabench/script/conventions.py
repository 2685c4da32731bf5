"""The spelling tables of Arabizi, per convention, as the ranking uses them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from arabench.chars import ALIF, DEFINITE_ARTICLE
from arabench.errors import UsageError, did_you_mean
from arabench.script.character_model import NUMBERS
from arabench.script.transliteration import TABLE

CONVENTIONS: Final = ("egy", "lev", "glf", "mgr")

#: Buckwalter's letters, and N for the Moroccan gaf: his N is a vowel mark, and the tables
#: of Arabizi have none.
BUCKWALTER: Final = {
    **{latin[0]: arabic for arabic, latin in TABLE.items() if arabic in NUMBERS},
    "N": "\u06ad",  # ARABIC LETTER NG
}

VOWELS: Final = frozenset("aeiouéè")
#: Latin strings of consonants that assimilate the article ("ess", "ech-chams").
SUN_KEYS: Final = ("t", "th", "d", "dh", "r", "z", "s", "sh", "ch", "S", "D", "T", "Z", "n", "6")
#: Cost of reading a doubled sun letter as the article, and of leaving the article out.
_ASSIMILATED: Final = 0.5
_NOT_ASSIMILATED: Final = 1.0
#: The same at the very beginning, where few words have a doubled letter of their own.
_NOT_ARTICLE: Final = 1.8

#: (Arabic letters, cost in nats)
Reading = tuple[str, float]


@dataclass(frozen=True)
class Convention:
    """The tables of one convention.

    Attributes:
        name: egy, lev, glf or mgr.
        initial, any, final, closing: Latin string -> readings at the beginning of a word,
            inside, at its end, before its last letter. Doubled consonants and assimilated
            articles are written out.
        longest: letters of the longest Latin string.
        words: Latin word -> Arabic ones, first choice first.
        attached: Latin article or preposition -> what stands before the next word.
        letters, letters_initial, letters_final: Latin string -> its one reading.
    """

    name: str
    initial: Mapping[str, tuple[Reading, ...]]
    any: Mapping[str, tuple[Reading, ...]]
    final: Mapping[str, tuple[Reading, ...]]
    closing: Mapping[str, tuple[Reading, ...]]
    longest: int
    words: Mapping[str, tuple[str, ...]]
    attached: Mapping[str, str]
    letters: Mapping[str, str]
    letters_initial: Mapping[str, str]
    letters_final: Mapping[str, str]


def check_convention(name: str) -> None:
    """Raise `UsageError` for an unknown convention."""
    if name not in CONVENTIONS:
        raise UsageError(f"unknown convention {name!r}. {did_you_mean(str(name), CONVENTIONS)}")


@cache
def load_tables() -> dict[str, Any]:
    """`rules.toml` as it stands."""
    text = files("arabench.script").joinpath("rules.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def load_convention(name: str) -> Convention:
    """The tables of a convention, the shared ones behind its own.

    Raises:
        UsageError: there is no such convention.
    """
    check_convention(name)

    def table(part: str) -> dict[str, str]:
        tables = load_tables()
        return {**tables["shared"].get(part, {}), **tables[name].get(part, {})}

    anywhere = _with_doubles(_readings(table("any")))
    initial = {**anywhere, **_with_doubles(_readings(table("initial")))}
    initial.update(_assimilated(anywhere, bare=name == "mgr"))
    final = {**anywhere, **_with_doubles(_readings(table("final")))}
    return Convention(
        name,
        initial,
        anywhere,
        final,
        {**anywhere, **_readings(table("closing"))},
        max(map(len, (*initial, *final))),
        {
            key: tuple(word.replace("_", " ") for word in value.split())
            for key, value in table("words").items()
        },
        table("attached"),
        *({key: _arabic(value) for key, value in table(part).items()} for part in _LETTER_PARTS),
    )


_LETTER_PARTS: Final = ("letters", "letters_initial", "letters_final")


def _arabic(letters: str) -> str:
    return "" if letters == "-" else "".join(BUCKWALTER[letter] for letter in letters)


def _readings(rows: Mapping[str, str]) -> dict[str, tuple[Reading, ...]]:
    found = {}
    for key, row in rows.items():
        best: dict[str, float] = {}
        for part in row.split():
            letters, _, cost = part.partition(":")
            arabic = _arabic(letters)
            best[arabic] = min(float(cost or 0), best.get(arabic, 99.0))
        found[key] = tuple(best.items())
    return found


def _with_doubles(
    rows: Mapping[str, tuple[Reading, ...]],
) -> dict[str, tuple[Reading, ...]]:
    """The rows, and doubled consonants: one letter where shadda is not written."""
    doubled = {}
    for key, readings in rows.items():
        if key[0] in VOWELS or (key[0] in "'l" and len(key) > 1):
            continue
        for twice in {key + key, key[0] + key}:
            doubled[twice] = readings
    return {**doubled, **rows}


def _assimilated(
    rows: Mapping[str, tuple[Reading, ...]], bare: bool
) -> dict[str, tuple[Reading, ...]]:
    """Doubled sun letters at the beginning: the article, or only a doubled letter.

    Args:
        rows: readings of the letters.
        bare: the article has no vowel of its own ("ssimana"), as in the Maghreb.
    """
    found: dict[str, tuple[Reading, ...]] = {}
    # In the Maghreb j assimilates the article too ("jjay").
    for key in (*SUN_KEYS, "j") if bare else SUN_KEYS:
        if key not in rows:
            continue
        article = [(DEFINITE_ARTICLE + word, cost + _ASSIMILATED) for word, cost in rows[key]]
        without = [(ALIF + word, cost + _NOT_ASSIMILATED) for word, cost in rows[key]]
        for twice in {key + key, key[0] + key}:
            for vowel in "aei":
                found[vowel + twice] = (*article, *without)
            if bare:
                plain = [(word, cost + _NOT_ARTICLE) for word, cost in rows[key]]
                found[twice] = (*article, *plain)
    return found
