"""Geometry of the charts of a demo report: SVG units, drawn by the template in its colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 680
HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 20, 12, 26
#: Share of its place that a group of bars fills.
_FILLED: Final = 0.8
#: At most so many marks on an axis.
_TICKS: Final = 6


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """A bar from the zero line up, and the ends of its error line (both y)."""

    series: str
    label: str
    x: float
    y: float
    width: float
    height: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A curve, as the points of an SVG polyline."""

    series: str
    points: str


@dataclass(frozen=True)
class Chart:
    """What the template draws; `bars` or `lines` is empty."""

    title: str
    series: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    base: int = HEIGHT - _BOTTOM


#: Value and the bounds of its interval.
Estimate = tuple[float, float, float]


def bar_chart(
    title: str, groups: Sequence[str], found: Mapping[str, Mapping[str, Estimate]]
) -> Chart | None:
    """Bars side by side per group, one of each series, with error lines.

    Args:
        title: heading of the chart.
        groups: labels on the horizontal axis, in order.
        found: series -> group -> estimate; what is missing or not finite is left out.

    Returns:
        None where there is nothing to draw.
    """
    finite = {
        (series, group): estimate
        for series, of_series in found.items()
        for group, estimate in of_series.items()
        if all(map(math.isfinite, estimate))
    }
    if not finite:
        return None
    scale = _Scale(0.0, max(high for _, _, high in finite.values()))
    place = (WIDTH - _LEFT - _RIGHT) / len(groups)
    width = place * _FILLED / len(found)
    bars = []
    for number, series in enumerate(found):
        for group_number, group in enumerate(groups):
            if (series, group) not in finite:
                continue
            value, low, high = finite[series, group]
            x = _LEFT + group_number * place + place * (1 - _FILLED) / 2 + number * width
            y = scale.y(max(value, 0.0))
            bars.append(
                Bar(
                    series,
                    f"{group} {series}: {value:.4g} ({low:.4g} to {high:.4g})",
                    round(x, 1),
                    y,
                    round(width - 2, 1),
                    round(HEIGHT - _BOTTOM - y, 1),
                    scale.y(max(low, 0.0)),
                    scale.y(max(high, 0.0)),
                )
            )
    x_ticks = [
        Tick(round(_LEFT + (number + 0.5) * place, 1), group) for number, group in enumerate(groups)
    ]
    return Chart(title, tuple(found), tuple(x_ticks), scale.ticks(), bars=tuple(bars))


def line_chart(title: str, found: Mapping[str, Sequence[float]]) -> Chart | None:
    """Curves one after the other on one horizontal axis of steps, counted from 1.

    Args:
        title: heading of the chart.
        found: series -> a value per step; a value that is not finite is left out.
    """
    values = [value for of_series in found.values() for value in of_series if math.isfinite(value)]
    steps = sum(map(len, found.values()))
    if not values:
        return None
    scale = _Scale(min(values), max(values))
    wide = (WIDTH - _LEFT - _RIGHT) / max(1, steps - 1)
    lines = []
    step = 0
    for series, of_series in found.items():
        points = [
            f"{_LEFT + (step + number) * wide:.1f},{scale.y(value)}"
            for number, value in enumerate(of_series)
            if math.isfinite(value)
        ]
        lines.append(Line(series, " ".join(points)))
        step += len(of_series)
    every = _nice(steps / _TICKS)
    marks = range(max(1, int(every)), steps + 1, max(1, int(every)))
    x_ticks = [Tick(round(_LEFT + (mark - 1) * wide, 1), f"{mark:,}") for mark in marks]
    return Chart(title, tuple(found), tuple(x_ticks), scale.ticks(), lines=tuple(lines))


class _Scale:
    """Values to heights, widened to round numbers."""

    def __init__(self, low: float, high: float) -> None:
        self._step = _nice((high - low) / (_TICKS - 1) or abs(high) or 1.0)
        self._low = math.floor(low / self._step) * self._step
        self._high = max(math.ceil(high / self._step) * self._step, self._low + self._step)

    def y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    def ticks(self) -> tuple[Tick, ...]:
        count = round((self._high - self._low) / self._step)
        values = [self._low + number * self._step for number in range(count + 1)]
        return tuple(Tick(self.y(value), f"{value:.6g}") for value in values)


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, ... from `step` up."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
