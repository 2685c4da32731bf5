"""Which variety a text is written in: probabilities, a label, and the words that decided.

    >>> from arabench.dialect import identify
    >>> [found.variety for found in identify(["ما هو رأيك في هذا الكتاب؟", "ok"])]  # doctest: +SKIP
    ['msa', 'unknown']

Little text is scored by the plain definition of `arabench.dialect.features`, much text by
the compiled kernel; both add up the same whole numbers, so that results are equal to the last bit.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from arabench.dialect import features
from arabench.dialect.model import (
    CLASSES,
    F64,
    I64,
    UNKNOWN,
    DialectModel,
    UnknownPolicy,
    shipped_model,
)
from arabench.dialect.scoring import Kernel, reference_sums
from arabench.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.text.column import Column

Reason = Literal["no_arabic", "short", "ambiguous"]
#: Why a text is `unknown`, by number; 0 where it is not.
REASONS: Final[tuple[Reason | None, ...]] = (None, "no_arabic", "short", "ambiguous")
#: Characters after which the compiled kernel takes over. The reference needs about half a
#: second for these, which is what loading numba and its cached code costs.
COMPILE_AFTER_CHARS: Final = 100_000
#: Deciding words that are given unless another number is asked for.
DECIDING_WORDS: Final = 5


class Evidence(NamedTuple):
    """A word that spoke for the variety of its text.

    Attributes:
        word: as written where it first occurs.
        weight: what all its occurrences, and half of each pair of words they are in, add to
            the log odds of the variety against the second most probable one.
    """

    word: str
    weight: float


class Identification(NamedTuple):
    """What is said of one text."""

    variety: str
    """A code of `arabench.varieties`, or `unknown`."""
    probs: dict[str, float]
    """Calibrated probability of every variety; they sum to 1."""
    dialectness: float
    """From 0 (MSA) to 1 (dialect)."""
    words: int
    """Words of Arabic letters in the text."""
    reason: Reason | None = None
    """Why the variety is unknown: no Arabic word, too few words, or too close a call."""
    evidence: tuple[Evidence, ...] = ()
    """The words that decided, the strongest first; only on request."""

    @property
    def best(self) -> str:
        """The most probable variety, also where that is too little to say."""
        return max(self.probs, key=self.probs.__getitem__)


@dataclasses.dataclass(frozen=True, slots=True)
class Labels:
    """What is said of many texts, as arrays with one row per text."""

    best: npt.NDArray[np.int64]
    """(texts,) place of the most probable variety in `CLASSES`."""
    probs: F64
    """(texts, 5)"""
    dialectness: F64
    n_words: npt.NDArray[np.int32]
    reasons: npt.NDArray[np.uint8]
    """(texts,) place in `REASONS`; 0 where the label is sure enough."""

    def varieties(self) -> list[str]:
        """The label of each text."""
        best, reasons = self.best.tolist(), self.reasons.tolist()
        return [UNKNOWN if why else CLASSES[top] for top, why in zip(best, reasons, strict=True)]


def prob_dicts(probs: F64) -> list[dict[str, float]]:
    """Probabilities (texts, 5) as one dict per text."""
    first, second, third, fourth, fifth = CLASSES  # a literal is made faster than dict(zip())
    return [
        {first: a, second: b, third: c, fourth: d, fifth: e} for a, b, c, d, e in probs.tolist()
    ]


class Identifier:
    """Labels texts with one model. May be used from several threads.

    Args:
        model: None takes the one that comes with the package.
        unknown: when not to decide; None takes the policy of the model.
        compile_after_chars: characters after which the compiled kernel is loaded.
    """

    def __init__(
        self,
        model: DialectModel | None = None,
        unknown: UnknownPolicy | None = None,
        compile_after_chars: int = COMPILE_AFTER_CHARS,
    ) -> None:
        self.model = model or shipped_model()
        self.unknown = unknown or self.model.unknown
        self._compile_after = compile_after_chars
        self._chars_seen = 0
        self._kernel: Kernel | None = None
        self._building = threading.Lock()

    @property
    def signature(self) -> str:
        """The model and what makes a text unknown, in one line."""
        policy = self.unknown
        return (
            f"{self.model.signature}|unknown:{policy.min_words},{policy.min_prob:g},"
            f"{policy.min_margin:g}"
        )

    def label(self, texts: Sequence[str]) -> Labels:
        """Labels of texts, any strings."""
        return self._label(*self._sums(texts))

    def label_column(self, column: Column) -> Labels:
        """Labels of the rows of a column of UTF-8; null rows are as empty ones."""
        kernel = self.kernel_for(column.size // 2)
        if kernel is None:
            # Bytes that are no UTF-8 part words here as they do in the kernel.
            rows = range(len(column.starts))
            return self.label([column.raw(row).decode("utf-8", "replace") for row in rows])
        return self._label(*kernel.sums(column))

    def identify(self, texts: Sequence[str], explain: int = 0) -> list[Identification]:
        """What is said of each text.

        Args:
            texts: any strings.
            explain: deciding words to give for each, at most.
        """
        labels = self.label(texts)
        evidence = self.explain(texts, labels, explain) if explain else [()] * len(texts)
        return list(
            map(
                Identification,
                labels.varieties(),
                prob_dicts(labels.probs),
                labels.dialectness.tolist(),
                labels.n_words.tolist(),
                [REASONS[why] for why in labels.reasons.tolist()],
                evidence,
            )
        )

    def explain(
        self, texts: Sequence[str], labels: Labels, most: int = DECIDING_WORDS
    ) -> list[tuple[Evidence, ...]]:
        """The words that decided, for each text: at most `most`, the strongest first.

        Args:
            texts: what was labelled.
            labels: its labels.
            most: words per text.
        """
        words = [features.words_with_places(text) for text in texts]
        alone = self._weights_of([word.spelled for found in words for word in found])
        pairs = None
        if self.model.spec.pairs:
            joined = [
                f"{first.folded} {second.folded}"
                for found in words
                for first, second in itertools.pairwise(found)
            ]
            pairs = self._weights_of(joined, words=False)
        # Both in the order of the texts; of n words there are n - 1 pairs.
        counts = [len(found) for found in words]
        explained = []
        at = pair_at = 0
        for row, count in enumerate(counts):
            weights = alone[at : at + count].copy()
            at += count
            if pairs is not None and count > 1:
                halves = pairs[pair_at : pair_at + count - 1] / 2
                weights[:-1] += halves
                weights[1:] += halves
                pair_at += count - 1
            explained.append(
                self._evidence(texts[row], words[row], weights, labels.probs[row], most)
            )
        return explained

    def _weights_of(self, texts: list[str], *, words: bool = True) -> F64:
        """(texts, 5) what words, or the pairs in texts of two words, add before they shrink."""
        places: dict[str, int] = {}
        rows = [places.setdefault(text, len(places)) for text in texts]
        sums, _ = self._sums(list(places), words=words, pairs=not words)
        weights: F64 = (sums * np.asarray(self.model.scales))[rows]
        return weights

    def _evidence(
        self, text: str, words: list[features.Word], weights: F64, probs: F64, most: int
    ) -> tuple[Evidence, ...]:
        if not words:
            return ()
        model, n_words = self.model, len(words)
        second, top = np.argsort(probs, kind="stable")[-2:]
        shrink = n_words**-model.spec.alpha
        shrink /= model.temperatures[min(n_words, len(model.temperatures) - 1)]
        leads = ((weights[:, top] - weights[:, second]) * shrink).tolist()
        added: dict[str, float] = {}
        written: dict[str, str] = {}
        for word, lead in zip(words, leads, strict=True):
            added[word.folded] = added.get(word.folded, 0.0) + lead
            written.setdefault(word.folded, text[word.start : word.end])
        strongest = sorted(added.items(), key=lambda item: (-item[1], item[0]))[:most]
        return tuple(Evidence(written[word], lead) for word, lead in strongest if lead > 0)

    def _label(self, sums: I64, n_words: npt.NDArray[np.int32]) -> Labels:
        policy = self.unknown
        probs, dialectness = self.model.scores(self.model.logits(sums, n_words))
        best = probs.argmax(axis=1)
        reasons = np.zeros(len(best), dtype=np.uint8)
        if len(best) and (policy.min_prob > 0 or policy.min_margin > 0):
            ordered = np.partition(probs, len(CLASSES) - 2, axis=1)
            top, second = ordered[:, -1], ordered[:, -2]
            reasons[(top < policy.min_prob) | (top - second < policy.min_margin)] = 3
        reasons[n_words < policy.min_words] = 2
        reasons[n_words == 0] = 1
        return Labels(best, probs, dialectness, n_words, reasons)

    def _sums(
        self, texts: Sequence[str], *, words: bool = True, pairs: bool = True
    ) -> tuple[I64, npt.NDArray[np.int32]]:
        # A text costs the reference as much as some 20 characters, also when it is empty.
        kernel = self.kernel_for(sum(map(len, texts)) + 20 * len(texts))
        if kernel is not None:
            from arabench.dialect.compiled.feature_kernel import column_of

            return kernel.sums(column_of(texts), words=words, pairs=pairs)
        return reference_sums(self.model, texts, words=words, pairs=pairs)

    def kernel_for(self, size: int) -> Kernel | None:
        """The compiled scorer, once it is worth loading: after `size` more characters."""
        self._chars_seen += size
        if self._kernel is None and self._chars_seen >= self._compile_after:
            with self._building:
                if self._kernel is None:
                    self._kernel = Kernel(self.model)
        return self._kernel

    def __getstate__(self) -> dict[str, Any]:
        # A lock cannot travel to another process, and the kernel is loaded there again.
        return {
            "model": self.model, "unknown": self.unknown, "compile_after": self._compile_after,
        }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"], state["unknown"], state["compile_after"])  # type: ignore[misc]


def identify(
    texts: Sequence[str],
    *,
    model: DialectModel | None = None,
    unknown: UnknownPolicy | None = None,
    explain: int = 0,
) -> list[Identification]:
    """The variety of each text, with probabilities that sum to 1.

    Args:
        texts: any strings.
        model: None takes the one that comes with the package.
        unknown: when not to decide; None takes the policy of the model.
        explain: deciding words to give for each text, at most.

    Raises:
        DataError: the shipped model is missing or damaged.
        UsageError: `texts` is a single string, or holds something else.
    """
    if isinstance(texts, str):
        raise UsageError("identify takes a list of texts. For one text: identify([text]).")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise UsageError(
                f"text {place} is {type(text).__name__}, not a string. Leave it out, or use ''."
            )
    return Identifier(model, unknown).identify(texts, explain)


def identify_column(array: pa.Array, identifier: Identifier | None = None) -> pa.RecordBatch:
    """The varieties of an array of strings, without Python objects for its rows.

    Returns:
        Rows with the columns `variety` (a dictionary of strings), `probs` (a
        struct of five doubles) and `dialectness`; all null where the text is null.

    Raises:
        DataError: the column is damaged, or the shipped model is.
    """
    import pyarrow as pa

    from arabench.text.column import Column

    column = Column.of(array)
    labels = (identifier or Identifier()).label_column(column)
    nulls = None if column.valid is None else ~column.valid
    places = np.where(labels.reasons == 0, labels.best, len(CLASSES)).astype(np.int8)
    varieties = pa.DictionaryArray.from_arrays(
        pa.array(places, mask=nulls), pa.array([*CLASSES, UNKNOWN])
    )
    probs = pa.StructArray.from_arrays(
        [pa.array(np.ascontiguousarray(part)) for part in labels.probs.T],
        names=list(CLASSES),
        mask=None if nulls is None else pa.array(nulls),
    )
    return pa.RecordBatch.from_arrays(
        [varieties, probs, pa.array(labels.dialectness, mask=nulls)],
        names=["variety", "probs", "dialectness"],
    )
