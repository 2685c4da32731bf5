"""What raters say: win rate, whether it is chance, and how far they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from arabench.evaluation.metrics.intervals import interval
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.rating.agreement import krippendorff_alpha
from arabench.evaluation.rating.reading import Rated
from arabench.evaluation.rating.sheets import FIRST, TIE
from arabench.evaluation.reports.summary import markdown_text
from arabench.statistics.sign_flips import sign_flip_p
from arabench.varieties import VARIETIES

#: Points of the second run for a loss, a tie and a win.
_POINTS: Final = (0.0, 0.5, 1.0)
_SHARE: Final = SCORES["acc"]


@dataclass(frozen=True)
class Preference:
    """Ratings of one variety, or of all.

    Attributes:
        variety: its code; "all" for all.
        items: documents with a rating.
        ratings: of all raters.
        first, ties, second: how often the first run was better, neither, the second.
        rate: win rate of the second run, a tie half a win.
        low, high: 95 % interval of it, over independent items; NaN with fewer than two.
        p: two-sided, that it is 0.5.
        nominal, ordinal: Krippendorff's alpha; NaN where it is not defined.
    """

    variety: str
    items: int
    ratings: int
    first: int
    ties: int
    second: int
    rate: float
    low: float
    high: float
    p: float
    nominal: float
    ordinal: float


def preferences(key: Mapping[str, Any], rated: Sequence[Rated]) -> list[Preference]:
    """A row per variety, in the usual order, and one for all where there are several.

    Args:
        key: of the sheet.
        rated: one per rater, from `read_sheets`.
    """
    items = key["items"]
    rating = [
        {code: _outcome(key, code, one.choices[code]) for code in one.choices} for one in rated
    ]
    seen = [code for code in items if any(code in one for one in rating)]
    varieties = {items[code]["variety"] or "none" for code in seen}
    order = sorted(varieties, key=lambda name: (*VARIETIES, name).index(name))
    rows = [
        _preference(
            name,
            items,
            [code for code in seen if (items[code]["variety"] or "none") == name],
            rating,
        )
        for name in order
    ]
    return rows if len(rows) == 1 else [*rows, _preference("all", items, seen, rating)]


def _outcome(key: Mapping[str, Any], code: str, choice: str) -> int:
    """0 where the first run was better, 1 for a tie, 2 where the second was."""
    if choice == TIE:
        return 1
    first_shown = key["items"][code]["first"] == key["runs"][0]
    return 0 if (choice == FIRST) == first_shown else 2


def _preference(
    variety: str,
    items: Mapping[str, Any],
    codes: Sequence[str],
    rating: Sequence[Mapping[str, int]],
) -> Preference:
    table = [[one.get(code) for code in codes] for one in rating]
    outcomes = [value for row in table for value in row if value is not None]
    clusters: dict[str, list[float]] = {}
    for one in rating:
        for code in codes:
            if code in one:
                sums = clusters.setdefault(items[code]["item"], [0.0, 0.0])
                sums[0] += _POINTS[one[code]]
                sums[1] += 1
    sums_of = np.array(list(clusters.values()))
    low, high = interval(_SHARE, sums_of)
    return Preference(
        variety,
        len(codes),
        len(outcomes),
        outcomes.count(0),
        outcomes.count(1),
        outcomes.count(2),
        float(sums_of[:, 0].sum() / sums_of[:, 1].sum()),
        low,
        high,
        sign_flip_p([points - count / 2 for points, count in clusters.values()]),
        krippendorff_alpha(table, "nominal"),
        krippendorff_alpha(table, "ordinal"),
    )


def table(key: Mapping[str, Any], rated: Sequence[Rated]) -> str:
    """The preferences in Markdown, with what was not rated."""
    first, second = (markdown_text(str(name)) for name in key["runs"])
    heading = (
        "variety", "items", "ratings", f"{first} better", "tie", f"{second} better",
        f"win rate of {second} [95 %]", "p", "alpha", "alpha, ordinal",
    )  # fmt: skip
    lines = [f"| {' | '.join(heading)} |", "|" + "---|" * len(heading)]
    for row in preferences(key, rated):
        bounds = "" if math.isnan(row.low) else f" [{row.low:.3f}, {row.high:.3f}]"
        cells = (
            row.variety, row.items, row.ratings, row.first, row.ties, row.second,
            f"{row.rate:.3f}{bounds}", _p(row.p), _alpha(row.nominal), _alpha(row.ordinal),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    raters = ", ".join(f"{markdown_text(one.rater)} {len(one.choices)}" for one in rated)
    documents, same = (sum(key[name].values()) for name in ("documents", "same"))
    lines += [
        "",
        f"Ratings of {len(key['items'])} items: {raters}. A tie is half a win. Of {documents} "
        f"documents {same} had equal answers and were not shown.",
        "",
    ]
    return "\n".join(lines)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _alpha(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"
