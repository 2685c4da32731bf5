"""The five varieties and the finer labels that map onto them.

Codes: `msa egy glf lev mgr`. ISO 639-3 codes follow the 2024 code tables; `ajp`
(South Levantine) was merged into `apc` in 2023 and is still read, because
FLORES-200 uses it.
"""

from __future__ import annotations

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

#: Finer code -> variety. Order is the order in which files of one variety are pooled.
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
}


def variety_of(code: str) -> str | None:
    """Variety of a code such as `egy`, `arz` or `arz_Arab`; None when it is not known."""
    bare = code.strip().lower().split("_", 1)[0]
    return bare if bare in VARIETIES else FINER_CODES.get(bare)
