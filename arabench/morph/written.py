"""Words that were cut by hand for this package, in `written_words.txt`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from arabench.errors import DataError
from arabench.morph.gold import GoldWord, align
from arabench.morph.letters import encode

#: Forms of a verb of the Maghreb that a "=" line lists: {0} perfect, {1} perfect before a
#: consonant, {2} imperfect without the letter for the person.
_VERB: Final = "= "
_PARADIGM: Final = """
{0} {0}+ت {0}+و {1}+ت {1}+نا {1}+تو {0}+ني {0}+ك {0}+ها {0}+هم {1}+ت+ك {1}+ت+ها {0}+و+ها {0}+و+ني
ن{2} ت{2} ي{2} ن{2}+و ت{2}+و ي{2}+و ت{2}+ي {2}+و ن{2}+ك ن{2}+ها ي{2}+ني ي{2}+ك ي{2}+هم ي{2}+و+ني
ك+ن{2} ك+ي{2} ك+ي{2}+و كا+ي{2} غ+ن{2} غ+ي{2}
ما+{1}+ت+ش ما+{0}+ش ما+ي{2}+ش م+ي{2}+ش م+ن{2}+ش ما+ت{2}+و+ش
"""

#: A form of a paradigm counts less than a word, or the verbs would drown the other varieties.
PARADIGM_WEIGHT: Final = 0.1
WRITTEN_PATH: Final = Path(__file__).parent / "written_words.txt"


def read_written(path: Path = WRITTEN_PATH) -> list[GoldWord]:
    """The words, once each; kinds are left open, as the cuts say enough.

    Raises:
        DataError: a word is not made of Arabic letters.
    """
    words: dict[str, GoldWord] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "[")):
            continue
        for spelled in _spelled(line):
            segments = spelled.split("+")
            word = "".join(segments)
            letters = encode(word)
            cuts = align(letters.codes, segments) if letters else None
            if letters is None or cuts is None:
                raise DataError(f"{path}: {spelled!r} is no word of Arabic letters cut by +")
            weight = PARADIGM_WEIGHT if line.startswith(_VERB) else 1.0
            kept = GoldWord(word, letters.codes, cuts, (), "full", "written", "", weight)
            words.setdefault(spelled, kept)
    return list(words.values())


def _spelled(line: str) -> list[str]:
    """The words of a line; those of the paradigm for a "=" line."""
    if not line.startswith(_VERB):
        return line.split()
    perfect, before_consonant, imperfect = line[2:].split()
    forms = _PARADIGM.format(perfect, before_consonant, imperfect).split()
    # A stem in yeh takes no second one for the feminine.
    return [form for form in forms if "ي+ي" not in form]
