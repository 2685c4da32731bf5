"""The five varieties and the finer labels that map onto them.

Codes: `msa egy glf lev mgr`. ISO 639-3 codes follow the 2024 code tables; `ajp`
(South Levantine) was merged into `apc` in 2023 and is still read, because
FLORES-200 uses it. Every individual language of the macrolanguage `ara` is in one of the
two tables below, and so is Hassaniyya (`mey`).

Five varieties are few: a code stands with the group that its dialect shares most with, and
where scholars split a country (Yemen, Iraq) it stays together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

VARIETIES: Final = ("msa", "egy", "glf", "lev", "mgr")
DIALECTS: Final = ("egy", "glf", "lev", "mgr")

NAMES: Final = {
    "msa": "Modern Standard Arabic",
    "egy": "Egyptian",
    "glf": "Gulf",
    "lev": "Levantine",
    "mgr": "Maghrebi",
}

#: Names used inside Arabic prompts.
ARABIC_NAMES: Final = {
    "msa": "الفصحى",
    "egy": "المصرية",
    "glf": "الخليجية",
    "lev": "الشامية",
    "mgr": "المغاربية",
}

#: Finer code -> variety. Order is the order in which files of one variety are pooled: codes
#: are added at the end, so that data of those above keep their results.
FINER_CODES: Final = {
    "arb": "msa",
    "arz": "egy",
    "afb": "glf",
    "acm": "glf",
    "acq": "glf",
    "ars": "glf",
    "apc": "lev",
    "ajp": "lev",
    "ary": "mgr",
    "arq": "mgr",
    "aeb": "mgr",
    # Nile valley and what goes on from it: Saidi is Upper Egypt; Sudanese and Chadian (Shuwa)
    # are one Sudanic group, which shares with Egypt what neither the Gulf nor the Maghreb has.
    "aec": "egy",
    "apd": "egy",
    "shu": "egy",
    # The Peninsula: Hijaz (urban, but with Gulf verbs and lexicon beside Egyptian loans), Oman,
    # Dhofar, Bahrain's Baharna, the Shihuh of Musandam, Hadramawt, Sanaa.
    "acw": "glf",
    "acx": "glf",
    "adf": "glf",
    "abv": "glf",
    "ssh": "glf",
    "ayh": "glf",
    "ayn": "glf",
    # Mosul and Anatolia: qeltu dialects, with the rest of Mesopotamian. Those of Central Asia
    # are its offshoots (Jastrow 2014).
    "ayp": "glf",
    "abh": "glf",
    "auz": "glf",
    # Bedouin of Sinai, the Negev and Jordan: Northwest Arabian (Palva 1991), in ISO's name
    # Egyptian, in four of five countries and in most isoglosses beside Levantine. Maronites of
    # Cyprus came from Syria and Lebanon (Borg 1985).
    "avl": "lev",
    "acy": "lev",
    # West of Egypt, by the n- of the first person: Libyan, the Algerian Sahara, Hassaniyya.
    "ayl": "mgr",
    "aao": "mgr",
    "mey": "mgr",
}

#: Codes of Arabic that are no text of a variety, and why.
UNPLACED_CODES: Final = {
    "ar": "all of Arabic",
    "ara": "all of Arabic",
    # Creoles have Arabic words, hardly its grammar.
    "pga": "a creole, Juba Arabic",
    "bbz": "a retired code, Babalia Creole",
    # Written in Hebrew letters, by communities whose speech differs from their neighbours'.
    "jrb": "Judeo-Arabic",
    "aju": "Judeo-Moroccan",
    "ajt": "Judeo-Tunisian",
    "yhd": "Judeo-Iraqi",
    "jye": "Judeo-Yemeni",
    "yud": "Judeo-Tripolitanian",
    # A language of its own, in Latin letters.
    "mlt": "Maltese",
    # Extinct.
    "xaa": "Andalusian Arabic",
    "sqr": "Siculo-Arabic",
}


def variety_of(code: str) -> str | None:
    """Variety of a code such as `egy`, `arz` or `arz_Arab`; None when it is not known."""
    bare = code.strip().lower().split("_", 1)[0]
    return bare if bare in VARIETIES else FINER_CODES.get(bare)


#: A language with a script or a country, as file and column names have it: arb, pes_Arab, ar-EG.
_CODE: Final = re.compile(r"([a-z]{2,3})(?:[_-](arab|latn|hebr|cyrl|grek|syrc|[a-z]{2}))?")
#: Usual names of fields that are as short as codes.
_FIELDS: Final = frozenset({"id", "idx", "key", "no", "num", "ref", "src", "tgt", "uid", "url"})


def unread_codes(names: Iterable[str]) -> list[str]:
    """Of names that are read as no text, those that look like codes of a language.

    Names in another script than Arabic count only where the language is Arabic: arb_Latn, not
    fra_Latn.

    Args:
        names: of columns or files, without those that are read.

    Returns:
        The names in order, each once; with a reason in brackets where there is one.
    """
    found: dict[str, None] = {}
    for name in names:
        match = _CODE.fullmatch(name.strip().lower())
        if match is None or match[0] in _FIELDS:
            continue
        bare, suffix = match[1], match[2] or ""
        arabic = bare in UNPLACED_CODES or variety_of(bare) is not None
        if arabic or suffix == "arab" or len(suffix) < 4:
            reason = UNPLACED_CODES.get(bare)
            found[f"{name} ({reason})" if reason else name] = None
    return list(found)
