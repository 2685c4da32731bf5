"""No rule takes quadratic time, whatever is repeated."""

from __future__ import annotations

import time

import pytest

from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

_HOSTILE = [
    "<", "<!--", "<a ", "<a b='", '<a b="', "<b x=", "<script>", "<?x", "&#1", "&aaaaaaaaaaaa",
    "http://", "http://a.", "www.", "a@", "a.", "a.a@", "@", "@a", "#",
    "#_", "#a", "+1 ", "001", "050-",
    "😀\u200d", "🇪", "1\ufe0f", " ", "\r\n", " \n", "\u064e", "\u0654", "با", "ب\u064e", "ىَ",
    "\u064bا",
    "!", "!؟", "|", "شارك\n", "ـ", "\u200d", "ﷺ", "ن",
]  # fmt: skip


@pytest.mark.parametrize("unit", _HOSTILE, ids=ascii)
def test_time_is_linear_in_hostile_repeats(unit: str) -> None:
    # Ten times as long takes about ten times as long; quadratic rules would need a hundred.
    def seconds(length: int) -> float:
        text = unit * (length // len(unit)) + "ب"
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            for normalizer in _EVERYTHING:
                normalizer(text)
            best = min(best, time.process_time() - start)
        return best

    short = seconds(2_000)
    assert seconds(20_000) < 30 * short + 0.1


_EVERYTHING = [
    Normalizer(options_from(preset, overrides))
    for preset, overrides in [
        ("arabert_v02", {"hashtags": "split", "phones": "drop", "emoji": "drop", "alif": "hamza"}),
        ("llm", {"diacritics": "no_case_endings", "alif_maqsura": "from_final_ya",
                 "elongation": "cap", "boilerplate": "strip", "scripts": "arabic_latin"}),
        ("search", {"diacritics": "partial", "hashtags": "tag", "alif_maqsura": "to_final_ya"}),
        ("paper", {"diacritics": "skeleton", "hamza": "drop", "unicode": "compatibility"}),
        ("none", {"diacritics": "first_vowel", "whitespace": "collapse"}),
    ]
]  # fmt: skip
