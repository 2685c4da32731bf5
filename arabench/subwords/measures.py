"""What is counted per text, and the ratios of these counts that make the report."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arabench import chars
from arabench.statistics.resampling import BOOTSTRAP_DRAWS, BOOTSTRAP_SEED, resample_weights
from arabench.subwords.loading import Encoded, LoadedTokenizer

Floats = NDArray[np.float64]

#: Rises when a number of the report changes its meaning.
MEASURES_VERSION: Final = 1

#: Counts of one text, in the order of the columns of `Counts`.
COLUMNS: Final = (
    "texts",
    "tokens",
    "words",  # runs of characters without white space
    "chars",  # code points
    "bytes",  # of UTF-8
    "byte_tokens",
    "unknown",
    "whole_words",  # lettered words whose letters lie in one known token
    "lettered_words",  # words with a letter or digit
    "changed",  # texts that come back different
    "damaged",  # texts that come back different beyond their white space
)
_PLACE: Final = {name: place for place, name in enumerate(COLUMNS)}

_CORE: Final = f"\\w{chars.char_class(chars.MARKS)}"
#: A word from its first to its last letter, mark or digit: punctuation around it is left out.
_LETTERED_WORD: Final = re.compile(f"[{_CORE}](?:\\S*[{_CORE}])?")

#: Texts are summed in this many groups for the bootstrap, by their number: a draw of groups
#: has the distribution of a draw of texts, and memory does not grow with the data.
GROUPS: Final = 1024


class Measure(NamedTuple):
    """A ratio of two counts.

    Attributes:
        name: as it appears in the JSON.
        over, under: the counts that it divides.
        heading: for tables.
        percent: shown as a percentage.
    """

    name: str
    over: str
    under: str
    heading: str
    percent: bool = False


MEASURES: Final = (
    Measure("fertility", "tokens", "words", "fertility"),
    Measure("chars_per_token", "chars", "tokens", "chars/token"),
    Measure("bytes_per_token", "bytes", "tokens", "bytes/token"),
    Measure("whole_words", "whole_words", "lettered_words", "whole words", True),
    Measure("byte_tokens", "byte_tokens", "tokens", "byte tokens", True),
    Measure("unknown_tokens", "unknown", "tokens", "unknown", True),
    Measure("changed_texts", "changed", "texts", "texts changed", True),
    Measure("damaged_texts", "damaged", "texts", "damaged", True),
)


@dataclass(frozen=True)
class Estimate:
    """A ratio with its 95 % percentile bootstrap interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Plain values."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass
class Counts:
    """Counts of many texts under one tokenizer, in at most `GROUPS` groups."""

    vocabulary: int
    groups: Floats = field(default_factory=lambda: np.zeros((GROUPS, len(COLUMNS))))
    texts: int = 0
    has_spans: bool = True
    seen: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = np.zeros(self.vocabulary, dtype=np.bool_)

    def add(self, tokenizer: LoadedTokenizer, texts: Sequence[str]) -> None:
        """Count texts. What a tokenizer cannot give the spans of is left out of `whole_words`."""
        prepared = tokenizer.prepare(texts)
        encoded = tokenizer.encode(prepared)
        restored = tokenizer.decode(encoded)
        # Spans in a prepared text say nothing of the words of the plain one.
        self.has_spans &= tokenizer.preparation is None
        for text, sent, item, back in zip(texts, prepared, encoded, restored, strict=True):
            row = count_text(tokenizer, text, item, sent, back)
            self.groups[self.texts % GROUPS] += row
            self.texts += 1
            self.has_spans &= item.spans is not None
            self.seen[item.ids] = True

    def total(self, name: str) -> float:
        """The sum of one count."""
        return float(self.groups[:, _PLACE[name]].sum())

    def estimates(self) -> dict[str, Estimate]:
        """Every measure with its interval, from the same draws."""
        used = self.groups[: min(self.texts, GROUPS)]
        draws = _draws(used)
        found = {}
        for measure in MEASURES:
            over, under = _PLACE[measure.over], _PLACE[measure.under]
            if measure.name == "whole_words" and not self.has_spans:
                found[measure.name] = Estimate(None, None, None)
                continue
            found[measure.name] = _estimate(used.sum(axis=0), draws, over, under)
        return found


def count_text(
    tokenizer: LoadedTokenizer, text: str, item: Encoded, sent: str, restored: str
) -> Floats:
    """(len(COLUMNS),): the counts of one text.

    Args:
        tokenizer: what made the tokens.
        text: the text, not empty.
        item: its tokens.
        sent: the text as it was prepared for the tokenizer, most often the same.
        restored: what the tokens decode to.
    """
    ids, pieces = item.ids, tokenizer.pieces
    unknown = 0 if tokenizer.unknown_id is None else int((ids == tokenizer.unknown_id).sum())
    whole, lettered = _whole_words(tokenizer, text, item) if sent == text else (0, 0)
    changed = restored != sent
    return np.array(
        [
            1,
            len(ids),
            len(text.split()),
            len(text),
            len(text.encode("utf-8", "surrogatepass")),
            int(pieces.as_bytes[ids].sum()),
            unknown,
            whole,
            lettered,
            changed,
            changed and "".join(restored.split()) != "".join(sent.split()),
        ],
        dtype=np.float64,
    )


def _whole_words(tokenizer: LoadedTokenizer, text: str, item: Encoded) -> tuple[int, int]:
    """Words whose letters lie in one known token, and all words that have letters or digits."""
    words = [match.span() for match in _LETTERED_WORD.finditer(text)]
    if item.spans is None or not words:
        return 0, len(words)
    visible = ~tokenizer.pieces.blank[item.ids]
    spans = item.spans[visible]
    if not len(spans):
        return 0, len(words)
    unknown = item.ids[visible] == (-1 if tokenizer.unknown_id is None else tokenizer.unknown_id)
    starts, ends = np.array(words, dtype=np.int64).T
    # Both columns grow, so that tokens that touch a word lie between two searches. Some
    # normalizers give a token that ends before its neighbour; the running maximum mends that.
    before = np.searchsorted(np.maximum.accumulate(spans[:, 1]), starts, side="right")
    until = np.searchsorted(np.maximum.accumulate(spans[:, 0]), ends, side="left")
    known = ~unknown[np.minimum(before, len(unknown) - 1)]
    return int(((until - before == 1) & known).sum()), len(words)


def ratio_estimate(over: Sequence[float] | Floats, under: Sequence[float] | Floats) -> Estimate:
    """Sum of `over` by sum of `under`, resampled by pairs: one of each per text or item."""
    pairs = np.stack([np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)], 1)
    sums = np.zeros((min(len(pairs), GROUPS), 2))
    np.add.at(sums, np.arange(len(pairs)) % GROUPS, pairs)
    return _estimate(sums.sum(axis=0), _draws(sums), 0, 1)


def _draws(sums: Floats) -> Floats:
    """(draws, columns): sums of bootstrap samples of the rows; none of fewer than two rows."""
    if len(sums) < 2:
        return np.zeros((0, sums.shape[1]))
    return np.asarray(_weights(len(sums)) @ sums)


@functools.lru_cache(maxsize=8)
def _weights(count: int) -> Floats:
    """(draws, count): how often each row is drawn; the same for all measures of a report."""
    return np.concatenate(list(resample_weights(count, BOOTSTRAP_DRAWS, BOOTSTRAP_SEED)))


def _estimate(total: Floats, draws: Floats, over: int, under: int) -> Estimate:
    if total[under] <= 0:
        return Estimate(None, None, None)
    value = float(total[over] / total[under])
    defined = draws[draws[:, under] > 0]
    if not len(defined):
        return Estimate(value, None, None)
    low, high = np.quantile(defined[:, over] / defined[:, under], [0.025, 0.975])
    return Estimate(value, float(low), float(high))
