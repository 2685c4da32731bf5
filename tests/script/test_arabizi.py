"""Arabizi in Arabic script."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.chars import LATIN_LETTERS
from arabench.errors import UsageError
from arabench.script.arabizi import ArabiziReader, to_arabic
from arabench.script.conventions import BUCKWALTER, CONVENTIONS, load_convention, load_tables
from arabench.script.measures import error_rate
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.strategies import any_text

DATA = Path(__file__).parent / "data"
#: Folded character error rate and share of phrases read right that all pairs, seen and
#: unseen, must keep; what was measured is in arabench/script/ARABIZI.md.
LIMITS = {"egy": (0.05, 0.75), "lev": (0.05, 0.75), "glf": (0.06, 0.7), "mgr": (0.06, 0.65)}


def read_pairs(convention: str) -> list[tuple[str, list[str]]]:
    """(Arabizi, right spellings)."""
    with (DATA / f"{convention}.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [(row["arabizi"], row["arabic"].split("|")) for row in rows]


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_phrases_are_read_as_people_spell_them(convention: str) -> None:
    fold = Normalizer(options_from("search")).normalize
    pairs = read_pairs(convention)
    read = [fold(to_arabic(arabizi, convention)) for arabizi, _ in pairs]
    rate = error_rate(read, [[fold(each) for each in wanted] for _, wanted in pairs])
    most, least = LIMITS[convention]
    assert len(pairs) >= 60
    assert rate.micro <= most
    assert rate.exact >= least


@pytest.mark.parametrize(
    ("text", "convention", "arabic"),
    [
        ("7abibi", "egy", "حبيبي"),
        ("gamila", "egy", "جميلة"),
        ("galbi", "glf", "قلبي"),
        ("2alb", "lev", "قلب"),
        ("9elb", "mgr", "قلب"),
        ("9adi2i", "glf", "صديقي"),
        ("6ab3an", "glf", "طبعا"),
        ("chkoun", "mgr", "شكون"),
        ("el-sa3a", "egy", "الساعة"),
        ("el sa3a", "egy", "الساعة"),
        ("ash-shams", "lev", "الشمس"),
        ("ennas", "egy", "الناس"),
        ("lel madrasa", "egy", "للمدرسة"),
        ("fel beit", "egy", "في البيت"),
        ("bel bet", "lev", "بالبيت"),
        ("hhhhhh", "egy", "هههههه"),
        ("hahaha", "egy", "ههه"),
        ("7abibiiii", "lev", "حبيبي"),
        ("Insh2allah", "egy", "إن شاء الله"),
    ],
)
def test_known_spellings(text: str, convention: str, arabic: str) -> None:
    assert to_arabic(text, convention) == arabic


def test_everything_but_words_stays() -> None:
    text = "ana 3andy meeting 3:30, www.x.com @ana #bokra 2kg مرحبا 😀"
    read = to_arabic(text, "egy")
    assert read == "أنا عندي meeting 3:30, www.x.com @ana #bokra 2kg مرحبا 😀"


def test_foreign_words_are_converted_where_asked() -> None:
    assert to_arabic("computer", "egy") == "computer"
    assert not LATIN_LETTERS & set(to_arabic("computer", "egy", foreign="convert"))


def test_candidates_are_distinct_and_begin_with_the_best() -> None:
    found = to_arabic("2alby 7elw", "egy", 5)
    assert isinstance(found, list)
    assert len(found) == len(set(found)) == 5
    assert found[0] == to_arabic("2alby 7elw", "egy")


def test_letters_are_written_as_they_are_typed() -> None:
    assert to_arabic("mzyan", "mgr", spelling="letters") == "مزيان"
    # Every vowel is a letter, a doubled consonant has shadda, a doubled first one the article.
    assert to_arabic("bzzaf", "mgr", spelling="letters") == "بز\u0651اف"
    assert to_arabic("ssimana", "mgr", spelling="letters") == "السيمانا"


@pytest.mark.parametrize("name", ["egi", "", "EGY", "français"])
def test_an_unknown_convention_names_the_allowed_ones(name: str) -> None:
    with pytest.raises(UsageError, match="Allowed: egy, glf, lev, mgr"):
        to_arabic("ana", name)


@pytest.mark.parametrize(
    "options", [{"spelling": "word"}, {"foreign": "kep"}, {"candidates": 0}, {"candidates": 51}]
)
def test_other_wrong_choices_are_usage_errors(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"[Aa]llowed"):
        to_arabic("ana", "egy", **options)  # type: ignore[call-overload]


@settings(max_examples=150, deadline=None)
@given(
    any_text | st.text("aeiou37952kshgl' -", max_size=40),
    st.sampled_from(CONVENTIONS),
    st.sampled_from(["words", "letters"]),
    st.sampled_from([1, 3]),
)
def test_any_text_is_read_without_a_crash(
    text: str, convention: str, spelling: str, count: int
) -> None:
    found = to_arabic(text, convention, count, spelling=spelling)  # type: ignore[call-overload]
    assert isinstance(found, str) == (count == 1)
    if not LATIN_LETTERS & set(text):
        assert (found if count == 1 else found[0]) == text


@pytest.mark.parametrize(
    "word", ["a" * 10_000, "3arabi" * 2_000, "sh" * 5_000, "7'" * 5_000, "'" * 9_999]
)
def test_a_word_of_ten_thousand_letters_is_read_in_time(word: str) -> None:
    start = time.process_time()
    to_arabic(word, "egy", 10)
    assert time.process_time() - start < 5


def test_many_candidates_of_a_long_text_take_time_by_its_length() -> None:
    start = time.process_time()
    found = to_arabic("ana 3arabi w kwayes " * 500, "egy", 50)
    assert len(found) == 50
    assert time.process_time() - start < 10


def test_a_reader_gives_the_same_whatever_it_read_before() -> None:
    fresh, used = ArabiziReader("lev"), ArabiziReader("lev")
    used.read_many(["shu 3am ta3mel", "baddi ru7"])
    assert used.read("baddi shu") == fresh.read("baddi shu")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_tables_hold_known_letters_and_costs_of_at_least_zero(convention: str) -> None:
    tables = load_convention(convention)
    for table in (tables.initial, tables.any, tables.final):
        for key, readings in table.items():
            assert key
            assert readings
            for arabic, cost in readings:
                assert set(arabic) <= set(BUCKWALTER.values())
                assert cost >= 0
    assert set(load_tables()) == {"shared", *CONVENTIONS}
    for latin in tables.words:
        assert latin == latin.lower()
