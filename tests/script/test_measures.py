"""Character error rate, checked by hand and against another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.script.measures import edit_distance, edits, error_rate

short = st.text("ابتabc", max_size=8)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("", "", 0),
        ("كتاب", "كتاب", 0),
        ("كتاب", "كتب", 1),
        ("", "كتب", 3),
        ("kitten", "sitting", 3),
        ("اب", "با", 2),
    ],
)
def test_edit_distance_counts_single_letters(first: str, second: str, distance: int) -> None:
    assert edit_distance(first, second) == distance
    assert edit_distance(second, first) == distance


@given(short, short)
def test_edit_distance_agrees_with_the_library(first: str, second: str) -> None:
    other = pytest.importorskip("editdistance", reason="a second implementation to compare with")
    assert edit_distance(first, second) == other.eval(first, second)


@given(short, short)
def test_edits_are_as_many_as_the_distance(first: str, second: str) -> None:
    found = edits(first, second)
    assert len(found) == edit_distance(first, second)
    assert all(given != wanted for given, wanted in found)


def test_error_rate_of_a_case_worked_by_hand() -> None:
    # 1 edit of 4 letters, 0 of 2 against the nearer reference, 2 of 2.
    rate = error_rate(["كتب", "لا", "xy"], [["كتاب"], ["نعم", "لا"], ["ab"]])
    assert rate.micro == pytest.approx(3 / 8)
    assert rate.macro == pytest.approx((1 / 4 + 0 + 1) / 3)
    assert rate.exact == pytest.approx(1 / 3)
    assert rate.rows == 3
