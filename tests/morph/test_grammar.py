"""The inventory of affixes and the citation forms."""

from __future__ import annotations

import pytest

from arabench.morph import grammar
from arabench.morph.analysis import KINDS, PROCLITICS, Kind
from arabench.morph.answers import Cut, cuts_of, cuts_of_treebank
from arabench.morph.letters import CODE
from arabench.morph.restoration import citation_forms


def test_the_first_sequence_of_each_side_is_the_empty_one() -> None:
    assert grammar.prefixes()[0] == ()
    assert grammar.suffixes()[0] == ()


@pytest.mark.parametrize("side", [grammar.prefixes, grammar.suffixes])
def test_sequences_are_distinct_and_made_of_known_letters(side: object) -> None:
    sequences = side()  # type: ignore[operator]
    assert len(set(sequences)) == len(sequences)
    for sequence in sequences:
        for letters, kind in sequence:
            assert kind in KINDS
            assert letters
            assert all(letter in CODE for letter in letters)
            assert not set(letters) & set("أإآى"), "sequences are in folded letters"


def test_only_proclitics_stand_before_a_stem() -> None:
    kinds = {kind for sequence in grammar.prefixes() for _, kind in sequence}
    assert kinds <= PROCLITICS


def test_only_suffixes_and_enclitics_stand_after_a_stem() -> None:
    kinds = {kind for sequence in grammar.suffixes() for _, kind in sequence}
    assert kinds == {
        "noun_suffix", "verb_suffix", "case", "indirect_object", "pronoun", "negation"
    }  # fmt: skip


@pytest.mark.parametrize(
    "sequence",
    [
        (("و", "conjunction"), ("ب", "preposition"), ("ال", "article")),
        (("ف", "conjunction"), ("ل", "preposition"), ("ل", "article")),
        (("ب", "preposition"), ("ه", "demonstrative"), ("ال", "article")),
        (("و", "conjunction"), ("م", "negation"), ("ب", "progressive")),
        (("ك", "progressive"),),
        (("غا", "future"),),
        (("رح", "future"),),
        (("س", "particle"),),
    ],
)
def test_sequences_before_a_stem_are_known(sequence: grammar.AffixSequence) -> None:
    assert sequence in grammar.prefixes()


@pytest.mark.parametrize(
    "sequence",
    [
        (("ت", "noun_suffix"), ("ها", "pronoun")),
        (("و", "verb_suffix"), ("ها", "pronoun"), ("ش", "negation")),
        (("و", "verb_suffix"), ("ل", "indirect_object"), ("ي", "pronoun")),
        (("ل", "indirect_object"), ("ها", "pronoun"), ("ش", "negation")),
        (("ها", "pronoun"), ("ل", "indirect_object"), ("ك", "pronoun")),
        (("نا", "verb_suffix"), ("كم", "pronoun")),
        (("ا", "case"),),
    ],
)
def test_sequences_after_a_stem_are_known(sequence: grammar.AffixSequence) -> None:
    assert sequence in grammar.suffixes()


def test_an_article_never_meets_a_future_or_progressive() -> None:
    for sequence in grammar.prefixes():
        kinds = [kind for _, kind in sequence]
        assert not ("article" in kinds and {"future", "progressive"} & set(kinds))


@pytest.mark.parametrize(
    ("before", "after", "alone"),
    [
        ((("ل", "preposition"),), (("ه", "pronoun"),), True),
        ((("و", "conjunction"), ("ب", "preposition")), (("ك", "pronoun"),), True),
        ((("و", "conjunction"),), (("ه", "pronoun"),), False),
        ((("ل", "preposition"),), (("ات", "noun_suffix"),), False),
        ((), (("ه", "pronoun"),), False),
        ((("ل", "preposition"),), (), False),
    ],
)
def test_clitics_stand_alone_only_as_preposition_and_pronoun(
    before: grammar.AffixSequence, after: grammar.AffixSequence, alone: bool
) -> None:
    assert grammar.stands_alone(before, after) is alone


def test_the_treebank_convention_leaves_article_and_noun_suffix_on_the_stem() -> None:
    before = grammar.prefixes().index((("ل", "preposition"), ("ل", "article")))
    after = grammar.suffixes().index((("ت", "noun_suffix"), ("هم", "pronoun")))
    cut = Cut(before, after, 2, 6)  # l l madrs t hm
    assert cut.kinds() == ("preposition", "article", "stem", "noun_suffix", "pronoun")
    assert cuts_of(cut) == (1, 2, 6, 7)
    assert cuts_of_treebank(cut) == (1, 7)


@pytest.mark.parametrize(
    ("surfaces", "kinds", "forms"),
    [
        (["ل", "ل", "بيت"], ["preposition", "article", "stem"], ["ل", "ال", "بيت"]),
        (["ب", "ال", "بيت"], ["preposition", "article", "stem"], ["ب", "ال", "بيت"]),
        (["ل", "له"], ["preposition", "stem"], ["ل", "الله"]),
        (["شنط", "ت", "ها"], ["stem", "noun_suffix", "pronoun"], ["شنط", "ة", "ها"]),
        (["كتب", "ت", "ها"], ["stem", "verb_suffix", "pronoun"], ["كتب", "ت", "ها"]),
        (["علي", "ه"], ["stem", "pronoun"], ["على", "ه"]),
        (["علي"], ["stem"], ["علي"]),
        (["مستوا", "ه"], ["stem", "pronoun"], ["مستوى", "ه"]),
        (["دنيا", "ه"], ["stem", "pronoun"], ["دنيا", "ه"]),
        (["ينسا", "ك"], ["stem", "pronoun"], ["ينسى", "ك"]),
        (["شاف", "و", "ه"], ["stem", "verb_suffix", "pronoun"], ["شاف", "وا", "ه"]),
        (["شاف", "و"], ["stem", "verb_suffix"], ["شاف", "و"]),
        (["بناؤ", "ه"], ["stem", "pronoun"], ["بناء", "ه"]),
        (["أصدقائ", "ك"], ["stem", "pronoun"], ["أصدقاء", "ك"]),
    ],
)
def test_citation_forms(surfaces: list[str], kinds: list[Kind], forms: list[str]) -> None:
    assert citation_forms(surfaces, kinds) == forms
