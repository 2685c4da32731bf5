"""Dialect text made by rule from MSA sentences: training data whose content tells nothing.

Labelled sources differ in topic and style as much as in dialect, and a model that trains on
them learns the topic. Here one MSA sentence is given the function words (rewriting.tsv) and
the verb morphology of a region, in any number of places from one upwards, so that nothing
but the dialect differs. Translators of news write much like this: standard words with a few
marks of the dialect. The output is not meant to be read: agreement and word order stay as
they were.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Final

from arabench.chars import DIACRITICS, TA_MARBUTA, TATWEEL, char_class
from arabench.errors import DataError

_TABLE: Final = "rewriting.tsv"

#: Region -> variety, in the order of the columns of the table.
REGIONS: Final = {
    "EG": "egy", "SA": "glf", "KW": "glf", "IQ": "glf", "YE": "glf", "SY": "lev",
    "JO": "lev", "MA": "mgr", "DZ": "mgr", "TN": "mgr", "LY": "mgr",
}  # fmt: skip

_BARE: Final = re.compile(f"[{char_class(DIACRITICS | {TATWEEL})}]")
_EDGES: Final = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)

#: What may be written before a verb in the imperfect: (prefixes kept with y- and t-).
_PRESENT: Final = {
    "EG": ("\u0628",), "SY": ("\u0628", "\u0639\u0645 "), "JO": ("\u0628",),
    "MA": ("\u0643",), "IQ": ("", "", "\u062f"), "YE": ("", "", "\u0628"),
}  # fmt: skip
_FUTURE: Final = {
    "EG": ("هـ", "هـ", "حـ"), "SA": ("بـ", "راح "), "KW": ("راح ", "بـ"), "IQ": ("راح ",),
    "YE": ("عـ", "شا", "شـ"), "SY": ("رح ", "راح "), "JO": ("رح ", "راح "),
    "MA": ("غادي ", "غا"), "DZ": ("راح ", "رايح "), "TN": ("باش ", "بش "), "LY": ("حـ", "بـ"),
}  # fmt: skip
_NEGATED_FUTURE: Final = {
    "EG": ("مش هـ", "مش حـ"), "SA": ("ما راح ", "ماهو بـ"), "KW": ("ما راح ",), "IQ": ("ما راح ",),
    "YE": ("مش عـ", "ما عـ"), "SY": ("ما رح ",), "JO": ("مش رح ", "ما رح "),
    "MA": ("ما غاديش ", "ماغاديش "), "DZ": ("ماراحش ", "ما راحش "), "TN": ("موش باش ",),
    "LY": ("مش حـ", "ما حـ"),
}  # fmt: skip
#: Regions that negate a verb with -sh: always, mostly or sometimes.
_WITH_SH: Final = {"EG": 1.0, "YE": 0.8, "JO": 0.6, "MA": 0.9, "DZ": 0.95, "TN": 1.0, "LY": 0.95}
#: "Of", between two definite nouns.
_OF: Final = {
    "EG": ("بتاع", "بتاعة"), "SA": ("حق",), "KW": ("مال", "حق"), "IQ": ("مال",), "YE": ("حق",),
    "SY": ("تبع",), "JO": ("تبع",), "MA": ("ديال", "د"), "DZ": ("تاع", "نتاع"),
    "TN": ("متاع", "متع"), "LY": ("متاع", "متع"),
}  # fmt: skip
#: Regions that write the preposition fi attached to the article, and how.
_IN: Final = {"IQ": "بال", "KW": "بال", "SY": "بال", "JO": "بال", "MA": "فال", "DZ": "فال"}
_ON: Final = {"SY": "عال", "JO": "عال", "IQ": "عال"}
#: Regions whose plural verbs keep the -n of the imperfect.
_KEEPS_NUN: Final = {"SA", "KW", "IQ"}
#: Regions that write the plural waw without the silent alif.
_NO_ALIF: Final = {"MA", "DZ", "TN"}
#: Regions that write the pronoun -hu as waw, often.
_HU_AS_WAW: Final = {"SY", "MA", "DZ", "TN"}

_VERB_CUES: Final = {"أن", "لم", "لن", "كان", "كانت", "سوف", "قد"}
_NO_VERBS: Final = {
    "يوم",
    "يوما",
    "يد",
    "يدي",
    "يمين",
    "يسار",
    "يونيو",
    "يوليو",
    "يناير",
    "تلك",
    "تم",
    "تحت",
}


@dataclass(frozen=True)
class Vocabulary:
    """What the MSA text itself says of its words.

    Attributes:
        verbs: imperfect verbs (third person): words that follow a particle that only verbs follow.
        nouns: words seen with the article, without it.
        words: every word seen twice or more.
    """

    verbs: frozenset[str]
    nouns: frozenset[str]
    words: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """Collect from MSA texts."""
        counts: Counter[str] = Counter()
        after: Counter[str] = Counter()
        for text in texts:
            words = [_EDGES.match(word)[2] for word in _BARE.sub("", text).split()]  # type: ignore[index]
            counts.update(words)
            after.update(
                word
                for before, word in itertools.pairwise(words)
                if before in _VERB_CUES and len(word) > 3 and word[0] in "يت"
            )
        seen = frozenset(word for word, count in counts.items() if count > 1)
        verbs = {word for word, count in after.items() if count > 1} - _NO_VERBS
        # A verb in t- is one in y- as well: keeps feminine nouns such as "development" out.
        verbs = {word for word in verbs if word[0] == "ي" or "ي" + word[1:] in verbs}
        nouns = {word[2:] for word in seen if word.startswith("ال") and len(word) > 5}
        return cls(frozenset(verbs), frozenset(nouns & seen), seen)


@functools.cache
def _table() -> dict[str, dict[str, tuple[str, ...]]]:
    """Region -> MSA form -> forms to draw from."""
    text = files("arabench.dialect").joinpath(_TABLE).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    header, *rows = (line.split("\t") for line in lines)
    if tuple(header) != ("msa", *REGIONS) or any(len(row) != len(header) for row in rows):
        raise DataError(f"{_TABLE} must have the columns msa, {', '.join(REGIONS)} in every row.")
    table: dict[str, dict[str, tuple[str, ...]]] = {region: {} for region in REGIONS}
    for row in rows:
        sources = row[0].split("/")
        for region, cell in zip(REGIONS, row[1:], strict=True):
            forms = tuple(cell.split("/"))
            # Feminine for feminine: "small" and "small (f.)", "three" and "three (f.)".
            paired = len(sources) == len(forms) == 2 and (
                sources[0].endswith(TA_MARBUTA) != sources[1].endswith(TA_MARBUTA)
            )
            for place, source in enumerate(sources):
                chosen = (forms[place],) if paired else forms
                table[region].setdefault(source, chosen)
    return table


@dataclass
class _Edit:
    """Words `start:end` of a sentence become `words`."""

    start: int
    end: int
    words: list[str]


def render(
    text: str, region: str, strength: float, vocabulary: Vocabulary, rng: Random
) -> str | None:
    """An MSA sentence with marks of a region's dialect.

    Args:
        text: one MSA sentence.
        region: one of `REGIONS`.
        strength: share of the possible places that is rewritten, 0 to 1; one at least.
        vocabulary: of MSA text, the sentence among it or not.
        rng: draws places and forms.

    Returns:
        The sentence, or None where the rules find nothing to rewrite.
    """
    tokens = [_EDGES.match(token).groups() for token in _BARE.sub("", text).split()]  # type: ignore[union-attr]
    words = [middle for _, middle, _ in tokens]
    edits = [
        edit
        for edit in _edits(words, region, vocabulary, rng)
        if edit.words != words[edit.start : edit.end]
    ]
    if not edits:
        return None
    kept = [edit for edit in edits if rng.random() < strength] or [rng.choice(edits)]
    starts = {edit.start: edit for edit in kept}
    out: list[str] = []
    place = 0
    while place < len(words):
        edit = starts.get(place)
        end = edit.end if edit else place + 1
        made = edit.words if edit else [words[place]]
        out.append(tokens[place][0] + " ".join(made) + tokens[end - 1][2])
        place = end
    return respell(" ".join(out), region, strength, rng)


def respell(text: str, region: str | None, strength: float, rng: Random) -> str:
    """Spelling as people type it; None is MSA, of which only hamzas may go.

    One draw per text, so that a writer is consistent.
    """
    if rng.random() < 0.3:
        text = re.sub("[أإآ]", "ا", text)
    if region is None:
        return text
    if region not in {"MA", "DZ", "TN", "LY"} and rng.random() < 0.25 * strength:
        text = re.sub(r"ة\b", "ه", text)
    if region == "EG" and rng.random() < 0.3 * strength:
        text = re.sub(r"ي\b", "ى", text)
    return text


def _edits(
    words: Sequence[str], region: str, vocabulary: Vocabulary, rng: Random
) -> Iterable[_Edit]:
    table = _table()[region]
    place = 0
    while place < len(words):
        edit = _phrase(words, place, table, rng) or _morphology(
            words, place, region, vocabulary, rng
        )
        if edit is None:
            place += 1
        else:
            yield edit
            place = edit.end


def _phrase(
    words: Sequence[str], place: int, table: dict[str, tuple[str, ...]], rng: Random
) -> _Edit | None:
    if place and words[place - 1] == "عن":  # "an bu'd", from afar, and its kin
        return None
    for size in (3, 2, 1):
        if place + size > len(words):
            continue
        phrase = " ".join(words[place : place + size])
        for and_ in ("", "و", "ف"):
            if phrase.startswith(and_) and phrase[len(and_) :] in table:
                chosen = rng.choice(table[phrase[len(and_) :]])
                if chosen == "ل" or phrase[len(and_) :] == "إلى":
                    return _towards(words, place, and_, chosen)
                return _Edit(place, place + size, (and_ + chosen).split(" "))
    return None


def _towards(words: Sequence[str], place: int, and_: str, chosen: str) -> _Edit | None:
    """ "To" becomes a letter of the next word."""
    if place + 1 == len(words) or not words[place + 1]:
        return None
    following = words[place + 1]
    if len(chosen) > 1 and chosen != "لا":
        return _Edit(place, place + 1, (and_ + chosen).split(" "))
    joined = "ل" + following[1:] if following.startswith("ال") else following
    return _Edit(place, place + 2, [and_ + "ل" + joined])


def _morphology(
    words: Sequence[str], place: int, region: str, vocabulary: Vocabulary, rng: Random
) -> _Edit | None:
    word = words[place]
    following = words[place + 1] if place + 1 < len(words) else ""
    before = words[place - 1] if place else ""
    verbs = vocabulary.verbs
    if word in {"سوف", "لن"} and following in verbs:
        forms = _FUTURE if word == "سوف" else _NEGATED_FUTURE
        return _Edit(
            place, place + 2, _prefixed(rng.choice(forms[region]), _plural(following, region))
        )
    if word.startswith("س") and word[1:] in verbs:
        return _Edit(
            place, place + 1, _prefixed(rng.choice(_FUTURE[region]), _plural(word[1:], region))
        )
    if word == "لا" and following in verbs:
        return _Edit(place, place + 2, _negated(_present(following, region, rng), region, rng))
    if word == "لم" and (past := _past(following)) and following in verbs:
        return _Edit(place, place + 2, _negated(past, region, rng))
    if word in verbs:
        made = (
            _plural(word, region) if before in {"أن", "لم", "لن"} else _present(word, region, rng)
        )
        return _Edit(place, place + 1, made.split(" "))
    if word == "في" and region in _IN and following.startswith("ال"):
        return _Edit(place, place + 2, [_IN[region] + following[2:]])
    if word == "على" and region in _ON and following.startswith("ال"):
        return _Edit(place, place + 2, [_ON[region] + following[2:]])
    if (
        word in vocabulary.nouns and word[-1] not in "اى" and following.startswith("ال")
        and len(following) > 4 and following[2:] in vocabulary.nouns and rng.random() < 0.25
    ):  # fmt: skip
        return _Edit(place, place + 2, ["ال" + word, rng.choice(_OF[region]), following])
    if word.startswith("ال") and word.endswith("ون") and word[:-2] + "ين" in vocabulary.words:
        return _Edit(place, place + 1, [word[:-2] + "ين"])  # no dialect has the nominative
    if len(word) > 4 and word[:-1] in vocabulary.words:
        if word.endswith("ه") and region in _HU_AS_WAW:
            return _Edit(place, place + 1, [word[:-1] + "و"])
        if word.endswith("وا") and region in _NO_ALIF:
            return _Edit(place, place + 1, [word[:-1]])
    if len(word) > 5 and region == "SY" and word.endswith("هم") and word[:-2] in vocabulary.words:
        return _Edit(place, place + 1, [word[:-2] + rng.choice(("ن", "هن"))])
    return None


def _prefixed(prefix: str, verb: str) -> list[str]:
    """A prefix that ends in tatweel is a part of the verb."""
    return (prefix[:-1] + verb if prefix.endswith(TATWEEL) else prefix + verb).split(" ")


def _plural(verb: str, region: str) -> str:
    if not verb.endswith("ون") or region in _KEEPS_NUN or len(verb) < 5:
        return verb
    return verb[:-1] if region in _NO_ALIF else verb[:-1] + "ا"


def _present(verb: str, region: str, rng: Random) -> str:
    prefix = rng.choice(_PRESENT.get(region, ("",)))
    verb = _plural(verb, region)
    if region == "JO" and verb[0] == "ي" and rng.random() < 0.7:
        verb = verb[1:]
    return prefix + verb


def _past(verb: str) -> str | None:
    """The perfect of a sound verb of form I, else None."""
    stem = verb[1:]
    if len(stem) != 3 or set(stem) & set("اويىأإآؤئ"):
        return None
    return stem + "ت" if verb[0] == "ت" else stem


def _negated(verb: str, region: str, rng: Random) -> list[str]:
    with_sh = rng.random() < _WITH_SH.get(region, 0.0)
    joined = "م" if region == "EG" and rng.random() < 0.5 else "ما "
    if verb.startswith("عم "):
        verb = verb[3:]
    if with_sh:
        verb = (verb[:-1] if verb.endswith("وا") else verb) + "ش"
    return (joined + verb).split(" ")
