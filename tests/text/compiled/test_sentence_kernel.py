"""The compiled segmentation gives the reference's ends."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.errors import DataError
from arabench.text.compiled.sentence_kernel import _BYTES_PER_SENTENCE, sentence_ends, split_encoded
from arabench.text.sentence_characters import (
    ABBREVIATIONS,
    AND_SO_ON,
    BEFORE_NUMBERS,
    CLASSES,
    GOES_ON,
    LOOK_BACK,
    MAX_DEPTH,
    MAX_ENCLOSED_CHARS,
)
from arabench.text.sentences import COMPILE_AFTER_CHARS, SentenceSplitter, sentence_spans
from tests.strategies import any_text
from tests.text.test_sentences import CASES, HOSTILE

#: Bytes read of each real file: the reference does some ten megabytes a second.
REAL_BYTES = 3_000_000
WORDS = [
    *("كتاب", "د", "م", "ه", "هـ", "ق.م", "1990", "3.14", "و", "U.S", "example.com", "تح", "سي"),
    *(
        "ذَهَبَ",
        "12",
        "١٢",
        "iPhone",
        "😂",
        "❤\ufe0f",
        "\u06dd١",
        "[1]",
        "#تاغ",
        "@x",
        ":)",
        ":(",
        "X",
    ),
    *("12 ه", "\ufd3f١٢\ufd3e", ".» قال", '." ثم كتب', ".\u201d كما"),
    *sorted(ABBREVIATIONS | AND_SO_ON | BEFORE_NUMBERS | GOES_ON),
]
MARKS = [
    *'.....؟!…«»“”""()[]،؛:,-•*#}‹›۔?⁉',
    "\ufd3e",
    "\ufd3f",
    "..",
    "...",
    "؟!",
    '".',
    ".»",
    ".)",
]
SPACES = [*[" "] * 8, "\n", "\r\n", "\u200f", "\u202b", "\t", "\u00a0", "  ", "\u2028", "\u0085"]


def expected(text: str) -> list[int]:
    return [end for _, end in sentence_spans(text)]


def compiled(texts: list[str]) -> list[list[int]]:
    return split_encoded([text.encode("utf-8") for text in texts])


def random_text(rng: random.Random) -> str:
    shape, pieces = rng.random(), []
    for _ in range(rng.randrange(1, 30)):
        if shape < 0.1:
            blocks = ((0, 0x80), (0x600, 0x700), (0x2000, 0x2070), (0xE000, 0x110000))
            pieces.append(chr(rng.randrange(*rng.choice(blocks))))
        elif shape < 0.3:
            pieces.append(rng.choice(_ALL))
        else:
            pieces.append(rng.choice(rng.choices([WORDS, MARKS, SPACES, [""]], [4, 4, 4, 1])[0]))
    return "".join(pieces)


_ALL = sorted(CLASSES)


def test_equal_on_every_case() -> None:
    texts = [case.replace("|", "") for case in CASES]
    assert compiled(texts) == [expected(text) for text in texts]


@pytest.mark.parametrize("seed", range(10))
def test_equal_on_many_random_texts(seed: int) -> None:
    rng = random.Random(seed)
    texts = [random_text(rng) for _ in range(2500)]
    texts += [" ".join(texts[at : at + 30]) for at in range(0, 1500, 30)]
    for text, ends in zip(texts, compiled(texts), strict=True):
        assert ends == expected(text), text.encode("unicode_escape")


@settings(max_examples=300, deadline=None)
@given(st.lists(any_text, max_size=6))
def test_equal_on_any_strings(texts: list[str]) -> None:
    splitter = SentenceSplitter(compile_after_chars=0)
    assert splitter.split_many(texts) == [sentence_spans(text) for text in texts]


def test_equal_on_every_code_point_around_a_stop() -> None:
    codes = [chr(code) for code in range(0x3000) if not 0xD800 <= code <= 0xDFFF]
    codes += [chr(code) for code in [*range(0xFB00, 0x10000), *range(0x1F000, 0x1FB00), 0x1FFFF]]
    codes += ["\U00020000", "\U0010ffff"]
    for pattern in ("نعم.{0} لا", "نعم{0}. لا", "نعم؟{0}لا", "{0}. لا", "«نعم.»{0} «لا"):
        texts = [pattern.format(code) for code in codes]
        assert compiled(texts) == [expected(text) for text in texts]


@pytest.mark.parametrize("letter", ["a", "م", "😂", "\u0651"])
def test_equal_around_every_limit(letter: str) -> None:
    texts = []
    for size in range(MAX_ENCLOSED_CHARS - 2, MAX_ENCLOSED_CHARS + 3):
        inside = "نعم. " + letter * (size - 5)
        texts += [f"قال {left}{inside}{right} وسكت. لا" for left, right in ("«»", '""', "()")]
    for size in range(LOOK_BACK - 2, LOOK_BACK + 3):
        texts += [f"د{letter * size}. لا", f"{letter * size}د. لا", f"{'1.' * (size // 2)}1. لا"]
        texts += [f"نعم.» {letter * size}قال", f"1{letter * size}1. لا", f"12 {letter * size}م. لا"]
    for depth in range(MAX_DEPTH - 2, MAX_DEPTH + 3):
        texts += [
            f"نعم {'(أب. تث ' * depth}لا{')' * depth} لا",
            f"{'«(' * depth}أ. ب{')»' * depth} ج",
        ]
    assert compiled(texts) == [expected(text) for text in texts]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name",
    ["wiki/ar.tsv", "wiki/arz.tsv", "tashkeela/books.txt", "motaz_tweets/train_negative.tsv"],
)
def test_equal_on_real_text(shared_data: Path, name: str) -> None:
    with (shared_data / name).open("rb") as stream:
        lines = stream.read(REAL_BYTES).decode("utf-8", "replace").split("\n")
    assert compiled(lines) == [expected(line) for line in lines]
    paragraphs = ["\n".join(lines[at : at + 50]) for at in range(0, len(lines) // 4, 50)]
    assert compiled(paragraphs) == [expected(text) for text in paragraphs]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_ends_of_an_array_are_bytes_of_each_row(kind: pa.DataType) -> None:
    rows = ["نعم. لا", None, "", "ab. B؟ ", "كلمة"]
    found = sentence_ends(pa.array(rows, kind))
    assert found.row_ends.tolist() == [2, 2, 2, 4, 5]
    assert found.byte_ends.tolist() == [len("نعم. ".encode()), len("نعم. لا".encode()), 4, 8, 8]
    assert found.row_index.tolist() == [0, 0, 3, 3, 4]
    assert not found.invalid.any()


def test_a_slice_of_an_array_has_the_ends_of_its_rows() -> None:
    array = pa.array(["قبل. هذا", "نعم. لا", None, "آخر", "بعد. ذلك"])
    found, alone = sentence_ends(array[1:4]), sentence_ends(pa.array(["نعم. لا", None, "آخر"]))
    assert [part.tolist() for part in found] == [part.tolist() for part in alone]


@pytest.mark.parametrize("rows", [[], [None], ["", ""], [None, ""]])
def test_arrays_without_text_have_no_ends(rows: list[str | None]) -> None:
    found = sentence_ends(pa.array(rows, pa.string()))
    assert found.byte_ends.tolist() == []
    assert found.row_ends.tolist() == [0] * len(rows)


@pytest.mark.parametrize(
    "bad",
    [
        *(b"\xff", b"\xc3", b"\xe2\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"),
        *(b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\x80", b"a\xd8", b"\xf0\x9f\x98", b"\xd8."),
    ],
)
def test_rows_that_are_not_utf8_are_marked_and_have_no_ends(bad: bytes) -> None:
    rows = [b"ab. B", b"xy. " + bad, bad + b" xy. Z", "نعم. لا 😂".encode()]
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    array = pa.StringArray.from_buffers(4, pa.py_buffer(offsets), pa.py_buffer(b"".join(rows)))
    found = sentence_ends(array)
    assert found.invalid.tolist() == [0, 1, 1, 0]
    assert found.row_index.tolist() == [0, 0, 3, 3]


def test_damaged_offsets_are_refused() -> None:
    buffers = pa.py_buffer(np.array([0, 9, 4], dtype=np.int32)), pa.py_buffer(b"abcd")
    with pytest.raises(DataError, match="damaged"):
        sentence_ends(pa.StringArray.from_buffers(2, *buffers))


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="not int64"):
        sentence_ends(pa.array([1]))


def test_more_sentences_than_the_first_buffer_holds() -> None:
    texts = ["مرحبا", "ك؟" * (200 * _BYTES_PER_SENTENCE), "نعم. لا"]
    assert compiled(texts) == [expected(text) for text in texts]


def test_strings_with_half_a_surrogate_pair_go_to_the_reference() -> None:
    texts = ["نعم. \ud800 لا", "نعم. لا", ""]
    splitter = SentenceSplitter(compile_after_chars=0)
    assert splitter.split_many(texts) == [sentence_spans(text) for text in texts]


def test_a_short_run_never_loads_the_compiler() -> None:
    code = (
        "import sys; from arabench.text.sentences import SentenceSplitter\n"
        "SentenceSplitter().split_many(['نعم. لا'] * 9)\n"
        "sys.exit('numba' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_run_may_change_to_the_compiled_procedure() -> None:
    splitter = SentenceSplitter()
    assert splitter.split_many(["نعم. لا"]) == [[(0, 5), (5, 7)]]
    splitter.chars_seen = COMPILE_AFTER_CHARS
    assert splitter.split_many(["نعم. لا"]) == [[(0, 5), (5, 7)]]


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_million_of_anything_takes_no_longer_than_text(unit: str) -> None:
    encoded = [(unit * (1_000_000 // len(unit))).encode()]
    split_encoded([b"."])
    started = time.process_time()
    split_encoded(encoded)
    assert time.process_time() - started < 1.5
