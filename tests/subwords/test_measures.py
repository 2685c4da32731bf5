"""Every measure against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from arabench.subwords.loading import LoadedTokenizer
from arabench.subwords.measures import COLUMNS, GROUPS, MEASURES, Counts, ratio_estimate
from arabench.subwords.report import report_tokenizers
from tests.strategies import any_text
from tests.subwords.support import byte_level, pieces_of, spelled, unigram, word_piece

pytest.importorskip("transformers", reason="needs the extra arabench[eval]")


def counted(loaded: LoadedTokenizer, *texts: str) -> dict[str, float]:
    counts = Counts(len(loaded.pieces))
    counts.add(loaded, texts)
    return {name: counts.total(name) for name in COLUMNS}


def test_byte_level_pieces_of_half_a_letter_are_bytes(tmp_path: Path) -> None:
    loaded = byte_level(tmp_path)
    kaf_teh, beh, space = spelled("كت"), spelled("ب"), spelled(" ")
    assert pieces_of(loaded, "كتب كتب!") == [
        kaf_teh, beh[0], beh[1], space, kaf_teh, beh[0], beh[1], "!",
    ]  # fmt: skip
    assert counted(loaded, "كتب كتب!") == {
        "texts": 1,
        "tokens": 8,
        "words": 2,
        "chars": 8,
        "bytes": 14,
        "byte_tokens": 4,
        "unknown": 0,
        "whole_words": 0,
        "lettered_words": 2,
        "changed": 0,
        "damaged": 0,
    }
    # kaf-teh alone is a whole word, also with punctuation of its own behind it
    assert counted(loaded, "كت! ! ت")["whole_words"] == 2
    assert counted(loaded, "كت! ! ت")["lettered_words"] == 2
    assert counted(loaded, "كت! ! ت")["words"] == 3


def test_unknown_words_are_counted_and_are_not_whole(tmp_path: Path) -> None:
    loaded = word_piece(tmp_path)
    assert pieces_of(loaded, "كتابه في زمن.") == ["كتاب", "##ه", "في", "[UNK]", "."]
    found = counted(loaded, "كتابه في زمن.")
    assert (found["tokens"], found["words"], found["unknown"]) == (5, 3, 1)
    assert (found["whole_words"], found["lettered_words"]) == (1, 3)
    assert (found["changed"], found["damaged"]) == (1, 1)
    # Two spaces become one: another text, but the same words.
    spaced = counted(loaded, "كتاب  في")
    assert (spaced["changed"], spaced["damaged"]) == (1, 0)
    assert counted(loaded, "كتاب في")["changed"] == 0


def test_sentencepiece_bytes_and_spaces(tmp_path: Path) -> None:
    loaded = unigram(tmp_path)
    grinning = ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]
    assert pieces_of(loaded, "كتاب كتابه 😀") == ["▁كتاب", "▁كتاب", "ه", "▁", *grinning]
    found = counted(loaded, "كتاب كتابه 😀")
    assert (found["tokens"], found["words"], found["byte_tokens"]) == (8, 3, 4)
    # An emoji is no letter: two words are lettered, of which the first is whole.
    assert (found["whole_words"], found["lettered_words"]) == (1, 2)
    assert (found["unknown"], found["changed"]) == (0, 0)
    # A space on its own is no part of the word behind it.
    assert pieces_of(loaded, "ه") == ["▁", "ه"]
    assert counted(loaded, "ه")["whole_words"] == 1


def test_ratios_are_of_sums_not_means_of_ratios(tmp_path: Path) -> None:
    loaded = byte_level(tmp_path)
    counts = Counts(len(loaded.pieces))
    counts.add(loaded, ["كت", "كتب ب"])  # 1 token of 1 word; 6 of 2
    found = counts.estimates()
    assert found["fertility"].value == pytest.approx(7 / 3)
    assert found["chars_per_token"].value == pytest.approx(7 / 7)
    assert found["bytes_per_token"].value == pytest.approx(13 / 7)
    assert found["byte_tokens"].value == pytest.approx(4 / 7)
    assert int(counts.seen.sum()) == 4  # kaf-teh, a space, and the two bytes of beh
    assert set(found) == {measure.name for measure in MEASURES}


def test_the_vocabulary_is_classified_once(tmp_path: Path) -> None:
    loaded = byte_level(tmp_path)
    assert loaded.kind == "byte-level"
    # 128 bytes are ASCII characters; the others alone are none.
    assert int(loaded.pieces.as_bytes.sum()) == 128
    assert int(loaded.pieces.arabic.sum()) == 3
    assert unigram(tmp_path).kind == "byte-fallback"
    assert int(unigram(tmp_path).pieces.as_bytes.sum()) == 256
    assert word_piece(tmp_path).kind == "characters"
    assert not word_piece(tmp_path).pieces.as_bytes.any()


def test_intervals_hold_their_value_and_are_the_same_every_time() -> None:
    rng = np.random.default_rng(5)
    under = rng.integers(5, 30, 200).astype(float)
    over = under * 2 + rng.normal(0, 3, 200)
    first = ratio_estimate(over, under)
    assert first == ratio_estimate(over, under)
    assert first.value == pytest.approx(over.sum() / under.sum())
    assert first.low is not None
    assert first.high is not None
    assert first.low < over.sum() / under.sum() < first.high
    assert first.high - first.low < 0.2


def test_one_text_has_no_interval_and_no_text_no_value() -> None:
    assert ratio_estimate([3.0], [2.0]).as_dict() == {"value": 1.5, "low": None, "high": None}
    assert ratio_estimate([], []).value is None


def test_memory_does_not_grow_with_the_texts(tmp_path: Path) -> None:
    loaded = word_piece(tmp_path)
    counts = Counts(len(loaded.pieces))
    counts.add(loaded, ["كتاب في"] * (2 * GROUPS + 7))
    assert counts.groups.shape == (GROUPS, len(COLUMNS))
    assert counts.total("texts") == 2 * GROUPS + 7
    assert counts.estimates()["fertility"].as_dict() == {"value": 1, "low": 1, "high": 1}


def test_parallel_texts_give_premiums_of_the_same_meaning(tmp_path: Path) -> None:
    folder = tmp_path / "parallel"
    folder.mkdir()
    (folder / "arb.txt").write_text("كت\nكت كت\n", encoding="utf-8")  # 1, 3 tokens
    (folder / "arz.txt").write_text("كتب\nكت\n", encoding="utf-8")  # 3, 1
    (folder / "eng.txt").write_text("ab\nab\n", encoding="utf-8")  # 2, 2
    from arabench.subwords.report import ReportOptions

    options = ReportOptions(parallel=str(folder), presets=(), context=100)
    data = report_tokenizers([byte_level(tmp_path)], None, options).data
    row = data["tokenizers"][0]
    assert row["premium"]["to_msa"]["egy"]["value"] == pytest.approx(4 / 4)
    assert row["premium"]["to_msa"]["msa"]["value"] == 1
    assert row["premium"]["to_english"]["egy"]["value"] == pytest.approx(4 / 4)
    assert row["by_label"]["msa"]["fertility"]["value"] == pytest.approx(4 / 3)
    assert row["by_label"]["msa"]["context_words"]["value"] == pytest.approx(75)
    assert row["by_label"]["egy"]["context_words"]["value"] == pytest.approx(50)


def test_finer_varieties_of_an_item_are_pooled(tmp_path: Path) -> None:
    folder = tmp_path / "parallel"
    folder.mkdir()
    for code, text in (("arb", "كت"), ("apc", "كت كت"), ("ajp", "كتب")):  # 1, 3, 3 tokens
        (folder / f"{code}.txt").write_text(text + "\n", encoding="utf-8")
    from arabench.subwords.report import ReportOptions

    options = ReportOptions(parallel=str(folder), presets=())
    row = report_tokenizers([byte_level(tmp_path)], None, options).data["tokenizers"][0]
    assert row["premium"]["to_msa"]["lev"]["value"] == pytest.approx((3 + 3) / (1 + 1))
    assert row["premium"]["to_english"] == {}


def test_diacritics_cost_is_measured_on_the_data_where_it_is_vocalised(tmp_path: Path) -> None:
    from arabench.subwords.report import ReportOptions
    from arabench.subwords.texts import LabelledTexts, plan_data

    path = tmp_path / "a.txt"
    path.write_text("كَتَ\n" * 30, encoding="utf-8")  # kaf, 2 bytes, teh, 2 bytes: 6 for 1
    texts = LabelledTexts(plan_data([str(path)]))
    data = report_tokenizers([byte_level(tmp_path)], texts, ReportOptions(presets=("search",))).data
    assert data["vocalised"] == {"origin": "the data", "texts": 30}
    row = data["tokenizers"][0]
    assert row["diacritics_cost"]["value"] == pytest.approx(6 / 1)
    assert row["normalization"]["search"]["value"] == pytest.approx(1 / 6)
    assert row["by_label"]["all"]["byte_tokens"]["value"] == pytest.approx(4 / 6)
    few = LabelledTexts(plan_data([str(path)]), limit=5)
    data = report_tokenizers([byte_level(tmp_path)], few, ReportOptions(presets=())).data
    assert data["vocalised"]["origin"] == "packaged sentences"
    assert data["data"]["beyond_limit"] == 25


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> list[LoadedTokenizer]:
    folder = tmp_path_factory.mktemp("kinds")
    return [byte_level(folder), word_piece(folder), unigram(folder)]


@settings(max_examples=80, deadline=None)
@given(text=any_text)
def test_counts_of_any_text_fit_together(all_kinds: list[LoadedTokenizer], text: str) -> None:
    text = "".join(char for char in text if not "\ud800" <= char <= "\udfff") + " كتب"
    for loaded in all_kinds:
        found = counted(loaded, text)
        assert found["byte_tokens"] + found["unknown"] <= found["tokens"]
        assert found["whole_words"] <= found["lettered_words"] <= found["words"]
        assert found["damaged"] <= found["changed"] <= found["texts"] == 1
        assert found["chars"] == len(text)
        assert found["bytes"] == len(text.encode())
        if loaded.kind == "byte-level":
            assert found["changed"] == 0
