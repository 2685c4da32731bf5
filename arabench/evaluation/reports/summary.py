"""The per-variety table: one row per variety, one column per metric, value and interval."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from arabench.evaluation.families.table import COLUMNS, PSEUDO_COLUMNS
from arabench.evaluation.harness.run_record import gather_notes
from arabench.evaluation.metrics.intervals import FEW_ITEMS, interval, why_none
from arabench.evaluation.metrics.pseudo import PREFIX
from arabench.evaluation.metrics.score import Sums, point
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.choice_ways import ways_lines
from arabench.evaluation.runner.results import Evaluation, TaskResult
from arabench.varieties import VARIETIES

#: How contexts begin that lm-eval writes; what is before a whole text does not hold for them.
_OF_PROMPTS: Final = " (prompts and next words begin as the tokenizer begins a text)"
#: Value of the setting `data` -> whose data was measured.
_DATA: Final = {"given": "the data that was given", "packaged": "packaged data"}
_DATA_MIXED: Final = "the data that was given in some tasks, packaged data in others (see below)"


@dataclass(frozen=True)
class Cell:
    """One number with its 95 % interval over items."""

    model: str
    variety: str
    metric: str
    heading: str
    value: float
    low: float
    high: float
    items: int


def cells(evaluation: Evaluation) -> list[Cell]:
    """Every cell of the table that the evaluation holds."""
    found = []
    for variety in VARIETIES:
        for column in (*COLUMNS, *PSEUDO_COLUMNS):
            task = evaluation.tasks.get(column.task.format(variety))
            if task is not None and column.metric in task.scores:
                found.append(_cell(evaluation, task, variety, column.metric, column.heading))
    return found


def _cell(
    evaluation: Evaluation, task: TaskResult, variety: str, metric: str, heading: str
) -> Cell:
    sums: Sums = task.scores[metric]
    low, high = interval(SCORES[metric], sums.sums)
    value = point(SCORES[metric], sums.sums)
    return Cell(evaluation.model, variety, metric, heading, value, low, high, len(sums.items))


def other_scores(evaluation: Evaluation) -> list[tuple[str, str, float, float, float]]:
    """(task, metric, value, low, high) of tasks outside the per-variety table."""
    rows = []
    for name, task in evaluation.tasks.items():
        if task.variety is None:
            for metric, sums in task.scores.items():
                score = SCORES[metric]
                rows.append((name, metric, point(score, sums.sums), *interval(score, sums.sums)))
    return rows


def format_number(value: float) -> str:
    """Four significant digits; whole numbers from 1000, exponents from a million."""
    if value != value:
        return "n/a"
    value += 0.0  # -0.0 becomes 0.0
    if abs(value) >= 1e6:
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def markdown_text(text: str) -> str:
    """Text on one line that Markdown shows as it is, also in a table cell.

    Underscores between letters or digits stay: they mean nothing to Markdown there.
    """
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;")):
        line = line.replace(letter, entity)
    return re.sub(r"[\\`*~\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", line)


def markdown_table(evaluations: Sequence[Evaluation]) -> str:
    """One Markdown table per evaluation: rows are varieties, cells `value [low, high]`."""
    parts = []
    for evaluation in evaluations:
        table = cells(evaluation)
        shown = {cell.heading for cell in table}
        columns = (*COLUMNS, *PSEUDO_COLUMNS)
        headings = [column.heading for column in columns if column.heading in shown]
        lines = [f"**{markdown_text(evaluation.model)}** (95 % intervals)", ""]
        if evaluation.settings:
            lines += [markdown_text(_in_words(evaluation.settings)), ""]
        if evaluation.signature:
            lines += ["Signature: `" + evaluation.signature.replace("`", "'") + "`", ""]
        if headings:
            lines += [
                f"| | {' | '.join(headings)} |",
                "|" + "---|" * (len(headings) + 1),
            ]
            for variety in VARIETIES:
                row = {cell.heading: cell for cell in table if cell.variety == variety}
                if row:
                    numbers = [_show(row.get(heading)) for heading in headings]
                    lines.append(f"| {variety.upper()} | {' | '.join(numbers)} |")
            lines.append("")
        others = other_scores(evaluation)
        if others:
            lines += ["| task | metric | value | 95 % interval |", "|---|---|---|---|"]
            lines += [
                f"| {markdown_text(task)} | {metric} | {format_number(value)} "
                f"| {format_number(low)} to {format_number(high)} |"
                for task, metric, value, low, high in others
            ]
            lines.append("")
        lines += _about_numbers(evaluation)
        lines += ways_lines(evaluation)
        notes = gather_notes({name: task.notes for name, task in evaluation.tasks.items()})
        if notes:
            lines += [f"- {markdown_text(note)}" for note in notes] + [""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def as_records(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One JSON object per task and metric; a value or bound that there is none of is null."""
    records = []
    for name, task in evaluation.tasks.items():
        for metric, sums in task.scores.items():
            score, count = SCORES[metric], len(sums.items)
            found = (point(score, sums.sums), *interval(score, sums.sums))
            value, low, high = (one if math.isfinite(one) else None for one in found)
            records.append(
                {
                    "model": evaluation.model, "task": name, "variety": task.variety,
                    "metric": metric, "unit": score.unit, "value": value, "low": low,
                    "high": high, "items": count, "few_items": count < FEW_ITEMS,
                    "per_token": score.per_token,
                    "signature": evaluation.signature_of(name, metric),
                }
            )  # fmt: skip
    return records


def signature_lines(evaluation: Evaluation) -> list[str]:
    """A line per task and metric: `MODEL TASK METRIC`, and everything that fixes the number."""
    return [
        f"{evaluation.model} {name} {metric}: {evaluation.signature_of(name, metric)}"
        for name, task in evaluation.tasks.items()
        for metric in task.scores
    ]


def _about_numbers(evaluation: Evaluation) -> list[str]:
    """What a reader must know of intervals and units, where it concerns a number shown."""
    few = {
        len(sums.items): name
        for name, task in reversed(evaluation.tasks.items())
        for sums in task.scores.values()
        if 1 < len(sums.items) < FEW_ITEMS
    }
    lines = []
    if few:
        least = min(few)
        lines.append(
            f"- Of few items ({markdown_text(few[least])} has {least}): below {FEW_ITEMS}, "
            "intervals of skewed items hold less often than 95 % (docs/measure.md, Intervals)."
        )
    lines += [
        f"- No interval (n/a): {markdown_text(why)}." for why in _without_interval(evaluation)
    ]
    if any(SCORES[name].per_token for task in evaluation.tasks.values() for name in task.scores):
        lines.append(
            "- Token perplexity (token ppl) is per token of the model's own tokenizer: it does not "
            "compare between tokenizers. Bits per character do."
        )
    if any(name.startswith(PREFIX) for task in evaluation.tasks.values() for name in task.scores):
        lines.append(
            "- Pseudo bits are of an encoder, which sees both sides of what it predicts: they "
            "compare with those of encoders measured the same way, and with no causal model's."
        )
    return [*lines, ""] if lines else []


def _without_interval(evaluation: Evaluation) -> list[str]:
    """Why values stand without an interval, each reason with its tasks."""
    tasks: dict[str, list[str]] = {}
    for name, task in evaluation.tasks.items():
        for metric, sums in task.scores.items():
            why = why_none(SCORES[metric], sums.sums)
            if why and name not in tasks.setdefault(why, []):
                tasks[why].append(name)
    return [f"{why} ({', '.join(names)})" for why, names in tasks.items()]


def _in_words(settings: Mapping[str, str]) -> str:
    """The settings that a reader asks for first; the others are in the results."""
    limit = settings.get("limit", "none")
    parts = [
        settings.get("dtype", "")
        + ("" if settings.get("quantization") == "none" else ", quantized"),
        f"sums in {settings.get('softmax_dtype', '?')}",
        f"before a whole text: {settings.get('prefix', '?')}"
        + (_OF_PROMPTS if settings.get("likelihood", "causal") == "causal" else ""),
        f"context {settings.get('max_length', '?')} tokens",
        "no chat template" if settings.get("chat_template") == "none" else "with chat template",
        "all documents" if limit == "none" else f"only {limit} documents a task",
    ]
    if "data" in settings:
        parts.append(_DATA.get(settings["data"], _DATA_MIXED))
    return "; ".join(parts)


def _show(cell: Cell | None) -> str:
    if cell is None:
        return ""
    low, high = format_number(cell.low), format_number(cell.high)
    return f"{format_number(cell.value)} [{low}, {high}]"
