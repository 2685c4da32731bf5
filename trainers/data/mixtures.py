"""Mixtures: so many rows of each source that their shares are those of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from arabench.errors import UsageError
from arabench.trainers.data.arrow import BATCH_ROWS, RowFile
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Mixture:
    """Rows of a mixture.

    Attributes:
        rows: numbers of the drawn rows among all rows of all sources, in order.
        said: how many of which source, in words.
    """

    rows: npt.NDArray[np.int64]
    said: str

    def take(self, rows: Dataset, file: Path | None) -> Dataset:
        """The drawn ones of all rows.

        Args:
            rows: of all sources, one source after the other.
            file: gets them, to be mapped from it; None to hold them in memory.

        Raises:
            ArabenchError: the file cannot be written.
        """
        with RowFile(file) as kept:
            for start in range(0, len(self.rows), BATCH_ROWS):
                some = rows[self.rows[start : start + BATCH_ROWS].tolist()]
                for values in zip(*some.values(), strict=True):
                    kept.add(dict(zip(some, values, strict=True)))
            return kept.finish()


def draw_mixture(sizes: Sequence[int], section: DataSection, seed: int) -> Mixture:
    """Draw rows without repeating any: the source that is scarcest for its weight gives all it has.

    Args:
        sizes: rows of each source.
        section: with weights.
        seed: of the draw.

    Raises:
        UsageError: a source has no row, or too few for a share to be one row.
    """
    weights = np.asarray(section.weights) / sum(section.weights)
    total = min(size / weight for size, weight in zip(sizes, weights, strict=True))
    if section.max_samples is not None:
        total = min(total, section.max_samples)
    # A share of 0.7 of 1,000 rows is 700, whatever 0.7 is in binary.
    counts = [int(total * weight + 1e-9) for weight in weights]
    if not all(counts):
        size, source = min(
            (size, source)
            for size, source, count in zip(sizes, section.sources, counts, strict=True)
            if not count
        )
        raise UsageError(
            f"of source {source!r} ({size:,} rows) the mixture would have no row: {int(total):,} "
            "rows can be drawn with these weights. Change the weights, or leave the source out."
        )
    begins = np.concatenate([[0], np.cumsum(sizes)])
    drawn = [
        begin + np.sort(np.random.default_rng([seed, number]).permutation(size)[:count])
        for number, (begin, size, count) in enumerate(zip(begins, sizes, counts, strict=False))
    ]
    parts = ", ".join(
        f"{count:,} of {size:,} rows of {source} ({count / sum(counts):.1%})"
        for source, size, count in zip(section.sources, sizes, counts, strict=True)
    )
    return Mixture(np.concatenate(drawn), f"mixture: {parts}")
