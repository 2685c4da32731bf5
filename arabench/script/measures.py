"""How far a spelling is from a reference: character error rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def edit_distance(first: str, second: str) -> int:
    """Least number of letters put in, left out or replaced (Levenshtein 1966)."""
    if len(first) < len(second):
        first, second = second, first
    row = list(range(len(second) + 1))
    for place, char in enumerate(first, start=1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(second, start=1):
            diagonal, row[column] = row[column], min(
                row[column] + 1, row[column - 1] + 1, diagonal + (char != other)
            )  # fmt: skip
    return row[-1]


def edits(given: str, wanted: str) -> list[tuple[str, str]]:
    """(given, wanted) letters of one shortest way from one to the other, "" for none."""
    rows = [list(range(len(wanted) + 1))]
    for place, char in enumerate(given, start=1):
        before, row = rows[-1], [place]
        for column, other in enumerate(wanted, start=1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (char != other)))
        rows.append(row)
    found: list[tuple[str, str]] = []
    down, across = len(given), len(wanted)
    while down or across:
        here = rows[down][across]
        if down and across:
            equal = given[down - 1] == wanted[across - 1]
            if here == rows[down - 1][across - 1] + (not equal):
                if not equal:
                    found.append((given[down - 1], wanted[across - 1]))
                down, across = down - 1, across - 1
                continue
        if down and here == rows[down - 1][across] + 1:
            found.append((given[down - 1], ""))
            down -= 1
        else:
            found.append(("", wanted[across - 1]))
            across -= 1
    return found[::-1]


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Character error rates of a set, as shares.

    Attributes:
        micro: edits of all rows / characters of all references.
        macro: mean over rows of edits / characters of the reference (1 for an empty one).
        half_width: of the 95 % interval of macro, from the spread between rows.
        exact: share of rows without an edit.
        rows: how many.
    """

    micro: float
    macro: float
    half_width: float
    exact: float
    rows: int


def error_rate(given: Sequence[str], wanted: Sequence[Sequence[str]]) -> ErrorRate:
    """Error rates, each row against the nearest of its references.

    Args:
        given: the spellings.
        wanted: for each row the spellings that are right.
    """
    distances, lengths = [], []
    for spelling, references in zip(given, wanted, strict=True):
        distance, reference = min((edit_distance(spelling, each), each) for each in references)
        distances.append(distance)
        lengths.append(max(len(reference), 1))
    rates = [distance / length for distance, length in zip(distances, lengths, strict=True)]
    count = len(rates)
    macro = sum(rates) / count
    spread = math.sqrt(sum((rate - macro) ** 2 for rate in rates) / max(count - 1, 1))
    return ErrorRate(
        sum(distances) / sum(lengths),
        macro,
        1.96 * spread / math.sqrt(count),
        sum(distance == 0 for distance in distances) / count,
        count,
    )
