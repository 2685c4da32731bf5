"""Texts of a report: labels, limits, what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from arabench.errors import DataError, UsageError
from arabench.subwords.texts import (
    LabelledTexts,
    is_vocalised,
    label_order,
    packaged_vocalised,
    parallel_texts,
    plan_data,
    without_diacritics,
)
from arabench.varieties import VARIETIES
from tests.corpus.support import Row, write_rows

_ROWS: list[Row] = [
    {"text": "ازيك عامل ايه", "dialect": "arz", "n": 1},
    {"text": "كيفك شو اخبارك", "dialect": "lev", "n": 2},
    {"text": "  ", "dialect": "lev", "n": 3},
    {"text": None, "dialect": "lev", "n": 4},
    {"text": "إيه الأخبار", "dialect": "EGY", "n": 5},
    {"text": "من أنت", "dialect": None, "n": 6},
    {"text": "نص آخر", "dialect": "news", "n": 7},
]


@pytest.mark.parametrize("name", ["c.jsonl", "c.parquet"])
def test_rows_go_to_the_variety_of_their_code(tmp_path: Path, name: str) -> None:
    path = write_rows(tmp_path / name, _ROWS)
    texts = LabelledTexts(plan_data([str(path)]), variety_field="dialect")
    found: dict[str, list[str]] = {}
    for label, batch in texts.batches():
        found.setdefault(label, []).extend(batch)
    assert found == {
        "egy": ["ازيك عامل ايه", "إيه الأخبار"],
        "lev": ["كيفك شو اخبارك"],
        "unlabelled": ["من أنت"],
        "news": ["نص آخر"],
    }
    assert (texts.blank, texts.unread.null) == (1, 1)
    assert label_order(list(found)) == ["egy", "lev", "news", "unlabelled"]


def test_a_label_before_a_file_wins_and_a_limit_holds_per_label(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.txt", [{"text": "أ"}, {"text": "ب"}, {"text": "ت"}])
    texts = LabelledTexts(plan_data([f"egy={path}", str(path)]), limit=2)
    assert list(texts.batches()) == [("egy", ["أ", "ب"]), ("all", ["أ", "ب"])]
    assert texts.passed_over == 2


def test_wrong_fields_are_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "c.jsonl", _ROWS)
    with pytest.raises(UsageError, match="has no field 'variety'"):
        list(LabelledTexts(plan_data([str(path)]), variety_field="variety").batches())
    many = write_rows(tmp_path / "m.jsonl", [{"text": "أ", "id": str(n)} for n in range(70)])
    with pytest.raises(UsageError, match="more than 64 labels"):
        list(LabelledTexts(plan_data([str(many)]), variety_field="id").batches())
    with pytest.raises(UsageError, match="does not exist"):
        plan_data(["egy=missing.txt"])
    (tmp_path / "empty.txt").touch()
    with pytest.raises(DataError, match="empty"):
        plan_data([str(tmp_path / "empty.txt")])


def test_the_packaged_items_hold_every_variety_and_english() -> None:
    parallel = parallel_texts()
    assert tuple(parallel.by_label) == VARIETIES
    assert len(parallel.msa) == len(parallel.english) >= 300


def test_parallel_text_needs_msa(tmp_path: Path) -> None:
    (tmp_path / "arz.txt").write_text("ازيك\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no text in MSA"):
        parallel_texts(str(tmp_path))


def test_the_packaged_sentences_are_vocalised_throughout() -> None:
    sentences = packaged_vocalised()
    assert len(sentences) >= 20
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert is_vocalised(sentence), sentence
        bare = without_diacritics(sentence)
        assert not is_vocalised(bare)
        assert bare.split() != sentence.split()


@pytest.mark.parametrize("text", ["", "abc", "كتب", "كتبَ الولد في المدرسة", "مدرّس"])
def test_a_mark_here_and_there_is_no_vocalisation(text: str) -> None:
    assert not is_vocalised(text)
