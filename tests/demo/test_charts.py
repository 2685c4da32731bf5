"""Geometry of the charts in a demo report."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.demo.charts import HEIGHT, WIDTH, Chart, bar_chart, line_chart

finite = st.floats(-1e6, 1e6)


def bars(**found: dict[str, tuple[float, float, float]]) -> Chart:
    chart = bar_chart("t", ["EGY", "MSA"], found)
    assert chart is not None
    return chart


def test_bars_are_as_high_as_their_values() -> None:
    chart = bars(base={"EGY": (4.0, 3.0, 5.0), "MSA": (2.0, 1.0, 2.5)})
    egy, msa = chart.bars
    assert egy.height == pytest.approx(2 * msa.height, abs=0.2)
    assert egy.y + egy.height == pytest.approx(chart.base, abs=0.1)
    assert egy.high < egy.y < egy.low  # y grows downwards
    assert egy.label == "EGY base: 4 (3 to 5)"


def test_series_stand_side_by_side_in_their_group() -> None:
    chart = bars(base={"EGY": (1, 1, 1), "MSA": (1, 1, 1)}, adapter={"EGY": (1, 1, 1)})
    places = {(bar.series, bar.label[:3]): bar.x for bar in chart.bars}
    assert places["base", "EGY"] < places["adapter", "EGY"] < places["base", "MSA"]
    assert chart.series == ("base", "adapter")
    egy = chart.x_ticks[0].at
    assert places["base", "EGY"] < egy < places["adapter", "EGY"] + chart.bars[0].width


def test_what_is_not_finite_is_left_out() -> None:
    chart = bars(base={"EGY": (1, 1, 1), "MSA": (math.nan, 0, 1)})
    assert [bar.label[:3] for bar in chart.bars] == ["EGY"]
    assert bar_chart("t", ["EGY"], {"base": {"EGY": (math.inf, 1, 2)}}) is None
    assert bar_chart("t", [], {}) is None
    assert line_chart("t", {"a": [math.nan]}) is None


def test_curves_follow_each_other_on_one_axis() -> None:
    chart = line_chart("t", {"a": [3.0, 2.0], "b": [2.5, 1.0]})
    assert chart is not None
    first, second = (
        [tuple(map(float, p.split(","))) for p in line.points.split()] for line in chart.lines
    )
    assert [x for x, _ in first + second] == sorted(x for x, _ in first + second)
    assert first[0][1] < first[1][1]  # a falling loss goes down the page
    assert [tick.label for tick in chart.x_ticks] == ["1", "2", "3", "4"]


@given(st.lists(finite, min_size=1, max_size=30), st.lists(finite, max_size=30))
def test_all_points_and_ticks_are_inside(left: list[float], right: list[float]) -> None:
    chart = line_chart("t", {"a": left, "b": right})
    assert chart is not None
    for line in chart.lines:
        for point in line.points.split():
            x, y = map(float, point.split(","))
            assert chart.left - 0.1 <= x <= chart.right + 0.1
            assert 0 <= y <= chart.base + 0.1
    for tick in chart.y_ticks:
        assert 0 <= tick.at <= HEIGHT
    for tick in chart.x_ticks:
        assert chart.left - 0.1 <= tick.at <= WIDTH
    assert 1 <= len(chart.y_ticks) <= 12
    assert 1 <= len(chart.x_ticks) <= 12
