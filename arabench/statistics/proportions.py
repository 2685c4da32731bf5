"""Intervals of shares."""

from __future__ import annotations

import math
from statistics import NormalDist

from arabench.statistics.student import upper_quantile


def wilson_interval(
    share: float, count: float, level: float = 0.95, freedom: float | None = None
) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927).

    Unlike a bootstrap it has a width where every draw is the same: 0 of 5 right is
    0 to 0.43 and not 0 to 0.

    Args:
        share: observed, 0 to 1.
        count: independent observations; clusters, where samples come in clusters.
        level: two-sided confidence.
        freedom: degrees of freedom on which `count` was estimated; None where it is known.

    Raises:
        ValueError: a share outside 0 to 1, or nothing observed.
    """
    if not (0 <= share <= 1 and count > 0):
        raise ValueError(f"no share of a count: {share} of {count}")
    tail = (1 - level) / 2
    z = NormalDist().inv_cdf(1 - tail) if freedom is None else upper_quantile(tail, freedom)
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    spread /= 1 + z * z / count
    # At the edges the bound is the share itself, and rounding must not move it inside.
    low = 0.0 if share == 0 else max(0.0, centre - spread)
    high = 1.0 if share == 1 else min(1.0, centre + spread)
    return low, high


def effective_count(
    share: float, count: float, variance: float, cluster: float, items: int
) -> float:
    """Independent observations that say as much about a share as `count` clustered ones.

    The design effect is the variance over that of independent observations (Kish 1965; Korn and
    Graubard 1998). Few of the rarer kind say little of how observations hang together: the
    estimate is averaged, with the weight of one of them, with that of clusters correlated by
    one half. At 0 and 1, where nothing is seen of it, a cluster counts as one observation.

    Args:
        share: observed, 0 to 1.
        count: observations.
        variance: of the share, estimated between clusters.
        cluster: observations in a cluster, on average over observations.
        items: clusters.
    """
    if share in (0, 1):
        return items
    seen = variance / (share * (1 - share) / count)
    rare = min(share, 1 - share) * count
    assumed = 1 + (cluster - 1) / 2
    return count * (rare + 1) / (seen * rare + assumed)
