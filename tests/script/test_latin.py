"""Arabic in Latin letters and digits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.chars import ARABIC_TEXT, LETTERS
from arabench.errors import UsageError
from arabench.script.arabizi import to_arabic
from arabench.script.conventions import CONVENTIONS
from arabench.script.latin import ArabiziWriter, to_arabizi
from tests.strategies import any_text

SENTENCE = "أنا رايح المدرسة مع صديقي، وبكرة هنروح السوق؟"


@pytest.mark.parametrize(
    ("text", "convention", "latin"),
    [
        ("حاجة", "egy", "7aga"),
        ("قلب", "lev", "2alb"),
        ("خبر", "egy", "5abar"),
        ("شباك", "mgr", "chbak"),
        ("طريق", "glf", "6arig"),
        ("مش", "egy", "msh"),
        ("واش", "mgr", "wach"),
        ("وين", "glf", "wain"),
    ],
)
def test_words_are_spelled_by_the_convention(text: str, convention: str, latin: str) -> None:
    assert to_arabizi(text, convention) == latin


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("كَتَبَ", "kataba"),
        ("مُدَرِّس", "modarres"),
        ("بَيْت", "bayt"),
        ("كِتَاب", "ketab"),
        ("نُور", "nor"),
    ],
)
def test_marks_are_spelled_where_there_are_any(text: str, latin: str) -> None:
    assert to_arabizi(text, "egy") == latin


def test_only_arabic_changes() -> None:
    assert to_arabizi("hello 12 😀 www.x.com", "egy") == "hello 12 😀 www.x.com"
    assert to_arabizi("نعم، لا؟", "egy").endswith(", la?")


def test_the_default_has_no_chance_in_it() -> None:
    assert to_arabizi(SENTENCE) == ArabiziWriter("egy").write(SENTENCE)
    assert to_arabizi(SENTENCE, variation=0.0, seed=3) == to_arabizi(SENTENCE)


def test_a_seed_gives_one_spelling_and_seeds_differ() -> None:
    spelled = {to_arabizi(SENTENCE, "egy", seed, variation=1.0) for seed in range(20)}
    assert len(spelled) > 10
    again = ArabiziWriter("egy", seed=7, variation=1.0)
    again.write("شيء آخر قبلها")
    assert again.write(SENTENCE) == to_arabizi(SENTENCE, "egy", 7, variation=1.0)


@pytest.mark.parametrize("variation", [-0.1, 1.5, float("nan")])
def test_a_variation_that_is_no_share_is_refused(variation: float) -> None:
    with pytest.raises(UsageError, match="0 to 1"):
        to_arabizi("نعم", "egy", 1, variation=variation)


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'mgr'"):
        to_arabizi("نعم", "mgrb")


@settings(max_examples=200, deadline=None)
@given(
    any_text | st.text(sorted(LETTERS) + list("\u064e\u0651\u0650 "), max_size=20),
    st.sampled_from(CONVENTIONS),
    st.sampled_from([None, 1]),
)
def test_any_text_is_spelled_without_a_crash(text: str, convention: str, seed: int | None) -> None:
    spelled = to_arabizi(text, convention, seed)
    if not ARABIC_TEXT & set(text):
        assert spelled == text


def test_a_word_of_ten_thousand_letters_is_spelled() -> None:
    assert len(to_arabizi("كتاب" * 2500, "egy", 1)) > 5000


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_frequent_words_come_back(convention: str) -> None:
    words = ["كتاب", "حبيبي", "صباح", "رمضان", "مشكلة", "طويل", "بعيد", "مبروك", "سلام", "كلام"]
    back = [
        to_arabic(to_arabizi(word, convention), convention, foreign="convert") for word in words
    ]
    assert sum(before == after for before, after in zip(words, back, strict=True)) >= 8
