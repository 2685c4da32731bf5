"""Noise: identity, determinism, nesting, rate, scope, and the tables."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench import chars
from arabench.errors import UsageError
from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.evaluation.perturbations.keyboard import keyboard_neighbours
from arabench.evaluation.perturbations.table import KINDS, perturb
from tests.strategies import any_text

kinds = pytest.mark.parametrize("kind", KINDS)
RATES = (0.1, 0.2, 0.3, 0.5, 1.0)
LONG = "\n".join(item.texts["msa"] for item in load_parallel(Source()))
TABLES = tomllib.loads(
    files("arabench.evaluation.perturbations").joinpath("tables.toml").read_text(encoding="utf-8")
)
#: Hamza to ya without tatweel: the 36 letters of the Arabic keyboard.
ALPHABET = [chr(code) for code in [*range(0x621, 0x63B), *range(0x641, 0x64B)]]


def _units(kind: str, text: str) -> list[str]:
    """The text cut where `kind` cuts it, so that noisy and clean units line up."""
    if kind == "vowels":
        return re.findall(f".[{chars.char_class(chars.MARKS)}]*", text, re.DOTALL)
    if kind == "arabizi":
        return text.split()
    return list(text)


@kinds
@given(text=any_text)
def test_rate_zero_is_the_identity(kind: str, text: str) -> None:
    assert perturb(text, kind, 0) == text


@kinds
@given(text=any_text, rate=st.floats(0, 1))
def test_no_string_breaks_it_and_equal_seeds_agree(kind: str, text: str, rate: float) -> None:
    noisy = perturb(text, kind, rate)
    assert noisy == perturb(text, kind, rate)


@kinds
def test_other_seeds_and_texts_give_other_noise(kind: str) -> None:
    assert perturb(LONG, kind, 0.3) != perturb(LONG, kind, 0.3, seed=1)


@pytest.mark.parametrize("kind", ["keyboard", "confusions", "vowels", "arabizi"])
def test_nested_across_rates(kind: str) -> None:
    clean = _units(kind, LONG)
    curves = [_units(kind, perturb(LONG, kind, rate)) for rate in RATES]
    for lower, higher in pairwise(curves):
        assert len(lower) == len(higher) == len(clean)
        changed = [index for index, unit in enumerate(lower) if unit != clean[index]]
        assert changed
        assert all(higher[index] == lower[index] for index in changed)


def test_spacing_is_nested_across_rates() -> None:
    # One word a line: lines cannot be joined, so every line is split or not.
    text = "\n".join(LONG.split())
    clean, low, high = (perturb(text, "spacing", rate).split("\n") for rate in (0, 0.1, 0.2))
    changed = [index for index, line in enumerate(low) if line != clean[index]]
    assert changed
    assert all(high[index] == low[index] for index in changed)


@pytest.mark.parametrize("kind", ["keyboard", "confusions", "vowels", "arabizi"])
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_share_of_changed_units_is_the_rate(kind: str, rate: float) -> None:
    clean, noisy = _units(kind, LONG), _units(kind, perturb(LONG, kind, rate))
    everything = _units(kind, perturb(LONG, kind, 1))
    can_change = [index for index, unit in enumerate(everything) if unit != clean[index]]
    share = sum(noisy[index] != clean[index] for index in can_change) / len(can_change)
    assert len(can_change) > 1000
    assert share == pytest.approx(rate, abs=4 * (rate * (1 - rate) / len(can_change)) ** 0.5)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_share_of_joined_and_split_words_is_the_rate(rate: float) -> None:
    short = " ".join(["قال", "هذا", "لنا"] * 1000)  # too short to be split
    joined = 1 - perturb(short, "spacing", rate).count(" ") / short.count(" ")
    assert joined == pytest.approx(rate, abs=0.04)
    long = "\n".join(["مدرسة", "كتاب", "مستشفى"] * 1000)
    assert perturb(long, "spacing", rate).count(" ") / 3000 == pytest.approx(rate, abs=0.04)


@pytest.mark.parametrize("kind", ["keyboard", "confusions", "vowels", "spacing"])
@given(text=any_text)
def test_only_arabic_letters_marks_and_spaces_change(kind: str, text: str) -> None:
    ours = chars.LETTERS | chars.MARKS | {" "}
    noisy = perturb(text, kind, 1)
    assert [char for char in noisy if char not in ours] == [
        char for char in text if char not in ours
    ]


@given(text=any_text)
def test_arabizi_leaves_other_words_alone(text: str) -> None:
    before, after = (re.findall(r"\S+", value) for value in (text, perturb(text, "arabizi", 1)))
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        if not any(char in TABLES["arabizi"] for char in old):
            assert old == new


@kinds
def test_latin_digits_and_emoji_survive(kind: str) -> None:
    text = "زرت New York عام 2024 و١٩٩٩ مع Ahmad-99 👩\u200d👩\u200d👧 10 000 مرة"
    noisy = perturb(text, kind, 1)
    for kept in ("New York", "2024", "١٩٩٩", "Ahmad-99", "👩\u200d👩\u200d👧", "10 000"):
        assert kept in noisy


def test_keyboard_geometry() -> None:
    neighbours = keyboard_neighbours()
    for letter, near in neighbours.items():
        assert letter not in near
        assert all(letter in neighbours[other] for other in near)
        assert 1 <= len(near) <= 4
    # Rows of the Arabic 101 layout under QWERTY: H is alif, with G, J, Y and N around it.
    assert set(neighbours["ا"]) == set("لتغى")
    # G is lam: below it B types lam-alif, which is no letter of its own.
    assert set(neighbours["ل"]) == set("باف")
    assert set(neighbours["ض"]) == set("صش")


def test_keyboard_table_has_every_unshifted_letter_once() -> None:
    rows = TABLES["keyboard"]["rows"]
    letters = [letter for row in rows for letter in row if letter != "_"]
    assert [len(row) for row in rows] == [12, 11, 10]
    assert len(letters) == len(set(letters)) == 32
    # Thal is beside 1, away from the letters; alif with hamza or madda needs shift.
    assert set(ALPHABET) - set(letters) == set("ذأإآ")


def test_confusion_table_holds_letters() -> None:
    for place in ("anywhere", "initial", "final"):
        for letter, options in TABLES["confusions"][place]:
            assert letter in ALPHABET
            assert options
            assert set(options) <= set(ALPHABET) - {letter}


def test_arabizi_table_covers_the_alphabet_in_ascii() -> None:
    assert set(ALPHABET) <= set(TABLES["arabizi"])
    assert set(TABLES["arabizi"]) <= chars.LETTERS
    for options in TABLES["arabizi"].values():
        assert options
        assert all(re.fullmatch("[a-z0-9]+", option) for option in options)


@pytest.mark.parametrize(
    ("text", "noisy"),
    [
        ("مدرسة", "مدرسه"),  # ta marbuta written as ha
        ("مدرسةُ", "مدرسهُ"),  # also under a case ending
        ("وجه", "وجة"),
        ("في", "فى"),
        ("ظل", "ضل"),
        ("رأى", None),  # to ya or alif
        ("كتاب", None),
        ("سؤال", "سوال"),
    ],
)
def test_confusions_at_rate_one(text: str, noisy: str | None) -> None:
    result = perturb(text, "confusions", 1)
    if noisy is not None:
        assert result == noisy
    assert result != text or text == "كتاب"  # an alif inside a word never takes a hamza


def test_confusions_know_where_a_word_begins_and_ends() -> None:
    assert perturb("هنا", "confusions", 1) == "هنا"  # a ha that ends no word stays
    assert perturb("اسم", "confusions", 1) in {"أسم", "إسم"}


def test_long_vowels_are_not_vocalised() -> None:
    assert perturb("ا", "vowels", 1) == "ا"
    assert perturb("ب", "vowels", 1)[1:] in {"\u064e", "\u064f", "\u0650", "\u0652"}
    assert perturb("بَّ", "vowels", 1) == "ب"


def test_split_keeps_two_letters_on_either_side() -> None:
    for line in perturb("\n".join(LONG.split()), "spacing", 1).split("\n"):
        parts = line.split(" ")
        assert len(parts) == 1 or (len(parts) == 2 and min(map(len, parts)) >= 2)


def test_wrong_kind_and_rate_are_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'keyboard'"):
        perturb("نص", "keybord", 0.1)
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="0 to 1"):
            perturb("نص", "keyboard", rate)
