"""How a segment is written on its own, where the rules of spelling are sure.

Only changes that joining undoes: the article after li-, the teh of a feminine noun before a
pronoun, the alef maksura and the hamza that a pronoun changes, the silent alef of -u.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arabench import chars
from arabench.morph.analysis import Kind

_LAM: Final = "\u0644"  # LAM
_TEH: Final = "\u062a"  # TEH
_ARTICLE: Final = chars.DEFINITE_ARTICLE
_ALLAH: Final = "\u0627\u0644\u0644\u0647"  # allah
_SILENT_ALEF: Final = chars.WAW + chars.ALIF

#: Words of closed class whose final alef maksura is yeh before a pronoun, with that yeh.
_MAKSURA_AS_YEH: Final = frozenset({"علي", "إلي", "الي", "لدي"})
#: Nouns and verbs whose final alef maksura is alef before a pronoun, with that alef. Short,
#: because the spelling alone cannot tell them from those with a true alef (dunya, 3asa).
_MAKSURA_AS_ALEF: Final = frozenset(
    {
        "مستوا", "معنا", "مدا", "مبنا", "مغزا", "مرما", "محتوا", "مقتضا", "منتها", "أقصا", "اقصا",
        "أدنا", "ادنا", "إحدا", "احدا", "كبرا", "صغرا", "عظما", "أخرا", "اخرا", "أعطا", "اعطا",
        "أدا", "تلقا", "التقا", "أبقا", "ابقا", "ألقا", "نها", "رما", "هدا", "اشترا", "تولا",
        "تبنا", "تخطا", "انتها", "احتوا", "حما", "رعا", "روا", "سقا",
    }
)  # fmt: skip
#: Persons of the imperfect; a verb of it that ends in alef before a pronoun has alef maksura.
_IMPERFECT: Final = ("ي", "ن", "ت", "أ")
_SHORTEST_IMPERFECT: Final = 3
_SEATED: Final = ("\u0627\u0624", "\u0627\u0626")  # alef + hamza on waw, on yeh
#: Verbs of the imperfect with a true alef.
_TRUE_ALEF: Final = frozenset({"يحيا", "تحيا", "نحيا", "أحيا"})


def citation_forms(surfaces: Sequence[str], kinds: Sequence[Kind]) -> list[str]:
    """One form per segment; the surface itself where nothing is sure.

    Args:
        surfaces: the segments as they stand in the word.
        kinds: what each is.
    """
    forms = list(surfaces)
    for place, (surface, kind) in enumerate(zip(surfaces, kinds, strict=True)):
        before = place - 1
        after = kinds[place + 1] if place + 1 < len(kinds) else None
        after_lam = before >= 0 and surfaces[before] == _LAM
        if kind == "article" and surface == _LAM and after_lam:
            forms[place] = _ARTICLE
        elif kind == "noun_suffix" and surface == _TEH and after == "pronoun":
            forms[place] = chars.TA_MARBUTA
        elif kind == "verb_suffix" and surface == chars.WAW and after == "pronoun":
            forms[place] = _SILENT_ALEF
        elif kind == "stem":
            if surface == "\u0644\u0647" and after_lam and after is None:  # li-llah
                forms[place] = _ALLAH
            elif after == "pronoun":
                forms[place] = _before_pronoun(surface, kinds[:place], surfaces[place + 1])
    return forms


def _before_pronoun(stem: str, before: Sequence[Kind], pronoun: str) -> str:
    if stem in _MAKSURA_AS_YEH:
        return stem[:-1] + chars.ALIF_MAQSURA
    if stem.endswith(_SEATED):
        return stem[:-1] + chars.HAMZA
    if stem.endswith(chars.ALIF):
        imperfect = (
            stem.startswith(_IMPERFECT[:2])
            or (stem.startswith(_IMPERFECT) and bool({"particle", "future"} & set(before)))
        ) and len(stem) >= _SHORTEST_IMPERFECT
        if stem in _MAKSURA_AS_ALEF or (imperfect and stem not in _TRUE_ALEF):
            return stem[:-1] + chars.ALIF_MAQSURA
    return stem
