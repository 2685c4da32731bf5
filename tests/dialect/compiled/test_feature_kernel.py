"""The compiled features and scores are those of the reference, on any text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.dialect.compiled import feature_kernel as kernel
from arabench.dialect.features import (
    FeatureSpec,
    bucket,
    features_of,
    word_features,
    words_of,
)
from arabench.dialect.model import DialectModel
from arabench.dialect.scoring import Kernel, reference_sums
from arabench.text.column import Column
from tests.dialect.toy_model import random_model
from tests.strategies import any_text, web_text

SPEC = FeatureSpec(spelling=True, buckets_log2=12)
MODEL = random_model(spec=SPEC)
KERNEL = Kernel(MODEL)

ODD = (
    "",
    " ",
    "ا" * 10_000,
    "ابتثجحخ" * 2_000,
    "ك" + "\u0651\u064e" * 5_000 + "تاب",
    "م" + "ـ" * 10_000 + "ن",
    "@" * 1000 + "من",
    "@_http://ا.b نعم",
    "@محمدhttp://x.com/ت نعم",
    "http://www.http://م نعم http:// نعم",
    "HTTPS://X نعم wWw.ب نعم www. نعم",
    "a@ب /@ب _@ب ب@ب",
    "＠علي نعم @علي＠عمر نعم",
    "ﷺ ﷲ ﻻﻻﻻ ﷴ",
    "نعم\ud800نعم \udfff",
    "مر\0حبا\u200c\u061cبك",
    "😀نعم👨‍👩‍👧نعم",
    "و و و و و و",
    "𞸀𞸁 نعم",  # ARABIC MATHEMATICAL ALEF, BEH: outside of the Basic Multilingual Plane
)


def _assert_same(texts: list[str], spec: FeatureSpec) -> None:
    found = kernel.extract(texts, spec, hashes=True)
    assert found.n_words.tolist() == [len(words_of(text)) for text in texts]
    for row, text in enumerate(texts):
        start, end = found.indptr[row], found.indptr[row + 1]
        assert found.indices[start:end].tolist() == list(features_of(text, spec))


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_have_the_features_of_the_reference(text: str) -> None:
    _assert_same([text], SPEC)


@given(st.lists(web_text | any_text, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_text_has_the_features_of_the_reference(texts: list[str]) -> None:
    _assert_same(texts, SPEC)


@given(
    web_text,
    st.integers(1, 4),
    st.integers(0, 4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_specification_is_that_of_the_reference(
    text: str, shortest: int, more: int, words: bool, pairs: bool, spelling: bool
) -> None:
    for longest in (0, shortest + more):
        if longest or words or pairs:
            _assert_same([text], FeatureSpec(shortest, longest, words, pairs, spelling))


@given(st.lists(web_text | any_text, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_text_has_the_sums_of_the_reference(texts: list[str]) -> None:
    sums, n_words = KERNEL.sums(kernel.column_of(texts))
    expected, counted = reference_sums(MODEL, texts)
    assert sums.tolist() == expected.tolist()
    assert n_words.tolist() == counted.tolist()


@given(st.lists(st.binary(max_size=40), max_size=4))
@settings(max_examples=200, deadline=None)
def test_bytes_that_are_no_utf8_part_words_and_nothing_outside_a_row_is_read(
    rows: list[bytes],
) -> None:
    alone = [KERNEL.sums(_column([row])) for row in rows]
    together = KERNEL.sums(_column(rows))
    for place, (sums, n_words) in enumerate(alone):
        assert together[0][place].tolist() == sums[0].tolist()
        assert together[1][place] == n_words[0]


def _column(rows: list[bytes]) -> Column:
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1]
    return Column(np.frombuffer(b"".join(rows) or b"\0", dtype=np.uint8), starts, ends)


def test_truncated_characters_end_with_their_row() -> None:
    whole = "كتب".encode()
    sums, n_words = KERNEL.sums(_column([whole[:-1], whole[-1:], whole]))
    assert n_words.tolist() == [1, 0, 1]
    assert sums[0].tolist() == reference_sums(MODEL, ["كت"])[0][0].tolist()


def test_a_small_cache_gives_the_sums_of_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{one}{two} {two}{one}{one}" for one in "ابتثجحخدذرزس" for two in "سشصضطظعغفقكل"]
    expected = KERNEL.sums(kernel.column_of(texts))[0]
    monkeypatch.setattr(kernel, "CACHE_LOG2", 2)
    tiny = Kernel(MODEL)
    for _ in range(2):  # with an empty and with a full cache
        assert tiny.sums(kernel.column_of(texts))[0].tolist() == expected.tolist()


def test_buffers_that_are_too_small_grow() -> None:
    # Ligatures stand for more letters than their bytes let expect.
    _assert_same(["ﷲ ﷴ ﷳ أ" * 3000], FeatureSpec(1, 8, spelling=True))
    assert kernel.extract([], SPEC).indptr.tolist() == [0]


def test_words_of_the_trainer_have_the_buckets_of_texts() -> None:
    words = ["كيف", "الحال", "و", "يا"]
    indptr, indices = kernel.word_buckets(words, SPEC)
    for place, word in enumerate(words):
        expected = [bucket(feature, SPEC) for feature in word_features(word, SPEC)]
        assert indices[indptr[place] : indptr[place + 1]].tolist() == expected


def test_sums_of_the_heaviest_weights_do_not_overflow() -> None:
    spec = FeatureSpec(1, 8, spelling=True, buckets_log2=4)
    heavy = np.full((16, 5), -128, dtype=np.int8)
    flat = (0.2,) * 5
    model = DialectModel(spec, heavy, (1.0,) * 5, (0.0,) * 5, flat)
    texts = ["ابتثجحخدذرزسشصضطظعغفقكلمنهويابتثج " * 2000]
    assert Kernel(model).sums(kernel.column_of(texts))[0].tolist() == (
        reference_sums(model, texts)[0].tolist()
    )


def test_real_text_has_the_features_of_the_reference(shared_data: Path) -> None:
    texts = (shared_data / "shami" / "Lebanees.txt").read_text("utf-8").splitlines()[:300]
    texts += (shared_data / "tashkeela" / "val.txt").read_text("utf-8").splitlines()[:60]
    tweets = (shared_data / "motaz_tweets" / "train_positive.tsv").read_text("utf-8").splitlines()
    _assert_same([*texts, *tweets[:300]], FeatureSpec(spelling=True))
