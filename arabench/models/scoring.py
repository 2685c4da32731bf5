"""Log-likelihoods of continuations under a causal model: each token of each text is read once.

The number of a request is the sum of the log-softmax of its tokens, taken in float32 whatever the
model computes in, and summed in float64. Requests are answered from the fewest rows
(`arabench.models.token_rows`); rows are batched by tokens, the longest first, and halved when the
memory does not hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from arabench.errors import UsageError
from arabench.models.forward import CausalReader, Places, out_of_memory
from arabench.models.token_rows import (
    Ints,
    Readings,
    Rows,
    Stage,
    Stem,
    TokenRequest,
    batches,
    find_rows,
    find_stems,
    stages,
)

if TYPE_CHECKING:
    import torch

#: Bytes of float32 logits in one batch, by device.
_LOGIT_BYTES: Final = {"cpu": 256 << 20, "cuda": 2 << 30}
#: Logits that are turned into log-probabilities at once.
_CHUNK: Final = 1 << 22
Score = tuple[float, bool]


def log_likelihoods(
    reader: CausalReader,
    requests: Sequence[TokenRequest],
    *,
    max_length: int,
    batch_tokens: int,
    on_done: Callable[[int], None] | None = None,
    stems: bool = True,
) -> list[Score]:
    """Natural-log likelihood of each continuation, and whether greedy decoding would say it.

    Args:
        reader: of the model.
        requests: (context, continuation) in ids, neither empty. What the model's context does not
            hold is cut from the left.
        max_length: tokens that the model can read.
        batch_tokens: tokens of a batch, padding among them; one row may have more.
        on_done: called with the number of tokens that were read since the last call, of the
            requests' own (rows that were spared count as read).
        stems: whether rows may go on from the keys of a common beginning.

    Raises:
        ValueError: an empty context or continuation, or one longer than the context.
        UsageError: a single row does not fit into memory.
    """
    for context, continuation in requests:
        if not len(context) or not 0 < len(continuation) <= max_length:
            raise ValueError(
                f"a request of {len(context)} and {len(continuation)} tokens; allowed are at least "
                f"one each, and a continuation of at most {max_length}."
            )
    rows = find_rows(requests, max_length, share=not reader.length_matters)
    run = _Run(reader, rows, len(requests), batch_tokens, on_done)
    left = set(range(len(rows.tokens)))
    if stems and reader.window:
        found = find_stems(rows.tokens)
        plan = stages(
            found, rows, tokens=batch_tokens, logits=run.cells,
            window=reader.window, gaps=reader.gaps,
        )  # fmt: skip
        for stage in plan:
            left -= run.read_stage(found, stage)
    run.read_plain(sorted(left))
    return [(float(total), bool(said)) for total, said in zip(run.totals, run.greedy, strict=True)]


@dataclass
class _Run:
    """One call: what was read so far."""

    reader: CausalReader
    rows: Rows
    requests: int
    tokens: int
    on_done: Callable[[int], None] | None

    def __post_init__(self) -> None:
        self.totals: NDArray[np.float64] = np.zeros(self.requests)
        self.greedy: NDArray[np.bool_] = np.ones(self.requests, np.bool_)
        budget = _LOGIT_BYTES.get(self.reader.device.type, _LOGIT_BYTES["cuda"])
        self.cells = max(1, budget // (4 * self.reader.vocabulary))

    def read_plain(self, rows: Sequence[int]) -> None:
        """Read rows whole, in batches, halved where the memory does not hold them."""
        if self.reader.length_matters:
            groups: dict[int, list[int]] = {}
            for row in rows:
                groups.setdefault(len(self.rows.tokens[row]), []).append(row)
            parts = [groups[length] for length in sorted(groups, reverse=True)]
        else:
            parts = [list(rows)]
        for part in parts:
            lengths = [len(self.rows.tokens[row]) for row in part]
            cells = self._counts(part)
            most = 1 << 62
            for batch in batches(lengths, cells, tokens=self.tokens, logits=self.cells):
                waiting = [[part[number] for number in batch]]
                while waiting:
                    chosen = waiting.pop()
                    if len(chosen) <= most and self._tried(chosen):
                        continue
                    if len(chosen) == 1:
                        raise UsageError(
                            f"a text of {len(self.rows.tokens[chosen[0]])} tokens does not fit "
                            "into the memory beside the model. Shorten the texts, or load the "
                            "model in fewer bits."
                        )
                    most = min(most, (len(chosen) + 1) // 2)
                    waiting += [chosen[most:], chosen[:most]]

    def _tried(self, rows: Sequence[int]) -> bool:
        """Read one batch; False where the memory did not hold it."""
        where = self.rows.readings_of(rows)
        readings = self.rows.readings
        number = np.repeat(
            np.arange(len(rows)),
            [self.rows.starts[row + 1] - self.rows.starts[row] for row in rows],
        )
        local = readings.at(where, number, readings.column[where])
        try:
            found = _read(
                lambda places: self.reader.read([self.rows.tokens[row] for row in rows], places),
                local,
            )
        except Exception as error:
            if not out_of_memory(error):
                raise
            self.reader.free_memory()
            return False
        self._add(local, *found)
        return True

    def read_stage(self, stems: Sequence[Stem], stage: Stage) -> set[int]:
        """Read stems and the rows on them; the rows that were answered so."""
        chosen = [stems[number] for number in stage.stems]
        rows = [row for batch in stage.batches for row, _ in batch]
        first = chosen[0]
        if not self.reader.keeps(self.rows.tokens[first.rows[0]], first.length):
            return set()
        results: list[tuple[Readings, NDArray[np.float64], NDArray[np.bool_]]] = []
        place = {row: stem for batch in stage.batches for row, stem in batch}
        try:
            results = self._stage_results(chosen, stage, rows, place)
        except Exception as error:
            if not out_of_memory(error):
                raise
            self.reader.free_memory()
            return set()
        for result in results:
            self._add(*result)
        return set(rows)

    def _stage_results(
        self, chosen: Sequence[Stem], stage: Stage, rows: Sequence[int], place: dict[int, int]
    ) -> list[tuple[Readings, NDArray[np.float64], NDArray[np.bool_]]]:
        readings, tokens = self.rows.readings, self.rows.tokens
        stem_of = np.full(len(tokens), -1)
        stem_of[rows] = [place[row] for row in rows]
        lengths = np.asarray([stem.length for stem in chosen])
        where = self.rows.readings_of(rows)
        above = where[readings.column[where] < lengths[stem_of[readings.row[where]]]]
        local = readings.at(above, stem_of[readings.row[above]], readings.column[above])
        beginnings = [tokens[stem.rows[0]][: stem.length] for stem in chosen]
        places, inverse = _cells(local)
        logits, kept = self.reader.keep(beginnings, places)
        results = [(local, *_log_softmax(logits, inverse, local.target))]
        for batch in stage.batches:
            where = self.rows.readings_of([row for row, _ in batch])
            number = np.repeat(np.arange(len(batch)), self._counts([row for row, _ in batch]))
            cut = lengths[[stem for _, stem in batch]][number]
            below = readings.column[where] >= cut
            local = readings.at(where[below], number[below], (readings.column[where] - cut)[below])
            rest = [tokens[row][chosen[stem].length :] for row, stem in batch]
            stems = [stem for _, stem in batch]

            def read_on(
                places: Places, rest: list[Ints] = rest, stems: list[int] = stems
            ) -> torch.Tensor:
                return self.reader.read_on(kept, stems, rest, places)

            results.append((local, *_read(read_on, local)))
        return results

    def _counts(self, rows: Sequence[int]) -> list[int]:
        return [int(self.rows.starts[row + 1] - self.rows.starts[row]) for row in rows]

    def _add(
        self, readings: Readings, values: NDArray[np.float64], said: NDArray[np.bool_]
    ) -> None:
        np.add.at(self.totals, readings.request, values)
        np.logical_and.at(self.greedy, readings.request, said)
        if self.on_done is not None:
            self.on_done(len(readings))


def _cells(readings: Readings) -> tuple[Places, Ints]:
    """Distinct places of readings, and the place of each."""
    width = int(readings.column.max(initial=0)) + 1
    flat, inverse = np.unique(readings.row * width + readings.column, return_inverse=True)
    return Places(flat // width, flat % width), inverse


def _read(
    logits_at: Callable[[Places], torch.Tensor], readings: Readings
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    places, inverse = _cells(readings)
    return _log_softmax(logits_at(places), inverse, readings.target)


def _log_softmax(
    logits: torch.Tensor, cell: Ints, target: Ints
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Log-probability of each target in its cell, and whether it is the cell's first largest.

    Args:
        logits: (cells, vocabulary).
        cell: of each reading, (N,).
        target: token of each reading, (N,).
    """
    import torch

    step = max(1, _CHUNK // logits.shape[1])
    order = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[order], np.arange(0, logits.shape[0] + step, step))
    values, said = np.zeros(len(cell)), np.zeros(len(cell), np.bool_)
    for number, start in enumerate(range(0, logits.shape[0], step)):
        chosen = order[bounds[number] : bounds[number + 1]]
        part = torch.log_softmax(logits[start : start + step], dim=-1, dtype=torch.float32)
        row = torch.from_numpy(cell[chosen] - start).to(part.device)
        token = torch.from_numpy(target[chosen]).to(part.device)
        found = part[row, token]
        largest = found == part.amax(dim=-1)[row]
        # Of equal logits greedy decoding takes the first.
        ties = torch.nonzero(largest)[:, 0]
        largest[ties] = part[row[ties]].argmax(dim=-1) == token[ties]
        values[chosen] = found.double().cpu().numpy()
        said[chosen] = largest.cpu().numpy()
    return values, said
