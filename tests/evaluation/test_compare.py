"""Differences of several evaluations: against direct computation, and what is not compared."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arabench.errors import DataError, UsageError
from arabench.evaluation.reports.differences import (
    LONGEST_NOTE,
    Difference,
    Differences,
    count,
    find_differences,
)
from arabench.evaluation.reports.rounding import Estimate, decimals, p_words, rounded
from arabench.evaluation.reports.runs import (
    LONGEST_NAME,
    Run,
    choose,
    clean_name,
    load_runs,
)
from arabench.statistics.multiplicity import holm_adjusted
from arabench.statistics.resampling import Array
from tests.bench.difference_coverage import missed
from tests.gate.synthetic import Task, evaluation, lm_task, pair_of_bits, samples_file, write

stats = pytest.importorskip("scipy.stats")


def runs(*groups: Sequence[Task], **changes: Any) -> tuple[Run, list[Run]]:
    names = ["base", "one", "two", "three"]
    found = [
        Run(name, replace(evaluation(tasks, name), **changes))
        for name, tasks in zip(names, groups, strict=False)
    ]
    return found[0], found[1:]


def report(*groups: Sequence[Task], **options: Any) -> Differences:
    return find_differences(*runs(*groups), **options)


def only(found: Differences) -> Difference:
    (row,) = found.rows
    return row


def shares(metric: str, values: Sequence[float], name: str = "t") -> Task:
    return Task(name, {metric: [(f"{n:03}", (float(v), 1.0)) for n, v in enumerate(values)]})


# --- numbers -------------------------------------------------------------------------------------


def normal_bits(count: int, shift: float, seed: int) -> tuple[Array, Array, Array]:
    """Characters and bits of two models whose differences are exactly symmetric."""
    rng = np.random.default_rng(seed)
    chars = np.full(count, 50.0)
    ours = 150 + 20 * rng.normal(size=count)
    half = rng.normal(size=count // 2)
    return chars, ours, ours + shift + 5 * np.concatenate([half, -half])


@pytest.mark.parametrize("shift", [0.0, 0.8, 1.5, -1.2])
def test_p_value_of_bits_is_students(shift: float) -> None:
    chars, ours, theirs = normal_bits(80, shift, 3)
    row = only(report([lm_task("egy", ours, chars)], [lm_task("egy", theirs, chars)]))
    expected = float(stats.ttest_rel(theirs, ours).pvalue)
    assert row.p_value >= expected * (1 - 1e-9)  # the larger of two tests, t one of them
    assert row.p_value == pytest.approx(expected, rel=0.3, abs=0.001)
    assert row.difference.value == pytest.approx(theirs.sum() / ours.sum() - 1)
    assert (row.base.value, row.other.value) == pytest.approx(
        (ours.sum() / chars.sum(), theirs.sum() / chars.sum())
    )
    # Fieller's interval of a ratio of means, from the t distribution.
    error = stats.sem(theirs - row.difference.value * ours - ours) / ours.mean()
    ends = row.difference.value + error * stats.t.ppf([0.025, 0.975], 79)
    assert (row.difference.low, row.difference.high) == pytest.approx(
        tuple(ends), abs=0.12 * float(error)
    )


def test_p_value_is_close_to_a_permutation_test() -> None:
    rng = np.random.default_rng(8)
    chars, ours, theirs = pair_of_bits(60, 0.02, seed=8)
    gaps = theirs - ours
    signs = rng.choice([-1, 1], (20_000, 60))
    expected = float(np.mean(np.abs((signs * gaps).sum(1)) >= abs(gaps.sum())))
    row = only(report([lm_task("egy", ours, chars)], [lm_task("egy", theirs, chars)]))
    assert 0.01 < expected < 0.5
    assert row.p_value == pytest.approx(expected, rel=0.25)


def test_accuracy_is_close_to_the_exact_test_of_the_answers_that_changed() -> None:
    ours, theirs = [1] * 70 + [0] * 30, [1] * 52 + [0] * 18 + [1] * 4 + [0] * 26
    row = only(report([shares("acc", ours)], [shares("acc", theirs)]))
    expected = float(stats.binomtest(4, 22, 0.5).pvalue)
    assert row.p_value == pytest.approx(expected, rel=0.5)
    assert (row.difference.value, row.found) == (pytest.approx(-0.14), "worse")
    assert row.difference.low < -0.14 < row.difference.high < 0
    assert not row.relative


def test_neither_side_is_favoured() -> None:
    chars, ours, theirs = pair_of_bits(40, 0.05, seed=2)
    there = only(report([lm_task("egy", ours, chars)], [lm_task("egy", theirs, chars)]))
    back = only(report([lm_task("egy", theirs, chars)], [lm_task("egy", ours, chars)]))
    assert there.p_value == pytest.approx(back.p_value)
    assert (there.found, back.found) == ("worse", "better")
    assert 1 + there.difference.high == pytest.approx(1 / (1 + back.difference.low), rel=1e-4)


def test_samples_of_one_item_are_one_observation() -> None:
    chars, ours, theirs = pair_of_bits(30, 0.03, seed=5)
    once = only(report([lm_task("egy", ours, chars)], [lm_task("egy", theirs, chars)]))

    def twice(bits: Array) -> Task:
        pairs = [(f"{n}", (b, c)) for n, (b, c) in enumerate(zip(bits, chars, strict=True))]
        return Task("arabench_lm_egy", {"bits_per_char": pairs * 2}, variety="egy")

    both = only(report([twice(ours)], [twice(theirs)]))
    assert (both.items, both.p_value) == (30, pytest.approx(once.p_value, abs=0.01))


def test_a_perplexity_is_compared_as_a_ratio() -> None:
    rng = np.random.default_rng(3)
    words, ours = np.full(50, 10.0), 80 + rng.normal(0, 4, 50)
    theirs = ours + 5 + rng.normal(0, 1, 50)

    def of(bits: Array) -> Task:
        rows = [(f"{n:02}", pair) for n, pair in enumerate(zip(bits, words, strict=True))]
        return Task("t", {"word_perplexity": rows})

    row = only(report([of(ours)], [of(theirs)]))
    assert 1 + row.difference.value == pytest.approx(2 ** ((theirs - ours).sum() / words.sum()))
    assert row.difference.low < row.difference.value < row.difference.high


def test_p_values_are_corrected_for_all_rows_of_all_runs() -> None:
    rng = np.random.default_rng(4)
    chars, ours, _ = pair_of_bits(50, 0.0, seed=4)

    def tasks(shifts: Sequence[float]) -> list[Task]:
        return [
            lm_task(variety, ours * (1 + shift + rng.normal(0, 0.05, 50)), chars)
            for variety, shift in zip(("egy", "glf", "lev"), shifts, strict=True)
        ]

    found = report(tasks([0, 0, 0]), tasks([0.0, 0.03, 0.2]), tasks([0.01, 0.0, -0.2]))
    assert found.tests == 6
    expected = holm_adjusted([row.p_value for row in found.rows])
    assert [row.corrected for row in found.rows] == pytest.approx(expected)
    words = {(row.run, row.variety): row.found for row in found.rows}
    assert words["one", "lev"] == "worse"
    assert words["two", "lev"] == "better"
    assert words["one", "egy"] == "no difference shown"
    assert count(found.of(found.runs[0]))["worse"] >= 1


def test_bits_of_one_text_are_one_test_whatever_they_are_divided_by() -> None:
    chars, ours, theirs = pair_of_bits(40, 0.02, seed=6)

    def task(bits: Array, name: str = "arabench_lm_egy") -> Task:
        values = {
            metric: [(f"{n:02}", pair) for n, pair in enumerate(zip(bits, size, strict=True))]
            for metric, size in (
                ("bits_per_char", chars), ("bits_per_byte", chars * 2),
                ("word_perplexity", np.ceil(chars / 5)),
            )
        }  # fmt: skip
        return Task(name, values, variety="egy")

    found = report([task(ours)], [task(theirs)])
    assert (len(found.rows), found.tests) == (3, 1)
    assert {round(row.corrected, 9) for row in found.rows} == {round(found.rows[0].p_value, 9)}
    # The same text in another task is the same test; another text is another.
    again = report([task(ours), task(ours, "u")], [task(theirs), task(theirs, "u")])
    assert (len(again.rows), again.tests) == (6, 1)
    other = report([task(ours), task(theirs, "u")], [task(theirs), task(ours * 1.1, "u")])
    assert other.tests == 2


def test_draws_grow_with_the_rows() -> None:
    chars, ours, theirs = pair_of_bits(12, 0.5, seed=7)
    few = report([lm_task("egy", ours, chars)], [lm_task("egy", theirs, chars)])
    assert few.draws == 4000

    def many(factor: Array) -> list[Task]:
        return [
            lm_task("egy", ours * factor[n], chars, name=f"t{n:02}") for n in range(len(factor))
        ]

    rng = np.random.default_rng(1)
    found = report(many(1 + rng.random(40)), many(3 + rng.random(40)))
    assert found.draws == 8000
    assert {row.found for row in found.rows} == {"worse"}


# --- too little, too much ------------------------------------------------------------------------


def test_one_item_shows_nothing() -> None:
    row = only(report([lm_task("egy", [3.0], [2.0])], [lm_task("egy", [9.0], [2.0])]))
    assert (row.found, row.items) == ("too few items", 1)
    assert math.isnan(row.p_value)
    assert math.isnan(row.difference.low)
    assert row.difference.value == pytest.approx(2.0)


def test_equal_answers_show_no_difference_and_say_so() -> None:
    chars, ours, _ = pair_of_bits(20, 0.0, seed=1)
    found = report([lm_task("egy", ours, chars)], [lm_task("egy", ours, chars)])
    assert only(found).found == "no difference shown"
    assert only(found).difference.value == 0
    assert "base and one are equal in every sample" in found.notes[0]


def test_what_cannot_be_measured_is_no_test() -> None:
    values = {"f1": [("a", (1.0, 0.0)), ("b", (0.0, 0.0))], "acc": [("a", (1, 1)), ("b", (0, 1))]}
    found = report([Task("t", values)], [Task("t", values)])
    assert [(row.metric, row.found) for row in found.rows] == [
        ("f1", "not measured"), ("acc", "no difference shown"),
    ]  # fmt: skip
    assert found.tests == 1


def test_a_bound_at_the_end_of_the_scale_bounds_nothing() -> None:
    row = only(report([shares("acc", [1, 0])], [shares("acc", [0, 1])]))
    assert (row.difference.low, row.difference.high) == (-math.inf, math.inf)
    assert rounded(row.difference).interval == "no lower bound to no upper bound"


# --- what is not compared ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"version": "9.0"}, "its task version is 1.0 in 'base' and 9.0 in 'one'"),
     ({"data_hash": "other"}, "its data hash is hash in 'base' and other in 'one'"),
     ({"settings": '{"num_fewshot": 3}'}, "its settings is {} in 'base'"),
     ({"conditions": "sacrebleu 2"}, "its condition is none in 'base'")],
)  # fmt: skip
def test_what_was_measured_differently_is_left_out_and_named(
    change: dict[str, str], reason: str
) -> None:
    chars, ours, theirs = pair_of_bits(20, 0.1, seed=1)
    tasks = [lm_task("egy", ours, chars), lm_task("glf", ours, chars)]
    base, (one,) = runs(tasks, [lm_task("egy", theirs, chars), lm_task("glf", theirs, chars)])
    changed = {**one.evaluation.tasks}
    changed["arabench_lm_egy"] = replace(changed["arabench_lm_egy"], **change)  # type: ignore[arg-type]
    one = replace(one, evaluation=replace(one.evaluation, tasks=changed))
    found = find_differences(base, [one])
    assert [row.task for row in found.rows] == ["arabench_lm_glf"]
    assert reason in found.left_out[0].reason
    with pytest.raises(UsageError, match="--strict: one: task 'arabench_lm_egy' cannot"):
        find_differences(base, [one], strict=True)


def test_missing_tasks_are_named_and_others_compared() -> None:
    chars, ours, theirs = pair_of_bits(20, 0.1, seed=1)
    found = report(
        [lm_task("egy", ours, chars), lm_task("lev", ours, chars)],
        [lm_task("egy", theirs, chars), lm_task("glf", theirs, chars)],
    )
    assert [row.task for row in found.rows] == ["arabench_lm_egy"]
    assert {(one.task, one.reason) for one in found.left_out} == {
        ("arabench_lm_lev", "task 'arabench_lm_lev' is only in 'base'."),
        ("arabench_lm_glf", "task 'arabench_lm_glf' is only in 'one'."),
    }


def test_nothing_in_common_is_an_error() -> None:
    chars, ours, _ = pair_of_bits(9, 0.1, seed=1)
    with pytest.raises(UsageError, match=r"share no task and metric .*is only in 'base'"):
        report([lm_task("egy", ours, chars)], [lm_task("glf", ours, chars)])


def test_unequal_items_are_not_compared() -> None:
    chars, ours, theirs = pair_of_bits(20, 0.1, seed=1)
    egy = lm_task("egy", ours, chars)
    short = lm_task("egy", theirs[:15], chars[:15])
    with pytest.raises(UsageError, match="its number of samples is 20 in 'base' and 15 in 'one'"):
        report([egy], [short])


def test_settings_that_differ_are_said() -> None:
    chars, ours, theirs = pair_of_bits(20, 0.1, seed=1)
    base, (one,) = runs([lm_task("egy", ours, chars)], [lm_task("egy", theirs, chars)])
    base = replace(base, evaluation=replace(base.evaluation, settings={"dtype": "float32"}))
    one = replace(one, evaluation=replace(one.evaluation, settings={"dtype": "bfloat16"}))
    (note,) = find_differences(base, [one]).notes
    assert "different settings" in note
    odd = {"dtype": "\x1b[31mred\u202e\n" + "x" * 9000}
    wild = replace(one, evaluation=replace(one.evaluation, settings=odd))
    (cut,) = find_differences(base, [wild]).notes
    assert cut.isprintable()
    assert len(cut) == LONGEST_NOTE
    assert "dtype: float32 against bfloat16" in note
    with pytest.raises(UsageError, match="--strict: base and one were measured"):
        find_differences(base, [one], strict=True)


def test_perplexity_per_token_of_two_tokenizers_is_no_difference() -> None:
    chars, ours, theirs = pair_of_bits(20, 0.1, seed=1)

    def task(bits: Array, per_token: float) -> Task:
        rows = {
            "bits_per_char": [
                (f"{n:02}", pair) for n, pair in enumerate(zip(bits, chars, strict=True))
            ],
            "token_perplexity": [
                (f"{n:02}", (b, 0.0, np.ceil(c / per_token)))
                for n, (b, c) in enumerate(zip(bits, chars, strict=True))
            ],
        }
        return Task("arabench_lm_egy", rows, variety="egy")

    found = report([task(ours, 4)], [task(theirs, 3)])
    assert [row.metric for row in found.rows] == ["bits_per_char"]
    assert "token_perplexity is per token" in found.left_out[0].reason
    same = report([task(ours, 4)], [task(theirs, 4)])
    assert [row.metric for row in same.rows] == ["bits_per_char", "token_perplexity"]


def test_tasks_and_metrics_can_be_chosen() -> None:
    chars, ours, theirs = pair_of_bits(20, 0.1, seed=1)
    base = [lm_task("egy", ours, chars), lm_task("glf", ours, chars), shares("acc", [1, 0] * 9)]
    one = [lm_task("egy", theirs, chars), lm_task("glf", theirs, chars), shares("acc", [1, 1] * 9)]
    found = report(base, one, tasks=["arabench_lm_*"])
    assert [row.task for row in found.rows] == ["arabench_lm_egy", "arabench_lm_glf"]
    assert [row.task for row in report(base, one, metrics=["acc"]).rows] == ["t"]
    with pytest.raises(UsageError, match="Did you mean 'arabench_lm_egy'"):
        report(base, one, tasks=["arabench_lm_eg"])
    with pytest.raises(UsageError, match=r"--metrics 'accc' .*Did you mean 'acc'"):
        report(base, one, metrics=["accc"])


# --- runs ----------------------------------------------------------------------------------------

CHARS, OURS, THEIRS = pair_of_bits(20, 0.1, seed=1)


def saved(folder: Path, model: str, **changes: Any) -> Path:
    return write(folder, [lm_task("egy", OURS, CHARS)], model=model, **changes)


def test_a_folder_of_several_models_is_read_with_the_base_first(tmp_path: Path) -> None:
    saved(tmp_path / "aaa", "aaa", stamp="2026-11-21T07-30-39.000002")
    saved(tmp_path / "zzz", "zzz", stamp="2026-11-21T07-30-39.000001")
    saved(tmp_path / "base", "base", stamp="2026-11-21T07-30-40.000001")
    assert [run.name for run in load_runs([str(tmp_path)])] == ["base", "zzz", "aaa"]
    (only_one,) = load_runs([str(tmp_path / "aaa")])
    assert only_one.name == "aaa"
    names = [run.name for run in load_runs([f"mine={tmp_path}", f"x={tmp_path / 'aaa'}"])]
    assert names == ["mine/base", "mine/zzz", "mine/aaa", "x"]


def test_runs_of_one_folder_below_another_are_read(tmp_path: Path) -> None:
    saved(tmp_path / "one" / "models__a", "/models/a")
    saved(tmp_path / "two" / "models__b", "Owner/b")
    assert [run.name for run in load_runs([str(tmp_path)])] == ["a", "Owner/b"]


def test_names_that_stand_twice_are_told_apart(tmp_path: Path) -> None:
    places = [str(saved(tmp_path / name, "base")) for name in ("first", "second")]
    found = [run.name for run in load_runs([*places, places[1]])]
    assert found == ["base (first)", "base (second)", "base (second) #2"]


def test_models_of_one_name_are_told_apart_by_the_folder_of_the_run(tmp_path: Path) -> None:
    places = [str(saved(tmp_path / run / "base", "base").parent) for run in ("r_llama", "r_gpt2")]
    found = [run.name for run in load_runs(places)]
    assert found == ["base (r_llama)", "base (r_gpt2)"]
    assert [run.name for run in load_runs([places[0]] * 2)] == ["base", "base #2"]


def test_the_adapter_is_read_from_the_results_of_either_command(tmp_path: Path) -> None:
    given = [
        {"arabench": {"adapter": "runs/egy/adapter"}},
        {"config": {"model_args": {"pretrained": "m", "peft": "runs/egy/adapter"}}},
        {"config": {"model_args": "pretrained=m,peft=runs/egy/adapter,dtype=float32"}},
        {"arabench": {"adapter": None}},
    ]
    found = [
        load_runs([str(saved(tmp_path / str(number), "m", **one))])[0].evaluation.adapter
        for number, one in enumerate(given)
    ]
    assert found == ["runs/egy/adapter"] * 3 + [""]


def test_two_runs_of_one_base_are_no_adapter_that_was_not_loaded(tmp_path: Path) -> None:
    places = [str(saved(tmp_path / run, "base")) for run in ("first", "second")]
    base, *others = load_runs(places)
    (note,) = find_differences(base, others).notes
    assert "their results name no adapter, so one model was measured twice" in note
    assert "not loaded" not in note


def test_a_path_with_an_equals_sign_is_a_path(tmp_path: Path) -> None:
    (run,) = load_runs([str(saved(tmp_path / "lr=3e-4", "m"))])
    assert run.name == "m"


def test_choosing_the_base(tmp_path: Path) -> None:
    base, (one,) = runs([lm_task("egy", OURS, CHARS)], [lm_task("egy", THEIRS, CHARS)])
    assert choose([base, one], None) == (base, [one])
    assert choose([base, one], "one") == (one, [base])
    with pytest.raises(UsageError, match="Did you mean 'one'"):
        choose([base, one], "ones")
    with pytest.raises(UsageError, match=r"one model's results\. Name a second"):
        choose([base], None)


def test_missing_results_and_damage_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_runs([str(tmp_path / "none")])
    with pytest.raises(UsageError, match="holds no results"):
        load_runs([str(tmp_path)])
    saved(tmp_path, "m")
    samples_file(tmp_path, "arabench_lm_egy").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is damaged"):
        load_runs([str(tmp_path)])


@pytest.mark.parametrize(
    ("name", "clean"),
    [("a\u202eb\u2066c", "abc"), ("  a\n\tb\x00 ", "a b"), ("", "unnamed"), ("\ud800", "unnamed"),
     ("نموذج", "نموذج"), ("x" * 10_000, "x" * (LONGEST_NAME - 1) + "…")],
)  # fmt: skip
def test_names_are_one_printable_line(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_the_training_variety_is_named_or_read_beside_the_adapter(tmp_path: Path) -> None:
    training = tmp_path / "training"
    training.mkdir()
    (training / "run.json").write_text(json.dumps({"variety": "arz"}), encoding="utf-8")
    folder = saved(tmp_path / "r", "m", arabench={"adapter": str(training / "adapter")})
    assert load_runs([str(folder)])[0].trained == "egy"
    of_lm_eval = {"model_args": {"pretrained": "m", "peft": str(training / "adapter")}}
    folder = saved(tmp_path / "s", "m", config=of_lm_eval)
    assert load_runs([str(folder)])[0].trained == "egy"
    assert load_runs([str(folder)], {"m": "glf"})[0].trained == "glf"
    for content in ('{"variety": 3}', '{"variety": "xx"}', "{", "[]"):
        (training / "run.json").write_text(content, encoding="utf-8")
        assert load_runs([str(folder)])[0].trained is None
    with pytest.raises(UsageError, match=r"--trained 'n' is no run\. Allowed: m"):
        load_runs([str(folder)], {"n": "egy"})
    with pytest.raises(UsageError, match=r"'eg' is no variety\. Did you mean 'egy'"):
        load_runs([str(folder)], {"m": "eg"})


# --- rounding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimate", "words"),
    [(Estimate(3.24970, 3.1985, 3.3063), ("3.250", "3.199 to 3.306")),
     (Estimate(147743.9, 117507.8, 190940.1), ("147,744", "117,508 to 190,940")),
     (Estimate(0.5), ("0.500", "")),
     (Estimate(math.nan), ("n/a", "")),
     (Estimate(0.0, 0.0, 0.0), ("0.00", "0.00 to 0.00")),
     (Estimate(-0.00001, -0.4, 0.4), ("0.00", "-0.40 to 0.40")),
     (Estimate(2.0, -math.inf, 3.0), ("2.0", "no lower bound to 3.0")),
     (Estimate(math.inf), ("infinite", "")),
     (Estimate(7.2e9, 7.1e9, 7.3e9), ("7.2e+09", "7.1e+09 to 7.3e+09"))],
)  # fmt: skip
def test_digits_are_those_that_the_interval_supports(
    estimate: Estimate, words: tuple[str, str]
) -> None:
    found = rounded(estimate)
    assert (found.value, found.interval) == words


def test_zeros_beyond_the_last_decimal_are_not_read() -> None:
    assert rounded(Estimate(3e-10, -2e-10, 4e-10), unit=" %").value == "0.00 %"
    assert rounded(Estimate(3e-8, 2e-8, 4e-8)).value == "0.00000003"


def test_a_number_is_never_further_off_than_a_tenth_of_its_interval() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        value, half = rng.normal() * 10 ** rng.uniform(-3, 4), 10 ** rng.uniform(-5, 3)
        places = decimals(Estimate(value, value - half, value + half))
        assert abs(round(value, places) - value) <= max(half / 10, 0.5)


@pytest.mark.parametrize(
    ("value", "words"), [(0.04812, "0.048"), (0.31, "0.31"), (1.0, "1.00"), (1e-9, "< 0.0001")]
)
def test_p_values_in_words(value: float, words: str) -> None:
    assert p_words(value) == words
    assert p_words(math.nan) == ""


@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_intervals_hold_the_truth_as_often_as_they_say(kind: str) -> None:
    below, above = missed(kind, 30, 120)
    assert 0.008 <= below + above <= 0.12
