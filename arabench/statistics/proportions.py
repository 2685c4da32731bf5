"""Intervals of shares."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_interval(share: float, count: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927).

    Unlike a bootstrap it has a width where every draw is the same: 0 of 5 right is
    0 to 0.43 and not 0 to 0.

    Args:
        share: observed, 0 to 1.
        count: independent observations; clusters, where samples come in clusters.
        level: two-sided confidence.

    Raises:
        ValueError: a share outside 0 to 1, or nothing observed.
    """
    if not (0 <= share <= 1 and count > 0):
        raise ValueError(f"no share of a count: {share} of {count}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    spread /= 1 + z * z / count
    # At the edges the bound is the share itself, and rounding must not move it inside.
    low = 0.0 if share == 0 else max(0.0, centre - spread)
    high = 1.0 if share == 1 else min(1.0, centre + spread)
    return low, high
