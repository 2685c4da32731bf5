"""The one folding: what it makes equal, and that everything that compares words uses it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.audit.blocks import blocks
from arabench.corpus import word_hashes
from arabench.dialect.features import words_of
from arabench.evaluation.metrics.answers import answer_tokens
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from arabench.text.rules.folding import fold_words, folding
from tests.strategies import any_text, web_text

_ARABIC = sorted(chars.LETTERS | chars.MARKS | set(chars.PRESENTATION_FORMS))
#: Text of Arabic letters alone, in any form, and of what shows nothing.
arabic_text = st.text(st.sampled_from([*_ARABIC, *"ابتيىةهءؤئو \u200c"]), max_size=12)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("أحمد", "احمد"),
        ("مدرسة", "مدرسه"),
        ("علي", "على"),
        ("کتاب", "كتاب"),
        ("كـتـاب", "كتاب"),
        ("ﻛﺘﺎﺏ", "كتاب"),
        ("ﻻ", "لا"),
        ("كِتَابٌ", "كتاب"),
        ("مدرسۃ", "مدرسه"),
        ("خانۀما", "خانهما"),
        ("كت\u200dاب", "كتاب"),
        ("كت\u0007اب", "كتاب"),
        ("قال ﷺ", "قال صلى الله عليه وسلم"),
        ("٢٠٢٤", "2024"),
        ("۲۰۲۴", "2024"),
        ("HELLO", "hello"),
        ("نعم، لا!", "نعم لا"),
    ],
)
def test_spellings_of_one_word_meet(one: str, two: str) -> None:
    assert fold_words(one) == fold_words(two)


@pytest.mark.parametrize(
    ("one", "two"), [("پيتزا", "بيتزا"), ("ڤيديو", "فيديو"), ("شيء", "شي"), ("نعم لا", "نعملا")]
)
def test_different_words_stay_apart(one: str, two: str) -> None:
    assert fold_words(one) != fold_words(two)


def test_digits_part_words_where_nobody_looks_at_them() -> None:
    assert fold_words("كوفيد19 وa7a ٢٠٢٤", digits=False) == "كوفيد وa a"
    assert fold_words("كوفيد19 وa7a ٢٠٢٤") == "كوفيد19 وa7a 2024"


@given(any_text | web_text | arabic_text)
@settings(max_examples=500, deadline=None)
def test_folding_twice_changes_nothing(text: str) -> None:
    for digits in (True, False):
        assert fold_words(fold_words(text, digits), digits) == fold_words(text, digits)


def test_every_character_folds_as_the_search_preset_writes_it() -> None:
    # Of the preset's text only a hamza on a letter that carries none is left, as a mark.
    bare = str.maketrans("", "", "".join(chars.MARKS))
    search = Normalizer(options_from("search"))
    for char in _ARABIC:
        assert fold_words(f"ن{char}ن") == search(f"ن{char}ن").translate(bare), f"U+{ord(char):04X}"
    assert folding().ignored.isdisjoint({**folding().letters, **folding().phrases})


def test_answers_are_compared_by_the_same_letters() -> None:
    bare = str.maketrans("", "", "".join(chars.MARKS))
    for char in _ARABIC:
        tokens = [token.translate(bare) for token in answer_tokens(f"ن{char}ن")]
        assert tokens == fold_words(f"ن{char}ن").split(), f"U+{ord(char):04X}"


def test_every_presentation_form_folds_as_its_plain_letters() -> None:
    for form in chars.PRESENTATION_FORMS:
        plain = unicodedata.normalize("NFKC", form)
        if form not in folding().phrases:
            plain = plain.replace(" ", "")  # which NFKC puts before a mark that stands alone
        assert fold_words(f"ن{form}ن") == fold_words(f"ن{plain}ن"), f"U+{ord(form):04X}"


@given(arabic_text)
@settings(max_examples=500, deadline=None)
def test_audit_filter_and_dialect_read_the_same_words(text: str) -> None:
    expected = fold_words(text).split()
    audited = [
        block.words.word(number)
        for block in blocks([text])
        for number in range(len(block.words.starts))
    ]
    assert audited == expected
    assert word_hashes.scan([text]).hashes.tolist() == _hashes(expected)
    if not any(phrase in text for phrase in folding().phrases):  # which part words there
        assert words_of(text) == words_of(" ".join(expected))


@given(any_text | web_text)
@settings(max_examples=500, deadline=None)
def test_a_filter_takes_two_spellings_for_one_word(text: str) -> None:
    # Other scripts' letters are words too, so only what folding keeps is compared.
    folded = fold_words(text)
    assert word_hashes.scan([folded]).hashes.tolist() == _hashes(folded.split())


def _hashes(words: list[str]) -> list[int]:
    return [hash_ for word in words for hash_ in word_hashes.scan([word]).hashes.tolist()]
