"""The per-variety table: its numbers against direct computation."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arabench.evaluation.metrics.intervals import interval
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.summary import (
    as_records,
    cells,
    format_number,
    markdown_table,
    markdown_text,
    other_scores,
)
from arabench.evaluation.runner.results import Evaluation
from arabench.statistics.resampling import Array
from tests.gate.synthetic import Task, evaluation, lengths


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.nan, "n/a"), (0, "0"), (-0.0, "0"), (1, "1"), (1.23456, "1.235"), (-1.23456, "-1.235"),
     (0.00012345, "0.0001234"), (12.3456, "12.35"), (999.96, "1000"), (1000, "1,000"),
     (12345.6, "12,346"), (999999, "999,999"), (1e6, "1.00e+06"), (-2.5e7, "-2.50e+07"),
     (math.inf, "inf"), (-math.inf, "-inf"), (1e-7, "1e-07")],
)  # fmt: skip
def test_format_number(value: float, text: str) -> None:
    assert format_number(value) == text


def text_task(variety: str, seed: int) -> tuple[Task, Array, Array]:
    chars = lengths(60, seed)
    bits = chars * np.random.default_rng(seed).gamma(30, 1 / 10, 60)
    words = np.ceil(chars / 6)
    return (
        Task(
            f"arabench_lm_{variety}",
            {
                "bits_per_char": [
                    (f"{i:02}", pair) for i, pair in enumerate(zip(bits, chars, strict=True))
                ],
                "word_perplexity": [
                    (f"{i:02}", pair) for i, pair in enumerate(zip(bits, words, strict=True))
                ],
            },
            variety=variety,
        ),
        np.stack([bits, chars], axis=-1),
        np.stack([bits, words], axis=-1),
    )


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def shown(value: float, metric: str, sums: Array) -> str:
    low, high = interval(SCORES[metric], sums)
    return f"{format_number(value)} [{format_number(low)}, {format_number(high)}]"


def test_table_equals_direct_computation() -> None:
    egy, chars, words = text_task("egy", 1)
    msa, msa_chars, _ = text_task("msa", 2)
    del msa.values["word_perplexity"]  # type: ignore[attr-defined]
    head, first, second = rows(markdown_table([evaluation([egy, msa], "model")]))
    assert head == ["", "bits/char", "word ppl"]
    ratio = msa_chars[:, 0].sum() / msa_chars[:, 1].sum()
    # A task that lacks a metric leaves the cell empty; varieties without tasks have no row.
    assert second[0] == "EGY"
    assert first == ["MSA", shown(ratio, "bits_per_char", msa_chars), ""]
    assert second[1] == shown(chars[:, 0].sum() / chars[:, 1].sum(), "bits_per_char", chars)
    perplexity = 2 ** (words[:, 0].sum() / words[:, 1].sum())
    assert second[2] == shown(perplexity, "word_perplexity", words)


def test_cells_name_their_column() -> None:
    values = {"bleu": [(f"{i}", (9, 9, 9, 8, 7, 6, 9, 8, 7, 6)) for i in range(5)]}
    found = cells(evaluation([Task("arabench_mt_egy_msa", values, variety="egy"),
                              Task("arabench_mt_egy_en", values, variety="egy")], "m"))  # fmt: skip
    assert [(cell.heading, cell.variety, cell.items) for cell in found] == [
        ("BLEU to MSA", "egy", 5),
        ("BLEU to English", "egy", 5),
    ]
    # Five of five items are right: as of a share of 1, Wilson 1927, z^2 / (5 + z^2).
    assert found[0].value == found[0].high == pytest.approx(100)
    assert found[0].low == pytest.approx(100 - 100 * 1.959964**2 / (5 + 1.959964**2), rel=1e-6)


def test_tasks_without_a_variety_have_their_own_table() -> None:
    task = Task("arabench_mmlu", {"acc": [(f"{i}", (float(i % 4 == 0), 1)) for i in range(40)]})
    found = evaluation([task])
    assert other_scores(found)[0][:3] == ("arabench_mmlu", "acc", 0.25)
    head, row = rows(markdown_table([found]))
    assert head == ["task", "metric", "value", "95 % interval"]
    low, high = other_scores(found)[0][3:]
    assert row == ["arabench_mmlu", "acc", "0.25", f"{low:.4g} to {high:.4g}"]
    assert low < 0.25 < high


def test_one_item_has_no_interval() -> None:
    found = evaluation([Task("arabench_rc_egy", {"f1": [("a", (1, 2))]}, variety="egy")])
    assert rows(markdown_table([found]))[1] == ["EGY", "0.5 [n/a, n/a]"]


def test_few_items_and_what_does_not_compare_are_said() -> None:
    few = Task("arabench_rc_egy", {"f1": [(str(i), (i % 2, 1)) for i in range(29)]}, variety="egy")
    many = Task("arabench_rc_msa", {"f1": [(str(i), (i % 2, 1)) for i in range(30)]}, variety="msa")
    said = "- Of few items (arabench_rc_egy has 29): below 30, intervals of skewed items hold"
    assert said in markdown_table([evaluation([few, many])])
    assert "few items" not in markdown_table([evaluation([many])])
    tokens = {"token_perplexity": [(str(i), (9 + i, 0, 3)) for i in range(40)]}
    table = markdown_table([evaluation([Task("arabench_lm_egy", tokens, variety="egy")])])
    assert "it does not compare between tokenizers" in table
    assert "token ppl" in rows(table)[0][1]


def test_why_there_is_no_interval_is_said_beside_the_number() -> None:
    few = {"bits_per_char": [(str(i), (9 + i, 3)) for i in range(4)]}
    still = {"bits_per_char": [(str(i), (9 * (i + 1), 3 * (i + 1))) for i in range(8)]}
    tasks = [Task("arabench_lm_egy", few, variety="egy"),
             Task("arabench_lm_msa", still, variety="msa")]  # fmt: skip
    table = markdown_table([evaluation(tasks)])
    assert [row[1] for row in rows(table)[1:]] == ["3 [n/a, n/a]", "3.5 [n/a, n/a]"]
    assert "- No interval (n/a): it needs 5 items or more (arabench_lm_egy)." in table
    assert "- No interval (n/a): the items do not differ (arabench_lm_msa)." in table
    shares = [Task("arabench_rc_egy", {"f1": [(str(i), (i % 2, 1)) for i in range(4)]},
                   variety="egy")]  # fmt: skip
    assert "No interval" not in markdown_table([evaluation(shares)])


def test_the_heading_says_what_is_before_whole_texts_and_what_is_not() -> None:
    texts, _, _ = text_task("egy", 1)
    table = markdown_table([evaluation([texts], settings={"dtype": "bfloat16", "prefix": "EOS"})])
    assert "\nbfloat16" in table
    assert "before a whole text: EOS (prompts and next words begin as the tokenizer" in table
    pseudo = {"prefix": "[CLS]", "likelihood": "pseudo"}
    assert "prompts" not in markdown_table([evaluation([texts], settings=pseudo)])


def test_data_of_two_kinds_in_one_table_are_said() -> None:
    texts, _, _ = text_task("egy", 1)
    said = {"given | packaged": "the data that was given in some tasks, packaged data in others",
            "given": "; the data that was given\n", "packaged": "; packaged data\n"}  # fmt: skip
    for value, words in said.items():
        assert words in markdown_table([evaluation([texts], settings={"data": value})])
    assert "data" not in markdown_table([evaluation([texts])]).partition("\n|")[0]


def test_a_note_of_many_tasks_is_one_line() -> None:
    texts, _, _ = text_task("egy", 1)
    more, _, _ = text_task("lev", 2)
    found = evaluation([texts, more])
    noted = {name: replace(task, notes=("seen before",)) for name, task in found.tasks.items()}
    table = markdown_table([replace(found, tasks=noted)])
    assert f"- {', '.join(noted)}: seen before\n" in table


def test_records_hold_what_the_table_shows() -> None:
    egy, _, _ = text_task("egy", 1)
    single = Task("arabench_rc_egy", {"f1": [("a", (1, 2))]}, variety="egy")
    found = {row["metric"]: row for row in as_records(evaluation([egy, single], "m"))}
    (cell, *_) = cells(evaluation([egy]))
    row = found["bits_per_char"]
    assert (row["value"], row["low"], row["high"]) == (cell.value, cell.low, cell.high)
    assert (row["unit"], row["items"], row["few_items"]) == ("bits", 60, False)
    assert (found["f1"]["value"], found["f1"]["low"], found["f1"]["few_items"]) == (0.5, None, True)


def test_several_evaluations_and_none() -> None:
    egy, _, _ = text_task("egy", 1)
    table = markdown_table([evaluation([egy], "first"), evaluation([egy], "second")])
    assert table.index("**first**") < table.index("**second**")
    assert markdown_table([]) == ""
    assert "**x** (95" in markdown_table([Evaluation(Path("x"), "x", {})])


def test_names_cannot_break_the_table() -> None:
    values = {"acc": [("a", (1, 1)), ("b", (0, 1))]}
    name = "x|y`z\n# <b>*w*</b>\u2028\x00"
    table = markdown_table([evaluation([Task(name, values)], name)])
    assert [len(row) for row in rows(table)] == [4, 4]
    assert len(table.splitlines()) == 7  # with the note on few items
    assert "<b>" not in table
    assert not re.search(r"(?<!\\)`", table)


@pytest.mark.parametrize(
    ("text", "safe"),
    [("arabench_lm_egy", "arabench_lm_egy"), ("chrf++", "chrf++"), ("نموذج_1", "نموذج_1"),
     ("__a", r"\_\_a"), ("a*b", r"a\*b"), ("[a](b)", r"\[a\](b)"), ("a|b", "a&#124;b"),
     ("<a&b>", "&lt;a&amp;b&gt;"), ("a\\b", r"a\\b"), ("a\nb\u202ec", "a b c")],
)  # fmt: skip
def test_markdown_text(text: str, safe: str) -> None:
    assert markdown_text(text) == safe
