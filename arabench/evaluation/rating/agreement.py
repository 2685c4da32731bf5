"""How far raters agree: Krippendorff's alpha with missing ratings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from arabench.statistics.resampling import Array

Scale = Literal["nominal", "ordinal"]


def krippendorff_alpha(ratings: Sequence[Sequence[int | None]], scale: Scale) -> float:
    """Agreement beyond chance: 1 is full, 0 that of chance (Krippendorff 2011, "Computing alpha").

    Args:
        ratings: per rater the value that each item got, None where there is none. Values are whole
            numbers, in order where the scale is ordinal.
        scale: which values are how far apart.

    Returns:
        alpha; NaN where no item has two ratings, or all ratings are the same.
    """
    values = sorted({value for row in ratings for value in row if value is not None})
    counts = np.array(
        [
            [sum(rating == value for rating in item) for value in values]
            for item in zip(*ratings, strict=True)
        ],
        dtype=np.float64,
    ).reshape(-1, len(values))
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return math.nan
    pairs = counts[:, :, None] * counts[:, None, :]
    places = np.arange(len(values))
    pairs[:, places, places] -= counts
    coincidences = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    totals = coincidences.sum(axis=0)
    distances = _distances(totals, scale)
    count = float(totals.sum())
    expected = float((np.outer(totals, totals) * distances).sum()) / (count - 1)
    if expected <= 0:
        return math.nan
    observed = float((coincidences * distances).sum())
    return 1 - observed / expected


def _distances(totals: Array, scale: Scale) -> Array:
    """(values, values): squared differences of the scale."""
    count = len(totals)
    if scale == "nominal":
        return 1.0 - np.eye(count)
    below = np.cumsum(totals)
    middle = below - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)
