"""Rule-made dialect text: what is rewritten, what is left alone, and that it is repeatable."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.dialect.rewriting import REGIONS, Vocabulary, _table, render, respell

TEXTS = [
    "قرر أن يكتب الرسالة",
    "يريد أن يكتب كثيرا",
    "قال إنه لن يكتب شيئا",
    "قد يكتب المسافر رسالة",
    "كان يعملون في المدينة",
    "عليهم أن يعملون",
    "الموظفين في المدينة وصلوا",
    "وصل الموظفين إلى المدينة",
    "باب المدينة و الباب",
    "باب البيت والباب",
]
VOCABULARY = Vocabulary.of(TEXTS)


def rendered(text: str, region: str, seeds: int = 40) -> set[str]:
    """All that full strength makes of a text."""
    made = {render(text, region, 1.0, VOCABULARY, Random(seed)) for seed in range(seeds)}
    return {text for text in made if text is not None}


def test_the_vocabulary_takes_verbs_from_what_stands_before_them() -> None:
    assert "يكتب" in VOCABULARY.verbs
    assert "المسافر" not in VOCABULARY.verbs


@pytest.mark.parametrize(
    ("region", "text", "one_of"),
    [
        ("EG", "سوف يكتب غدا", {"هيكتب بكرة", "حيكتب بكره"}),
        ("SY", "سيكتب غدا", {"رح يكتب بكرا"}),
        ("TN", "لن يكتب", {"موش باش يكتب"}),
        ("MA", "سوف يكتب", {"غادي يكتب"}),
        ("EG", "لا يكتب", {"ما بيكتبش", "مبيكتبش"}),
        ("IQ", "لا يكتب", {"ما يكتب"}),
        ("SA", "لم يكتب", {"ما كتب"}),
        ("DZ", "لم يكتب", {"ما كتبش"}),
        ("EG", "أن يعملون", {"إن يعملوا", "إنه يعملوا"}),
        ("KW", "أن يعملون", {"إن يعملون", "إنه يعملون"}),
        ("SY", "في المدينة", {"بالمدينة"}),
        ("SA", "الموظفون", {"الموظفين"}),
    ],
)
def test_verbs_negation_and_prepositions(region: str, text: str, one_of: set[str]) -> None:
    assert one_of & rendered(text, region)


def test_a_feminine_form_becomes_a_feminine_form() -> None:
    assert rendered("جديدة", "KW") == {"يديدة", "يديده"}  # a habit of spelling
    assert rendered("جديد", "KW") == {"يديد"}


def test_conjunctions_stay_before_what_they_are_attached_to() -> None:
    assert rendered("والآن", "TN") <= {"وتوا", "وتوة"}


def test_punctuation_stays_where_it_was() -> None:
    made = render("قال: «الآن!» ثم نام.", "LY", 1.0, VOCABULARY, Random(1))
    assert made is not None
    assert made.startswith("قال: «تو")
    assert made.endswith("نام.")


def test_a_text_without_a_place_to_rewrite_gives_none() -> None:
    assert render("برشلونة", "EG", 1.0, VOCABULARY, Random(0)) is None
    assert render("", "EG", 1.0, VOCABULARY, Random(0)) is None


def test_the_weakest_rewriting_changes_one_place() -> None:
    text = "الآن هنا الآن هنا الآن هنا"
    for seed in range(20):
        made = render(text, "SY", 0.0, VOCABULARY, Random(seed))
        assert made is not None
        # Dropping hamzas is a habit of spelling and may touch every word.
        changed = [
            (before, after)
            for before, after in zip(text.split(), made.split(), strict=True)
            if after not in {before, before.replace("آ", "ا")}
        ]
        assert len(changed) == 1


def test_the_same_seed_gives_the_same_text() -> None:
    text = "قال الوزير إن الحكومة لن تكتب شيئا الآن لأن الناس لا يريدون ذلك"
    for region in REGIONS:
        first = render(text, region, 0.5, VOCABULARY, Random(7))
        assert first == render(text, region, 0.5, VOCABULARY, Random(7))


def test_every_cell_of_the_table_holds_a_form() -> None:
    for region, forms in _table().items():
        assert len(forms) > 150, region
        assert all(form.strip() == form and form for cell in forms.values() for form in cell)


def test_respelling_msa_only_drops_hamzas() -> None:
    made = {respell("أكلت المدرسة في", None, 1.0, Random(seed)) for seed in range(30)}
    assert made == {"أكلت المدرسة في", "اكلت المدرسة في"}


@given(st.text(max_size=80), st.sampled_from(sorted(REGIONS)), st.integers(0, 9))
def test_no_text_makes_it_fail(text: str, region: str, seed: int) -> None:
    made = render(text, region, 0.7, VOCABULARY, Random(seed))
    assert made is None or isinstance(made, str)
