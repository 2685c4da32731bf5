"""The model files, and how they are made."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.errors import DataError
from arabench.script import vowels, words
from arabench.script.character_model import ALPHABET, EDGE, NUMBERS, CharacterModel
from arabench.script.containers import read_packaged
from arabench.script.training import count_texts, count_words, vocalised_words

COUNTS = {"كتاب": [1, 0, 0, 0, 5, 0], "كتب": [0, 2, 0, 0, 0, 0], "باب": [7, 7, 7, 7, 7, 7]}
MODELS = [
    (words.pack_words(COUNTS), words.unpack_words),
    (vowels.pack_vowels(vowels.count_vowels(["كَتَبَ"] * 9)), vowels.unpack_vowels),
]


def test_a_word_list_comes_back() -> None:
    found = words.unpack_words(words.pack_words(COUNTS))
    spelled = ["".join(ALPHABET[number - 1] for number in word) for word in found.words]
    assert sorted(spelled) == sorted(COUNTS)
    for place, word in enumerate(spelled):
        for column, count in zip(words.COLUMNS, COUNTS[word], strict=True):
            assert found.levels[column][place] == words.level_of(count)


def test_the_order_of_counting_does_not_matter() -> None:
    assert words.pack_words(COUNTS) == words.pack_words(dict(reversed(COUNTS.items())))


@given(st.integers(0, 10**9))
def test_a_level_is_near_its_count(count: int) -> None:
    near = words.count_of(words.level_of(count))
    assert near == count if count < 2 else count / 1.45 < near < count * 1.45


@pytest.mark.parametrize(("model", "unpack"), MODELS)
def test_a_damaged_model_is_one_clear_error(model: bytes, unpack: object) -> None:
    assert callable(unpack)
    for damaged in (b"", b"x" * 100, model[:-1], model[:60], model[:20], model + b"x"):
        with pytest.raises(DataError):
            unpack(damaged)
    for place in range(0, len(model), 3):
        damaged = model[:place] + bytes([model[place] ^ 0x55]) + model[place + 1 :]
        with pytest.raises(DataError):
            unpack(damaged)


@pytest.mark.parametrize(("model", "unpack"), MODELS)
def test_a_model_of_another_version_says_so(model: bytes, unpack: object) -> None:
    assert callable(unpack)
    with pytest.raises(DataError, match="of version 9; this arabench reads 1"):
        unpack(model[:8] + b"\x09\0\0\0" + model[12:])


def test_packaged_models_are_small_and_read() -> None:
    total = sum(len(read_packaged(name)) for name in (words.NAME, vowels.NAME))
    assert total < 1_500_000
    assert len(words.load_words().words) > 50_000
    assert len(vowels.load_vowels()) > 1_000


def test_an_unknown_letter_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be in a word list"):
        words.pack_words({"abc": [1] * 6})


def test_letters_after_a_context_are_a_distribution() -> None:
    model = CharacterModel([bytes([1, 2, 3]), bytes([1, 2]), bytes([2, 2, 3, 1])], [3, 1, 2])
    for context in (0, 1, NUMBERS["ب"], 1 << 6 | 2, 1 << 12 | 2 << 6 | 3):
        total = sum(math.exp(-model.cost(context, letter)) for letter in range(len(ALPHABET) + 1))
        assert total == pytest.approx(1.0)


def test_letters_seen_together_cost_less() -> None:
    numbers = [bytes(NUMBERS[letter] for letter in word) for word in ("كتاب", "كاتب", "باب")]
    model = CharacterModel(numbers, [1, 1, 1])
    assert model.word_cost("كتاب") < model.word_cost("بكتا")
    assert model.word_cost("باب") < model.word_cost("ببب")
    assert model.word_cost("bab") == math.inf
    # By hand: of 3 first letters 2 are kaf, of 2 kinds; backed off at five orders.
    assert model.cost(0, NUMBERS["ك"]) < model.cost(0, NUMBERS["ب"]) < model.cost(0, EDGE)


def test_words_are_counted_without_marks_and_only_where_plain() -> None:
    texts = ["كِتَــابٌ جميلٌ، hello كتاب2 رااائع ۱۲", "گل کتاب \u064b"]
    assert count_texts(texts) == {"كتاب": 3, "جميل": 1, "گل": 1}


def test_vowels_are_counted_by_their_neighbours() -> None:
    table = vowels.unpack_vowels(
        vowels.pack_vowels(vowels.count_vowels(["كَتَبَ", "كُتِبَ"] * 9 + ["كُتُب"]))
    )
    assert table
    assert list(vowels.split_marks("مُدّ")) == [("م", vowels.DAMMA), ("د", vowels.DOUBLED)]


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.tsv is not there"):
        count_words(tmp_path)


@pytest.mark.shared_data
def test_training_again_gives_the_packaged_models(shared_data: Path) -> None:
    packed = words.pack_words(count_words(shared_data))
    assert packed == read_packaged(words.NAME)
    counted = vowels.count_vowels(vocalised_words(shared_data))
    assert vowels.pack_vowels(counted) == read_packaged(vowels.NAME)
