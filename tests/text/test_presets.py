"""Presets named after other tools, against those tools."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from arabench import chars
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from, presets

ARABERT = json.loads(
    (Path(__file__).parent.parent / "cases" / "arabert_v02.json").read_text(encoding="utf-8")
)
arabert_v02 = Normalizer(options_from("arabert_v02"))
arclean = Normalizer(options_from("camel_arclean"))


@pytest.fixture(scope="module")
def original_arabert() -> Callable[[str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        preprocess = pytest.importorskip(
            "arabert.preprocess", reason="compares with arabert 1.0.1, which is not a dependency"
        )
    clean: Callable[[str], str] = preprocess.ArabertPreprocessor("bert-base-arabertv02").preprocess
    return clean


@pytest.fixture(scope="module")
def original_arclean() -> Callable[[str], str]:
    charmap = pytest.importorskip("camel_tools.utils.charmap", reason="needs arabench[morph]")
    mapper: Callable[[str], str] = charmap.CharMapper.builtin_mapper("arclean")
    return mapper


@pytest.mark.parametrize("case", ARABERT["same"], ids=[case["input"] for case in ARABERT["same"]])
def test_arabert_v02_gives_what_arabert_gave(case: dict[str, str]) -> None:
    assert arabert_v02(case["input"]) == case["arabert"]


@pytest.mark.parametrize(
    "case", ARABERT["different"], ids=[case["label"] for case in ARABERT["different"]]
)
def test_arabert_v02_differs_on_purpose(case: dict[str, str]) -> None:
    assert arabert_v02(case["input"]) == case["arabench"] != case["arabert"]


def test_recorded_arabert_is_the_original(original_arabert: Callable[[str], str]) -> None:
    for case in ARABERT["same"] + ARABERT["different"]:
        assert original_arabert(case["input"]) == case["arabert"]


#: Where both agree: no addresses (no @, no dot or www near Latin letters), no markup,
#: no other tool's letters, no colon near a slash, no Arabic word between digits and Latin
#: letters or brackets.
_ALPHABETS = (
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءأإآؤئ" * 2 + "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"
    "ـ٠١٢٣٤٥٦٧٨٩0123456789      .,;!?-/(){}«»“”‘’–—…،؛؟\"'%$#*+=_|\\~^·€½😀本é",
    "ابتجدرسصعفقلمنهويةأ" * 2 + "abcdefghijklmnopqrstuvxyz     ,;:!?-()[]«»،؛؟\"'%$#*+=_|",
)


@pytest.mark.parametrize("seed", range(4))
def test_arabert_v02_equals_arabert_on_random_text(
    seed: int, original_arabert: Callable[[str], str]
) -> None:
    rng = random.Random(seed)
    for _ in range(1000):
        # Drawn with repetition, so that runs occur.
        parts = [rng.choice(rng.choice(_ALPHABETS[seed % 2])) for _ in range(rng.randrange(40))]
        text = "".join(part * rng.choice((1, 1, 1, 1, 2, 5)) for part in parts)
        assert arabert_v02(text) == original_arabert(text), ascii(text)


@pytest.mark.parametrize("text", [case["input"] for case in ARABERT["same"]])
def test_arabert_v02_is_stable_on_its_own_output(text: str) -> None:
    once = arabert_v02(text)
    assert arabert_v02(once) == once


def test_camel_arclean_equals_camel_on_every_character(
    original_arclean: Callable[[str], str],
) -> None:
    different = [
        char
        for char in map(chr, range(0x110000))
        if char not in chars.SURROGATES and arclean(char) != original_arclean(char)
    ]
    # camel gives PILCROW SIGN, which it would delete itself in a second pass.
    assert different == ["\u204b"]
    assert arclean("\u204b") == ""


def test_camel_arclean_equals_camel_on_random_text(
    original_arclean: Callable[[str], str],
) -> None:
    rng = random.Random(0)
    blocks = ((0x20, 0x7F), (0x600, 0x700), (0x600, 0x700), (0x2000, 0x2060), (0xFB50, 0xFF00))
    for _ in range(3000):
        codes = [rng.randrange(*rng.choice(blocks)) for _ in range(30)]
        text = "".join(chr(code) for code in codes if code != 0x204B)
        assert arclean(text) == original_arclean(text)
        assert arclean(arclean(text)) == arclean(text)


def test_presets_say_which_release_they_follow() -> None:
    assert "arabert 1.0.1" in presets()["arabert_v02"]["description"]
    assert "camel-tools 1.6.0" in presets()["camel_arclean"]["description"]
