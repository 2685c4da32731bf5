"""Direction, language and isolated numbers of the samples in a page."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given

from arabench.audit.bidi import direction, isolated, language_tag, text_attributes
from arabench.audit.personal_data import mask_personal_data
from tests.strategies import any_text


def numbers(text: str) -> list[str]:
    """What `isolated` sets apart."""
    return re.findall(r'<bdi dir="ltr">(.*?)</bdi>', isolated(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("اتصل على +20 100 123 4567 الآن", "+20 100 123 4567"),
        ("جوالي (050) 123 4567 تمام", "(050) 123 4567"),
        ("رقمي ٠١٠ ١٢٣٤ ٥٦٧٨ تمام", "٠١٠ ١٢٣٤ ٥٦٧٨"),
        ("حسابي SA03 8000 0000 6080 1016 7519 شكرا", "SA03 8000 0000 6080 1016 7519"),
        ("بطاقة 4111 1111 1111 1111 تمام", "4111 1111 1111 1111"),
        ("راسل @huda_ali الآن", "@huda_ali"),
    ],
)
def test_numbers_are_isolated_masked_or_not(text: str, number: str) -> None:
    assert numbers(text) == [number]
    (masked,) = numbers(mask_personal_data(text))
    assert len(masked) == len(number)  # masking hides characters, it takes none away
    assert masked[0] == number[0]


@pytest.mark.parametrize(
    "text",
    [
        "السنوات 1990 2000 2010 كانت صعبة",  # a list of numbers is read with the text
        "يوم ٠٥-٠٦-٢٠٢٠ صباحا",
        "• بند أول • 2 بند ثان",
        "السعر 0.5 أو 1.25 للكيلو",
        "عند 100 200 شخص",
        "",
    ],
)
def test_other_digits_follow_the_text(text: str) -> None:
    assert numbers(text) == []
    assert str(isolated(text)) == html.escape(text)


@given(any_text)
def test_a_page_shows_the_text_and_nothing_else(text: str) -> None:
    shown = isolated(text)
    assert "<" not in re.sub(r'<bdi dir="ltr">|</bdi>', "", shown)
    assert html.unescape(re.sub(r'<bdi dir="ltr">|</bdi>', "", shown)) == text


@pytest.mark.parametrize(
    ("text", "way", "language"),
    [
        ("هذا نص عربي فيه word واحدة", "rtl", "ar"),
        ("راسلني huda.long.name@example.com", "rtl", "ar"),  # an address says nothing
        ("این یک متن فارسی است که برای آزمایش نوشته شده است و می گوید", "rtl", "fa"),
        ("This is a plain English sentence, and it is not Arabic.", "ltr", "en"),
        ("ana mesh 3aref a3mel eh bokra ya sa7by", "ltr", "ar-Latn"),
        ("Straßenbahn Haltestelle", "ltr", ""),
        ("+20 100 123 4567", "auto", ""),
    ],
)
def test_direction_and_language(text: str, way: str, language: str) -> None:
    assert direction(text) == way
    assert language_tag(text) == language
    assert str(text_attributes(text)) == f' dir="{way}" lang="{language}"'


def test_text_without_letters_takes_the_direction_that_is_asked_for() -> None:
    assert text_attributes("123", "ltr") == ' dir="ltr" lang=""'
    assert text_attributes("كتاب", "ltr") == ' dir="rtl" lang="ar"'


@given(any_text)
def test_what_is_right_to_left_says_a_language(text: str) -> None:
    if direction(text) == "rtl":
        assert language_tag(text)
