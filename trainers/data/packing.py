"""Whole rows put together up to a length, so that little is padded; none is cut or dropped.

Positions begin anew with each row and no attention mask is given: transformers then keeps rows
apart (Krell et al. 2021, arXiv 2107.02027; best fit, longest first). The first token of a row is
read and not learned, for what stands before it is another row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from arabench.trainers.data.arrow import RowFile

if TYPE_CHECKING:
    from datasets import Dataset

#: Packs that are put together at once.
_PACKS: Final = 100


def pack(rows: Dataset, max_length: int, file: Path | None = None) -> Dataset:
    """Packed rows: `input_ids`, `labels` and the `seq_lengths` of the rows in them.

    Args:
        rows: of tokens, none longer than `max_length`.
        max_length: tokens of a packed row.
        file: gets them, to be mapped from it; None to hold them in memory.

    Raises:
        ArabenchError: the file cannot be written.
    """
    lengths = _lengths(rows.data.table.column("input_ids"))
    pack_of = best_fit(lengths, max_length)
    order = np.argsort(pack_of, kind="stable")
    ends = np.cumsum(np.bincount(pack_of))
    with RowFile(file) as kept:
        for start in range(0, len(ends), _PACKS):
            stops = ends[start : start + _PACKS]
            begin = int(ends[start - 1]) if start else 0
            chosen = order[begin : int(stops[-1])]
            some = rows[chosen.tolist()]
            ids, labels = some["input_ids"], some["labels"]
            at = 0
            for stop in (int(stop) - begin for stop in stops):
                sizes = [len(row) for row in ids[at:stop]]
                kept.add(
                    {
                        "input_ids": [token for row in ids[at:stop] for token in row],
                        "labels": [label for row in labels[at:stop] for label in row],
                        "seq_lengths": sizes,
                    }
                )
                at = stop
        return kept.finish()


def _lengths(column: object) -> npt.NDArray[np.int64]:
    import pyarrow.compute as pc

    found: npt.NDArray[np.int64] = pc.list_value_length(column).to_numpy().astype(np.int64)
    return found


def best_fit(lengths: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """The number of the pack of each row: the fullest that it fits in, longest rows first.

    Args:
        lengths: tokens of each row, 1 to `size`.
        size: tokens of a pack.
    """
    pack_of = np.empty(len(lengths), dtype=np.int64)
    with_space: list[list[int]] = [[] for _ in range(size + 1)]
    open_spaces = 0  # bit s: there is a pack with s tokens of space
    packs = 0
    for row in np.argsort(-lengths, kind="stable"):
        length = int(lengths[row])
        fitting = open_spaces >> length
        if fitting:
            space = length + (fitting & -fitting).bit_length() - 1
            pack = with_space[space].pop()
            if not with_space[space]:
                open_spaces ^= 1 << space
        else:
            space, pack = size, packs
            packs += 1
        pack_of[row] = pack
        if left := space - length:
            with_space[left].append(pack)
            open_spaces |= 1 << left
    return pack_of
