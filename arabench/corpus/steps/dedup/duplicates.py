"""Drop exact and near duplicates across all inputs, in order: the first occurrence stays.

Exact duplicates are texts that normalization makes equal; near duplicates resemble a
kept text by at least a threshold. Every new text is compared with the *kept* ones only:
each dropped row resembles a row that is in the output, and chains of small differences
drop nothing that is unlike all that stays. A cluster is a kept row with the rows that were
dropped for it. The result depends on the order of the rows and on nothing else.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Row, Step
from arabench.corpus.steps.dedup.exact_duplicates import DigestTable, digest_texts
from arabench.corpus.steps.dedup.near_duplicates import (
    DEFAULT_SIZE,
    NearIndex,
    Shingle,
    shingle_texts,
)
from arabench.errors import UsageError, did_you_mean
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

#: Rises whenever other rows are dropped under the same options.
DEDUP_VERSION: Final = 2

U64 = npt.NDArray[np.uint64]

Mode = Literal["exact", "near"]
EXACT: Final = "exact duplicate"
NEAR: Final = "near duplicate"
_NO_SHINGLES: Final[U64] = np.zeros(0, dtype=np.uint64)


@dataclasses.dataclass(frozen=True)
class DedupOptions:
    """What counts as a duplicate."""

    mode: Mode = "near"
    """`exact`: equal after normalization; `near`: these and what resembles a kept text."""
    preset: str = "search"
    """Normalization before texts are compared; what is written stays as it was. `search`
    ignores diacritics, tatweel, letter variants and punctuation."""
    threshold: float = 0.8
    """Least Jaccard similarity of near duplicates, above 0 up to 1 (0.8 as in RefinedWeb and
    SlimPajama). With pairs of words 0.8 stands for about one changed word in twenty."""
    shingle: Shingle = "words"
    """What the compared sets hold: runs of `words` or of `chars`."""
    shingle_size: int = 0
    """Words or characters per run; 0 for the default of the kind, 2 words or 7 characters."""
    permutations: int = 128
    """Most values per sketch, 16 to 1024: more of them estimate closer and cost memory."""
    verify: bool = False
    """Decide by the true similarity instead of its estimate; keeps 4 bytes per shingle."""
    id_field: str | None = None
    """Field that names a row in the reasons; without it rows are named by file and number."""

    def __post_init__(self) -> None:
        for name, allowed in (("mode", get_args(Mode)), ("shingle", get_args(Shingle))):
            if getattr(self, name) not in allowed:
                given = getattr(self, name)
                raise UsageError(f"{name}={given!r} is not known. {did_you_mean(given, allowed)}")
        options_from(self.preset)
        if not 0 < self.threshold <= 1:
            raise UsageError(
                f"threshold={self.threshold!r} is no similarity. Use a number above 0, up to 1."
            )
        if not 0 <= self.shingle_size <= 100:
            raise UsageError(
                f"shingle_size={self.shingle_size} is not allowed. Use 1 to 100, or 0 for the "
                f"default ({DEFAULT_SIZE[self.shingle]} {self.shingle})."
            )
        if not 16 <= self.permutations <= 1024:
            raise UsageError(f"permutations={self.permutations} is not allowed. Use 16 to 1024.")

    @property
    def size(self) -> int:
        """Words or characters per shingle."""
        return self.shingle_size or DEFAULT_SIZE[self.shingle]

    @property
    def signature(self) -> str:
        """Short stable text naming all that decides which rows are dropped."""
        parts = [f"dedup:{DEDUP_VERSION}", self.mode, f"preset:{self.preset}"]
        if self.mode == "near":
            parts += [
                f"threshold:{self.threshold:g}",
                f"shingle:{self.size}-{self.shingle}",
                f"permutations:{self.permutations}",
                f"verify:{'yes' if self.verify else 'no'}",
                f"rensa:{_version_of('rensa')}",
            ]
        return "|".join(parts)


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


class RowNames:
    """What rows are called in reasons: their id, or file and number.

    A row's number counts the readable rows of its file (of all inputs where the files
    are not known) from 1. 8 bytes per named row, and its id where ids are used.
    """

    def __init__(self, id_field: str | None) -> None:
        self._id_field = id_field
        self._sources: list[tuple[int, str]] = []
        self._ids: dict[int, str] = {}

    def start_source(self, name: str, first: int) -> None:
        """The row of number `first` (from 0, over all inputs) begins the file `name`."""
        self._sources.append((first, name))

    def keep(self, number: int, row: Row) -> None:
        """Remember the id of a row that stays."""
        if self._id_field is not None and row.get(self._id_field) is not None:
            self._ids[number] = str(row[self._id_field])

    def name(self, number: int) -> str:
        """Id, `file:row`, or `row N` of the row of this number (from 0, over all inputs)."""
        if number in self._ids:
            return f"{self._id_field} {self._ids[number]}"
        place = bisect_right(self._sources, number, key=lambda source: source[0]) - 1
        if place < 0:
            return f"row {number + 1}"
        first, source = self._sources[place]
        return f"{source}:{number - first + 1}"


class DedupStep(Step):
    """Keeps the first of all rows that duplicate each other; rows without text are kept.

    One batch at a time, in order. Memory grows with the kept rows: 34 to 68 bytes each for
    exact duplicates, and what `NearIndex` states for near ones.
    """

    parallel = False
    reshapes = False

    def __init__(self, options: DedupOptions, text_field: str = "text") -> None:
        self.options = options
        self.text_field = text_field
        self.names = RowNames(options.id_field)
        self.clusters: Counter[int] = Counter()
        """Number of a kept row -> rows dropped for it."""
        self._normalizer = BatchNormalizer(Normalizer(options_from(options.preset)))
        self._exact = DigestTable()
        self._near: NearIndex | None = None
        if options.mode == "near":
            self._near = NearIndex(options.threshold, options.permutations, options.verify)
        self._seen = 0

    @property
    def signature(self) -> str:
        """Options and versions."""
        return self.options.signature

    def start_source(self, name: str) -> None:
        """The next row is the first of the file `name`: rows are then called `name:row`."""
        self.names.start_source(name, self._seen)

    def __call__(self, rows: list[Row]) -> Processed:
        """Rows to keep in order, and the others with the row that each duplicates."""
        name = self.text_field
        first = self._seen
        self._seen += len(rows)
        filled = [place for place, row in enumerate(rows) if row[name] is not None]
        raw = [rows[place][name] for place in filled]
        numbers = [first + place for place in filled]
        verdicts = dict(zip(filled, self._judge(raw, numbers, rows, first), strict=True))
        processed = Processed([])
        for place, row in enumerate(rows):
            reason = verdicts.get(place)
            if reason is None:
                processed.rows.append(row)
            else:
                processed.dropped.append((row, reason))
        return processed

    def _judge(
        self, raw: list[str], numbers: list[int], rows: list[Row], first: int
    ) -> list[str | None]:
        texts = self._normalizer.normalize_many(raw)
        # What normalization leaves nothing of (punctuation alone) is compared as it was
        # written; the NUL keeps it apart from normalized texts.
        keys = [text or f"\0{before}" for text, before in zip(texts, raw, strict=True)]
        digests = digest_texts(keys)
        known = self._exact.find(digests).tolist()
        copies = [digest.tobytes() for digest in digests]
        new: dict[bytes, int] = {}  # digest -> place of its first row in this batch
        for place, number in enumerate(known):
            if number < 0:
                new.setdefault(copies[place], place)
        sketched = self._sketch(texts, list(new.values()))
        fates: dict[bytes, tuple[str, int, float | None]] = {}  # what further copies are
        kept: list[int] = []
        verdicts: list[str | None] = []
        for place, number in enumerate(numbers):
            copy = copies[place]
            if known[place] >= 0:
                verdicts.append(self._drop(EXACT, known[place]))
            elif copy in fates:
                verdicts.append(self._drop(*fates[copy]))
            elif (match := self._resembling(number, *sketched[place])) is not None:
                fates[copy] = (NEAR, *match)
                verdicts.append(self._drop(*fates[copy]))
            else:
                fates[copy] = (EXACT, number, None)
                kept.append(place)
                self.names.keep(number, rows[number - first])
                verdicts.append(None)
        self._exact.insert(digests[kept], np.array([numbers[place] for place in kept], np.int64))
        return verdicts

    def _sketch(self, texts: list[str], places: list[int]) -> dict[int, tuple[Any, U64]]:
        """Place -> sketch and shingles of the text there; neither in the mode `exact`."""
        if self._near is None:
            return dict.fromkeys(places, (None, _NO_SHINGLES))
        chosen = [texts[place] for place in places]
        shingles = list(shingle_texts(chosen, self.options.shingle, self.options.size))
        pairs = zip(self._near.sketch(shingles), shingles, strict=True)
        return dict(zip(places, pairs, strict=True))

    def _resembling(self, number: int, sketch: Any, shingles: U64) -> tuple[int, float] | None:
        """The kept text that a new one resembles, and how much; without one it is kept."""
        if self._near is None or not len(shingles):
            return None
        found = self._near.find(sketch, shingles)
        if found is None:
            self._near.add(number, sketch, shingles)
        return found

    def _drop(self, kind: str, kept: int, similarity: float | None = None) -> str:
        self.clusters[kept] += 1
        reason = f"{kind}: of {self.names.name(kept)}"
        if similarity is None:
            return reason
        how = "similarity" if self.options.verify else "estimated similarity"
        return f"{reason}, {how} {similarity:.2f}"

    def clusters_report(self) -> dict[str, Any]:
        """Number and sizes of clusters, and the ten largest with the row that stays."""
        sizes = Counter(count + 1 for count in self.clusters.values())
        largest = sorted(self.clusters.items(), key=lambda item: (-item[1], item[0]))[:10]
        return {
            "clusters": len(self.clusters),
            "sizes": {str(size): sizes[size] for size in sorted(sizes)},
            "largest": [
                {"kept": self.names.name(number), "rows": count + 1} for number, count in largest
            ],
        }

    def memory(self) -> dict[str, int]:
        """Bytes of the tables that grow with the kept rows, rensa's index by its estimate."""
        return {"exact": self._exact.nbytes, "near": self._near.nbytes if self._near else 0}


def dedup_files(
    inputs: AnyInputs,
    output: str,
    options: DedupOptions,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, dict[str, Any]]:
    """Write the rows of the inputs that duplicate no earlier row; see `run_files`.

    Returns:
        The summary, and a report for JSON: options, counts per kind, clusters.
    """
    io = io or IoOptions()
    step = DedupStep(options, io.text_field)
    found = expand_inputs(inputs, io.input_format)
    summary = run_files(found, output, step, io, on_bytes)
    return summary, {
        "signature": step.signature,
        "inputs": found.given,
        "options": dataclasses.asdict(options),
        "rows": summary.rows,
        "kept": summary.written,
        "null": summary.null,
        "rejected": summary.rejected,
        "dropped": summary.dropped,
        "reasons": {kind: summary.drop_reasons.get(kind, 0) for kind in (EXACT, NEAR)},
        **step.clusters_report(),
        "memory_bytes": step.memory(),
    }
