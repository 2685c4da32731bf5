"""Text, tokens, text: what is written, and that nothing of the text is lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.errors import UsageError
from arabench.morph import memo
from arabench.morph.marks import MARKS
from arabench.morph.schemes import SCHEMES, WORD_CLASS
from arabench.morph.tokenizer import Detokenizer, Tokenizer
from tests.morph.fakes import Lexicon, Scissors
from tests.strategies import any_text, web_text

schemes = st.sampled_from(list(SCHEMES))
marks = st.sampled_from(list(MARKS))

LEXICON = Lexicon(
    "c:و a:ال s:كتاب o:هم",
    "b:ب s:يحب o:ك",
    "p:ل a:ل=ال s:كتاب",
    "p:ل a:ال s:شغل",
    "c:و s:مدرس N:ت=ة o:نا",
    "p:ل o:ه",
)

#: What seams and their escapes are made of, between words and beside them.
_PIECES = (
    "+", "++", "+ ", " +", " ", "  ", "\\", "\\\\", "\\+", "\\+ ", " \\+", "\u2060", "\u2060 ",
    " \u2060", "\u2060\u2060", "\n", ".", "a", "٣", "و", "ال", "كتاب", "هم", "مدرسة", "ى", "لل",
    "للكتاب", "وا", "ـ", "\u0651", "\ufefb", "\u200c", "\ufdfa", "آ", "على", "ء",
)  # fmt: skip
seam_text = st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)


@settings(max_examples=1500, deadline=None)
@given(
    st.one_of(seam_text, seam_text, any_text, web_text),
    schemes,
    marks,
    st.integers(0, 50),
    st.booleans(),
)
@example("و+ كتاب", "d3", "marked", 0, False)
@example("كتاب\\\\+هم +هم\\+ هم", "seg", "plus", 1, True)
def test_every_text_comes_back(
    text: str, scheme: str, mark: str, seed: int, in_context: bool
) -> None:
    tokenizer = Tokenizer(scheme, mark, Scissors(seed, in_context=in_context))
    tokenized = tokenizer.tokenize(text)
    assert tokenizer.detokenize(tokenized) == text
    assert Detokenizer(scheme, mark).detokenize(tokenized) == text


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("ابتلويىةءهمنكأٱشس\u0651\u064e\u0640"), min_size=1, max_size=14),
    st.integers(0, 1000),
    st.sampled_from([name for name, scheme in SCHEMES.items() if scheme.split]),
)
def test_a_word_that_is_cut_is_cut_in_every_spelling(word: str, seed: int, scheme: str) -> None:
    segmenter = Scissors(seed)
    pieces = [
        Tokenizer(scheme, mark, segmenter).tokenize(word).replace("+", " ").split()
        for mark in ("marked", "plus")
    ]
    assert "".join(pieces[1]) == word
    if "" not in [segment.surface for segment in segmenter.segment([word])[0]]:
        assert len(pieces[0]) == len(pieces[1])


@settings(deadline=None)
@given(seam_text, schemes, st.integers(0, 50))
def test_plus_signs_are_all_that_plus_adds_to_a_word(text: str, scheme: str, seed: int) -> None:
    text = text.replace("+", "").replace("\\", "")
    tokenized = Tokenizer(scheme, "plus", Scissors(seed)).tokenize(text)
    assert tokenized.replace("+", "") == text


@settings(deadline=None)
@given(st.one_of(seam_text, any_text), schemes, marks)
def test_any_text_can_be_detokenized(text: str, scheme: str, mark: str) -> None:
    assert isinstance(Detokenizer(scheme, mark).detokenize(text), str)


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("marked", "و+ ال+ كتاب +هم."),
        ("plus", "و+ال+كتاب+هم."),
        ("split", "و\u2060 ال\u2060 كتاب \u2060هم."),
    ],
)
def test_marks_tell_tokens_from_words(mark: str, expected: str) -> None:
    assert Tokenizer("d3", mark, LEXICON).tokenize("والكتابهم.") == expected


@pytest.mark.parametrize(
    ("scheme", "mark", "text", "expected"),
    [
        ("d3", "marked", "للكتاب", "ل+ ال+ كتاب"),
        ("d3", "plus", "للكتاب", "ل+ل+كتاب"),
        ("seg", "plus", "بيحبك", "ب+يحب+ك"),
        ("d3", "marked", "ومدرستنا", "و+ مدرسة +نا"),
        ("d3", "plus", "ومدرستنا", "و+مدرست+نا"),
        ("bw", "marked", "ومدرستنا", "و+ مدرس +ة +نا"),
        ("clitics", "marked", "ومدرستنا", "و+ مدرست +نا"),
        ("d3", "marked", "له", "ل +ه"),
        # lam and the article both written out, as dialect writers do
        ("d3", "marked", "لالشغل", "ل++ ال+ شغل"),
        ("clitics", "marked", "لالشغل", "ل+ ال+ شغل"),
        ("words", "marked", "والكتابهم +ك+ ك", "والكتابهم +ك+ ك"),
    ],
)
def test_tokens_are_spelled_as_scheme_and_mark_say(
    scheme: str, mark: str, text: str, expected: str
) -> None:
    tokenizer = Tokenizer(scheme, mark, LEXICON)
    assert tokenizer.tokenize(text) == expected
    assert tokenizer.detokenize(expected) == text


@pytest.mark.parametrize(
    ("mark", "text", "expected"),
    [
        ("marked", "كتاب+ قلم", "كتاب\\+ قلم"),
        ("marked", "كتاب +قلم", "كتاب \\+قلم"),
        ("marked", "كتاب++ قلم", "كتاب\\++ قلم"),
        ("marked", "كتاب\\+ قلم", "كتاب\\\\+ قلم"),
        ("marked", "كتاب + قلم", "كتاب + قلم"),
        ("marked", "كتاب+قلم", "كتاب+قلم"),
        ("marked", "كتاب+++ قلم", "كتاب+++ قلم"),
        ("marked", "+ قلم + x+ y \\ +قلم+", "+ قلم + x+ y \\ +قلم+"),
        ("plus", "كتاب+قلم", "كتاب\\+قلم"),
        ("plus", "كتاب\\+قلم", "كتاب\\\\+قلم"),
        ("plus", "كتاب + قلم+ C++", "كتاب + قلم+ C++"),
        ("split", "كتاب\u2060 قلم", "كتاب\\\u2060 قلم"),
        ("split", "كتاب\u2060قلم +ك+ ك", "كتاب\u2060قلم +ك+ ك"),
    ],
)
def test_only_what_looks_like_a_seam_is_escaped(mark: str, text: str, expected: str) -> None:
    tokenizer = Tokenizer("d3", mark, Lexicon())
    assert tokenizer.tokenize(text) == expected
    assert tokenizer.detokenize(expected) == text


def test_the_table_of_the_documentation_is_what_is_written() -> None:
    page = Path(__file__).parents[2].joinpath("docs/morphology.md").read_text("utf-8")
    table = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    words = table[0][2:]
    rows = {row[0].strip("`"): row[2:] for row in table[2 : 2 + len(SCHEMES)]}
    assert list(rows) == list(SCHEMES)
    lexicon = Lexicon("c:و q:س s:يكتب V:ون o:ها", "p:ل a:ل=ال s:مدرس N:ة", "p:ب s:مدرس N:ت=ة o:هم")
    for scheme, cells in rows.items():
        tokenizer = Tokenizer(scheme, "marked", lexicon)
        assert [f"`{tokenizer.tokenize(word)}`" for word in words] == cells


def test_words_are_runs_of_letters_marks_and_tatweel() -> None:
    segmenter = Lexicon()
    Tokenizer("d3", "marked", segmenter).tokenize("قالَ:كتـاب،٢٠قلم abc ﻻم\u200cها؟")
    assert segmenter.calls == [sorted(["قالَ", "كتـاب", "قلم", "ﻻم", "ها"])]
    assert len(WORD_CLASS) > len(chars.char_class(chars.LETTERS))


def test_a_spelling_is_asked_for_once() -> None:
    segmenter = Lexicon()
    tokenizer = Tokenizer("d3", "marked", segmenter)
    tokenizer.tokenize_many(["كتاب قلم", "قلم كتاب"])
    tokenizer.tokenize("كتاب ورق")
    assert segmenter.calls == [["قلم", "كتاب"], ["ورق"]]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "CACHE_SIZE", 2)
    segmenter = Lexicon()
    tokenizer = Tokenizer("d3", "marked", segmenter)
    assert tokenizer.tokenize("ا ب ت") == "ا ب ت"
    assert tokenizer.tokenize("ا") == "ا"
    assert tokenizer.tokenize("ب") == "ب"
    assert segmenter.calls == [["ا", "ب", "ت"], ["ب"]]


def test_words_of_a_line_go_together_where_context_matters() -> None:
    segmenter = Lexicon("b:ب s:يحب o:ك", in_context=True)
    tokenizer = Tokenizer("seg", "plus", segmenter)
    assert tokenizer.tokenize("\nهو بيحبك.\n\nنعم\nهو ") == "\nهو ب+يحب+ك.\n\nنعم\nهو "
    assert segmenter.calls == [["هو", "بيحبك"], ["نعم"], ["هو"]]


def test_threads_may_share_a_tokenizer() -> None:
    tokenizer = Tokenizer("d3", "marked", Scissors(3))
    texts = [" ".join("ابتلوي"[n % 6] + "كتاب"[: n % 5] for n in range(m, 60)) for m in range(50)]
    expected = Tokenizer("d3", "marked", Scissors(3)).tokenize_many(texts)
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        found[number] = [tokenizer.tokenize(text) for text in texts]

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [expected] * 4


def test_signatures_tell_scheme_mark_and_backend() -> None:
    assert Tokenizer("atb", "split", Lexicon()).signature == (
        "tokenize:1|scheme:atb|mark:split|backend:lexicon:1"
    )
    assert Detokenizer("atb", "split").signature == "detokenize:1|scheme:atb|mark:split"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("d4", "marked", "builtin"), "unknown scheme 'd4'. Did you mean 'd"),
        (("d3", "marks", "builtin"), "unknown mark 'marks'. Did you mean 'marked'"),
        (("d3", "marked", "camel"), "unknown backend 'camel'. Did you mean 'camel-"),
        (("d3", "marked", "camel-db"), "needs a database"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(
    arguments: tuple[str, str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Tokenizer(*arguments)


@pytest.mark.parametrize("mark", sorted(MARKS))
@pytest.mark.parametrize("scheme", ["d3", "seg"])
def test_hashtags_and_mentions_stay_whole(scheme: str, mark: str) -> None:
    tokenizer = Tokenizer(scheme, mark)
    text = "#والكتاب_الجديد والكتاب @والكتاب"
    tokens = tokenizer.tokenize(text)
    assert tokens.startswith("#والكتاب_الجديد ")
    assert tokens.endswith(" @والكتاب")
    assert "والكتاب" not in tokens[len("#والكتاب_الجديد ") : -len(" @والكتاب")]
    assert tokenizer.detokenize(tokens) == text


@pytest.mark.parametrize("mark", sorted(MARKS))
@pytest.mark.parametrize(
    "text",
    [
        "#وسم+ كلمة", "#وسم1+ كلمة", "#tag+ كلمة", "كلمة+#وسم", "كلمة +#وسم", "#ا+ب", "#ا1+ب",
        "#ا +ب", "كلمة#وسم+@اسم", "#\u2060 كلمة",
        "#وسم\u2060 كلمة", "#وسم1\u2060 كلمة", "#", "@ #", "##وسم",
    ],
)  # fmt: skip
def test_signs_beside_hashtags_come_back(text: str, mark: str) -> None:
    for scheme in ("d3", "seg"):
        tokenizer = Tokenizer(scheme, mark)
        assert tokenizer.detokenize(tokenizer.tokenize(text)) == text
