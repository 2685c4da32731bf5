"""Vowel marks thinned at random, skeletons, drawn-out letters, hamza and alif policies."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.text.hashes import splitmix64
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options
from arabench.text.presets import options_from
from tests.strategies import any_text

VOCALISED = "كَتَبَ الطَّالِبُ دَرْسَهُ فِي المَكْتَبَةِ ثُمَّ عَادَ إِلَى البَيْتِ مُسْرِعًا. "
_arabic = st.text(st.sampled_from(sorted(chars.LETTERS | chars.MARKS | {" "})), max_size=30)


def thinned(text: str, rate: float, seed: int = 0) -> str:
    return Normalizer(Options(diacritics="partial", partial_rate=rate, partial_seed=seed))(text)


def marks_in(text: str) -> int:
    return sum(char in chars.DIACRITICS for char in text)


def test_splitmix64_gives_the_published_numbers() -> None:
    # The first three outputs of SplitMix64 seeded with 1234567, from Vigna's reference code.
    step = 0x9E3779B97F4A7C15
    states = [(1234567 + place * step) & (1 << 64) - 1 for place in range(3)]
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [splitmix64(state) for state in states] == expected


def test_partial_result_is_pinned() -> None:
    # A compiled engine must draw the same numbers.
    assert thinned("كَتَبَ الطَّالِبُ دَرْسَهُ", 0.5, 7) == PINNED


PINNED = "كتبَ الطَّالِب درسه"


@settings(max_examples=300)
@given(any_text | _arabic, st.integers(0, 1 << 62))
def test_partial_at_its_ends_is_strip_and_keep(text: str, seed: int) -> None:
    assert thinned(text, 0.0, seed) == Normalizer(Options(diacritics="strip"))(text)
    assert thinned(text, 1.0, seed) == Normalizer(Options())(text)


@settings(max_examples=300)
@given(_arabic, _arabic, st.integers(0, 1 << 62))
def test_partial_choice_depends_on_nothing_that_follows(head: str, tail: str, seed: int) -> None:
    whole = thinned(f"{head} {tail}", 0.5, seed)
    assert whole.startswith(thinned(f"{head} ", 0.5, seed))


@settings(max_examples=300)
@given(_arabic, st.integers(0, 1 << 62), st.floats(0, 1), st.floats(0, 1))
def test_partial_only_removes_marks(text: str, seed: int, one: float, other: float) -> None:
    low, high = sorted([one, other])
    bare = Normalizer(Options(diacritics="strip"))
    assert bare(thinned(text, low, seed)) == bare(text)
    assert marks_in(thinned(text, low, seed)) <= marks_in(thinned(text, high, seed))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_partial_keeps_about_its_rate(rate: float) -> None:
    text = "".join(f"{word}{number} " for number in range(300) for word in VOCALISED.split())
    kept = marks_in(thinned(text, rate)) / marks_in(text)
    assert abs(kept - rate) < 0.02


def test_partial_differs_between_seeds_and_between_texts() -> None:
    assert len({thinned(VOCALISED, 0.5, seed) for seed in range(20)}) == 20
    firsts = {
        thinned(f"{letter}\u064eب", 0.5)[1] == "\u064e" for letter in sorted(chars.LETTERS)[:40]
    }
    assert firsts == {True, False}


@settings(max_examples=300)
@given(_arabic)
def test_first_vowel_leaves_letters_and_word_beginnings_alone(text: str) -> None:
    result = Normalizer(Options(diacritics="first_vowel"))(text)
    bare = Normalizer(Options(diacritics="strip"))
    assert bare(result) == bare(text)
    for before, after in zip(text.split(" "), result.split(" "), strict=True):
        assert before[:2] == after[:2]


@settings(max_examples=300)
@given(any_text | _arabic)
def test_skeleton_holds_only_letters_without_dots(text: str) -> None:
    result = Normalizer(Options(diacritics="skeleton"))(text)
    assert not set(result) & (chars.MARKS | chars.SKELETONS.keys())


def test_skeleton_covers_every_letter_with_a_shape() -> None:
    shapes = set(chars.SKELETONS.values())
    assert len(shapes) == 18
    rest = {char for char in chars.LETTERS if char not in chars.SKELETONS and char not in shapes}
    shapeless = ("HAMZA", "TATWEEL", "SMALL", "DOT", "VERTICAL TAIL")
    assert all(any(word in unicodedata.name(char) for word in shapeless) for char in rest)


@pytest.mark.parametrize("longest", [1, 2, 3, 7])
@settings(max_examples=150)
@given(_arabic | any_text)
def test_no_run_of_letters_is_longer_than_the_cap(longest: int, text: str) -> None:
    options = Options(elongation="cap", elongation_max=longest)
    result = Normalizer(options)(text)
    bare = "".join(char for char in result if char not in chars.MARKS)
    source = "".join(char for char in text if char not in chars.MARKS)
    for letter in set(bare) & chars.ELONGATED:
        # Orphan marks between two equal letters do not part them, so runs are seen bare.
        assert letter * (longest + 1) not in bare
    assert set(bare) <= set(source) | {chars.REPLACEMENT}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", "أحمد إلى آدم ٱلله"),
        ("wasla", "أحمد إلى آدم الله"),
        ("hamza", "احمد الى آدم الله"),
        ("unify", "احمد الى ادم الله"),
    ],
)
def test_alif_policies(policy: str, expected: str) -> None:
    assert Normalizer(options_from("none", {"alif": policy}))("أحمد إلى آدم ٱلله") == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", "سؤال بئر سماء أمر"),
        ("carrier", "سوال بير سماء أمر"),
        ("line", "سءال بءر سماء أمر"),
        ("drop", "سوال بير سما أمر"),
    ],
)
def test_hamza_policies(policy: str, expected: str) -> None:
    chosen = options_from("none", {"hamza": policy})
    assert Normalizer(chosen)("سؤال بئر سماء أمر") == expected


@pytest.mark.parametrize(
    "table", [chars.URDU_TO_ARABIC, chars.MAGHREBI_TO_ARABIC, chars.LOAN_TO_ARABIC]
)
def test_letter_maps_lead_to_letters_of_the_arabic_alphabet(table: dict[str, str]) -> None:
    alphabet = set(map(chr, [*range(0x621, 0x63B), *range(0x641, 0x64B)]))
    assert set(table) <= chars.LETTERS - alphabet
    assert set(table.values()) <= alphabet
