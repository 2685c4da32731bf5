"""`arabench tokenizer report`: what several tokenizers make of the same Arabic text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from arabench import __version__
from arabench.errors import DataError, UsageError
from arabench.statistics.resampling import BOOTSTRAP_DRAWS, BOOTSTRAP_SEED
from arabench.subwords.boundaries import boundary_figures
from arabench.subwords.loading import LoadedTokenizer
from arabench.subwords.measures import (
    MEASURES,
    MEASURES_VERSION,
    Counts,
    Estimate,
    ratio_estimate,
)
from arabench.subwords.texts import (
    MAX_SAMPLE,
    MAX_VOCALISED,
    MIN_VOCALISED,
    LabelledTexts,
    ParallelTexts,
    is_vocalised,
    label_order,
    packaged_vocalised,
    parallel_texts,
    without_diacritics,
)

#: Presets whose effect on the number of tokens is reported.
PRESETS: Final = ("llm", "paper", "search")
#: Texts per call of a tokenizer.
BATCH_TEXTS: Final = 256


@dataclass(frozen=True)
class ReportOptions:
    """What is measured."""

    context: int | None = None
    """Tokens of context for all tokenizers; None takes what each states."""
    presets: tuple[str, ...] = PRESETS
    """Normalization presets whose effect is measured."""
    parallel: str | None = None
    """Folder of parallel texts; None takes the packaged items."""
    segmented: tuple[str, ...] = ()
    """Texts with `+` between the segments of words, which the cuts of tokens are compared with."""

    def __post_init__(self) -> None:
        if self.context is not None and self.context < 1:
            raise UsageError(f"context={self.context} is not allowed. Use 1 or more.")


@dataclass
class Report:
    """The numbers, as they stand in the JSON file; `data` holds plain values only."""

    data: dict[str, Any]
    rejected: int = 0

    def to_json(self) -> bytes:
        """The report as indented JSON."""
        return orjson.dumps(self.data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass
class _Samples:
    """Texts that are kept for measures that need a text in two forms."""

    plain: list[str] = field(default_factory=list)
    vocalised: list[str] = field(default_factory=list)
    per_label: dict[str, int] = field(default_factory=dict)

    def offer(self, label: str, texts: Sequence[str]) -> None:
        """Keep the first texts of each label, and the first that are vocalised."""
        room = MAX_SAMPLE - self.per_label.get(label, 0)
        self.plain += texts[:room]
        self.per_label[label] = self.per_label.get(label, 0) + min(room, len(texts))
        for text in texts:
            if len(self.vocalised) >= MAX_VOCALISED:
                break
            if is_vocalised(text):
                self.vocalised.append(text)


def report_tokenizers(
    tokenizers: Sequence[LoadedTokenizer],
    texts: LabelledTexts | None = None,
    options: ReportOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Report:
    """Measure tokenizers on texts and on parallel sentences.

    Memory does not grow with the data: counts are kept in groups of texts.

    Args:
        tokenizers: from `load_tokenizers`.
        texts: what to measure on; None takes the parallel sentences.
        options: see `ReportOptions`.
        on_bytes: called with the bytes read, for progress.

    Raises:
        UsageError: a field or folder is wrong, or a preset is not known.
        DataError: there is no text, or a file cannot be read to its end.
    """
    options = options or ReportOptions()
    _check_presets(options.presets)
    parallel = parallel_texts(options.parallel)
    samples = _Samples()
    counts: dict[str, list[Counts]] = {}
    batches = _parallel_batches(parallel) if texts is None else texts.batches(on_bytes)
    for label, batch in batches:
        if label not in counts:
            counts[label] = [Counts(len(tokenizer.pieces)) for tokenizer in tokenizers]
        for start in range(0, len(batch), BATCH_TEXTS):
            part = batch[start : start + BATCH_TEXTS]
            for tokenizer, count in zip(tokenizers, counts[label], strict=True):
                count.add(tokenizer, part)
        samples.offer(label, batch)
    if not counts:
        raise DataError("the data holds no text but white space. Check --field and the files.")
    own_vocalised = len(samples.vocalised) >= MIN_VOCALISED
    vocalised = samples.vocalised if own_vocalised else packaged_vocalised()
    normalized = {preset: _normalized(samples.plain, preset) for preset in options.presets}
    data = {
        "report": MEASURES_VERSION,
        "arabench": __version__,
        "bootstrap": {"draws": BOOTSTRAP_DRAWS, "seed": BOOTSTRAP_SEED, "level": 0.95},
        "data": _data_figures(texts, parallel, counts),
        "parallel": {"origin": parallel.origin, "items": len(parallel.msa)},
        "vocalised": {
            "origin": "the data" if own_vocalised else "packaged sentences",
            "texts": len(vocalised),
        },
        "normalization": {"texts": len(samples.plain)},
        "tokenizers": [
            {
                **_tokenizer_figures(tokenizer),
                **_count_figures(
                    tokenizer, {label: found[place] for label, found in counts.items()}, options
                ),
                "premium": _premiums(tokenizer, parallel),
                "diacritics_cost": ratio_estimate(
                    _lengths(tokenizer, vocalised),
                    _lengths(tokenizer, [without_diacritics(text) for text in vocalised]),
                ).as_dict(),
                "normalization": _normalization_costs(tokenizer, samples.plain, normalized),
                "boundaries": (
                    boundary_figures(tokenizer, options.segmented) if options.segmented else None
                ),
            }
            for place, tokenizer in enumerate(tokenizers)
        ],
    }
    return Report(data, 0 if texts is None else texts.unread.rejected)


def _check_presets(names: Sequence[str]) -> None:
    from arabench.text.presets import options_from

    for name in names:
        options_from(name)


def _normalized(texts: Sequence[str], preset: str) -> list[str]:
    from arabench.text.normalizer import Normalizer
    from arabench.text.presets import options_from

    normalizer = Normalizer(options_from(preset))
    return [normalizer.normalize(text) for text in texts]


def _parallel_batches(parallel: ParallelTexts) -> list[tuple[str, list[str]]]:
    return [(label, [text for _, text in pairs]) for label, pairs in parallel.by_label.items()]


def _data_figures(
    texts: LabelledTexts | None, parallel: ParallelTexts, counts: dict[str, list[Counts]]
) -> dict[str, Any]:
    found = {
        "labels": {
            label: {
                "texts": counts[label][0].texts,
                "words": int(counts[label][0].total("words")),
                "chars": int(counts[label][0].total("chars")),
                "bytes": int(counts[label][0].total("bytes")),
            }
            for label in label_order(list(counts))
        }
    }
    if texts is None:
        return {"inputs": [], "origin": parallel.origin, **found}
    return {
        "inputs": [path for source in texts.sources for path in source.plan.paths],
        "field": texts.text_field,
        "variety_field": texts.variety_field,
        "limit": texts.limit,
        "blank": texts.blank,
        "beyond_limit": texts.passed_over,
        **texts.unread.as_dict(),
        **found,
    }


def _tokenizer_figures(tokenizer: LoadedTokenizer) -> dict[str, Any]:
    return {
        "name": tokenizer.name,
        "source": tokenizer.source,
        "class": tokenizer.class_name,
        "kind": tokenizer.kind,
        "preparation": tokenizer.preparation and tokenizer.preparation.description,
        "vocabulary": len(tokenizer.pieces),
        "arabic_pieces": int(tokenizer.pieces.arabic.sum()),
    }


def _count_figures(
    tokenizer: LoadedTokenizer, counts: dict[str, Counts], options: ReportOptions
) -> dict[str, Any]:
    """Measures per label, and the context in words."""
    context = options.context or tokenizer.context
    rows = {}
    for label in label_order(list(counts)):
        count = counts[label]
        estimates = count.estimates()
        fertility = estimates["fertility"]
        rows[label] = {
            "tokens": int(count.total("tokens")),
            **{measure.name: estimates[measure.name].as_dict() for measure in MEASURES},
            "vocabulary_used": int(count.seen.sum()),
            "vocabulary_use": float(count.seen.mean()),
            "context_words": _context_words(context, fertility).as_dict(),
        }
    stated = "option" if options.context else "tokenizer" if tokenizer.context else None
    return {"context": {"tokens": context, "from": stated}, "by_label": rows}


def _context_words(context: int | None, fertility: Estimate) -> Estimate:
    """Words that fit in a context: its tokens by tokens per word, so that bounds change place."""

    def words(tokens_per_word: float | None) -> float | None:
        return context / tokens_per_word if context and tokens_per_word else None

    return Estimate(words(fertility.value), words(fertility.high), words(fertility.low))


def _lengths(tokenizer: LoadedTokenizer, texts: Sequence[str]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(texts), BATCH_TEXTS):
        prepared = tokenizer.prepare(texts[start : start + BATCH_TEXTS])
        found += [len(item.ids) for item in tokenizer.encode(prepared)]
    return found


def _normalization_costs(
    tokenizer: LoadedTokenizer, texts: Sequence[str], normalized: dict[str, list[str]]
) -> dict[str, Any]:
    """Tokens of the normalized texts by tokens of the texts, per preset."""
    if not normalized:
        return {}
    before = _lengths(tokenizer, texts)
    return {
        preset: ratio_estimate(_lengths(tokenizer, after), before).as_dict()
        for preset, after in normalized.items()
    }


def _premiums(tokenizer: LoadedTokenizer, parallel: ParallelTexts) -> dict[str, Any]:
    """Tokens for the same meaning: each variety by MSA, and by English where there is any."""
    msa = dict(zip(parallel.msa, _lengths(tokenizer, list(parallel.msa.values())), strict=True))
    english = dict(
        zip(parallel.english, _lengths(tokenizer, list(parallel.english.values())), strict=True)
    )
    over_msa, over_english = {}, {}
    for label, pairs in parallel.by_label.items():
        lengths = _lengths(tokenizer, [text for _, text in pairs])
        numbers = [number for number, _ in pairs]
        over_msa[label] = _by_item(numbers, lengths, msa).as_dict()
        if english:
            over_english[label] = _by_item(numbers, lengths, english).as_dict()
    return {"to_msa": over_msa, "to_english": over_english}


def _by_item(numbers: Sequence[int], lengths: Sequence[int], base: dict[int, int]) -> Estimate:
    """Ratio over the items that `base` has too; finer varieties of an item stay together."""
    over: dict[int, int] = {}
    under: dict[int, int] = {}
    for number, length in zip(numbers, lengths, strict=True):
        if number in base:
            over[number] = over.get(number, 0) + length
            under[number] = under.get(number, 0) + base[number]
    if not over:
        return Estimate(None, None, None)
    return ratio_estimate(list(over.values()), list(under.values()))
