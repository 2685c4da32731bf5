"""Sensitive terms: the shipped list, its rules of matching, and lists that users give."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench import chars
from arabench.audit.blocks import blocks
from arabench.audit.sensitive_terms import Group, TermFinder, parse_groups, shipped_groups
from arabench.audit.tables import EXPAND, expansions, fold_table
from arabench.errors import UsageError
from arabench.text.rules.folding import fold_words as fold
from tests.strategies import any_text

_FINDER = TermFinder([Group("g", "G", "", ("كلب*", "ابن الحرام", "زق", "a7a"), ("ثور",))])


def find(text: str, finder: TermFinder = _FINDER) -> list[tuple[str, str]]:
    return [
        (hit.term.text, block.joined[hit.start : hit.end])
        for block in blocks([text])
        for hit in finder.find(block)
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("هذا كلب", "كلب"),
        ("يا كَلْبُ!", "كَلْبُ"),
        ("كَلْبٌ", "كَلْبٌ"),
        ("والكـــلب", "والكـــلب"),
        ("بكلبين", "بكلبين"),
        ("كلبة،", "كلبة"),
        ("ابن الحرام", "ابن الحرام"),
        ("إبن  الحَرام", "إبن  الحَرام"),
        ("الزق", "الزق"),
        ("A7A يا جماعة", "A7A"),
        ("ولثور", "ولثور"),
    ],
)
def test_a_term_matches_through_marks_proclitics_and_endings(text: str, written: str) -> None:
    assert [found for _, found in find(text)] == [written]


@pytest.mark.parametrize(
    "text",
    [
        "كلبش",  # another word
        "مكلب",
        "بزق",  # a short word takes no single-letter preposition: "spat"
        "ابن البلد الحرام",
        "ابن\nالحرام",  # two lines are two sentences
        "ba7a",
        "",
        "؟؟؟ 123",
    ],
)
def test_parts_of_words_and_other_phrases_do_not_match(text: str) -> None:
    assert find(text) == []


def test_the_longest_phrase_of_a_group_wins() -> None:
    finder = TermFinder([Group("g", "", "", ("كلب", "كلب ابن كلب"), ())])
    assert find("كلب ابن كلب", finder) == [("كلب ابن كلب", "كلب ابن كلب")]


def test_every_entry_of_the_shipped_list_finds_itself_and_its_group() -> None:
    finder = TermFinder()
    for group in finder.groups:
        for term in group.terms:
            text = f"قال {term.text.removesuffix('*')} ومضى"
            hits = [hit.term for block in blocks([text]) for hit in finder.find(block)]
            assert any(hit.group == group.name for hit in hits), term


def test_the_shipped_list_is_documented_and_has_no_entry_twice() -> None:
    for group in shipped_groups():
        assert group.title
        assert 8 <= len(group.terms) <= 60
        folded = [fold(term.text) for term in group.terms]
        assert len(set(folded)) == len(folded), group.name


@pytest.mark.parametrize(
    "innocent",
    [
        "خرج الأطفال إلى الحديقة صباح الجمعة",
        "كتاب الطبخ المغربي بدون لحم",
        "نور الشمس يملأ البيت",
        "اشترى عبد الله سيارة حمراء",
        "تقود أختي السيارة إلى العمل",
        "أعلن الوزير نتائج الثانوية العامة",
    ],
)
def test_everyday_sentences_have_no_hit(innocent: str) -> None:
    assert find(innocent, TermFinder()) == []


def test_matching_agrees_with_a_plain_search_over_folded_words() -> None:
    finder = TermFinder()
    starts = {form[0]: form for form in finder._forms if len(form) == 1}
    rng = random.Random(3)
    vocabulary = [*rng.sample(sorted(starts), 200), "بيت", "شمس", "قلم", "سافر", "مدرسه"]
    texts = [" ".join(rng.choices(vocabulary, k=30)) for _ in range(40)]
    expected = sum(word in starts for text in texts for word in text.split())
    hits = {
        (number, hit.start)
        for number, block in enumerate(blocks(texts))
        for hit in finder.find(block)
    }
    assert len(hits) == expected


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"g": ["x"]}, "no group"),
        ({"g": {"slur": ["x"]}}, "Did you mean 'slurs'"),
        ({"g": {"slurs": "x"}}, "list of strings"),
        ({"g": {"slurs": [1]}}, "list of strings"),
        ({"g": {"slurs": ["!*"]}}, "no letter"),
    ],
)
def test_a_wrong_list_is_refused_with_what_to_write(tables: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_groups(tables, "mine.toml")  # type: ignore[arg-type]


def test_an_empty_list_finds_nothing() -> None:
    assert find("كلب", TermFinder([])) == []
    assert find("كلب", TermFinder(parse_groups({"g": {}}, "x"))) == []


@given(any_text)
def test_folding_is_idempotent_and_the_array_agrees(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    words = [block.words for block in blocks([text])]
    found = list(
        itertools.chain.from_iterable(
            (w.word(number) for number in range(len(w.starts))) for w in words
        )
    )
    assert found == fold(text).split()


@given(st.characters() | st.sampled_from(sorted(chars.PRESENTATION_FORMS)))
def test_the_table_says_what_folding_a_character_gives(char: str) -> None:
    entry = int(fold_table()[ord(char)])
    letters = expansions()[ord(char)].tolist() if entry == EXPAND else [entry]
    written = "".join(" " if code == 0 else chr(code) for code in letters if code != 0xFFFF)
    assert " ".join(written.split()) == fold(char)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("يا ﻛﻼﺏ", "ﻛﻼﺏ"),  # with a lam-alef ligature
        ("ﺍﻟﻜﻼﺏُ!", "ﺍﻟﻜﻼﺏُ"),
        ("ﻻ ﻛﻼﺏ", "ﻛﻼﺏ"),
        ("قال ﷺ", "ﷺ"),  # a phrase in one character
        ("قال صلى الله عليه وسلم", "صلى الله عليه وسلم"),
        ("ݐاݐا", "ݐاݐا"),  # letters of other languages are letters
    ],
)
def test_ligatures_are_found_as_the_letters_they_show(text: str, written: str) -> None:
    finder = TermFinder([Group("g", "", "", ("كلاب", "صلى الله عليه وسلم", "ݐاݐا"), ())])
    assert [found for _, found in find(text, finder)] == [written]


@pytest.mark.parametrize("text", ["ﷺ", "ﻻﻻ", "ﷺﷺ ﻻ", "ﻻ نص ﷺ نص ﻻ", "ﻻُ" * 300, "ﷲ" + "ﷺ" * 9])
def test_every_letter_of_a_ligature_stands_where_the_ligature_does(text: str) -> None:
    (block,) = blocks([text])
    words = block.words
    assert [words.word(number) for number in range(len(words.starts))] == fold(text).split()
    stand = [fold(char) for char in text + "\n"]
    for place, code in zip(words.positions.tolist(), words.folded.tolist(), strict=True):
        assert (chr(code) if code else " ") in (stand[place] or " ")
    assert (words.positions[1:] >= words.positions[:-1]).all()
    assert len(words.positions) == sum(len(letters) or 1 for letters in stand) - text.count("ُ")


def test_without_terms_no_word_is_folded() -> None:
    (block,) = blocks(["كلب ابن الحرام"])
    assert list(TermFinder([]).find(block)) == []
    assert "words" not in vars(block)


def test_a_term_is_found_in_every_presentation_form() -> None:
    for form in chars.PRESENTATION_FORMS:
        finder = TermFinder([Group("g", "", "", (fold(f"ن{form}ن"),), ())])
        hits = [found for _, found in find(f"قل ن{form}ن لنا", finder)]
        assert hits == [f"ن{form}ن"], f"U+{ord(form):04X}"


def test_spellings_that_a_reader_would_not_distinguish_fold_together() -> None:
    for left, right in [
        ("أحمد", "احمد"),
        ("مدرسة", "مدرسه"),
        ("علي", "على"),
        ("کتاب", "كتاب"),
        ("كـتـاب", "كتاب"),
        ("ﻛتاب", "كتاب"),
        ("كِتَابٌ", "كتاب"),
        (f"كت{chars.ZERO_WIDTH_JOINER}اب", "كتاب"),
    ]:
        assert fold(left) == fold(right)
