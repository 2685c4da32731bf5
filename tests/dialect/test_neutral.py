"""Neutral words: never missed, rarely mistaken, without weight in both engines."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arabench.dialect.compiled import feature_kernel as kernel
from arabench.dialect.features import FeatureSpec
from arabench.dialect.identification import identify
from arabench.dialect.model import NEVER_UNKNOWN, load_model, save_model
from arabench.dialect.neutral import NONE, PROBES, NeutralWords
from arabench.dialect.scoring import Kernel, reference_sums
from arabench.errors import UsageError
from tests.dialect.toy_model import hand_made, random_model

LETTERS = "ابتثجحخدذرزسشصض"
WORDS = ["".join(letters) for letters in itertools.product(LETTERS, repeat=3)]


def test_every_word_of_the_set_is_found_and_others_rarely() -> None:
    chosen, others = WORDS[::2], WORDS[1::2]
    words = NeutralWords.of(chosen, bits_log2=15)
    assert all(word in words for word in chosen)
    mistaken = sum(word in words for word in others)
    rate = float(np.unpackbits(words.bits).mean() ** PROBES)
    assert mistaken / len(others) < 2 * rate + 0.01
    assert 0 < rate < 0.05


def test_the_empty_set_holds_nothing() -> None:
    assert "كتاب" not in NONE
    assert "كتاب" not in NeutralWords.of([])


def test_neutral_words_count_but_have_no_weight() -> None:
    text = "شو دلوقتي عايز"
    (before,) = identify([text], model=hand_made(), explain=5)
    model = dataclasses.replace(hand_made(), neutral=NeutralWords.of(["دلوقتي", "عايز"]))
    (after,) = identify([text], model=model, explain=5)
    assert (before.variety, after.variety) == ("egy", "lev")
    assert before.words == after.words == 3
    assert [item.word for item in after.evidence] == ["شو"]
    (nothing,) = identify(["دلوقتي عايز"], model=model, unknown=NEVER_UNKNOWN)
    assert set(nothing.probs.values()) == {0.2}


@pytest.mark.parametrize("pairs", [False, True])
def test_both_engines_leave_the_same_words_out(pairs: bool) -> None:
    model = dataclasses.replace(
        random_model(spec=FeatureSpec(buckets_log2=12, pairs=pairs)),
        neutral=NeutralWords.of(WORDS[::3], bits_log2=12),
    )
    texts = [" ".join(WORDS[place : place + 7]) for place in range(0, 700, 7)]
    sums, n_words = Kernel(model).sums(kernel.column_of(texts))
    expected, counted = reference_sums(model, texts)
    assert sums.tolist() == expected.tolist()
    assert n_words.tolist() == counted.tolist()
    everything = dataclasses.replace(model, neutral=NONE)
    assert reference_sums(everything, texts)[0].tolist() != expected.tolist()


def test_neutral_words_travel_with_the_model(tmp_path: Path) -> None:
    model = dataclasses.replace(hand_made(), neutral=NeutralWords.of(WORDS[:50]))
    save_model(tmp_path / "m.bin", model)
    again = load_model(tmp_path / "m.bin")
    assert all(word in again.neutral for word in WORDS[:50])
    assert again.digest == model.digest != hand_made().digest


def test_what_is_no_filter_is_refused() -> None:
    wrong: list[Any] = [np.zeros(3, np.uint8), np.zeros(4, np.int8), np.zeros((2, 2), np.uint8)]
    for bits in wrong:
        with pytest.raises(UsageError, match=r"2\*\*n bytes"):
            NeutralWords(bits)
    with pytest.raises(UsageError, match="3 to 24"):
        NeutralWords.of([], bits_log2=2)
