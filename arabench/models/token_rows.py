"""Which rows of tokens a model must read to answer requests, and in which batches.

A request asks for the log-likelihood of a continuation after a context. The model reads all of it
but the last token, a row. A row that another row begins with is read there; rows that share a long
beginning may read it once (a stem) and go on from its keys and values. The plan depends on the
requests alone, and not on their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
#: (context, continuation) in token ids, neither of them empty.
TokenRequest = tuple[Sequence[int], Sequence[int]]

#: Part of a batch that may be padding: a shorter row that costs more begins the next batch.
_PADDING: Final = 16
#: Share of the tokens of its rows that a stem must save, and tokens: a second pass has its price.
_STEM_SHARE: Final = 0.25
_STEM_TOKENS: Final = 64
#: Keys and values of a batch of rows on stems, in batches of tokens.
_KEPT_BATCHES: Final = 4


@dataclass(frozen=True)
class Readings:
    """Tokens whose likelihood is asked for, and where the model says it.

    Attributes:
        row: the row, (N,).
        column: the place in it whose logits are those of the token, (N,).
        target: the token, (N,).
        request: who asks, (N,).
    """

    row: Ints
    column: Ints
    target: Ints
    request: Ints

    def __len__(self) -> int:
        return len(self.row)

    def at(self, where: Ints | NDArray[np.bool_], row: Ints, column: Ints) -> Readings:
        """Those at `where`, in other rows and columns."""
        return Readings(row, column, self.target[where], self.request[where])


@dataclass(frozen=True)
class Stem:
    """A beginning that rows share.

    Attributes:
        length: tokens of it.
        rows: rows that begin with it and go on, at least two.
    """

    length: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Rows:
    """Rows that answer all requests.

    Attributes:
        tokens: ids of each row, (length,), in lexicographic order; none begins another.
        readings: of all requests, sorted by row.
        starts: where the readings of each row begin in `readings`, and their number, (rows + 1,).
    """

    tokens: tuple[Ints, ...]
    readings: Readings
    starts: Ints

    def readings_of(self, rows: Sequence[int]) -> Ints:
        """Places of the readings of these rows, in their order."""
        parts = [np.arange(self.starts[row], self.starts[row + 1]) for row in rows]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def find_rows(requests: Sequence[TokenRequest], max_length: int, *, share: bool = True) -> Rows:
    """The rows that requests need; what does not fit into the context is cut on the left.

    Args:
        requests: contexts and continuations; a continuation has at most `max_length` tokens.
        max_length: tokens that the model can read.
        share: whether a row may be read in a longer one, which is so unless the model
            computes a token otherwise when more follow it.
    """
    wanted = []
    names: dict[bytes, int] = {}
    distinct: list[Ints] = []
    for context, continuation in requests:
        ids = np.asarray([*context, *continuation][-(max_length + 1) :], np.int64)
        row = ids[:-1]
        # Big-endian, so that the order of bytes is that of the ids.
        key = row.astype(">u4").tobytes()
        if (place := names.get(key)) is None:
            place = names[key] = len(distinct)
            distinct.append(row)
        wanted.append((place, len(row) - len(continuation), ids[len(ids) - len(continuation) :]))
    host, hosts = _hosts(names, share)
    sizes = np.asarray([len(targets) for _, _, targets in wanted], np.int64)
    begin = np.asarray([start for _, start, _ in wanted], np.int64)
    rows = np.asarray([host[place] for place, _, _ in wanted], np.int64)
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    row = np.repeat(rows, sizes)
    column = np.repeat(begin, sizes) + within
    order = np.lexsort((column, row))
    targets = np.concatenate([targets for _, _, targets in wanted] or [np.zeros(0, np.int64)])
    request = np.repeat(np.arange(len(wanted)), sizes)
    readings = Readings(row[order], column[order], targets[order], request[order])
    starts = np.searchsorted(readings.row, np.arange(len(hosts) + 1))
    return Rows(tuple(distinct[place] for place in hosts), readings, starts)


def _hosts(names: dict[bytes, int], share: bool) -> tuple[list[int], list[int]]:
    """(number of the row that holds each distinct row, the distinct rows that are kept).

    In lexicographic order all rows that begin with a row follow it without a gap.
    """
    keys = sorted(names)
    kept: list[int] = []
    host = [0] * len(keys)
    after: bytes | None = None
    for key in reversed(keys):
        if not (share and after is not None and after.startswith(key)):
            kept.append(names[key])
        after = key
        host[names[key]] = len(kept) - 1
    last = len(kept) - 1
    return [last - number for number in host], kept[::-1]


def find_stems(tokens: Sequence[Ints]) -> list[Stem]:
    """Beginnings that are worth being read once, none of whose rows is in another's.

    The tree of common beginnings is walked from the leaves: a node is a stem where it saves more
    tokens than the stems below it together.

    Args:
        tokens: rows in lexicographic order; each has at least one token behind its stem.
    """
    common = [_common(left, right) for left, right in itertools.pairwise(tokens)]
    open_nodes: list[tuple[int, int, int, list[Stem]]] = [(0, 0, 0, [])]
    found: list[Stem] = []
    for place, depth in enumerate([*common, 0]):
        left, saved, stems = place, 0, list[Stem]()
        while open_nodes[-1][0] > depth:
            node_depth, node_left, node_saved, node_stems = open_nodes.pop()
            members = tuple(range(node_left, place + 1))
            node_saved, node_stems = node_saved + saved, [*node_stems, *stems]
            own = (len(members) - 1) * node_depth
            if own > node_saved and _pays(own, [len(tokens[row]) for row in members]):
                node_saved, node_stems = own, [Stem(node_depth, members)]
            left, saved, stems = node_left, node_saved, node_stems
        top_depth, top_left, top_saved, top_stems = open_nodes[-1]
        if top_depth == depth:
            open_nodes[-1] = (top_depth, top_left, top_saved + saved, [*top_stems, *stems])
        else:
            open_nodes.append((depth, left, saved, stems))
        found = open_nodes[0][3]
    return found


def _common(left: Ints, right: Ints) -> int:
    length = min(len(left), len(right)) - 1  # a token is left to go on with
    differ = np.flatnonzero(left[:length] != right[:length])
    return int(differ[0]) if len(differ) else length


def _pays(saved: int, lengths: Sequence[int]) -> bool:
    return saved >= max(_STEM_TOKENS, _STEM_SHARE * sum(lengths))


def batches(
    lengths: Sequence[int], cells: Sequence[int], *, tokens: int, logits: int
) -> Iterator[list[int]]:
    """Rows in batches, the longest first.

    Args:
        lengths: tokens of each row.
        cells: places of each row whose logits are asked for.
        tokens: that a batch holds at most with its padding, unless one row has more.
        logits: places that a batch computes logits of at most, unless one row has more.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batch: list[int] = []
    asked = padding = 0
    for row in order:
        longest = lengths[batch[0]] if batch else lengths[row]
        wasted = padding + longest - lengths[row]
        full = (len(batch) + 1) * longest > tokens or asked + cells[row] > logits
        if batch and (full or wasted > tokens // _PADDING):
            yield batch
            batch, asked, wasted = [], 0, 0
        batch.append(row)
        asked += cells[row]
        padding = wasted
    if batch:
        yield batch


@dataclass(frozen=True)
class Stage:
    """Stems that are read in one batch, and the batches of their rows.

    Attributes:
        stems: indices.
        batches: rows, each with the place of its stem in `stems`.
    """

    stems: tuple[int, ...]
    batches: tuple[tuple[tuple[int, int], ...], ...]


def stages(
    stems: Sequence[Stem], rows: Rows, *, tokens: int, logits: int, window: int, gaps: bool
) -> Iterator[Stage]:
    """Stems in batches, the longest first, with the batches of the rows on them.

    Args:
        stems: of `find_stems`.
        rows: all rows.
        tokens: of a batch of stems, or of what rows add to them; keys and values of a few more
            are kept.
        logits: as of `batches`.
        window: tokens that a row may have with all padding in it; longer stems are left out.
        gaps: whether stems of unlike length may be read together, so that padding stands between
            a stem and what follows it.
    """
    fitting = [
        number for number, stem in enumerate(stems) if stem.length + _added(stem, rows) <= window
    ]
    order = sorted(fitting, key=lambda stem: (-stems[stem].length, stem))
    chosen: list[int] = []
    for stem in order:
        together = [*chosen, stem]
        longest = stems[together[0]].length
        added = max(_added(stems[one], rows) for one in together)
        count = sum(len(stems[one].rows) for one in together)
        fits = (
            longest * len(together) <= tokens
            and longest + added <= window
            and count * added <= tokens
            and count * (longest + added) <= _KEPT_BATCHES * tokens
            and (longest - stems[stem].length) * len(together) <= tokens // _PADDING
            and (gaps or longest == stems[stem].length)
        )
        if chosen and not fits:
            yield _stage(chosen, stems, rows, tokens, logits)
            chosen = []
        chosen.append(stem)
    if chosen:
        yield _stage(chosen, stems, rows, tokens, logits)


def _added(stem: Stem, rows: Rows) -> int:
    return max(len(rows.tokens[row]) for row in stem.rows) - stem.length


def _stage(
    chosen: Sequence[int], stems: Sequence[Stem], rows: Rows, tokens: int, logits: int
) -> Stage:
    members = [(row, place) for place, stem in enumerate(chosen) for row in stems[stem].rows]
    longest = stems[chosen[0]].length
    added = [len(rows.tokens[row]) - stems[chosen[place]].length for row, place in members]
    cells = [int(rows.starts[row + 1] - rows.starts[row]) for row, _ in members]
    room = max(1, _KEPT_BATCHES * tokens // (longest + max(added)))
    plan = [
        tuple(members[number] for number in batch[start : start + room])
        for batch in batches(added, cells, tokens=tokens, logits=logits)
        for start in range(0, len(batch), room)
    ]
    return Stage(tuple(chosen), tuple(plan))
