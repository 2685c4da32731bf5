"""Items as they are typed in Latin letters, and Latin letters as they are read.

Both directions are used: an item's renderings say where in Latin text it may be, by consonants
alone; that stretch is then read as Arabic, as Arabizi is, and its letters are held against those
of the item.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arabench.chars import ARABIC_SCRIPT
from arabench.corpus.word_hashes import scan
from arabench.evaluation.contamination.index import WHOLE_BELOW
from arabench.evaluation.contamination.skeletons import skeletons
from arabench.script.arabizi import ArabiziReader
from arabench.script.conventions import CONVENTIONS
from arabench.script.latin import to_arabizi
from arabench.script.measures import edit_distance
from arabench.text.hash_arrays import U64
from arabench.text.rules.folding import fold_words

#: Letters of a part and of a reading that are compared; comparing is quadratic.
_COMPARED: Final = 240
#: Long vowels are typed as short ones, emphatic letters as plain ones.
_LOOSE: Final = str.maketrans("طضظذصث", "تدزدست", "اويهةىء ")


@dataclass(frozen=True)
class Rendering:
    """A part in Latin letters.

    Attributes:
        part: its number.
        convention: how it is typed.
        words: hashes of the consonants of its words.
    """

    part: int
    convention: str
    words: U64


def render(texts: Sequence[str]) -> list[Rendering]:
    """Renderings of parts in every convention, equal ones once.

    A part needs `WHOLE_BELOW` words that show a consonant.
    """
    found: list[Rendering] = []
    for number, text in enumerate(texts):
        if not ARABIC_SCRIPT.intersection(text):
            continue
        seen: set[bytes] = set()
        for convention in CONVENTIONS:
            latin = skeletons(scan([to_arabizi(text, convention)]))
            if latin is None or len(latin.hashes) < WHOLE_BELOW:
                continue
            if latin.hashes.tobytes() not in seen:
                seen.add(latin.hashes.tobytes())
                found.append(Rendering(number, convention, latin.hashes))
    return found


def likeness(latin: str, part: str, convention: str) -> float:
    """How much of a part's letters is in a reading of text in Latin letters, 0 to 1.

    1 less the edits by the longer of both, vowels left out.
    """
    read, own = _loosened(_reader(convention).read(latin)), _loosened(part)
    return 1 - edit_distance(read, own) / max(len(read), len(own), 1)


def _loosened(text: str) -> str:
    return fold_words(text).translate(_LOOSE)[:_COMPARED]


@functools.cache
def _reader(convention: str) -> ArabiziReader:
    return ArabiziReader(convention, foreign="convert")
