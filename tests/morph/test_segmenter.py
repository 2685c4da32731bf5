"""The built-in segmenter: what it answers, and that any string can be given to it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.errors import DataError
from arabench.morph.analysis import KINDS
from arabench.morph.letters import MAX_LETTERS, decode, encode, encode_marked
from arabench.morph.model_file import Model, read_model, write_model
from arabench.morph.segmenter import MODEL_PATH, BuiltinSegmenter

SEGMENTER = BuiltinSegmenter()

#: Words with cuts that nobody disputes, of all varieties.
CUTS = [
    "و+ال+كتاب",
    "ب+ال+بيت",
    "كتاب+هم",
    "مدرس+ة",
    "ال+مدرس+ة",
    "مدرس+ت+ي",
    "و+قال",
    "س+يكتب",
    "كتب+وا",
    "يكتب+ون",
    "سيار+ات",
    "شكر+ا",
    "عند+ي",
    "في+ها",
    "علي+ك",
    "ل+ه",
    "ب+يحب+ك",
    "ب+نشوف+ك",
    "ه+يروح",
    "ه+ال+بنت",
    "ع+ال+باب",
    "م+عرف+ش",
    "ما+عند+ي+ش",
    "ب+يقول+و",
    "ك+نشوف",
    "غ+نمشي",
    "يا+رب",
    "كتاب",
    "من",
    "مش",
    "ليش",
    "علاش",
    "وليد",
    "بنك",
]


def surfaces(word: str) -> str:
    return "+".join(segment.surface for segment in SEGMENTER.segment([word])[0])


@pytest.mark.parametrize("cut", CUTS)
def test_common_words_are_cut_where_they_should_be(cut: str) -> None:
    assert surfaces(cut.replace("+", "")) == cut


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("\u0628\u0650\u0627\u0644\u0628\u064e\u064a\u062a", 3),  # bi-l-bayt with vowels
        ("\u0648\u0640\u0640\u0627\u0644\u0628\u064a\u062a", 3),  # wa-l-bayt, stretched
        ("\u06a9\u062a\u0627\u0628\u06be\u0645", 2),  # kitab-hum on a Persian keyboard
        ("\ufeed\ufe8d\ufedf\ufe92\ufef4\ufe96", 3),  # wa-l-bayt in presentation forms
    ],
)
def test_spelling_variants_are_cut_like_the_plain_word(word: str, expected: int) -> None:
    analysis = SEGMENTER.segment([word])[0]
    assert len(analysis) == expected
    assert "".join(segment.surface for segment in analysis) == word


def test_marks_and_tatweel_stay_with_the_letter_before_them() -> None:
    word = "\u0628\u0650\u0640\u0627\u0644\u0628\u064a\u062a"  # BEH, KASRA, TATWEEL, al-bayt
    assert SEGMENTER.segment([word])[0][0].surface == "\u0628\u0650\u0640"


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("للبيت", ["ل", "ال", "بيت"]),
        ("لله", ["ل", "الله"]),
        ("سيارته", ["سيار", "ة", "ه"]),
        ("إليهم", ["إلى", "هم"]),
        ("عليها", ["على", "ها"]),
        ("كتبوها", ["كتب", "وا", "ها"]),
        ("أصدقائي", ["أصدقاء", "ي"]),
    ],
)
def test_forms_are_those_of_the_segment_on_its_own(word: str, forms: list[str]) -> None:
    assert [segment.form for segment in SEGMENTER.segment([word])[0]] == forms


@pytest.mark.parametrize("word", ["hello", "123", "\U0001f600", "#", "a\u0628", "\ud800", " "])
def test_what_is_no_arabic_word_comes_back_as_one_stem(word: str) -> None:
    analysis = SEGMENTER.segment([word])[0]
    assert [(s.surface, s.form, s.kind) for s in analysis] == [(word, word, "stem")]


def test_the_empty_string_has_no_segments() -> None:
    assert SEGMENTER.segment([""]) == [()]
    assert SEGMENTER.segment([]) == []


@pytest.mark.parametrize("length", [MAX_LETTERS + 1, 10_000])
def test_words_of_too_many_letters_come_back_whole(length: int) -> None:
    word = ("\u0648\u0627\u0644" * length)[:length]  # wa-l- over and over
    assert [segment.surface for segment in SEGMENTER.segment([word])[0]] == [word]


ARABIC = st.text(
    st.sampled_from(
        sorted(chars.LETTERS | chars.MARKS | set(chars.PRESENTATION_FORMS) | {"\u200d", "\u200c"})
    ),
    max_size=70,
)
CLITIC_LIKE = st.text(st.sampled_from("ابتةهويكلمنسش"), min_size=1, max_size=20)


@settings(max_examples=300, deadline=None)
@given(st.one_of(ARABIC, CLITIC_LIKE, st.text(max_size=30)))
def test_segments_rejoin_to_any_string(word: str) -> None:
    analysis = SEGMENTER.segment([word])[0]
    assert "".join(segment.surface for segment in analysis) == word
    kinds = [segment.kind for segment in analysis]
    assert set(kinds) <= set(KINDS)
    assert kinds.count("stem") <= 1
    assert all(segment.surface for segment in analysis)
    if word and "stem" not in kinds:  # clitics alone: a preposition and a pronoun
        assert "preposition" in kinds
        assert "pronoun" in kinds


@settings(max_examples=100, deadline=None)
@given(st.lists(CLITIC_LIKE, max_size=8))
def test_a_word_is_answered_the_same_in_any_company(words: list[str]) -> None:
    together = BuiltinSegmenter().segment(words)
    assert together == [BuiltinSegmenter().segment([word])[0] for word in words]


def test_a_full_cache_forgets_and_still_answers() -> None:
    small = BuiltinSegmenter(cached_words=10)
    words = [a + b for a in "كتبدر" for b in "نمسلو"]
    expected = SEGMENTER.segment(words)
    assert small.segment(words) == expected
    for word, analysis in zip(words, expected, strict=True):
        assert small.segment([word, words[0]]) == [analysis, expected[0]]
    assert len(small._answers) <= 10


def test_it_says_what_it_is_and_that_it_reads_no_context() -> None:
    assert SEGMENTER.signature.startswith("builtin v1 ")
    assert SEGMENTER.in_context is False


@settings(max_examples=200, deadline=None)
@given(ARABIC)
def test_letters_start_in_order_inside_the_word(word: str) -> None:
    letters = encode(word)
    if letters is not None:
        starts = list(letters.starts)
        assert len(starts) == len(letters.codes) <= MAX_LETTERS
        assert starts == sorted(starts)
        assert all(0 <= start < len(word) for start in starts)


def test_stretched_letters_count_once() -> None:
    letters = encode("جدااااا")
    assert letters is not None
    assert decode(letters.codes) == "جدا"


# --- the model file ------------------------------------------------------------------------


def tiny_model() -> Model:
    import numpy as np

    return Model(np.arange(-4, 4, dtype=np.int8), np.arange(16, dtype=np.uint16), {"seed": 1})


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    write_model(path, tiny_model())
    again = read_model(path)
    assert again.weights.tolist() == list(range(-4, 4))
    assert again.lexicon.tolist() == list(range(16))
    assert again.about == {"seed": 1}
    assert again.checksum == tiny_model().checksum
    assert [p.name for p in tmp_path.iterdir()] == ["m.bin"]


def damaged_files() -> list[tuple[str, bytes, str]]:
    whole = MODEL_PATH.read_bytes()
    return [
        ("empty", b"", "not a segmenter model"),
        ("foreign", b"PK\x03\x04" + bytes(100), "not a segmenter model"),
        ("version", whole[:8] + b"\x09" + whole[9:], "has version 9"),
        ("cut short", whole[:-100], "damaged"),
        ("only the magic", whole[:16], "damaged"),
        ("longer", whole + b"\x00", "damaged"),
        ("header length", whole[:12] + b"\xff\xff\xff\x7f" + whole[16:], "damaged"),
        ("header", whole[:20] + b"\xff" + whole[21:], "damaged"),
        ("one weight", whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], "damaged"),
    ]


@pytest.mark.parametrize(("name", "data", "message"), damaged_files(), ids=lambda v: str(v)[:12])
def test_a_file_that_is_no_good_model_gives_one_clear_error(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_model(path)


def test_an_absent_model_gives_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the segmenter model"):
        read_model(tmp_path / "none.bin")


def test_the_packaged_model_is_small_enough_to_ship() -> None:
    assert MODEL_PATH.stat().st_size <= 3_000_000


def test_importing_the_segmenter_loads_nothing_heavy() -> None:
    code = (
        "import sys, arabench.morph.segmenter as s; s.BuiltinSegmenter(); "
        "print([m for m in ('numba', 'numpy', 'pyarrow', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_share_one_segmenter_and_its_small_cache() -> None:
    from concurrent.futures import ThreadPoolExecutor

    words = [a + b + c for a in "كتبدر" for b in "نمسلو" for c in "هيات"]
    expected = SEGMENTER.segment(words)
    small = BuiltinSegmenter(cached_words=20)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: small.segment(words[n:] + words[:n]), range(40)))
    for n, answer in enumerate(answers):
        assert answer == expected[n:] + expected[:n]


_MARKED = st.text(
    st.sampled_from("والبتكهيأةى\u064e\u0651\u0652ـ\u200cپکیﻻﺏﷲ\u0675١x"), min_size=1, max_size=14
)


@settings(max_examples=300)
@given(st.lists(_MARKED, min_size=1, max_size=8))
def test_arrays_encode_as_word_by_word(words: list[str]) -> None:
    marked = encode_marked(words)
    rows = iter(
        (marked.codes[start:end].tobytes(), tuple(marked.starts[start:end].tolist()))
        for start, end in itertools.pairwise(marked.offsets.tolist())
    )
    for word, is_marked in zip(words, marked.is_marked.tolist(), strict=True):
        letters = encode(word)
        if is_marked:
            assert tuple(letters or ()) == next(rows)
        else:  # left to `encode`: no word, stretched, or a ligature
            assert letters is None or "ﷲ" in word or "ﻻ" in word or _is_stretched(word)
    assert next(rows, None) is None


def _is_stretched(word: str) -> bool:
    letters = encode(word)
    return letters is None or len(letters.codes) < len(encode_all(word))


def encode_all(word: str) -> bytes:
    """Codes of all letters of a word, drawn-out ones too."""
    return b"".join(found.codes for char in word if (found := encode(char)) is not None)
