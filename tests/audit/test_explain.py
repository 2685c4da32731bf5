"""What normalization does to a corpus: counts by rule, pairs, samples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.audit import explain
from arabench.audit.explain import add_explanation, explain_files, new_summary
from arabench.errors import UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import write_rows
from tests.strategies import any_text, options

_LLM = Normalizer(options_from("llm"))


def corpus(folder: Path, *texts: str | None) -> list[str]:
    return [str(write_rows(folder / "c.jsonl", [{"text": text} for text in texts]))]


def test_texts_edits_and_pairs_are_counted_by_rule(tmp_path: Path) -> None:
    inputs = corpus(tmp_path, "كتـــاب  جميل", "كتـاب", "سليم", None, "طــويــل\u200b")
    summary = explain_files(inputs, _LLM)
    assert (summary.texts, summary.unread.null) == (4, 1)
    assert (summary.changed, summary.explained) == (3, 3)
    assert not summary.sampled
    tatweel = summary.rules["tatweel"]
    assert (tatweel.texts, tatweel.edits) == (3, 8)
    assert tatweel.pairs == {("\u0640", ""): 8}
    assert summary.rules["zero-width"].edits == 1
    assert summary.rules["spaces"].pairs == {("  ", " "): 1}
    assert summary.rules["persian-letters"].texts == 0


def test_rules_stand_in_the_order_in_which_they_run(tmp_path: Path) -> None:
    found = explain_files(corpus(tmp_path, "كتـاب"), _LLM).as_dict()
    assert [rule["rule"] for rule in found["rules"]] == [rule.name for rule in _LLM.rules]


def test_samples_show_the_edit_in_the_text_the_rule_received(tmp_path: Path) -> None:
    summary = explain_files(corpus(tmp_path, "هذا کتـــابٌ  جديد"), _LLM)
    (persian,) = summary.rules["persian-letters"].snippets.items
    assert persian == {"before": "هذا ", "old": "ک", "new": "ك", "after": "تـــابٌ  جديد"}
    (spaces,) = summary.rules["spaces"].snippets.items
    assert spaces["before"] == "هذا كتابٌ"  # tatweel and keheh are gone by then
    assert (spaces["old"], spaces["new"], spaces["after"]) == ("  ", " ", "جديد")


def test_context_is_cut_to_thirty_characters_of_the_line(tmp_path: Path) -> None:
    (path,) = corpus(tmp_path, f"سطر\n{'ب' * 50}ـ{'ت' * 50}\nآخر")
    (item,) = explain_files([path], _LLM).rules["tatweel"].snippets.items
    assert (item["before"], item["after"]) == ("ب" * 30, "ت" * 30)


def test_a_large_corpus_is_sampled_and_the_summary_says_so(tmp_path: Path) -> None:
    texts = [f"نص{'ـ' * (1 + number % 3)} {number}" for number in range(300)]
    inputs = corpus(tmp_path, *texts, *["سليم"] * 100)
    summary = explain_files(inputs, _LLM, sample=50, seed=1)
    assert (summary.texts, summary.changed, summary.explained) == (400, 300, 50)
    assert summary.rules["tatweel"].texts == 50
    assert summary.as_dict()["sampled"] is True
    assert "50 of the 300 texts that change" in summary.to_html()
    same = explain_files(inputs, _LLM, sample=50, seed=1)
    other = explain_files(inputs, _LLM, sample=50, seed=2)
    assert summary.as_dict() == same.as_dict()
    assert summary.as_dict()["rules"] != other.as_dict()["rules"]


def test_long_texts_make_the_sample_smaller_not_the_memory_larger() -> None:
    chosen = explain._ChangedTexts(100, seed=0, max_chars=1000)
    chosen.add(f"{number:03d}" + "x" * 97 for number in range(500))
    assert chosen.seen == 500
    assert len(chosen.texts) == 10
    assert chosen.texts == sorted(chosen.texts)
    one = explain._ChangedTexts(100, seed=0, max_chars=1000)
    one.add(["y" * 5000])
    assert one.texts == ["y" * 5000]


def test_the_sample_of_changed_texts_is_uniform() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(2000):
        chosen = explain._ChangedTexts(4, seed)
        chosen.add(map(str, range(20)))
        drawn.update(chosen.texts)
    # 400 expected each; five standard deviations are 90.
    assert all(abs(drawn[str(number)] - 400) < 90 for number in range(20))


def test_rare_pairs_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explain, "PAIRS_KEPT", 10)
    normalizer = Normalizer(options_from("none", {"scripts": "arabic"}))
    summary = new_summary(normalizer)
    for number in range(30):
        add_explanation(summary, normalizer, f"كلمة {chr(0x41 + number)} COMMON ثم COMMON")
    rule = summary.rules["non-arabic"]
    assert len(rule.pairs) <= 10
    assert rule.pairs_pruned
    assert rule.pairs.most_common(1) == [(("COMMON", " "), 60)]
    assert summary.as_dict()["rules"][-1]["pairs_are_lower_bounds"]


@given(st.lists(any_text, max_size=4), options)
def test_any_text_and_options_have_a_summary(texts: list[str], chosen: object) -> None:
    normalizer = Normalizer(chosen)  # type: ignore[arg-type]
    summary = new_summary(normalizer)
    expected: Counter[str] = Counter()
    for text in texts:
        add_explanation(summary, normalizer, text)
        expected.update(edit.rule for edit in normalizer.explain(text)[1])
    assert {name: rule.edits for name, rule in summary.rules.items() if rule.edits} == expected
    json.loads(summary.to_json())


def test_a_page_shows_html_of_the_corpus_as_text(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>ـ<img src=x onerror=alert(2)>"
    page = explain_files(corpus(tmp_path, attack), _LLM).to_html()
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "[U+200F]" in explain_files(corpus(tmp_path, "a\u200fb"), _LLM).to_html()


def test_lone_surrogates_are_shown_as_code_points() -> None:
    summary = new_summary(_LLM)
    add_explanation(summary, _LLM, "a\ud800b")
    assert rb"\\ud800" in summary.to_json()
    summary.to_html().encode("utf-8")


def test_unreadable_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes('{"text": "كتـاب"}\n{"text"\n'.encode())
    summary = explain_files([str(path)], _LLM)
    assert summary.unread.rejected == 1
    assert "could not be read" in summary.to_html()


@pytest.mark.parametrize("wrong", [{"sample": 0}, {"snippets": -1}, {"snippets": 26}])
def test_impossible_numbers_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="not allowed"):
        explain_files(corpus(tmp_path, "نص"), _LLM, **wrong)  # type: ignore[arg-type]
