"""The lines that `filter` counts as boilerplate are those that `is_boilerplate` names."""

from __future__ import annotations

import random

import pytest

from arabench.corpus.steps.filters import text_measures
from arabench.corpus.steps.filters.text_measures import measure_many
from arabench.text.rules.boilerplate import is_boilerplate, phrases, strip_boilerplate

#: What parts words and lines, and what the filter reads otherwise than a line is folded.
_SIGNS = (
    "|", " | ", "»", "2024", "x1", "©", "é", "@", "\r", "\n", "\r\n", "\u2028", " ", "ﷺ", "ﻻ",
    "\u0650", ".", "،", "كتاب", "https://a.b", "@ab", "a@b.cc", "ـ", "\x1c", "\u0301", "\ufe0f",
    "😀", "Привет", "\u00b7",
)  # fmt: skip


def _letters(texts: list[str]) -> float:
    measured = measure_many(texts)
    return float((measured.words * measured.mean_word_chars).sum())


@pytest.mark.parametrize("seed", range(8))
def test_letters_of_boilerplate_lines_are_counted_and_no_others(seed: int) -> None:
    rng = random.Random(seed)
    whole, beginning = phrases()
    lines = sorted(whole | {phrase.strip() for phrase in beginning})
    words = sorted({word for line in lines for word in line.split()})
    several = 0
    for _ in range(400):
        pieces = rng.choices([lines, words, _SIGNS], [0.35, 0.2, 0.45], k=rng.randint(1, 12))
        text = "".join(rng.choice(piece) + rng.choice(["", " "]) for piece in pieces)
        gone = [edit.before for edit in strip_boilerplate().edits(text)]
        assert all(is_boilerplate(line.rstrip("\r\n\u2028")) for line in gone)
        letters = _letters([text])
        expected = _letters(gone) / letters if letters else 0
        assert measure_many([text]).boilerplate[0] == pytest.approx(expected), text
        several += len(gone) > 1
    assert several


def test_a_block_of_several_texts_keeps_them_apart() -> None:
    texts = ["الرئيسية", "نص عادي", "اضغط هنا\nنص عادي", ""] * 50
    assert measure_many(texts).boilerplate.tolist() == pytest.approx([1, 0, 7 / 13, 0] * 50)


_READ_ALONE = [
    "الرئيسية", "شارك على فيسبوك", "الرئيسية » كرة", "كتاب | قلم | ورق", "x1 كتاب", "كتاب é قلم",
]  # fmt: skip
_NOT_READ = [
    "قال «كتاب جديد» أمس", "كتاب جديد مفيد é", "كتاب قديم 2024 x1", "2024 كتاب قديم", "كتاب",
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "read"), [(x, 1) for x in _READ_ALONE] + [(x, 0) for x in _NOT_READ]
)
def test_only_lines_that_may_be_boilerplate_are_read_one_by_one(
    line: str, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(text_measures, "is_boilerplate", lambda given: bool(seen.append(given)))
    measure_many([f"نص عادي هنا\n{line}\nنص آخر هنا"])
    assert seen == [line] * read


@pytest.mark.parametrize("line", ["تابعنا على @madina", "شارك https://t.co/x", "Powered by a@b.cc"])
def test_links_are_no_words_of_a_line(line: str) -> None:
    assert is_boilerplate(line)
    assert not is_boilerplate("@powered by me")
