"""Schemes as a table of words: which segments become tokens, and in which spelling."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.errors import UsageError
from arabench.morph.analysis import Segment
from arabench.morph.schemes import SCHEMES, Tokens, group_segments, scheme_named, tokens_of
from tests.morph.fakes import Scissors, analysis_of

#: Analysis, then the tokens of d1, d2, d3, atb, bw, clitics and seg; the host in brackets,
#: a tilde where a token is attached letter by letter.
TABLE: list[tuple[str, str]] = [
    (
        "c:و p:ب a:ال s:كتاب",
        "و [بالكتاب] | و ب [الكتاب] | و ب ال [كتاب] | و ب [الكتاب] | "
        "و ب ال [كتاب] | و ب ال [كتاب] | و ب ال [كتاب]",
    ),
    (
        "c:و p:ل a:ل=ال s:مدرس N:ة",
        "و [للمدرسة] | و ل [المدرسة] | و ل ال [مدرسة] | و ل [المدرسة] | "
        "و ل ال [مدرس] ة | و ل ل [مدرسة] | و ل ل [مدرس] ة",
    ),
    (
        "p:ب s:مدرس N:ت=ة o:هم",
        "[بمدرستهم] | ب [مدرستهم] | ب [مدرسة] هم | ب [مدرسة] هم | "
        "ب [مدرس] ة هم | ب [مدرست] هم | ب [مدرس] ت هم",
    ),
    (
        "c:ف q:س s:يكتب V:ون o:ها",
        "ف [سيكتبونها] | ف س [يكتبونها] | ف س [يكتبون] ها | ف س [يكتبون] ها | "
        "ف س [يكتب] ون ها | ف س [يكتبون] ها | ف س [يكتب] ون ها",
    ),
    (
        "s:كتب V:و=وا o:ه",
        "[كتبوه] | [كتبوه] | [كتبوا] ه | [كتبوا] ه | [كتب] وا ه | [كتبو] ه | [كتب] و ه",
    ),
    # dialect: progressive, future, negation, demonstrative, indirect object
    (
        "b:ب s:يقول i:ل o:ها",
        "[بيقوللها] | ب [يقوللها] | ب [يقول] ل ها | ب [يقول] ل ها | "
        "ب [يقول] ل ها | ب [يقول] ل ها | ب [يقول] ل ها",
    ),
    (
        "n:ما s:كتب V:ت i:ل o:وه n:ش",
        "[ماكتبتلوهش] | ما [كتبتلوه] ش | ما [كتبت] ل وه ش | ما [كتبت] ل وه ش | "
        "ما [كتب] ت ل وه ش | ما [كتبت] ل وه ش | ما [كتب] ت ل وه ش",
    ),
    (
        "c:و f:ه s:يروح V:وا",
        "و [هيروحوا] | و ه [يروحوا] | و ه [يروحوا] | و ه [يروحوا] | "
        "و ه [يروح] وا | و ه [يروحوا] | و ه [يروح] وا",
    ),
    (
        "d:ه a:ال s:بيت",
        "[هالبيت] | ه [البيت] | ه ال [بيت] | ه [البيت] | ه ال [بيت] | ه ال [بيت] | ه ال [بيت]",
    ),
    # clitics alone: the last proclitic is the host
    (
        "c:و p:ل o:ه",
        "و [له] | و [له] | و [ل] ه | و [ل] ه | و [ل] ه | و [ل] ه | و [ل] ه",
    ),
    (
        "p:ل o:نا",
        "[لنا] | [لنا] | [ل] نا | [ل] نا | [ل] نا | [ل] نا | [ل] نا",
    ),
    # a question before the conjunction is split with it, that every token be one piece
    (
        "q:أ c:ف p:ب s:كلام o:ك",
        "أ ف [بكلامك] | أ ف ب [كلامك] | أ ف ب [كلام] ك | أ ف ب [كلام] ك | "
        "أ ف ب [كلام] ك | أ ف ب [كلام] ك | أ ف ب [كلام] ك",
    ),
    # spelling: particles, hamza, and seams where a rule does not hold
    (
        "c:و s:علي=على o:هم",
        "و [عليهم] | و [عليهم] | و [على] هم | و [على] هم | و [على] هم | و [علي] هم | و [علي] هم",
    ),
    (
        "s:أصدقائ=أصدقاء o:هم",
        "[أصدقائهم] | [أصدقائهم] | [أصدقاء] هم | [أصدقاء] هم | "
        "[أصدقاء] هم | [أصدقائ] هم | [أصدقائ] هم",
    ),
    (
        "s:أصدقاؤ=أصدقاء o:هم",
        "[أصدقاؤهم] | [أصدقاؤهم] | [أصدقاؤ] هم | [أصدقاؤ] هم | "
        "[أصدقاؤ] هم | [أصدقاؤ] هم | [أصدقاؤ] هم",
    ),
    (
        "s:أصدقاء o:هم",
        "[أصدقاءهم] | [أصدقاءهم] | [أصدقاء] ~هم | [أصدقاء] ~هم | "
        "[أصدقاء] ~هم | [أصدقاء] هم | [أصدقاء] هم",
    ),
    (
        "p:ل s:التزام o:هم",
        "[لالتزامهم] | ~ل [التزامهم] | ~ل [التزام] هم | ~ل [التزام] هم | "
        "~ل [التزام] هم | ل [التزام] هم | ل [التزام] هم",
    ),
    (
        "s:كتاب N:ا=xا",
        "[كتابا] | [كتابا] | [كتابا] | [كتابا] | [كتاب] ا | [كتابا] | [كتاب] ا",
    ),
    # nothing to split
    (
        "s:كتاب",
        "[كتاب] | [كتاب] | [كتاب] | [كتاب] | [كتاب] | [كتاب] | [كتاب]",
    ),
    (
        "s:علي=على",
        "[علي] | [علي] | [علي] | [علي] | [علي] | [علي] | [علي]",
    ),
    (
        "a:ال",
        "[ال] | [ال] | [ال] | [ال] | [ال] | [ال] | [ال]",
    ),
]
NAMES = [name for name in SCHEMES if name != "words"]


def shown(tokens: Tokens) -> str:
    """As in the table."""
    pieces = ["~" * plain + text for text, plain in zip(tokens.texts, tokens.plain, strict=True)]
    pieces[tokens.host] = f"[{pieces[tokens.host]}]"
    return " ".join(pieces)


@pytest.mark.parametrize(("line", "expected"), TABLE)
def test_schemes_split_what_they_say(line: str, expected: str) -> None:
    assert NAMES == ["d1", "d2", "d3", "atb", "bw", "clitics", "seg"]
    analysis = analysis_of(line)
    word = "".join(segment.surface for segment in analysis)
    found = [shown(tokens_of(word, analysis, SCHEMES[name])) for name in NAMES]
    assert " | ".join(found) == expected


@pytest.mark.parametrize(("line", "_expected"), TABLE)
def test_words_are_left_whole_and_plus_spells_pieces_as_written(line: str, _expected: str) -> None:
    analysis = analysis_of(line)
    word = "".join(segment.surface for segment in analysis)
    assert shown(tokens_of(word, analysis, SCHEMES["words"])) == f"[{word}]"
    for scheme in SCHEMES.values():
        pieces = tokens_of(word, analysis, scheme, surface=True)
        assert "".join(pieces.texts) == word
        assert not any(pieces.plain)


def test_an_analysis_of_another_word_leaves_the_word_whole() -> None:
    analysis = analysis_of("c:و s:كتاب")
    for answer in (analysis, analysis[:1], ()):
        assert shown(tokens_of("وكتب", answer, SCHEMES["d3"])) == "[وكتب]"


def test_an_article_without_letters_of_its_own_is_a_token_in_citation_form_only() -> None:
    # li-l-lugha is spelled with two lams, of which the article has none left
    analysis = (
        Segment("ل", "ل", "preposition"),
        Segment("", "ال", "article"),
        Segment("لغة", "لغة", "stem"),
    )
    assert shown(tokens_of("للغة", analysis, SCHEMES["d3"])) == "ل ال [لغة]"
    assert shown(tokens_of("للغة", analysis, SCHEMES["d2"])) == "ل [اللغة]"
    assert shown(tokens_of("للغة", analysis, SCHEMES["seg"])) == "ل [لغة]"


@settings(deadline=None)
@given(
    st.text(st.sampled_from("ابتلويىةءه"), min_size=1, max_size=12),
    st.integers(0, 500),
    st.sampled_from(NAMES),
)
def test_groups_cover_the_word_in_order(word: str, seed: int, name: str) -> None:
    (analysis,) = Scissors(seed).segment([word])
    if not analysis:
        return
    tokens, host = group_segments(analysis, scheme_named(name).split)
    assert 0 <= host < len(tokens) <= len(analysis)
    assert "".join(token.surface for token in tokens) == "".join(s.surface for s in analysis)


def test_finer_schemes_split_wherever_coarser_ones_do() -> None:
    splits = [scheme_named(name).split for name in ("words", "d1", "d2", "atb", "d3", "bw")]
    for coarse, fine in pairwise(splits):
        assert coarse < fine
    assert SCHEMES["clitics"].split == SCHEMES["d3"].split
    assert SCHEMES["seg"].split == SCHEMES["bw"].split


def test_an_unknown_scheme_is_told_with_the_nearest() -> None:
    assert scheme_named("atb") is SCHEMES["atb"]
    with pytest.raises(UsageError, match=r"unknown scheme 'clitic'. Did you mean 'clitics'\?"):
        scheme_named("clitic")
