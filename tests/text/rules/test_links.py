"""Where links are, compared with the entities' patterns over the whole text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.audit.language import prose
from arabench.audit.profile import BatchProfile, Profile
from arabench.corpus import word_hashes
from arabench.dialect.features import words_with_places
from arabench.text.rules import entities
from arabench.text.rules.links import blank, link_spans, url_spans
from tests.strategies import any_text, web_text

_NEAR_LINKS = st.lists(
    st.sampled_from(
        ["http://", "HTTPS://", "ftp://", "://", "www.", "Www.", "w.", "W.", "@", "＠", "a", "b.co",
         "x@y.zw", "م", "\u064f", "٣", " ", "\n", "/", ".", "-", "_", ":", "،", "é", "a" * 64]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(_NEAR_LINKS | web_text | any_text)
@settings(max_examples=1000, deadline=None)
def test_links_are_what_the_rules_find_one_after_the_other(text: str) -> None:
    left = text
    expected: list[tuple[int, int]] = []
    for make in (entities.urls, entities.emails, entities.mentions):
        found = [match.span() for match in make("drop").pattern.finditer(left)]
        if make is entities.urls:
            assert url_spans(text) == found
        expected += found
        left = blank(left, found)
    assert link_spans(text) == sorted(expected)
    assert blank(text, link_spans(text)) == left


@pytest.mark.parametrize("link", ["https://b.co/x", "www.b.co", "WWW.b.co"])
@pytest.mark.parametrize("before", [0, 99, 100, 101, 5000])
def test_a_link_is_found_behind_any_number_of_its_first_characters(link: str, before: int) -> None:
    text = "w : W " * before + link
    assert url_spans(f"{text} {text}") == [
        (len(text) - len(link), len(text)),
        (2 * len(text) + 1 - len(link), 2 * len(text) + 1),
    ]


def test_many_signs_take_linear_time() -> None:
    for sign in ("@", "w.", "://", "a@", "a" * 64 + "@", "http://", "www."):
        link_spans(sign * 50_000)


@pytest.mark.parametrize(
    ("link", "is_url"),
    [
        ("https://example.org/a", True),
        ("HTTP://EXAMPLE.ORG", True),
        ("ftp://example.org", True),
        ("Www.example.org", True),
        ("www.موقع.com", True),
        ("@someone", False),
        ("＠محمد_علي", False),
        ("me@example.org", False),
    ],
)
def test_filter_audit_and_dialect_know_the_same_links(link: str, is_url: bool) -> None:
    text = f"انظر {link} هنا"
    assert [text[start:end] for start, end in link_spans(text)] == [link]
    block = word_hashes.scan([text])
    linked = np.flatnonzero(block.classes == word_hashes.LINK).tolist()
    assert linked == list(range(5, 5 + len(link)))
    assert [word.folded for word in words_with_places(text)] == ["انظر", "هنا"]
    assert prose(text).split() == ["انظر", "هنا"]
    assert (_documents_with_a_url(text) == 1) is is_url


@pytest.mark.parametrize("text", ["http:// هنا", "www. هنا", "a://b", "x@y هنا", "example.com"])
def test_what_only_resembles_one_is_no_link(text: str) -> None:
    assert link_spans(text) == []
    assert not (word_hashes.scan([text]).classes == word_hashes.LINK).any()
    assert _documents_with_a_url(text) == 0


def _documents_with_a_url(text: str) -> int:
    from arabench.audit.blocks import blocks

    profile, batch = Profile(), BatchProfile([text])
    for block in blocks([text]):
        profile.add_block(block, batch)
    profile.finish(batch)
    return profile.with_url
