"""Rows that every adapter must rewrite exactly as the reference does."""

from __future__ import annotations

import functools
from typing import Any

import pyarrow as pa

from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

PRESETS = ["llm", "search"]

TEXTS: list[str | None] = [
    "ذهـــبَ الطَّالِبُ إلى  المدرسةِ صباحًا.",
    None,
    "",
    "   ",
    "قرأتُ ٣ كتبٍ في ۲۰۲٤ ؟!",
    "الجو حلو النهارده 😀👍🏽 والشمس طالعة",
    "كیف حالك؟ هٰذا \u0671لكتاب \ufefb ريب فيه",
    "شَدَّةٌ قبل الفتحة: مد\u0651\u064e، وبعدها: مد\u064e\u0651",
    "plain ASCII, لا غير\t\nسطر جديد\r\n\r\n\r\nآخر",
    "\u200fبداية\u200b خفية\u202a ونهاية\ufeff",
    "موسى والمستشفى والقهوة والحياة",
    "🙂",
    None,
    "ا\u0654\u0655\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652",
]
#: Together more than the engine reads before it changes to compiled code.
LONG_TEXT = "وَصَلَ القِطَارُ إلى المَحَطَّةِ مُتَأَخِّرًا، فجـــلسنا ننتظر  ساعةً كاملة.\n" * 5000
SHORT_ROWS = len(TEXTS)


def rows() -> list[dict[str, Any]]:
    """Short texts, long ones, short ones again; with columns that must be kept."""
    texts = [*TEXTS, *[LONG_TEXT] * 4, *TEXTS]
    return [
        {"id": number, "text": text, "label": None if number % 3 else f"تـصنيف {number}"}
        for number, text in enumerate(texts)
    ]


@functools.cache
def _normalized(preset: str, text: str) -> str:
    return Normalizer(options_from(preset)).normalize(text)


def expected(preset: str, given: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The rows as `Normalizer.normalize` rewrites them, one by one."""
    return [
        row | {"text": None if row["text"] is None else _normalized(preset, row["text"])}
        for row in (rows() if given is None else given)
    ]


def invalid_utf8() -> pa.StringArray:
    """Two strings; the second is not UTF-8."""
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1, 3)))
    return pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"a\xff\xfe"))
