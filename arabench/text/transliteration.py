"""Where `arabench.script.transliteration` was; its names stay importable from here."""

from __future__ import annotations

from arabench.script.transliteration import (
    ALIASES,
    SCHEMES,
    TABLE,
    Scheme,
    clashes,
    from_latin,
    scheme_named,
    transliterate,
)

__all__ = [
    "ALIASES",
    "SCHEMES",
    "TABLE",
    "Scheme",
    "clashes",
    "from_latin",
    "scheme_named",
    "transliterate",
]
