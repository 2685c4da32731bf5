"""Geometry of the charts of a page of differences, in shares of their boxes.

Words and numbers stand beside the drawings as text, so that they keep their size on a phone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from arabench.evaluation.metrics.noise_curves import NOISE_RATES
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.difference_tables import change_words
from arabench.evaluation.reports.differences import Difference, Differences, Found
from arabench.evaluation.reports.rounding import NO_WIDTH, Estimate, rounded
from arabench.evaluation.reports.runs import Run
from arabench.varieties import VARIETIES

#: Made of the same bits as bits per character, or shown as curves: their numbers are in the table.
_NOT_DRAWN: Final = ("bits_per_byte", "word_perplexity", "byte_perplexity", "token_perplexity")
#: Where a ratio says that two things cost the same.
_PARITY: Final = 1.0
#: Metric of the forgetting matrix, and the share of change from which on its colour is deeper.
_OF_MATRIX: Final = "bits_per_char"
_DEEPER: Final = (0.03, 0.1)
#: Box of a noise curve, in SVG units.
CURVE_WIDTH: Final = 300
CURVE_HEIGHT: Final = 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 16, 10, 24
_TICKS: Final = 4
_AT_RATE: Final = re.compile(r"(.+)@(\d\.\d)")


@dataclass(frozen=True)
class Bar:
    """One model's value: from the line of the origin to it, and its interval; in per cent."""

    model: int
    value: str
    interval: str
    x: float
    width: float
    low: float
    high: float


@dataclass(frozen=True)
class BarChart:
    """Values of one metric: (task, bars of all models) one under the other.

    Attributes:
        origin: where bars begin, in per cent of the width.
    """

    metric: str
    origin: float
    groups: tuple[tuple[str, tuple[Bar, ...]], ...]


@dataclass(frozen=True)
class Forest:
    """A difference as a point with its interval around 0, in per cent of the width (0 is 50)."""

    x: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One model over noise rates: points of a polyline, and (x, y low, y high) of intervals."""

    model: int
    points: str
    errors: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class CurveChart:
    """A task's score at each noise rate."""

    task: str
    metric: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of the forgetting matrix.

    Attributes:
        shade: class of its colour: b3 to b1 better, w1 to w3 worse, n not shown.
        own: whether it is the variety that was trained on.
    """

    words: str
    interval: str
    found: Found
    shade: str
    own: bool


@dataclass(frozen=True)
class Matrix:
    """Trained (rows) against measured varieties (columns)."""

    varieties: tuple[str, ...]
    rows: tuple[tuple[Run, tuple[Cell | None, ...]], ...]


def is_drawn(metric: str) -> bool:
    """Whether a metric has bars of its own."""
    return metric not in _NOT_DRAWN and not _AT_RATE.fullmatch(metric)


def bar_charts(report: Differences) -> list[BarChart]:
    """A chart a metric, in the order of reports."""
    metrics = dict.fromkeys(row.metric for row in report.rows)
    charts = []
    for metric in metrics:
        if is_drawn(metric):
            chart = _bar_chart(report, metric)
            if chart is not None:
                charts.append(chart)
    return charts


def _bar_chart(report: Differences, metric: str) -> BarChart | None:
    values: dict[str, dict[int, Estimate]] = {}
    numbers = {run.name: number for number, run in enumerate(report.runs, 1)}
    for row in report.rows:
        if row.metric == metric:
            of_task = values.setdefault(row.task, {0: row.base})
            of_task[numbers[row.run]] = row.other
    finite = [
        one for of_task in values.values() for one in of_task.values() if math.isfinite(one.value)
    ]
    if not finite:
        return None
    origin = _PARITY if SCORES[metric].unit == "ratio" else 0.0
    ends = [origin, *(end for one in finite for end in _ends(one))]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return round(100 * (value - low) / span, 2)

    groups = []
    for task, of_task in values.items():
        bars = []
        for model, one in sorted(of_task.items()):
            if math.isfinite(one.value):
                words, at = rounded(one), (place(origin), place(one.value))
                bars.append(
                    Bar(
                        model, words.value, words.interval, min(at),
                        round(max(at) - min(at), 2), *map(place, _ends(one)),
                    )
                )  # fmt: skip
        groups.append((task, tuple(bars)))
    return BarChart(metric, place(origin), tuple(groups))


def _ends(one: Estimate) -> tuple[float, float]:
    return (one.low, one.high) if one.bounded else (one.value, one.value)


def forests(rows: Iterable[Difference]) -> dict[tuple[str, str, str], Forest]:
    """(run, task, metric) -> its drawing; rows of one run and metric share a scale."""
    found = list(rows)
    widest: dict[tuple[str, str], float] = {}
    for row in found:
        if math.isfinite(row.difference.value) and row.difference.bounded:
            ends = (row.difference.low, row.difference.high, row.difference.value)
            key = row.run, row.metric
            widest[key] = max(widest.get(key, 0.0), *map(abs, ends))

    def place(value: float, row: Difference) -> float:
        most = widest[row.run, row.metric]
        return round(50 + 48 * value / most, 2) if most > NO_WIDTH else 50.0

    return {
        (row.run, row.task, row.metric): Forest(
            place(row.difference.value, row),
            place(row.difference.low, row),
            place(row.difference.high, row),
        )
        for row in found
        if math.isfinite(row.difference.value) and row.difference.bounded
    }


def noise_curves(report: Differences) -> list[CurveChart]:
    """A chart a robustness task: its score at each rate, of all models."""
    found: dict[tuple[str, str], dict[int, dict[float, Estimate]]] = {}
    numbers = {run.name: number for number, run in enumerate(report.runs, 1)}
    for row in report.rows:
        match = _AT_RATE.fullmatch(row.metric)
        if match:
            of_task = found.setdefault((row.task, match[1]), {0: {}})
            rate = float(match[2])
            of_task[0][rate] = row.base
            of_task.setdefault(numbers[row.run], {})[rate] = row.other
    charts = [_curve_chart(*key, of_task) for key, of_task in sorted(found.items())]
    return [chart for chart in charts if chart is not None]


def _curve_chart(
    task: str, metric: str, models: dict[int, dict[float, Estimate]]
) -> CurveChart | None:
    finite = {
        (model, rate): one
        for model, of_model in models.items()
        for rate, one in of_model.items()
        if math.isfinite(one.value)
    }
    if not finite:
        return None
    ends = [end for one in finite.values() for end in _ends(one)]
    step = _nice((max(ends) - min(ends)) / _TICKS or abs(max(ends)) or 1.0)
    low = math.floor(min(ends) / step) * step
    high = max(math.ceil(max(ends) / step) * step, low + step)

    def x(rate: float) -> float:
        share = rate / (NOISE_RATES[-1] - NOISE_RATES[0])
        return round(_LEFT + share * (CURVE_WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return round(CURVE_HEIGHT - _BOTTOM - share * (CURVE_HEIGHT - _TOP - _BOTTOM), 1)

    curves = []
    for model in sorted(models):
        places = [(x(rate), one) for (of, rate), one in sorted(finite.items()) if of == model]
        points = " ".join(f"{at},{y(one.value)}" for at, one in places)
        # Side by side, so that the interval of one model does not hide another's.
        aside = 3 * (model - (len(models) - 1) / 2)
        errors = tuple(
            (round(at + aside, 1), y(one.low), y(one.high)) for at, one in places if one.bounded
        )
        curves.append(Curve(model, points, errors))
    count = round((high - low) / step)
    y_ticks = [(y(low + n * step), f"{low + n * step:.4g}") for n in range(count + 1)]
    x_ticks = [(x(rate), f"{rate:.0%}") for rate in NOISE_RATES]
    return CurveChart(task, metric, tuple(x_ticks), tuple(y_ticks), tuple(curves))


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, ... from `step` up."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def forgetting_matrix(report: Differences) -> Matrix | None:
    """What each run cost or gained in bits per character of each variety; None without any."""
    rows = [row for row in report.rows if row.metric == _OF_MATRIX and row.variety is not None]
    varieties = [v for v in VARIETIES if any(row.variety == v for row in rows)]
    if not varieties:
        return None
    cells: dict[tuple[str, str], Cell] = {}
    trained = {run.name: run.trained for run in report.runs}
    for row in rows:
        if row.variety is not None:
            own = trained[row.run] == row.variety
            cells.setdefault((row.run, row.variety), _matrix_cell(row, own=own))
    known = [*VARIETIES, None]
    runs: Sequence[Run] = sorted(report.runs, key=lambda run: known.index(run.trained))
    return Matrix(
        tuple(varieties),
        tuple((run, tuple(cells.get((run.name, v)) for v in varieties)) for run in runs),
    )


def _matrix_cell(row: Difference, *, own: bool) -> Cell:
    words, interval = (text.replace(" %", "") for text in change_words(row))
    shade = "n"
    if row.found in ("better", "worse"):
        depth = 1 + sum(abs(row.difference.value) >= share for share in _DEEPER)
        shade = f"{row.found[0]}{depth}"
    return Cell(words, interval, row.found, shade, own)
