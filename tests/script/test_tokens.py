"""What is read as Arabizi, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.script.conventions import CONVENTIONS
from arabench.script.tokens import folded, tokenize
from tests.strategies import any_text


def words(text: str, convention: str = "egy", keep_foreign: bool = True) -> list[str]:
    """The words of Arabizi in a text."""
    return [
        token.text for token in tokenize(text, convention, keep_foreign) if token.kind == "word"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ana 3andy 3 kilo", ["ana", "3andy", "kilo"]),
        ("3kg 10pm 2024 3:30 1/2 7.5 5th 2h30", []),
        ("mp3 ps4 4g covid19", []),
        ("7abibi", ["7abibi"]),
        ("ma32ool", ["ma32ool"]),
        ("sa77", ["sa77"]),
        ("room101 b2b2024", []),
        ("www.ana.com http://x.y/3ala ana@kol.com @7abibi #3ala youm7.com", []),
        ("#\u0455a\u043car app://3ala", []),
        ("fi'9a 3'aly d'accord", ["fi'9a", "3'aly"]),
        ("", []),
        ("مرحبا ؟ 日本", []),
    ],
)
def test_numbers_and_addresses_are_not_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3andy meeting bokra", ["3andy", "bokra"]),
        ("the exam was fine ya gama3a", ["ya", "gama3a"]),
        ("el men dol", ["el", "men", "dol"]),
        ("bad idea ya man", ["ya", "man"]),
        ("information systems", ["systems"]),
        ("we were waiting for the umbrella man", []),
        ("ana el sa3a waiting. the umbrella", ["ana", "el", "sa3a", "umbrella"]),
        ("na3am c'est la vie", ["na3am"]),
        ("ana vie la", ["ana", "vie", "la"]),
    ],
)
def test_foreign_words_are_left_alone_where_sure(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_function_words_of_the_convention_are_never_foreign() -> None:
    assert words("men fi had law", "mgr") == ["men", "fi", "had", "law"]


def test_foreign_words_are_read_where_asked() -> None:
    assert words("meeting", keep_foreign=False) == ["meeting"]


@pytest.mark.parametrize(
    ("word", "convention", "plain"),
    [
        ("Ana", "egy", "ana"),
        ("TTyyara", "mgr", "TTyyara"),
        ("Tab3an", "mgr", "Tab3an"),
        ("Tab3an", "egy", "tab3an"),
        ("maTar", "egy", "maTar"),
        ("YALLA", "lev", "yalla"),
        ("7abibiiiii", "lev", "7abibii"),
        ("3\u2019aly", "glf", "3'aly"),
        ("café", "mgr", "café"),
        ("gâteau", "mgr", "gateau"),
    ],
)
def test_words_are_folded_to_what_the_tables_know(word: str, convention: str, plain: str) -> None:
    assert folded(word, convention) == plain


@settings(max_examples=150, deadline=None)
@given(
    any_text | st.text("ael37 '2bsh-@.:/", max_size=30), st.sampled_from(CONVENTIONS), st.booleans()
)
def test_tokens_join_to_the_text(text: str, convention: str, keep: bool) -> None:
    assert "".join(token.text for token in tokenize(text, convention, keep)) == text
