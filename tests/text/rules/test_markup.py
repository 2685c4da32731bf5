"""HTML tags and character references."""

from __future__ import annotations

import html
import html.entities

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.text.normalizer import Normalizer
from arabench.text.options import Options
from arabench.text.rules import markup
from tests.strategies import any_text, web_text

STRIP = Normalizer(Options(markup="strip"))


@pytest.mark.parametrize("name", sorted(markup.BLOCKS | markup.CELLS | markup.INLINE))
def test_every_element_is_removed_in_any_case(name: str) -> None:
    between = "" if name in markup.INLINE else " " if name in markup.CELLS else "\n"
    for tag in (f"<{name}>", f"</{name.upper()}>", f"<{name} class='x' id=y>", f"<{name}/>"):
        assert STRIP(f"أ{tag}ب") == f"أ{between}ب"


def test_sets_of_elements_do_not_overlap() -> None:
    assert not markup.BLOCKS & markup.INLINE
    assert not markup.CELLS & (markup.BLOCKS | markup.INLINE)
    assert markup.RAW < markup.INLINE


def test_every_reference_of_the_standard_is_decoded() -> None:
    assert len(html.entities.html5) > 2000
    for name, char in html.entities.html5.items():
        assert STRIP(f"أ &{name} ب") == f"أ {char} ب"


@given(st.integers(0, 9_999_999))
def test_numbers_are_decoded_as_the_standard_says(number: int) -> None:
    expected = Normalizer(Options())(html.unescape(f"&#{number};"))
    assert STRIP(f"&#{number};") == expected
    if number < 1 << 24:
        assert STRIP(f"&#x{number:X};") == expected


@settings(max_examples=500)
@given(any_text | web_text)
def test_text_without_markup_is_untouched(text: str) -> None:
    plain = text.replace("<", "").replace("&", "")
    assert STRIP(plain) == Normalizer(Options())(plain)


@settings(max_examples=500)
@given(web_text)
def test_escaped_text_comes_back(text: str) -> None:
    plain = Normalizer(Options())(text)
    assert STRIP(html.escape(plain)) == plain


@pytest.mark.parametrize(
    "text",
    ["1 < 2", "<3", "a<b", "<", "<>", "< b>", "<1>", "</>", "<سطر>", "<b", "<b <i", "x <- y"],
)
def test_brackets_that_are_no_markup_stay(text: str) -> None:
    assert STRIP(text) == text


@pytest.mark.parametrize(
    "text",
    ["<=>", "<<EOF", "&", "&;", "AT&T", "a & b;", "&#;", "&#x;", "&سطر;", "&#12345678;", "&x=1"],
)
def test_signs_that_are_no_markup_stay(text: str) -> None:
    assert STRIP(text) == text


def test_a_million_brackets_take_no_time() -> None:
    assert STRIP("<" * 1_000_000) == "<" * 1_000_000


def test_double_escaped_text_loses_one_level_in_each_pass() -> None:
    assert STRIP("&amp;amp;lt;") == "&amp;lt;"
    assert STRIP(STRIP("&amp;amp;lt;")) == "&lt;"
