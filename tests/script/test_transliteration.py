"""Transliteration beside camel-tools' tables, and back again."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.errors import UsageError
from arabench.script.transliteration import (
    ALIASES,
    SCHEMES,
    TABLE,
    clashes,
    from_latin,
    scheme_named,
    transliterate,
)

#: Our name -> that of camel-tools.
THEIRS = {"buckwalter": "bw", "safebw": "safebw", "xmlbw": "xmlbw", "hsb": "hsb"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_code_point_maps_as_in_camel_tools_both_ways(scheme: str) -> None:
    charmap = pytest.importorskip("camel_tools.utils.charmap")
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x20000))))
    there = charmap.CharMapper.builtin_mapper(f"ar2{THEIRS[scheme]}")
    back = charmap.CharMapper.builtin_mapper(f"{THEIRS[scheme]}2ar")
    assert transliterate(every, scheme) == there(every)
    assert from_latin(every, scheme) == back(every)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("buckwalter", "ka*~AbN mu&min wa>um~hu |v$Y"),
        ("safebw", "kaV~AbN muWmin waOum~hu MvcY"),
        ("xmlbw", "ka*~AbN muWmin waOum~hu |v$Y"),
        ("hsb", "ka\u00f0~Ab\u0169 mu\u0175min wa\u00c2um~hu \u0100\u03b8\u0161\u00fd"),
    ],
)
def test_known_words(scheme: str, expected: str) -> None:
    arabic = "كَذّابٌ مُؤمِن وَأُمّهُ آثشى"
    assert transliterate(arabic, scheme) == expected
    assert from_latin(expected, scheme) == arabic


@pytest.mark.parametrize("scheme", SCHEMES)
@given(text=st.text(alphabet=st.one_of(st.sampled_from(sorted(TABLE)), st.characters())))
def test_text_comes_back_unless_it_has_letters_of_the_scheme(scheme: str, text: str) -> None:
    clean = "".join(char for char in text if char not in clashes(text, scheme))
    assert clashes(clean, scheme) == frozenset()
    assert from_latin(transliterate(clean, scheme), scheme) == clean
    assert len(transliterate(text, scheme)) == len(text)


def test_clashes_are_named() -> None:
    assert clashes("كتاب رقم 3.", "hsb") == {"."}
    assert clashes("كتاب رقم 3.", "buckwalter") == frozenset()
    assert clashes("قال: OX", "safebw") == {"O"}


@pytest.mark.parametrize(("name", "scheme"), [*ALIASES.items(), ("BW", "buckwalter")])
def test_other_names_are_understood(name: str, scheme: str) -> None:
    assert scheme_named(name) == scheme


def test_an_unknown_scheme_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="Did you mean 'buckwalter'"):
        transliterate("كتاب", "buckwalder")
    with pytest.raises(UsageError, match=r"Allowed: .*hsb"):
        from_latin("ktAb", "iso")


def test_surrogates_and_empty_text_pass() -> None:
    assert transliterate("\ud800ب") == "\ud800b"
    assert from_latin("") == ""


def test_nothing_heavy_is_imported() -> None:
    import subprocess

    code = (
        "import sys, arabench.script.transliteration\n"
        "sys.exit(any(name in sys.modules for name in ('camel_tools', 'pyarabic', 'numpy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0
