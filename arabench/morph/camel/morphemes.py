"""From the morphemes of a Buckwalter tag to segments of the word as it is spelled.

An analysis of camel-tools names its morphemes in the feature `bw`, each with its
dictionary spelling and its tag: `w/CONJ+ktAb/NOUN+u/CASE_DEF_NOM+hm/POSS_PRON_3MP`, in Arabic
letters. The word itself may be spelled otherwise: lam and the article are two lams, teh
marbuta before a pronoun is teh, alef maqsura is alef, and hamzas are left out. So morphemes
are aligned to letters by least cost.

Tags: Buckwalter (2002), LDC2002L49, with the additions of CALIMA-Star (Taji et al., 2018) and
Camel Morph (Khairallah et al., 2024).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from arabench.chars import MARKS, TATWEEL, char_class
from arabench.morph.analysis import PROCLITICS, Analysis, Kind, Segment

#: Which table of the database a morpheme comes from.
Part = Literal["prefix", "stem", "suffix"]

_SEEN: Final = "\u0633"  # ARABIC LETTER SEEN
_WAW: Final = "\u0648"  # ARABIC LETTER WAW
_LAM: Final = "\u0644"  # ARABIC LETTER LAM
_YEH: Final = "\u064a"  # ARABIC LETTER YEH
_ALEF: Final = "\u0627"  # ARABIC LETTER ALEF
_ALEF_MAQSURA: Final = "\u0649"  # ARABIC LETTER ALEF MAKSURA
_TUMU: Final = "\u062a\u0645\u0648"  # TEH MEEM WAW

_PREFIX_KINDS: Final[dict[str, Kind]] = {
    "CONJ": "conjunction",
    "SUB_CONJ": "conjunction",
    "CONNEC_PART": "conjunction",
    "RC_PART": "conjunction",
    "PREP": "preposition",
    "DET": "article",
    "PROG_PART": "progressive",
    "NEG_PART": "negation",
    "DEM": "demonstrative",
    "DEM_PRON": "demonstrative",
    "DEM_PART": "demonstrative",
}
#: Tags of prefixes that belong to the stem: subjects of the imperfect, vowels of the stem.
_PREFIX_STEMS: Final = ("IV", "PV", "CV", "STEM", "NOUN", "ADJ")

#: Letters that one morpheme shows in another spelling, by what the analyzer takes as equal
#: and by what changes before a suffix.
_CLASSES: Final[tuple[str, ...]] = (
    # alef, with madda, with hamza above and below, wasla, alef maqsura, hamza, waw and yeh
    # with hamza, yeh: cost 0.25 within, since a hamza or a final letter may change seat
    "\u0627\u0622\u0623\u0625\u0671\u0649\u0621\u0624\u0626\u064a",
    "\u0629\u062a\u0647",  # teh marbuta, teh, heh
    "\u0624\u0648",  # waw with hamza, waw
)
_SUBSTITUTE: Final = 0.25
_OTHER: Final = 1.5
#: Letters of a morpheme that the word lacks, and of the word that no morpheme has.
_LACKING: Final = 1.0
_EXTRA: Final = 1.25
#: So many substitutions cost less than a letter left out and another put in.
_ALL_SUBSTITUTED: Final = 8
#: Letter -> the first of its class; of two classes, of the first.
_SAME: Final = {ord(letter): group[0] for group in reversed(_CLASSES[:2]) for letter in group}
#: A morpheme with letters that gets none of the word.
_VANISHED: Final = 0.5

#: What a final alef maqsura becomes before another segment, and before a pronoun.
_BEFORE_PRONOUN: Final = {False: (_ALEF,), True: (_ALEF, _YEH)}

#: Longer words are not aligned but given to their stem: Arabic words have fewer letters.
_LONGEST: Final = 60

#: Tags of the proclitics of the D3 scheme, by letters.
_D3_TAGS: Final = {
    _WAW: "CONJ",
    "\u0641": "CONJ",  # ARABIC LETTER FEH
    "\u0628": "PREP",  # ARABIC LETTER BEH
    "\u0643": "PREP",  # ARABIC LETTER KAF
    _LAM: "PREP",
    _SEEN: "FUT_PART",
    _ALEF + _LAM: "DET",
}

_MARKED: Final = re.compile(f"[{char_class(MARKS)}{TATWEEL}]")
_STRIPPED: Final = {ord(mark): None for mark in MARKS} | {
    ord(TATWEEL): None,
    ord("#"): None,
    ord("_"): None,
    0x0671: _ALEF,  # ARABIC LETTER ALEF WASLA, in the diacritized article
}


def letters_of(text: str) -> str:
    """The letters of a diacritized spelling: no marks, tatweel nor the signs of databases."""
    return text.translate(_STRIPPED)


class Morph(NamedTuple):
    """A morpheme: its letters as in the dictionary, and its kind."""

    letters: str
    kind: Kind


def _kind(tag: str, letters: str, part: Part) -> Kind | None:
    """Kind by tag; None for what only a mark or an unknown tag says."""
    if part == "prefix":
        if tag in ("FUT_PART", "FUT"):  # sa- of MSA; h-, gh-, rah- of dialects
            return "particle" if letters == _SEEN else "future"
        if letters == _LAM and tag in ("SUB_CONJ", "JUS_PART"):  # li-, as the preposition
            return "preposition"
        if tag.startswith(_PREFIX_STEMS) or not tag:
            return "stem"
        return _PREFIX_KINDS.get(tag, "particle")
    if part == "suffix":
        if "SUFF_SUBJ" in tag:
            return "verb_suffix"
        if "SUFF_DO" in tag or "PRON" in tag:
            return "pronoun"
        if tag.startswith("NSUFF"):
            return "noun_suffix"
        if tag.startswith("CASE"):
            return "case"
        if tag.startswith(("PREP", "IVSUFF_IO", "PVSUFF_IO", "CVSUFF_IO")):
            return "indirect_object"
        if tag.startswith("NEG"):
            return "negation"
        return None
    return "stem"


@lru_cache(maxsize=65536)
def morphs_of(tagged: str, part: Part) -> tuple[Morph, ...]:
    """The morphemes with letters of one part of an analysis.

    Args:
        tagged: the feature `bw` of the part: `form/TAG` joined by plus signs.
        part: where the database has it.
    """
    pieces = [piece.rpartition("/") for piece in tagged.split("+") if piece]
    found: list[Morph] = []
    for place, (spelled, _, tag) in enumerate(pieces):
        letters = "" if spelled == "(null)" else letters_of(spelled)
        if not letters:
            continue
        kind = _kind(tag, letters, part)
        if part == "stem" and len(pieces) > 1:  # some stems hold clitics: bi-hi, 3ala-ma
            if place == 0 and tag in _PREFIX_KINDS and (len(letters) == 1 or tag == "DET"):
                kind = _PREFIX_KINDS[tag]
            elif place == len(pieces) - 1 and place > 0 and "PRON" in tag:
                kind = "pronoun"
        kind = kind or (found[-1].kind if found else "stem")
        if kind == "stem" and found and found[-1].kind == "stem":
            found[-1] = Morph(found[-1].letters + letters, "stem")
        else:
            found.append(Morph(letters, kind))
    return tuple(found)


def tags_of_tokens(features: Mapping[str, str]) -> str:
    """A Buckwalter tag made of D3 tokens, for the databases that have no other.

    Args:
        features: of one part of an analysis: `d3seg` or `d3tok`, clitics with a plus sign on
            the side of the word, joined by low lines.
    """
    tokens = features.get("d3seg") or features.get("d3tok") or ""
    tagged = []
    for token in tokens.split("_"):
        if token.endswith("+"):
            tag = _D3_TAGS.get(letters_of(token[:-1]), "PART")
        else:
            tag = "PRON" if token.startswith("+") else "STEM"
        if token.strip("+"):
            tagged.append(f"{token.strip('+')}/{tag}")
    return "+".join(tagged)


def joined(*parts: tuple[Morph, ...]) -> tuple[Morph, ...]:
    """The morphemes of a word; the pieces of its stem made one."""
    found: list[Morph] = []
    for part in parts:
        for morph in part:
            if morph.kind == "stem" and found and found[-1].kind == "stem":
                found[-1] = Morph(found[-1].letters + morph.letters, "stem")
            else:
                found.append(morph)
    return tuple(found)


@lru_cache(maxsize=4096)
def _change_cost(expected: str, seen: str) -> float:
    if expected == seen:
        return 0.0
    if any(expected in group and seen in group for group in _CLASSES):
        return _SUBSTITUTE
    return _OTHER


@lru_cache(maxsize=65536)
def _piece_cost(letters: str, piece: str) -> float:
    """Edit cost of writing a morpheme as `piece`."""
    if letters == piece:
        return 0.0
    if not piece:
        return _VANISHED + _LACKING * len(letters)
    row = [_EXTRA * place for place in range(len(piece) + 1)]
    for expected in letters:
        above, row = row, [row[0] + _LACKING]
        for place, seen in enumerate(piece):
            row.append(
                min(
                    above[place] + _change_cost(expected, seen),
                    above[place + 1] + _LACKING,
                    row[place] + _EXTRA,
                )
            )
    return row[-1]


def split_letters(letters: str, morphs: tuple[Morph, ...]) -> list[int]:
    """Where each morpheme of a word ends among its letters.

    Args:
        letters: the word's letters, unmarked.
        morphs: its morphemes in order, at least one.

    Returns:
        One end per morpheme, not falling, the last `len(letters)`: the split of least cost,
        and of these the one whose first ends are the greatest.
    """
    spelled = [morph.letters for morph in morphs]
    joined_up = "".join(spelled)
    if joined_up == letters or (
        # Other seats of hamza and the like cost less than one letter that is elsewhere.
        len(joined_up) == len(letters) <= _ALL_SUBSTITUTED
        and joined_up.translate(_SAME) == letters.translate(_SAME)
    ):
        return list(accumulate(map(len, spelled)))
    if len(letters) > _LONGEST:
        stem = next((i for i, morph in enumerate(morphs) if morph.kind == "stem"), 0)
        return [0 if i < stem else len(letters) for i in range(len(morphs))]
    size = len(letters)
    # best[i][at]: least cost of writing morphemes i.. as letters at.., and the end of i.
    best: list[list[tuple[float, int]]] = [[(0.0, 0)] * (size + 1) for _ in morphs]
    for i in range(len(morphs) - 1, -1, -1):
        for at in range(size + 1):
            if i == len(morphs) - 1:
                best[i][at] = _piece_cost(spelled[i], letters[at:]), size
                continue
            best[i][at] = min(
                (
                    _piece_cost(spelled[i], letters[at:end]) + best[i + 1][end][0],
                    -end,
                )
                for end in range(at, size + 1)
            )
            best[i][at] = best[i][at][0], -best[i][at][1]
    ends, at = [], 0
    for row in best:
        at = row[at][1]
        ends.append(at)
    return ends


def _own_form(surface: str, morph: Morph, lexeme: str, after: Kind) -> str:
    """How a segment with another of kind `after` behind it is written on its own."""
    letters = letters_of(surface)
    if morph.kind == "verb_suffix" and after == "pronoun":
        if morph.letters == _TUMU and letters == _TUMU:
            return surface[: surface.rindex(_WAW)]
        if letters == _WAW:
            return surface + _ALEF
    if morph.kind == "stem" and lexeme.endswith(_ALEF_MAQSURA):
        if letters[-1] in _BEFORE_PRONOUN[after == "pronoun"] and lexeme[:-1] == letters[:-1]:
            return _with_last_letter(surface, _ALEF_MAQSURA)
        if after == "pronoun" and lexeme[:-1] == letters:  # 3alay-ya, its two yehs written once
            return surface + _ALEF_MAQSURA
    if letters == morph.letters:
        return surface
    if morph.letters.endswith(letters):  # the article after lam
        return morph.letters[: -len(letters)] + surface
    if len(letters) != len(morph.letters):
        return morph.letters
    if letters[-1] != morph.letters[-1] and morph.kind in ("stem", "noun_suffix"):
        return _with_last_letter(surface, morph.letters[-1])
    return surface


def _with_last_letter(surface: str, letter: str) -> str:
    for at in range(len(surface) - 1, -1, -1):
        if surface[at] not in MARKS and surface[at] != TATWEEL:
            return surface[:at] + letter + surface[at + 1 :]
    return surface


def whole(word: str) -> Analysis:
    """A word that nothing is known about: all stem."""
    return (Segment(word, word, "stem"),)


@lru_cache(maxsize=4096)
def _clitic(surface: str, form: str, kind: Kind) -> Segment:
    """A segment that many words have."""
    return Segment(surface, form, kind)


def segments(word: str, morphs: tuple[Morph, ...], lexeme: str = "") -> Analysis:
    """The segments of a word whose morphemes are known.

    Args:
        word: as spelled, with marks and tatweel; these stay with the letter before them.
        morphs: its morphemes; those the spelling has no letter of are left out.
        lexeme: letters of its dictionary form, or nothing.
    """
    if len(morphs) < 2 and (not morphs or morphs[0].kind == "stem"):
        return whole(word)
    if _MARKED.search(word) is None:
        letters, starts = word, None
    else:
        starts = [at for at, char in enumerate(word) if char not in MARKS and char != TATWEEL]
        letters = "".join([word[at] for at in starts])
        if not letters:
            return whole(word)
        starts.append(len(word))
        starts[0] = 0  # marks before the first letter
    spans: list[tuple[int, int, Morph]] = []
    start = stems = 0
    for end, morph in zip(split_letters(letters, morphs), morphs, strict=True):
        if end > start:
            spans.append((start, end, morph))
            stems += morph.kind == "stem"
        start = end
    if stems != 1:
        spans = _with_one_stem(spans)
    found = []
    last = len(spans) - 1
    for place, (start, end, morph) in enumerate(spans):
        surface = word[start:end] if starts is None else word[starts[start] : starts[end]]
        own = surface
        if place < last and (surface != morph.letters or morph.kind in ("stem", "verb_suffix")):
            own = _own_form(surface, morph, lexeme, spans[place + 1][2].kind)
        make = Segment if morph.kind == "stem" else _clitic
        found.append(make(surface, own, morph.kind))
    return tuple(found)


def _with_one_stem(spans: list[tuple[int, int, Morph]]) -> list[tuple[int, int, Morph]]:
    """Spans of which one is a stem, unless they are a preposition and a pronoun."""
    stems = [place for place, (_, _, morph) in enumerate(spans) if morph.kind == "stem"]
    if not stems:
        kinds = [morph.kind for _, _, morph in spans]
        if len(kinds) > 1 and kinds[-1] == "pronoun" and set(kinds[:-1]) <= PROCLITICS:
            return spans
        # The stem has no letters of its own (imperatives of doubly weak verbs and the like):
        # the segment after the proclitics stands for it.
        place = next((i for i, kind in enumerate(kinds) if kind not in PROCLITICS), len(kinds) - 1)
        start, end, morph = spans[place]
        return [*spans[:place], (start, end, Morph(morph.letters, "stem")), *spans[place + 1 :]]
    if len(stems) == 1:
        return spans
    # Pieces of the stem with a clitic between: all from the first to the last is stem.
    first, last = stems[0], stems[-1]
    text = "".join(morph.letters for _, _, morph in spans[first : last + 1])
    inner = (spans[first][0], spans[last][1], Morph(text, "stem"))
    return [*spans[:first], inner, *spans[last + 1 :]]
