"""Whether two evaluations can be compared at all; what cannot is refused with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from arabench.errors import UsageError
from arabench.evaluation.harness.run_record import ANSWERED, DATA, ONLY_THINKING, answered_by
from arabench.evaluation.metrics.score import Score, Sums
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.runner.results import Evaluation, TaskResult
from arabench.statistics.resampling import Array

#: Number types whose log-likelihoods are rounded to whole nats on long texts.
_SHORT_TYPES: Final = ("bfloat16", "float16")
#: Units of the metrics whose last sum counts characters, bytes, words or questions of the data.
_COUNTED_UNITS: Final = ("bits", "perplexity", "0-1")
#: What is compared otherwise.
_NO_SETTINGS: Final = (ONLY_THINKING, DATA)
#: Settings named beside the first that differs.
SHOWN_SETTINGS: Final = 5


def check_comparable(baseline: Evaluation, candidate: Evaluation) -> None:
    """Refuse evaluations that were not measured the same way on the same items.

    Raises:
        UsageError: other tasks, settings, versions, prompts, items or counts; says which.
    """
    missing = sorted(set(baseline.tasks) ^ set(candidate.tasks))
    if missing:
        holder = baseline if missing[0] in baseline.tasks else candidate
        raise UsageError(
            f"the evaluations cover different tasks: {missing[0]!r} is only in {holder.path} "
            f"({len(missing)} tasks differ). Run both with the same --tasks."
        )
    for name, left in baseline.tasks.items():
        _check_kind(left, candidate.tasks[name])
    _check_settings(baseline, candidate)
    for name, left in baseline.tasks.items():
        check_task(left, candidate.tasks[name])


def differing_settings(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Names of settings that the two sides do not share, those of `ours` first.

    How many answers are only thinking is no setting: `check_task` looks at it. Nor is it whether a
    model's own cache gave its answers, or where documents came from, whose hash is compared.
    """
    return [
        name
        for name in {**ours, **theirs}
        if _compared(name, ours) != _compared(name, theirs) and name not in _NO_SETTINGS
    ]


def _compared(name: str, settings: Mapping[str, str]) -> str | None:
    value = settings.get(name)
    return answered_by(value) if name == ANSWERED and value is not None else value


def _check_settings(baseline: Evaluation, candidate: Evaluation) -> None:
    ours, theirs = baseline.settings, candidate.settings
    differing = differing_settings(ours, theirs)
    if not differing:
        return
    # What both recorded says more than what an older version did not record.
    name, *others = sorted(differing, key=lambda key: not (key in ours and key in theirs))
    more = f" and {len(others) - SHOWN_SETTINGS} more" if len(others) > SHOWN_SETTINGS else ""
    also = f" (also: {', '.join(others[:SHOWN_SETTINGS])}{more})" if others else ""
    raise UsageError(
        f"the evaluations were made under different settings: {name} is "
        f"{ours.get(name, 'not recorded')} in the baseline and "
        f"{theirs.get(name, 'not recorded')} in the candidate{also}. "
        "Evaluate both in the same way, with the same arabench."
    )


def check_task(left: TaskResult, right: TaskResult) -> None:
    """Refuse two results of a task that are not of the same version, data and prompts.

    Raises:
        UsageError: says what differs, and how.
    """
    _check_kind(left, right)
    checks = [
        ("variety", str(left.variety), str(right.variety)),
        ("task version", left.version, right.version),
        ("condition", left.conditions or "none", right.conditions or "none"),
        ("metric signature", str(left.signatures), str(right.signatures)),
        ("list of metrics", str(sorted(left.scores)), str(sorted(right.scores))),
        ("settings", left.settings, right.settings),
        ("number of samples", str(left.samples), str(right.samples)),
        ("data hash", left.data_hash[:12], right.data_hash[:12]),
    ]
    for what, ours, theirs in checks:
        if ours != theirs:
            raise UsageError(
                f"task {left.name!r} cannot be compared: its {what} is {ours} in the baseline and "
                f"{theirs} in the candidate. Evaluate both with the same arabench and data."
            )
    _check_answered(left, right)
    for metric, sums in left.scores.items():
        if right.scores[metric].items != sums.items:
            raise UsageError(
                f"task {left.name!r}, {metric}: the items differ. Evaluate both again."
            )
        if not SCORES[metric].per_token:  # what a token is, is the model's affair and no damage
            _check_counts(left.name, SCORES[metric], sums, right.scores[metric])


def _check_kind(left: TaskResult, right: TaskResult) -> None:
    """Refuse likelihoods of different kinds, which no setting makes comparable."""
    ours, theirs = (side.run.get("likelihood", "causal") for side in (left, right))
    if ours != theirs:
        raise UsageError(
            f"task {left.name!r} cannot be compared: its kind of likelihood is {ours} in the "
            f"baseline and {theirs} in the candidate, which are different quantities. Measure "
            "both the same way (--model-type and --masking of `arabench eval`)."
        )


def _check_answered(left: TaskResult, right: TaskResult) -> None:
    """Refuse sides that left other documents without an answer: their scores are of others."""
    ours, theirs = (side.run.get(ONLY_THINKING, "0") for side in (left, right))
    if ours == theirs == "0":
        return
    same = ours == theirs and all(
        np.array_equal(_without_answer(sums), _without_answer(right.scores[metric]))
        for metric, sums in left.scores.items()
    )
    if not same:
        raise UsageError(
            f"task {left.name!r} cannot be compared: {ours} answers of the baseline and {theirs} "
            "of the candidate are thinking that does not end, and have no score, so that the two "
            "were scored on different documents. Evaluate both with a larger --max-gen-tokens, or "
            "with thinking switched off."
        )


def _without_answer(sums: Sums) -> Array:
    """Answers that counted, by item; of metrics that count none, whether any did."""
    return np.where(sums.sums.any(axis=1), sums.sums[:, -1] if sums.sums.shape[1] == 2 else 1.0, 0)


def in_one_unit(score: Score, ours: Sums, theirs: Sums) -> bool:
    """Whether values compare: a metric per token does where both models cut the same tokens."""
    counts = ours.sums[:, -1], theirs.sums[:, -1]
    return not score.per_token or np.array_equal(*counts, equal_nan=True)


def _check_counts(task: str, score: Score, ours: Sums, theirs: Sums) -> None:
    """Refuse two sides that counted an item's characters, words or questions differently.

    Counts are of the data, which both were given; they are the last sum of every metric that is
    held against one. A dialect tax and a noise cost are ratios of a model's own bits.
    """
    if score.unit not in _COUNTED_UNITS:
        return
    left, right = ours.sums[:, -1], theirs.sums[:, -1]
    differ = np.flatnonzero(~np.isclose(left, right, rtol=0, atol=0, equal_nan=True))
    if len(differ):
        place = differ[0]
        more = f" ({len(differ)} items differ)" if len(differ) > 1 else ""
        raise UsageError(
            f"task {task!r}, {score.name}: item {ours.items[place]!r} has a count of "
            f"{left[place]:g} in the baseline and of {right[place]:g} in the candidate{more}. "
            "Both were given the same data, so one of the two is damaged. Evaluate both again."
        )


def check_not_identical(baseline: Evaluation, candidate: Evaluation) -> None:
    """Refuse two evaluations of which one model gave both, in one task or in all.

    Two models never give every text of a task the same likelihood, so one such task is enough:
    a cache answered it. Answers and choices can agree; only if all tasks do they came from one
    model.

    Raises:
        UsageError: names the task, the likely cause and what to do.
    """
    if reason := why_identical(baseline, candidate):
        raise UsageError(f"{reason} Set allow_identical in the policy to compare all the same.")


def why_identical(baseline: Evaluation, candidate: Evaluation) -> str | None:
    """What shows that one model gave both, and the likely cause; None where nothing does.

    Of tasks that both have.
    """
    shared = [name for name in baseline.tasks if name in candidate.tasks]
    equal = [name for name in shared if _is_equal(baseline.tasks[name], candidate.tasks[name])]
    likelihoods = [name for name in equal if _holds_likelihoods(baseline.tasks[name])]
    whole = len(equal) == len(shared)
    if not equal or not (whole or likelihoods):
        return None
    if whole:
        where = "baseline and candidate are equal in every sample"
    else:
        more = f" and {len(likelihoods) - 1} more" if len(likelihoods) > 1 else ""
        where = (
            f"task {likelihoods[0]!r}{more}: baseline and candidate are equal in every sample, and "
            "no two models give every text the same likelihood"
        )
    return f"{where}: {_cause(baseline, candidate, whole=whole)}"


def _cause(baseline: Evaluation, candidate: Evaluation, *, whole: bool) -> str:
    rounded = baseline.settings.get("softmax_dtype", "")
    if any(name in rounded for name in _SHORT_TYPES):
        return (
            f"scores were rounded, because softmax and sums ran in {rounded}. Evaluate both with "
            "softmax_dtype=float32 (lm_eval: in --model_args), and without --use_cache."
        )
    if whole and not candidate.adapter:
        return (
            "their results name no adapter, so one model was measured twice, or lm-eval's "
            "--use_cache answered for another. Evaluate the model that is meant, without "
            "--use_cache."
        )
    if whole:
        return (
            "the adapter was probably not loaded, or lm-eval's --use_cache answered for it. "
            "Evaluate the candidate again without --use_cache."
        )
    return "lm-eval's --use_cache answered for the candidate. Evaluate it again without."


def _is_equal(left: TaskResult, right: TaskResult) -> bool:
    return all(
        metric in right.scores and np.array_equal(sums.sums, right.scores[metric].sums)
        for metric, sums in left.scores.items()
    )


def _holds_likelihoods(task: TaskResult) -> bool:
    """Whether a score is a sum of bits of text: those, and only those, are better when lower."""
    return any(not SCORES[metric].higher_is_better for metric in task.scores)
