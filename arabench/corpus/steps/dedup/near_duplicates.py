"""Near duplicates: shingles of words or characters, MinHash sketches, an LSH index.

Sketches and index are rensa's (Rust, no dependencies). datasketch is older and far more
widely used; with the same bands rensa sketches and searches 7 to 9 times faster, takes
less than a third of the memory, and at equal precision misses no more pairs
(tests/bench/bench_dedup.py measures both in one run); datasketch would also bring in
scipy. Both are maintained and MIT licensed. rensa's sketches change with its minor
versions, so its version is part of the signature and no index is ever written to disk.

Follows Broder (1997) for resemblance and shingles, Leskovec et al., "Mining of Massive
Datasets", chapter 3, for bands, and Lee et al. (arXiv 2107.06499) for the use on corpora.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from arabench.corpus import word_hashes as words
from arabench.text.hash_arrays import U64, phrases, runs

if TYPE_CHECKING:
    import rensa

Shingle = Literal["words", "chars"]
#: Hashes of shingles, whole or their upper half.
Hashes = npt.NDArray[np.uint64] | npt.NDArray[np.uint32]

#: Pairs of words: on Arabic paragraphs they still match at 0.8 when 5 % of the words are
#: changed (five words, usual for English, then miss 97 % of such pairs: clitics make one
#: change hit a longer stretch of meaning), and unrelated texts share next to none.
#: Seven characters tolerate as much, and a changed clitic less dearly, at six times the work.
DEFAULT_SIZE: Final[dict[Shingle, int]] = {"words": 2, "chars": 7}
#: Sketches depend on it: one value, so that runs agree.
SEED: Final = 42
#: Probability with which a pair just at the threshold must meet in some band.
BAND_RECALL: Final = 0.99
_SKETCHES_PER_CHUNK: Final = 4096
#: Shingles that are Python objects at the same time, some 60 bytes each.
_SHINGLES_AT_ONCE: Final = 1 << 16
#: Bytes of rensa's index per text and band (measured; tests/bench/bench_dedup.py).
_INDEX_BYTES_PER_BAND: Final = 95


def shingle_texts(texts: Sequence[str], shingle: Shingle, size: int) -> Iterator[U64]:
    """Hashes of the shingles of every text, in order, repeats included.

    A text of fewer words (characters) than `size` is one shingle; a text without words
    has none.
    """
    for block in words.blocks(texts):
        if shingle == "words":
            items = block.hashes
            starts, ends = block.text_words[:-1], block.text_words[1:]
        else:
            items = block.folded.astype(np.uint64)
            has_words = np.diff(block.text_words) > 0
            starts = block.text_folded[:-1]
            ends = np.where(has_words, block.text_folded[1:] - 1, starts)  # not its line feed
        hashes = phrases(items, size)
        short = (ends > starts) & (ends - starts < size)
        whole = iter(runs(items, starts[short], ends[short])[:, None])
        for start, end, is_short in zip(
            starts.tolist(), ends.tolist(), short.tolist(), strict=True
        ):
            yield next(whole) if is_short else hashes[start : max(start, end - size + 1)]


def jaccard(first: Hashes, second: Hashes) -> float:
    """Size of the intersection by size of the union of two sets given as sorted arrays."""
    both = len(np.intersect1d(first, second, assume_unique=True))
    return both / max(1, len(first) + len(second) - both)


def bands_for(threshold: float, permutations: int) -> tuple[int, int]:
    """(bands, rows per band) that meet pairs at the threshold with `BAND_RECALL`.

    Of all that do, the one with most rows, which has the fewest bands (memory) and false
    candidates. bands * rows is at most `permutations`.
    """
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= BAND_RECALL:
            return bands, rows
    return permutations, 1


class NearIndex:
    """Sketches of the texts kept so far, and the search for what resembles a new one.

    Memory per kept text: 4 bytes per permutation for the sketch and about 95 per band of
    rensa's index: 2.5 kB at threshold 0.8 with 128 permutations. `verify` keeps the
    shingles too, 4 bytes for each distinct one: about 4 bytes per word of text.

    Args:
        threshold: least Jaccard similarity of a near duplicate.
        permutations: length of a sketch; the standard error of an estimated similarity s
            is sqrt(s * (1 - s) / permutations), 0.035 at 0.8 with 128.
        verify: decide by the true similarity of the shingle sets, not by the estimate.
    """

    def __init__(self, threshold: float, permutations: int, verify: bool = False) -> None:
        import rensa

        self._threshold = threshold
        self._verify = verify
        self.bands, rows = bands_for(threshold, permutations)
        self._width = self.bands * rows
        self._sketcher = rensa.RMinHash
        self._index = rensa.RMinHashLSH(threshold, self._width, self.bands)
        self._chunks: list[npt.NDArray[np.uint32]] = []
        self._numbers = array("q")
        self._shingles: list[npt.NDArray[np.uint32]] = []

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def nbytes(self) -> int:
        """Bytes of sketches, shingles and numbers, and an estimate of rensa's index."""
        return (
            sum(chunk.nbytes for chunk in self._chunks)
            + sum(kept.nbytes for kept in self._shingles)
            + len(self) * (self._numbers.itemsize + self.bands * _INDEX_BYTES_PER_BAND)
        )

    def sketch(self, shingles: Sequence[U64]) -> list[rensa.RMinHash]:
        """A sketch of each of many shingle sets."""
        sketches: list[rensa.RMinHash] = []
        sets: list[list[bytes]] = []
        waiting = 0
        for hashes in shingles:
            # Fixed-width strings lose trailing NULs, which keeps different hashes different.
            sets.append(hashes.astype("<u8").view("S8").tolist())
            waiting += len(hashes)
            if waiting >= _SHINGLES_AT_ONCE:
                sketches += self._sketcher.from_token_sets(sets, self._width, SEED)
                sets, waiting = [], 0
        return sketches + list(self._sketcher.from_token_sets(sets, self._width, SEED))

    def find(self, sketch: rensa.RMinHash, shingles: U64) -> tuple[int, float] | None:
        """(number, similarity) of the most similar kept text at or above the threshold.

        Of equally similar ones it is the first.
        """
        found = self._index.query(sketch)
        if not found:
            return None
        candidates = np.sort(np.array(found, dtype=np.int64))
        if self._verify:
            own = _distinct(shingles)
            scores = np.array([jaccard(own, self._shingles[place]) for place in candidates])
        else:
            scores = self._estimates(candidates, sketch)
        best = int(scores.argmax())
        if scores[best] < self._threshold:
            return None
        return self._numbers[candidates[best]], float(scores[best])

    def add(self, number: int, sketch: rensa.RMinHash, shingles: U64) -> None:
        """Keep a text under a number of the caller's."""
        place = len(self._numbers)
        self._index.insert(place, sketch)
        if self._verify:
            self._shingles.append(_distinct(shingles))
        else:
            if place % _SKETCHES_PER_CHUNK == 0:
                self._chunks.append(np.empty((_SKETCHES_PER_CHUNK, self._width), dtype=np.uint32))
            self._chunks[-1][place % _SKETCHES_PER_CHUNK] = sketch.digest()
        self._numbers.append(number)

    def _estimates(
        self, candidates: npt.NDArray[np.int64], sketch: rensa.RMinHash
    ) -> npt.NDArray[np.float64]:
        digest = np.array(sketch.digest(), dtype=np.uint32)
        chunks, rows = np.divmod(candidates, _SKETCHES_PER_CHUNK)
        return np.concatenate(
            [
                (self._chunks[chunk][rows[chunks == chunk]] == digest).mean(axis=1)
                for chunk in np.unique(chunks).tolist()
            ]
        )


def _distinct(shingles: U64) -> npt.NDArray[np.uint32]:
    """The set as sorted 32-bit values: of 1,000 shingles two are confused once in 10,000 texts."""
    return np.unique((shingles >> np.uint64(32)).astype(np.uint32))
