"""Write arabench/unicode_14.json: the Unicode data the text engine relies on.

Run with a Python whose `unicodedata.unidata_version` is 14.0.0 (Python 3.11):

    python3.11 tools/make_unicode_tables.py

The package reads this file and never the interpreter's own tables, so that every
Python version normalizes to the same bytes.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

UNICODE_VERSION = "14.0.0"
ARABIC_BLOCKS = [(0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x089F), (0x08A0, 0x08FF)]
PRESENTATION_BLOCKS = [(0xFB50, 0xFDFF), (0xFE70, 0xFEFC)]
TARGET = Path(__file__).resolve().parent.parent / "arabench" / "unicode_14.json"


def build() -> dict[str, object]:
    """The tables as plain JSON values, keys in hexadecimal."""
    marks: dict[str, int] = {}
    letters: list[str] = []
    compositions: dict[str, str] = {}
    for first, last in ARABIC_BLOCKS:
        for code in range(first, last + 1):
            char = chr(code)
            category = unicodedata.category(char)
            if category == "Mn":
                marks[f"{code:04X}"] = unicodedata.combining(char)
            elif category in {"Lo", "Lm"}:
                letters.append(f"{code:04X}")
                parts = unicodedata.decomposition(char)
                if parts and not parts.startswith("<"):
                    compositions["".join(f"{chr(int(p, 16))}" for p in parts.split())] = char
    forms: dict[str, str] = {}
    for first, last in PRESENTATION_BLOCKS:
        for code in range(first, last + 1):
            char = chr(code)
            if not unicodedata.decomposition(char):
                continue
            expansion = unicodedata.normalize("NFKC", char)
            # Isolated vowel forms decompose to SPACE + mark; the space is an artefact
            # of having no base letter, not a word boundary.
            if expansion.startswith(" ") and unicodedata.combining(expansion[1]):
                expansion = expansion[1:]
            forms[f"{code:04X}"] = expansion
    return {
        "unicode": UNICODE_VERSION,
        "marks": marks,
        "letters": letters,
        "compositions": compositions,
        "presentation_forms": forms,
    }


if __name__ == "__main__":
    if unicodedata.unidata_version != UNICODE_VERSION:
        sys.exit(f"needs Unicode {UNICODE_VERSION}, this Python has {unicodedata.unidata_version}")
    TARGET.write_text(
        json.dumps(build(), ensure_ascii=True, indent=0, sort_keys=True) + "\n", encoding="utf-8"
    )
    print(f"wrote {TARGET}")
