"""Addresses, handles, numbers, emoji and the tags that stand for them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.text.normalizer import Normalizer, is_idempotent
from arabench.text.options import Options
from arabench.text.presets import options_from
from arabench.text.rules import entities
from tests.strategies import web_text

_ACTIONS = st.fixed_dictionaries(
    {kind: st.sampled_from(["keep", "drop", "tag"]) for kind in entities.KINDS}
    | {"tags": st.sampled_from(["arabic", "latin"])}
)


def marked(text: str, **chosen: str) -> str:
    return Normalizer(options_from("none", chosen))(text)


@settings(max_examples=1000, deadline=None)
@given(_ACTIONS, web_text)
def test_what_one_entity_leaves_is_no_other(chosen: dict[str, str], text: str) -> None:
    once = marked(text, **chosen)
    assert marked(once, **chosen) == once


@settings(max_examples=500, deadline=None)
@given(web_text)
def test_tagging_everything_leaves_no_place_holder(text: str) -> None:
    chosen = dict.fromkeys(entities.KINDS, "tag")
    assert not any(char in chars.TAG_PLACES for char in marked(text, **chosen))


@settings(max_examples=500, deadline=None)
@given(web_text)
def test_text_without_entities_is_untouched_by_tagging(text: str) -> None:
    plain = "".join(char for char in text if char in chars.LETTERS or char in " ،؟.!\n")
    assert marked(plain, **dict.fromkeys(entities.KINDS, "tag")) == plain


def test_tags_are_those_arabert_was_trained_with() -> None:
    tags = entities.TAGS["arabic"]
    assert (tags["urls"], tags["emails"], tags["mentions"]) == ("[رابط]", "[بريد]", "[مستخدم]")


def test_every_kind_has_one_tag_of_its_own_in_every_style() -> None:
    for tags in entities.TAGS.values():
        assert tuple(tags) == entities.KINDS
        assert len(set(tags.values())) == len(entities.KINDS)
    assert len(chars.TAG_PLACES) == len(entities.KINDS)


@pytest.mark.parametrize("style", ["arabic", "latin"])
@pytest.mark.parametrize(
    "others",
    [
        {"scripts": "arabic"},
        {"scripts": "arabic_latin"},
        {"punctuation": "strip"},
        {"diacritics": "skeleton"},
        {"elongation": "cap", "elongation_max": 1},
        {"repeated_punctuation": "cap", "punctuation_max": 1},
        {"spacing": "separate", "whitespace": "collapse"},
        {"character_map": "camel_arclean"},
        {"character_map": "arabert_v02"},
        {"alif_maqsura": "from_final_ya"},
        {"markup": "strip"},
    ],
    ids=str,
)
def test_tags_survive_every_other_rule(style: str, others: dict[str, str | int]) -> None:
    tag = entities.TAGS[style]["urls"]
    normalizer = Normalizer(options_from("none", {"urls": "tag", "tags": style, **others}))
    once = normalizer("سلام https://example.org/a سلام")
    assert tag in once
    assert tag in normalizer(once)


@pytest.mark.parametrize("digit", range(10))
def test_phones_are_found_in_every_kind_of_digit(digit: int) -> None:
    for digits in (chars.LATIN_DIGITS, chars.ARABIC_INDIC_DIGITS, chars.EXTENDED_DIGITS):
        written = f"+96650{digit}234567".translate(str.maketrans(chars.LATIN_DIGITS, digits))
        assert marked(written, phones="tag") == "[هاتف]"


@pytest.mark.parametrize(
    "text",
    [
        "عام 1990 وعام 2024",
        "1990-2024",
        "01/02/2024 10:30",
        "01.02.2024",
        "السعر 1500000 ليرة",
        "1 500 000",
        "٠٫٥ و ٠.٧٥",
        "0.123456789",
        "خسر -0501",
        "نسخة 00.12.345678",
        "+5 درجات و +100",
        "رقم الهوية 29901011234567",
        "ISBN 978-977-416-123-4",
        "12:05:30",
        "3-1 و 2-2",
        "+1000000%",
        "x0501234567",
        "0501234567@example",
        "00966",
        "+966 50 12",
    ],
)
def test_numbers_that_are_no_phones_stay(text: str) -> None:
    assert marked(text, phones="tag") == text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("+20 10 1234 5678", ""),
        ("+212 6 12 34 56 78", ""),
        ("+216 22 123 456", ""),
        ("+961 3 123 456", ""),
        ("+964-770-123-4567", ""),
        ("00 966 501234567", "00 966 501234567"),
        ("00966 501234567", ""),
        ("+ (966) 501234567", "+ (966) 501234567"),
        ("+(966) 501234567", ""),
        ("+20 10 1234 5678 2024", " 2024"),
        ("05 01 23 45 67", ""),
        ("050-123-4567", ""),
        ("(050) 1234567", "(050) 1234567"),
    ],
)
def test_phones_end_where_they_end(text: str, rest: str) -> None:
    found = marked(text, phones="tag")
    assert found == (rest if rest == text else f"[هاتف]{rest}")


def test_emoji_are_those_of_the_standard() -> None:
    regex = pytest.importorskip("regex", reason="checks the table against the package regex")
    assigned = [
        chr(code)
        for code in range(0x80, 0x110000)
        if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) != "Cn"
    ]
    emoji = {char for char in assigned if regex.match(r"\p{Emoji}", char)}
    shown = {char for char in assigned if regex.match(r"\p{Emoji_Presentation}", char)}
    ours = chars.EMOJI | chars.EMOJI_IF_SELECTED | chars.FLAG_LETTERS
    assert emoji <= ours
    assert shown <= chars.EMOJI | chars.FLAG_LETTERS
    assert not chars.EMOJI & chars.EMOJI_IF_SELECTED
    pictographs = set(map(chr, range(0x1F300, 0x1FB00)))  # symbols and places kept for more
    assert ours - emoji <= pictographs


def test_tag_texts_written_by_hand_are_read_only_when_that_kind_is_tagged() -> None:
    assert marked("<url>!", urls="tag", tags="latin", punctuation="strip") == "<url> "
    assert marked("<email>!", urls="tag", tags="latin", punctuation="strip") == " email  "


def test_split_hashtag_may_uncover_what_the_next_pass_finds() -> None:
    chosen = options_from("none", {"hashtags": "split", "mentions": "drop"})
    assert not is_idempotent(chosen)
    once = Normalizer(chosen)("@#user")
    assert once == "@user"
    assert Normalizer(chosen)(once) == " "


def test_joiner_left_by_an_emoji_goes_with_the_next_pass() -> None:
    chosen = options_from("none", {"emoji": "drop", "zero_width": "strip"})
    assert not is_idempotent(chosen)
    once = Normalizer(chosen)("🇪\u200d😀")
    assert Normalizer(chosen)(once) == "  " != once


def test_full_width_signs_count_as_plain_ones() -> None:
    assert marked("＠ali ＃tag", mentions="tag", hashtags="tag") == "[مستخدم] [وسم]"
    assert marked("##tag ＃＃tag #＃tag", hashtags="tag") == "##tag ＃＃tag #＃tag"
    assert marked("#tag＠ali", hashtags="tag") == "#tag＠ali"
    assert marked("+966501234567＠", phones="tag") == "+966501234567＠"


def test_split_keeps_every_letter_of_a_hashtag() -> None:
    assert Normalizer(Options(hashtags="split"))("#يوم_الأرض") == "يوم الأرض"
