"""Words and short patterns that mark a variety of Arabic: loads markers.toml and checks it.

MARKERS.md beside this file says how the list was written and what its classes mean.
"""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal, cast, get_args

from arabench.chars import DIACRITICS, LETTERS, TATWEEL
from arabench.errors import DataError, did_you_mean
from arabench.varieties import VARIETIES

Strength = Literal["exclusive", "typical", "shared"]
Match = Literal["word", "prefix", "circumfix"]

STRENGTHS: Final[tuple[str, ...]] = get_args(Strength)
MATCHES: Final[tuple[str, ...]] = get_args(Match)

#: Parts of speech and functions; markers.toml has one array of tables for each.
CLASSES: Final = (
    "question", "negation", "demonstrative", "relative", "aspect", "pronoun", "possessive",
    "wanting", "existential", "verb", "place", "time", "degree", "quantifier", "discourse",
    "greeting", "connector", "noun", "adjective",
)  # fmt: skip

#: Region -> variety. Iraqi and Yemeni speech belongs to `glf`, as in `varieties.FINER_CODES`.
REGIONS: Final[dict[str, str]] = {
    "cairo": "egy",
    "upper": "egy",
    "najdi": "glf",
    "hijazi": "glf",
    "kuwaiti": "glf",
    "emirati": "glf",
    "bahraini_qatari": "glf",
    "omani": "glf",
    "yemeni": "glf",
    "iraqi": "glf",
    "lebanese": "lev",
    "syrian": "lev",
    "palestinian": "lev",
    "jordanian": "lev",
    "moroccan": "mgr",
    "algerian": "mgr",
    "tunisian": "mgr",
    "libyan": "mgr",
}

_KEYS: Final = ("forms", "varieties", "regions", "gloss", "strength", "match", "ending")
_SOURCE: Final = "markers.toml"
_ARABIC: Final = LETTERS - {TATWEEL} - DIACRITICS


@dataclass(frozen=True, slots=True)
class Marker:
    """One item of the list.

    Attributes:
        forms: Spellings, and the closest inflections, as people type them. Of a phrase, the
            words are separated by one space. Of a prefix, what the word begins with.
        varieties: Codes of `arabench.varieties` in which the item is in everyday use.
        regions: Narrower places. A variety with no region here uses the item throughout.
        kind: One of `CLASSES`.
        gloss: Meaning in English; meanings elsewhere stand in parentheses.
        strength: `exclusive` is hardly seen outside its one variety, `typical` is seen
            there far more often than elsewhere, or has another meaning elsewhere, `shared`
            belongs to several varieties and tells them from the rest only.
        match: `word` (or phrase), `prefix`, or `circumfix` (a form, three letters or more,
            `ending`).
        ending: What the word must end with; only of a circumfix.
    """

    forms: tuple[str, ...]
    varieties: tuple[str, ...]
    regions: tuple[str, ...]
    kind: str
    gloss: str
    strength: Strength
    match: Match = "word"
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All markers, in the order of the file."""

    markers: tuple[Marker, ...]


@functools.cache
def shipped_lexicon() -> Lexicon:
    """The list that comes with the package."""
    text = files("arabench.dialect").joinpath(_SOURCE).read_text(encoding="utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            f"{_SOURCE} is no TOML file ({error}). Install the package again."
        ) from None
    return parse_lexicon(tables, _SOURCE)


def parse_lexicon(tables: Mapping[str, Any], source: str) -> Lexicon:
    """Markers from the tables of a TOML file in the form of markers.toml.

    Raises:
        DataError: a class, key, variety, region, strength or match is unknown, an item has
            no spelling or one with other than Arabic letters, strength and varieties
            contradict each other, or a spelling occurs twice in one class and variety.
    """
    markers = []
    for kind, entries in tables.items():
        _one_of("class", kind, CLASSES, source)
        if not isinstance(entries, list):
            raise DataError(f"{source}: {kind!r} must be an array of tables, as [[{kind}]].")
        for number, entry in enumerate(entries, 1):
            markers.append(_parse_marker(kind, entry, f"{source}: [[{kind}]] number {number}"))
    _refuse_doubles(markers, source)
    return Lexicon(tuple(markers))


def _parse_marker(kind: str, entry: object, where: str) -> Marker:
    if not isinstance(entry, dict):
        raise DataError(f"{where} is no table. Write one per item, with {', '.join(_KEYS)}.")
    for key in entry:
        _one_of("key", key, _KEYS, where)
    forms = _strings(entry, "forms", where)
    varieties = _strings(entry, "varieties", where)
    regions = _strings(entry, "regions", where, may_be_empty=True)
    gloss = entry.get("gloss")
    if not isinstance(gloss, str) or not gloss.strip():
        raise DataError(f"{where}: 'gloss' must say in English what {forms[0]!r} means.")
    strength = entry.get("strength")
    _one_of("strength", strength, STRENGTHS, where)
    match = entry.get("match", "word")
    _one_of("match", match, MATCHES, where)
    ending = entry.get("ending", "")
    for variety in varieties:
        _one_of("variety", variety, VARIETIES, where)
    for region in regions:
        _one_of("region", region, REGIONS, where)
        if REGIONS[region] not in varieties:
            raise DataError(
                f"{where}: region {region!r} belongs to {REGIONS[region]!r}, which 'varieties' "
                "does not list. Add the variety or take the region out."
            )
    _check_forms(forms, match, ending, where)
    if (strength == "shared") != (len(varieties) > 1):
        raise DataError(
            f"{where}: strength {strength!r} does not go with {len(varieties)} varieties. "
            "'shared' needs two or more, 'exclusive' and 'typical' exactly one."
        )
    return Marker(
        forms, varieties, regions, kind, gloss, cast(Strength, strength), cast(Match, match), ending
    )


def _check_forms(forms: Sequence[str], match: object, ending: object, where: str) -> None:
    if not isinstance(ending, str) or (match == "circumfix") != bool(ending):
        raise DataError(f"{where}: 'ending' is for match 'circumfix', and needed there.")
    affix = match != "word"
    for form in (*forms, ending) if ending else forms:
        words = form.split(" ")
        if not all(word and set(word) <= _ARABIC for word in words) or (affix and len(words) > 1):
            raise DataError(
                f"{where}: {form!r} may hold only Arabic letters without vowel marks or tatweel"
                + (", in one word." if affix else ", with one space between words.")
            )


def _strings(
    entry: Mapping[str, Any], key: str, where: str, may_be_empty: bool = False
) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(f"{where}: {key!r} must be a list of strings.")
    if not values and not may_be_empty:
        raise DataError(f"{where}: {key!r} is empty or missing. Give at least one.")
    if len(set(values)) < len(values):
        raise DataError(f"{where}: {key!r} names a value twice. Take one out.")
    return tuple(values)


def _one_of(
    what: str, given: object, allowed: Sequence[str] | Mapping[str, str], where: str
) -> None:
    if given not in allowed:
        raise DataError(f"{where}: unknown {what} {given!r}. {did_you_mean(str(given), allowed)}")


def _refuse_doubles(markers: Sequence[Marker], source: str) -> None:
    seen: dict[tuple[str, ...], Marker] = {}
    for marker in markers:
        for form, variety in itertools.product(marker.forms, marker.varieties):
            key = (marker.kind, marker.match, variety, form, marker.ending)
            if key in seen:
                raise DataError(
                    f"{source}: {form!r} is twice in class {marker.kind!r} of {variety!r} "
                    f"({seen[key].gloss!r} and {marker.gloss!r}). Merge the two."
                )
            seen[key] = marker
