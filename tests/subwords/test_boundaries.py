"""Cuts of tokens against segments of words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.errors import DataError
from arabench.subwords.boundaries import boundary_figures, check_marked, unmark
from arabench.subwords.preparation import Preparation
from tests.subwords.support import byte_level, unigram, word_piece

pytest.importorskip("transformers", reason="needs the extra arabench[eval]")


@pytest.mark.parametrize(
    ("marked", "text", "cuts"),
    [
        ("ب+يحب+ك", "بيحبك", {1, 4}),
        ("و+ال+كتاب في", "والكتاب في", {1, 3}),
        ("1+2 = 3", "1+2 = 3", set()),
        ("c++ و+ +", "c++ و+ +", set()),
        ("ا\\+ب", "ا+ب", set()),
        ("ا\\\\+ب", "ا\\+ب", set()),
        ("", "", set()),
        ("كتاب+ه+م كتاب", "كتابهم كتاب", {4, 5}),
    ],
)
def test_marks_are_taken_out(marked: str, text: str, cuts: set[int]) -> None:
    assert unmark(marked) == (text, cuts)


@given(st.lists(st.lists(st.text("بتكهو", min_size=1), min_size=1), min_size=1))
def test_what_is_marked_is_found_again(words: list[list[str]]) -> None:
    text, cuts = unmark(" ".join("+".join(parts) for parts in words))
    assert text == " ".join("".join(parts) for parts in words)
    expected, length = set(), 0
    for parts in words:
        for part in parts[:-1]:
            length += len(part)
            expected.add(length)
        length += len(parts[-1]) + 1
    assert cuts == expected


def test_cuts_are_counted_by_hand(tmp_path: Path) -> None:
    # كتاب ##ه | في : one cut, which is right; the second text has a cut that no token makes.
    found = boundary_figures(word_piece(tmp_path), ["كتاب+ه في", "ف+ي"])
    assert found["texts"] == 2
    assert found["precision"]["value"] == 1
    assert found["recall"]["value"] == pytest.approx(1 / 2)
    assert found["f1"]["value"] == pytest.approx(2 / 3)
    assert found["words_exact"]["value"] == pytest.approx(2 / 3)


def test_spaces_and_bytes_of_one_letter_make_no_cut(tmp_path: Path) -> None:
    # kaf-teh, and beh in two bytes: one cut, before beh.
    found = boundary_figures(byte_level(tmp_path), ["كت+ب كت كت+ب"])
    assert (found["precision"]["value"], found["recall"]["value"]) == (1, 1)
    assert boundary_figures(unigram(tmp_path), ["كتاب+ه ه كتاب"])["words_exact"]["value"] == 1


def test_cuts_in_segmented_text_are_those_of_its_letters(tmp_path: Path) -> None:
    class Segmenter:
        def tokenize_many(self, texts: list[str]) -> list[str]:
            return [text.replace("كتابه", "كتاب +ه").replace("لكت", "ل+ الكت") for text in texts]

    loaded = byte_level(tmp_path)
    loaded.preparation = Preparation("toy", Segmenter())
    # كت|ا|ب| +|ه: the plus sign and the space are no letters of the word.
    found = boundary_figures(loaded, ["كتاب+ه كت"])
    assert found["texts"] == 1
    assert found["recall"]["value"] == 1
    assert found["precision"]["value"] == pytest.approx(1 / 3)
    assert boundary_figures(loaded, ["ل+كت"])["texts"] == 0  # read as other letters


def test_text_without_marks_is_refused() -> None:
    assert check_marked(["كتاب", "كتاب+ه"], "x") == ["كتاب", "كتاب+ه"]
    with pytest.raises(DataError, match=r"a\.txt has no word with a plus sign"):
        check_marked(["كتاب", "1+2"], "a.txt")
