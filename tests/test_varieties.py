"""Codes of Arabic: which variety each belongs to, and which are named as unread."""

from __future__ import annotations

import re

import pytest

from arabench.resources import tasks_dir
from arabench.varieties import (
    FINER_CODES,
    NAMES,
    UNPLACED_CODES,
    VARIETIES,
    unread_codes,
    variety_of,
)

#: Individual languages of the macrolanguage `ara` in the ISO 639-3 tables, `ajp` and `bbz`
#: (retired since) among them.
MEMBERS = (
    "aao", "abh", "abv", "acm", "acq", "acw", "acx", "acy", "adf", "aeb",
    "aec", "afb", "ajp", "apc", "apd", "arb", "arq", "ars", "ary", "arz",
    "auz", "avl", "ayh", "ayl", "ayn", "ayp", "bbz", "pga", "shu", "ssh",
)  # fmt: skip


def test_every_language_of_the_macrolanguage_is_placed_or_named_as_unplaced() -> None:
    assert set(FINER_CODES) | {"bbz", "pga"} == {*MEMBERS, "mey"}
    assert not set(FINER_CODES) & set(UNPLACED_CODES)
    assert set(FINER_CODES.values()) == set(VARIETIES)


@pytest.mark.parametrize(
    ("code", "variety"),
    [
        ("apd", "egy"),  # Sudan, as the documents say
        ("shu", "egy"),
        ("acw", "glf"),
        ("ayn", "glf"),  # Yemen, as acq
        ("ayp", "glf"),  # Iraq, as acm
        ("ayl", "mgr"),  # Libya
        ("mey", "mgr"),  # Mauritania
        ("mey_Arab", "mgr"),
        ("avl", "lev"),
        ("pga", None),
        ("jye", None),
        ("mlt", None),
        ("ara", None),
    ],
)
def test_codes_belong_to_varieties(code: str, variety: str | None) -> None:
    assert variety_of(code) == variety


def test_codes_that_were_read_before_keep_their_order() -> None:
    # Reordering these would change the results of data that has several.
    first = ["arb", "arz", "afb", "acm", "acq", "ars", "apc", "ajp", "ary", "arq", "aeb"]
    assert list(FINER_CODES)[: len(first)] == first


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("id", "split", "domain", "url", "text", "glf_city", "notes"), []),
        (("fra_Latn", "zho_Hans"), []),
        (("pes_Arab", "arb_Latn", "ar-EG"), ["pes_Arab", "arb_Latn", "ar-EG (all of Arabic)"]),
        (("ARA", "xyz", "xyz"), ["ARA (all of Arabic)", "xyz"]),
        (("jye", "mlt_Latn", "pga"), [
            "jye (Judeo-Yemeni)", "mlt_Latn (Maltese)", "pga (a creole, Juba Arabic)",
        ]),
    ],
)  # fmt: skip
def test_names_that_look_like_codes_are_told_from_fields(
    names: tuple[str, ...], found: list[str]
) -> None:
    assert unread_codes(names) == found


def test_the_table_in_the_documents_is_the_one_in_the_code() -> None:
    text = (tasks_dir() / "README.md").read_text(encoding="utf-8")
    for variety in VARIETIES:
        row = re.search(rf"^\| `{variety}` {NAMES[variety]} \| (.*) \|$", text, re.MULTILINE)
        assert row is not None
        codes = re.findall(r"`(\w+)`", row[1])
        assert codes == [variety, *(c for c, of in FINER_CODES.items() if of == variety)]
