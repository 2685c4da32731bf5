"""How much of a score is spelling: answers of a finished run, scored again under each rule.

Two answers that differ in a hamza, a vowel mark or a digit's script are the same answer to most
readers and another one to a score. Here answers and references of a run are scored as they are
written, then with both normalized by one rule of `arabench.text` alone, then by all of them
together. The rules are the options of the preset `search`, so none is forgotten when it grows.

The answers are those of the samples that either command logs; no model is asked again.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.metrics.answers import exact_match, overlap_f1, token_f1
from arabench.evaluation.metrics.intervals import gain, interval
from arabench.evaluation.metrics.ngrams import bleu, chrf, counts
from arabench.evaluation.metrics.score import Sums, by_item, point, sample
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.summary import format_number, markdown_text
from arabench.evaluation.runner.results import Evaluation, TaskResult, samples_file
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from, presets

#: The preset whose options are the rules.
PRESET: Final = "search"
#: Row of all rules together.
TOGETHER: Final = "all together"
#: Metrics of which answers can be scored again -> the field of a document with what is right.
REFERENCES: Final = {"f1": "answers", "exact_match": "answers", "bleu": "target",
                     "chrf++": "target"}  # fmt: skip

#: (answer, what is right) -> sums of the sample.
Rescore = Callable[[str, tuple[str, ...]], list[float]]


@dataclass(frozen=True)
class Rule:
    """A score under one rule.

    Attributes:
        name: of the option of `arabench normalize` with its value, or `TOGETHER`.
        value: the score.
        gain: value less the plain score; `low` and `high` bound it, paired by item, at 95 %.
        better, worse: items that the rule moves up and down.
    """

    name: str
    value: float
    gain: float
    low: float
    high: float
    better: int
    worse: int


@dataclass(frozen=True)
class Attribution:
    """One metric of one task, plain and under each rule.

    Attributes:
        plain, low, high: score of answers as they are written, with its 95 % interval.
        reported: what the task itself says: reading answers are normalized by `search`, and lose
            capitals and the article; BLEU and chrF++ are plain.
        answers: how many were scored.
    """

    task: str
    variety: str | None
    metric: str
    items: int
    answers: int
    plain: float
    low: float
    high: float
    reported: float
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class _Answer:
    item: str
    text: str
    references: tuple[str, ...]


def attribute(evaluation: Evaluation) -> list[Attribution]:
    """Every metric of the run whose answers can be scored again.

    Raises:
        UsageError: the run holds no such task.
        DataError: a samples file is damaged, or its answers are not those that were scored.
    """
    found, unscored = [], []
    for task in evaluation.tasks.values():
        for metric in task.signatures:
            if metric in REFERENCES and metric in task.scores:
                answers = list(_answers(samples_file(evaluation.path, task.name), metric))
                if answers:
                    found.append(_attribute(task, metric, answers))
                else:
                    unscored.append(task.name)
    if unscored and not found:
        raise UsageError(
            f"{evaluation.path}: no answer of {', '.join(dict.fromkeys(unscored))} was scored, "
            "because all of them are thinking that does not end. Evaluate again with a larger "
            "--max-gen-tokens, or with thinking switched off."
        )
    if not found:
        raise UsageError(
            f"{evaluation.path} holds no answers to score again: that needs a task with "
            f"{', '.join(REFERENCES)}, such as arabench_rc or arabench_mt."
        )
    return found


def rules() -> dict[str, Callable[[str], str]]:
    """Name of a rule -> what it makes of a text."""
    values = {key: value for key, value in presets()[PRESET].items() if key != "description"}
    alone = {
        f"{key}: {value}": Normalizer(options_from("none", {key: value})).normalize
        for key, value in values.items()
    }
    return {**alone, TOGETHER: Normalizer(options_from(PRESET)).normalize}


def _attribute(task: TaskResult, metric: str, answers: Sequence[_Answer]) -> Attribution:
    score, rescore = SCORES[metric], functools.cache(_RESCORE[metric])
    plain = _sums(answers, rescore, str)
    value, reported = point(score, plain.sums), point(score, task.scores[metric].sums)
    again = point(score, _sums(answers, _AS_REPORTED[metric], str).sums)
    if not math.isclose(again, reported, rel_tol=1e-9, abs_tol=1e-9):
        raise DataError(
            f"task {task.name!r}: {metric} of the logged answers is {again:.6g} and the run says "
            f"{reported:.6g}. The samples are not those of the run, or another version scored "
            "them. Evaluate again."
        )
    found = []
    for name, normalize in rules().items():
        sums = _sums(answers, rescore, normalize)
        single = [
            point(score, after[None]) - point(score, before[None])
            for before, after in zip(plain.sums, sums.sums, strict=True)
        ]
        found.append(
            Rule(
                name, point(score, sums.sums), *gain(score, plain.sums, sums.sums),
                better=sum(change > 0 for change in single),
                worse=sum(change < 0 for change in single),
            )
        )  # fmt: skip
    low, high = interval(score, plain.sums)
    return Attribution(
        task.name, task.variety, metric, len(plain.items), len(answers),
        value, low, high, reported, tuple(found),
    )  # fmt: skip


def _sums(answers: Sequence[_Answer], rescore: Rescore, normalize: Callable[[str], str]) -> Sums:
    normal = functools.cache(normalize)
    return by_item(
        sample(answer.item, rescore(normal(answer.text), tuple(map(normal, answer.references))))
        for answer in answers
    )


def _f1(answer: str, references: tuple[str, ...]) -> list[float]:
    words = answer.split()
    return [max(overlap_f1(words, reference.split()) for reference in references), 1]


def _exact(answer: str, references: tuple[str, ...]) -> list[float]:
    words = answer.split()
    return [float(any(words == reference.split() for reference in references)), 1]


def _bleu(answer: str, references: tuple[str, ...]) -> list[float]:
    return counts(bleu(), answer, references[0])


def _chrf(answer: str, references: tuple[str, ...]) -> list[float]:
    return counts(chrf(), answer, references[0])


#: Without any normalization of answers.
_RESCORE: Final[Mapping[str, Rescore]] = {
    "f1": _f1, "exact_match": _exact, "bleu": _bleu, "chrf++": _chrf
}  # fmt: skip
#: As the tasks score.
_AS_REPORTED: Final[Mapping[str, Rescore]] = {
    **_RESCORE,
    "f1": lambda answer, references: [token_f1(answer, references), 1],
    "exact_match": lambda answer, references: [exact_match(answer, references), 1],
}


def _answers(path: Path, metric: str) -> Iterator[_Answer]:
    """Answers of a samples file that were scored; those that were not have sums of 0."""
    seen = set()
    number = 0
    try:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                number += 1
                row: dict[str, Any] = json.loads(line)
                if row["doc_id"] in seen:
                    continue  # one row per filter
                seen.add(row["doc_id"])
                (text,) = row["filtered_resps"]
                right = row["doc"][REFERENCES[metric]]
                references = (right,) if isinstance(right, str) else tuple(right)
                if not isinstance(text, str) or not references:
                    raise ValueError("no answer, or nothing that it is held against")
                if any(row[metric]["sums"]):
                    yield _Answer(str(row[metric]["item"]), text.strip(), references)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}:{number} holds no answer that can be scored again: "
            f"{str(error)[:200]}. Evaluate again."
        ) from error


def markdown(model: str, found: Sequence[Attribution]) -> str:
    """A section a metric: the plain score first, then the points each rule adds."""
    parts = [
        f"**{markdown_text(model)}**, answers and references normalized by one rule at a time",
        "",
    ]
    idle = [name for name in rules() if name != TOGETHER and not _moves(found, name)]
    for one in found:
        low, high = format_number(one.low), format_number(one.high)
        parts += [
            f"{markdown_text(one.task)}, {one.metric}: {format_number(one.plain)} [{low}, {high}] "
            f"as written ({one.answers} answers, {one.items} items); the task reports "
            f"{format_number(one.reported)}",
            "",
            f"| rule | {one.metric} | points gained | 95 % interval | items up, down |",
            "|---|---|---|---|---|",
        ]
        unmoved = []
        for rule in one.rules:
            if not rule.better and not rule.worse and rule.name != TOGETHER:
                if rule.name not in idle:
                    unmoved.append(rule.name)
                continue
            parts.append(
                f"| {rule.name} | {format_number(rule.value)} | {rule.gain:+.4g} "
                f"| {format_number(rule.low)} to {format_number(rule.high)} "
                f"| {rule.better}, {rule.worse} |"
            )
        parts.append("")
        if unmoved:
            parts += [f"No item of {one.metric} moves under {'; '.join(unmoved)}.", ""]
    if idle:
        parts += [f"{len(idle)} rules move no item of any metric: {'; '.join(idle)}.", ""]
    return "\n".join(parts)


def _moves(found: Sequence[Attribution], name: str) -> bool:
    return any(
        rule.better or rule.worse for one in found for rule in one.rules if rule.name == name
    )


def as_records(model: str, found: Sequence[Attribution]) -> list[dict[str, Any]]:
    """One JSON object a metric; bounds that there are none of are null."""
    records = []
    for one in found:
        record = {"model": model, **asdict(one)}
        records.append(_without_nan(record))
    return records


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value
