"""Words as the dialect model sees them, and the hashes of their features."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from arabench import chars
from arabench.dialect import features
from arabench.dialect.features import (
    FeatureSpec,
    bucket,
    features_of,
    fold_word,
    pair_feature,
    spell_word,
    spelled_words_of,
    word_features,
    words_of,
    words_with_places,
)
from arabench.errors import UsageError
from arabench.text.hashes import fnv1a, murmur_finish
from arabench.text.rules.folding import folding
from tests.strategies import any_text, web_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("hello, world 123 ٤٥", []),
        ("إزيّك يا صاحبي؟", ["ازيك", "يا", "صاحبي"]),
        ("مُدَرِّسَةٌ", ["مدرسه"]),
        ("جميـــــل", ["جميل"]),
        ("هههههههه", ["هه"]),
        ("ههـهـهـه", ["هه"]),
        ("رؤية شيءٍ سيئ", ["رويه", "شيء", "سيي"]),
        ("على هدى", ["علي", "هدي"]),
        ("ٱلكتاب", ["الكتاب"]),
        ("کتابي یا", ["كتابي", "يا"]),
        ("أو\u0654لاد", ["اولاد"]),  # HAMZA ABOVE, decomposed
        ("ﻛﺘﺎﺏ ﻻ", ["كتاب", "لا"]),  # presentation forms
        ("قال ﷺ ذلك", ["قال", "ذلك"]),  # a phrase, not a word
        ("چان گلت ڤيديو پيتزا", ["چان", "گلت", "ڤيديو", "پيتزا"]),
        ("كتاب2جديد", ["كتاب", "جديد"]),
        ("نصabcنص", ["نص", "نص"]),
        ("#تونس_الخضراء", ["تونس", "الخضراء"]),
        ("كيفك😀تمام", ["كيفك", "تمام"]),
        ("مر\u200cحبا بكم\u200f", ["مرحبا", "بكم"]),  # ZERO WIDTH NON-JOINER, RIGHT-TO-LEFT MARK
        ("انظر https://example.com/مقال هنا", ["انظر", "هنا"]),
        ("www.موقع.com تم", ["تم"]),
        ("يا @محمد_علي تعال", ["يا", "تعال"]),
        ("user@example.com بريدي", ["بريدي"]),
        ("@a@ب@ت نعم", ["نعم"]),
        ("والله.ما", ["والله", "ما"]),
    ],
)
def test_words_are_folded_and_everything_else_parts_them(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_only_the_first_letters_of_a_word_count() -> None:
    long = "ابتثجحخدذر" * 1000
    (word,) = words_of(long)
    assert word == long[: features.MAX_LETTERS]
    assert words_of(long + "زس") == [word]


def test_folding_gives_letters_that_fold_to_themselves() -> None:
    letters, _, ignored = folding()
    assert not ignored & set(letters)
    for folded in letters.values():
        assert fold_word(folded) == folded
    assert ignored | set(letters) >= chars.LETTERS


@given(web_text)
@settings(max_examples=200, deadline=None)
def test_folded_words_fold_to_themselves(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words


@given(web_text | any_text)
@settings(max_examples=200, deadline=None)
def test_places_of_words_point_at_what_was_written(text: str) -> None:
    found = words_with_places(text)
    assert [word.folded for word in found] == words_of(text)
    assert [word.spelled for word in found] == spelled_words_of(text)
    assert [fold_word(word.spelled) for word in found] == words_of(text)
    assert all(len(word.spelled) == len(word.folded) for word in found)
    for word in found:
        assert fold_word(text[word.start : word.end]) == word.folded
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))


def test_ngrams_have_marks_at_word_ends_and_leave_the_whole_to_the_word() -> None:
    spec = FeatureSpec(char_min=2, char_max=5, pairs=False)
    # "<شو>": <ش شو و>, <شو شو>, and the word
    assert len(list(word_features("شو", spec))) == 6
    assert len(list(word_features("و", spec))) == 3
    start_of_word = set(word_features("شوي", spec)) & set(word_features("شون", spec))
    assert len(start_of_word) == 3  # <ش شو <شو
    assert len(set(word_features("شو", spec)) & set(word_features("وش", spec))) == 0


def test_a_text_has_the_features_of_its_words_and_pairs_in_order() -> None:
    spec = FeatureSpec()
    alone = [list(word_features(word, spec)) for word in ("كيف", "الحال")]
    assert list(features_of("كيف الحال", spec)) == [
        *alone[0], *alone[1], pair_feature("كيف", "الحال"),
    ]  # fmt: skip
    assert pair_feature("كيف", "الحال") != pair_feature("الحال", "كيف")
    everything = len(list(features_of("كيف الحال", spec)))
    for fewer in (FeatureSpec(char_max=0), FeatureSpec(words=False), FeatureSpec(pairs=False)):
        assert len(list(features_of("كيف الحال", fewer))) < everything


def test_hashes_are_those_of_the_published_functions() -> None:
    # FNV-1a of 64 bits of "a" (Noll's test vectors), fmix64 of 1 (MurmurHash3).
    assert fnv1a(b"a") == 0xAF63DC4C8601EC8C
    assert fnv1a([]) == 0xCBF29CE484222325
    assert murmur_finish(0) == 0
    assert murmur_finish(1) == 0xB456BCFC34C2CB2C


def test_hashes_never_change() -> None:
    # A shipped model is a table by these numbers.
    spec = FeatureSpec(buckets_log2=20)
    assert [bucket(feature, spec) for feature in features_of("شو هاد", spec)] == [
        457468, 164844, 208111, 618220, 986392, 858179, 909366, 1025701, 645980, 248919, 1002520,
        475947, 50602, 988138, 936493, 404379, 813356,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"char_min": 0}, "n-grams of 0 to 5"),
        ({"char_min": 4, "char_max": 3}, "n-grams of 4 to 3"),
        ({"char_max": 9}, "n-grams of 2 to 9"),
        ({"buckets_log2": 0}, "Use 1 to 22"),
        ({"buckets_log2": 40}, "Use 1 to 22"),
        ({"buckets_log2": 20.0}, "is not a int"),
        ({"alpha": -0.1}, "from 0 to 1"),
        ({"alpha": float("nan")}, "from 0 to 1"),
        ({"words": 1}, "is not a bool"),
        ({"char_max": 0, "words": False, "pairs": False}, "needs features"),
    ],
)
def test_impossible_features_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FeatureSpec(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("أحلى", "أحلى"),
        ("مدرســـةٌ", "مدرسة"),
        ("ليهههه", "ليهه"),
        ("أإاا", "أإ"),  # three alifs in a row, whatever they carry
        ("\ufefb\ufeed", "لاو"),  # LAM WITH ALEF, WAW: presentation forms
    ],
)
def test_spelled_words_keep_what_folding_changes(written: str, spelled: str) -> None:
    assert spell_word(written) == spelled


def test_spelling_adds_what_folding_changed_and_nothing_else() -> None:
    spec, plain = FeatureSpec(1, 4, pairs=False, spelling=True), FeatureSpec(1, 4, pairs=False)
    for same in ("كتاب", "شو"):
        assert list(word_features(same, spec)) == list(word_features(same, plain))
    added = set(word_features("هذة", spec)) - set(word_features("هذة", plain))
    # Of the marks and letters < h dh t > those of two to four with the t: t>, dh t, dh t>, h dh t,
    # h dh t>, < h dh t.
    assert len(added) == 6
    assert set(word_features("هذة", plain)) == set(word_features("هذه", plain))
