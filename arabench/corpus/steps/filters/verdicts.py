"""Keep or drop documents by what their text looks like, each drop with a named reason.

The measures follow Gopher (Rae et al. 2021, arXiv 2112.11446, table A1) as datatrove
implements it, with thresholds near those FineWeb2 (arXiv 2506.20920) tuned for
`arb_Arab`, `arz_Arab` and `ary_Arab`; the share of stop words, in place of Gopher's count
of two, follows ROOTS (Laurençon et al. 2022, arXiv 2303.03915). What is our own: word
statistics ignore diacritics and spelling variants, and the stop words cover MSA and four
dialect groups, because a list of MSA words throws dialect text away.

Thresholds are the user's to tune: `arabench filter --report` writes how every measure is
spread over a corpus.

`measure_many` and `judge_many` work on blocks of texts as arrays; a single text is a
block of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Row, Step
from arabench.corpus.steps.filters.filter_options import (
    LABELS,
    FilterOptions,
    options_from,
    presets,
)
from arabench.corpus.steps.filters.spread import Spread
from arabench.corpus.steps.filters.text_measures import (
    F64,
    Flags,
    Measures,
    arabic_share,
    boilerplate_share,
    measure,
    measure_many,
    repetition,
    stop_word_share,
    symbol_share,
)

if TYPE_CHECKING:
    from arabench.dialect.identification import Identifier

__all__ = [
    "REASONS",
    "FilterOptions",
    "FilterStep",
    "arabic_share",
    "boilerplate_share",
    "filter_files",
    "judge",
    "judge_many",
    "measure",
    "options_from",
    "presets",
    "repetition",
    "stop_word_share",
    "symbol_share",
]


@dataclasses.dataclass(frozen=True)
class _Check:
    """One reason: texts fall to it where `value` is out of bounds."""

    reason: str
    value: str
    least: str | None = None
    most: str | None = None
    statistical: bool = False


_CHECKS: Final = (
    _Check("too few words", "words", least="min_words"),
    _Check("too many words", "words", most="max_words"),
    _Check("Arabic share", "arabic", least="min_arabic"),
    _Check("symbol share", "symbols", most="max_symbols"),
    _Check("words without letters", "letter_words", least="min_letter_words"),
    _Check("boilerplate", "boilerplate", most="max_boilerplate"),
    _Check("repeated lines", "repeated_lines", most="max_repeated_lines"),
    _Check("repeated phrases", "repeated_phrases", most="max_repeated_phrases", statistical=True),
    _Check("one phrase over and over", "top_phrase", most="max_top_phrase", statistical=True),
    _Check("word length", "mean_word_chars", "min_mean_word_chars", "max_mean_word_chars", True),
    _Check("stop-word share", "stop_words", least="min_stop_words", statistical=True),
)
#: Reasons of dialect identification, which only texts that pass everything else go through.
_VARIETY, _UNSURE, _DIALECTNESS = "variety", "variety probability", "dialectness"
#: Every reason, in the order of the checks: a text falls to the first that it fails.
REASONS: Final = (*(check.reason for check in _CHECKS), _VARIETY, _UNSURE, _DIALECTNESS)


def judge(text: str, options: FilterOptions | None = None) -> str | None:
    """The reason (one of `REASONS`) to drop a text, or None to keep it.

    >>> judge("لا أعرف من أين أبدأ الحكاية يا صديقي")
    >>> judge("This page has only a few words, كتاب among them")
    'Arabic share'
    """
    verdict = judge_many([text], options or FilterOptions())[0]
    return None if verdict is None else verdict.split(":")[0]


def judge_many(texts: Sequence[str], options: FilterOptions) -> list[str | None]:
    """For every text None, or `reason: value against threshold`."""
    return verdicts(texts, measure_many(texts), options)


def verdicts(
    texts: Sequence[str],
    measures: Measures,
    options: FilterOptions,
    identifier: Identifier | None = None,
) -> list[str | None]:
    """What `judge_many` says of texts already measured.

    Args:
        texts: the texts.
        measures: what was measured of them.
        options: thresholds.
        identifier: labels varieties, where a threshold asks for one; None takes the shipped
            model.
    """
    found = _text_verdicts(measures, options)
    if options.wants_dialect:
        passed = [place for place, verdict in enumerate(found) if verdict is None]
        chosen = [texts[place] for place in passed]
        for place, verdict in zip(
            passed, _dialect_verdicts(chosen, options, identifier), strict=True
        ):
            found[place] = verdict
    return found


def _dialect_verdicts(
    texts: Sequence[str], options: FilterOptions, identifier: Identifier | None
) -> list[str | None]:
    if identifier is None:
        from arabench.dialect.identification import Identifier

        identifier = Identifier()
    labels = identifier.label(texts)
    tops = labels.probs.max(axis=1, initial=0.0).tolist()
    kept = options.keep_varieties.split(",") if options.keep_varieties else LABELS
    dropped = options.drop_varieties.split(",")
    found: list[str | None] = []
    for variety, top, dialectness in zip(
        labels.varieties(), tops, labels.dialectness.tolist(), strict=True
    ):
        verdict = None
        if variety not in kept:
            verdict = f"{_VARIETY}: {variety}, one of {options.keep_varieties}"
        elif variety in dropped:
            verdict = f"{_VARIETY}: {variety}, none of {options.drop_varieties}"
        elif top < options.min_variety_prob:
            verdict = f"{_UNSURE}: {top:.3g}, at least {options.min_variety_prob:g}"
        elif dialectness < options.min_dialectness:
            verdict = f"{_DIALECTNESS}: {dialectness:.3g}, at least {options.min_dialectness:g}"
        elif dialectness > options.max_dialectness:
            verdict = f"{_DIALECTNESS}: {dialectness:.3g}, at most {options.max_dialectness:g}"
        found.append(verdict)
    return found


def _text_verdicts(measures: Measures, options: FilterOptions) -> list[str | None]:
    found: list[str | None] = [None] * len(measures.words)
    undecided = np.ones(len(found), dtype=np.bool_)
    statistical = measures.words >= options.statistics_from_words
    for check in _CHECKS:
        values = getattr(measures, check.value)
        open_ = undecided & statistical if check.statistical else undecided
        for bound, fails in _bounds(check, options):
            for place in np.flatnonzero(open_ & fails(values)).tolist():
                found[place] = f"{check.reason}: {values[place]:.3g}, {bound}"
                undecided[place] = False
    return found


def _bounds(check: _Check, options: FilterOptions) -> Iterator[tuple[str, Callable[[F64], Flags]]]:
    if check.least is not None and (least := getattr(options, check.least)):
        yield f"at least {least:g}", lambda values: values < least
    if check.most is not None:
        most = getattr(options, check.most)
        if most or options.is_share(check.most):
            yield f"at most {most:g}", lambda values: values > most


class FilterStep(Step):
    """Keeps rows whose text passes; rows without text (null) are kept."""

    parallel = True
    reshapes = False

    def __init__(
        self,
        options: FilterOptions,
        text_field: str = "text",
        identifier: Identifier | None = None,
    ) -> None:
        self.options = options
        self.text_field = text_field
        self.spread = Spread()
        self._identifier: Identifier | None = None
        if options.wants_dialect:
            from arabench.dialect.identification import Identifier

            self._identifier = identifier or Identifier()

    @property
    def signature(self) -> str:
        """Thresholds and version, and the dialect model where one is asked."""
        if self._identifier is None:
            return self.options.signature
        return f"{self.options.signature}|{self._identifier.signature}"

    def __call__(self, rows: list[Row]) -> Processed:
        """Rows to keep in order, and the others with their reasons."""
        name = self.text_field
        texts = [row[name] for row in rows if row[name] is not None]
        measures = measure_many(texts)
        self.spread.add(measures)
        reasons = iter(verdicts(texts, measures, self.options, self._identifier))
        processed = Processed([])
        for row in rows:
            reason = None if row[name] is None else next(reasons)
            if reason is None:
                processed.rows.append(row)
            else:
                processed.dropped.append((row, reason))
        return processed


def filter_files(
    inputs: AnyInputs,
    output: str,
    options: FilterOptions,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
    identifier: Identifier | None = None,
) -> tuple[Summary, dict[str, Any]]:
    """Write the rows of the inputs that pass, and set the others aside; see `run_files`.

    `identifier` labels varieties where a threshold asks for them; None takes the shipped model.

    Returns:
        The summary, and a report for JSON: options, counts per reason, spread of measures.
        Counts include what an earlier attempt did that this one resumed; the spread is that
        of the `measured` texts, which are those of this attempt.
    """
    io = io or IoOptions()
    step = FilterStep(options, io.text_field, identifier)
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
        "measured": step.spread.texts,
        "reasons": {reason: summary.drop_reasons.get(reason, 0) for reason in REASONS},
        "quantiles": step.spread.quantiles(),
    }
