"""The training text: files read once, normalized and segmented on the way, and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import xxhash

from arabench.audit.reading import ReadPlan, Unread
from arabench.corpus.formats.readers import read_batches
from arabench.errors import UsageError
from arabench.subwords.options import TrainOptions
from arabench.subwords.pipeline import BOUNDARY
from arabench.subwords.preparation import open_tokenizer

if TYPE_CHECKING:
    from tokenizers.pre_tokenizers import PreTokenizer

    from arabench.morph.tokenizer import Tokenizer
    from arabench.text.engine import BatchNormalizer

#: Characters after which a training word is cut; the longest Arabic words have some twenty.
MAX_WORD_CHARS: Final = 256
_LONG_SPACE: Final = re.compile(rf"\s{{{MAX_WORD_CHARS + 1}}}")
_LONG_RUN: Final = re.compile(rf"\S{{{MAX_WORD_CHARS}}}(?=\S)|\s{{{MAX_WORD_CHARS}}}(?=\s)")
#: The mark between segments in the output of the morphological tokenizer, and its escape.
_PLUS: Final = "+"
_ESCAPE: Final = "\\"


@dataclass
class TrainingText:
    """Texts of files for a trainer; reading them again gives the same ones.

    Attributes:
        plan: checked files.
        options: what is done to the text.
        text_field: field or column of the text.
        unread: rows that could not be read.
        texts, chars, blank: what was read: texts with content, their characters after
            normalization, and texts of white space alone.
        unaligned: texts whose segments do not spell the text, which were taken unsegmented.
    """

    plan: ReadPlan
    options: TrainOptions
    text_field: str = "text"
    unread: Unread = field(default_factory=Unread)
    texts: int = 0
    chars: int = 0
    blank: int = 0
    unaligned: int = 0
    _digest: xxhash.xxh128 = field(default_factory=xxhash.xxh128)

    def __post_init__(self) -> None:
        self._normalizer = _normalizer(self.options)
        self._segmenter = _segmenter(self.options)

    @property
    def digest(self) -> str:
        """xxh128 of the texts read so far, as they stand in the files."""
        return str(self._digest.hexdigest())

    @property
    def segmenter_signature(self) -> str | None:
        """What segmented the words."""
        return None if self._segmenter is None else str(self._segmenter.signature)

    def rewind(self) -> None:
        """Forget the counts, before the files are read again."""
        self.unread, self._digest = Unread(), xxhash.xxh128()
        self.texts = self.chars = self.blank = self.unaligned = 0

    def batches(self, on_bytes: Callable[[int], None] | None = None) -> Iterator[list[str]]:
        """Texts as the trainer takes them, with `BOUNDARY` where words are parted.

        Raises:
            UsageError: an input has no such field.
            DataError: an input cannot be read to its end.
        """
        for file, file_format, codec in self.plan.sources:
            for batch in read_batches(
                file.path, file_format, self.text_field, on_bytes, codec=codec
            ):
                self.unread.count(batch.rejects)
                texts = [row[self.text_field] for row in batch.rows]
                yield self._prepared(texts)

    def _prepared(self, texts: list[str | None]) -> list[str]:
        kept = []
        for text in texts:
            if text is None:
                self.unread.null += 1
            elif not text.strip():
                self.blank += 1
            else:
                kept.append(text)
                self._digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        if self._normalizer is not None:
            normalized = self._normalizer.normalize_many(kept)
            kept = [text for text in normalized if text.strip()]
            self.blank += len(normalized) - len(kept)
        self.texts += len(kept)
        self.chars += sum(map(len, kept))
        kept = [text.replace(BOUNDARY, " ") for text in kept]
        return [cut_long_runs(text) for text in self._segmented(kept)]

    def _segmented(self, texts: list[str]) -> list[str]:
        if self._segmenter is None or not texts:
            return texts
        segmented = list(self._segmenter.tokenize_many(texts))
        if self.options.segments == "input":
            return segmented
        bounded = []
        for text, marked in zip(texts, segmented, strict=True):
            found = with_boundaries(text, marked)
            self.unaligned += found is None
            bounded.append(text if found is None else found)
        return bounded


def cut_long_runs(text: str) -> str:
    """The text with `BOUNDARY` in words and white space that are too long to be any.

    The library merges a pair inside of one word in a time that grows with the square of its
    length: a word of 300,000 letters would hold it for hours.
    """
    if max(map(len, text.split()), default=0) <= MAX_WORD_CHARS and not _LONG_SPACE.search(text):
        return text
    return _LONG_RUN.sub(rf"\g<0>{BOUNDARY}", text)


def with_boundaries(text: str, marked: str) -> str | None:
    """The text with `BOUNDARY` for every plus sign that was put between segments.

    Args:
        text: the plain text.
        marked: the same with `+` between segments and backslashes before literal signs.

    Returns:
        None where `marked` without its marks is another text.
    """
    if _PLUS not in text and _ESCAPE not in text:
        bounded = marked.replace(_PLUS, BOUNDARY)
        return bounded if marked.replace(_PLUS, "") == text else None
    parts: list[str] = []
    place = 0
    for char in marked:
        if place < len(text) and char == text[place]:
            parts.append(char)
            place += 1
        elif char == _PLUS:
            parts.append(BOUNDARY)
        elif char != _ESCAPE:
            return None
    return "".join(parts) if place == len(text) else None


def _normalizer(options: TrainOptions) -> BatchNormalizer | None:
    if options.normalize is None:
        return None
    from arabench.text.engine import BatchNormalizer
    from arabench.text.normalizer import Normalizer
    from arabench.text.presets import options_from

    return BatchNormalizer(Normalizer(options_from(options.normalize)))


def _segmenter(options: TrainOptions) -> Tokenizer | None:
    """The morphological tokenizer; with segments=guide it marks surface segments."""
    if options.pre_segment is None:
        return None
    mark = options.mark if options.segments == "input" else "plus"
    return open_tokenizer(options.pre_segment, mark, options.backend, options.database)


def count_words(
    text: TrainingText, splitter: PreTokenizer, on_bytes: Callable[[int], None] | None = None
) -> Counter[str]:
    """How often each word occurs, as a pre-tokenizer parts them.

    Memory grows with the number of different words, not with the text.
    """
    words: Counter[str] = Counter()
    for batch in text.batches(on_bytes):
        for item in batch:
            words.update([word for word, _ in splitter.pre_tokenize_str(item)])
    return words


def covering_alphabet(counts: Counter[str], coverage: float) -> frozenset[str]:
    """The most frequent characters that make up the share `coverage`; ties by code point."""
    total = sum(counts.values())
    kept, found = [], 0
    for char, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if found >= coverage * total:
            break
        kept.append(char)
        found += count
    return frozenset(kept)


def check_alphabet(size: int, options: TrainOptions) -> None:
    """Raise `UsageError` where the characters of the data leave no room for longer pieces."""
    taken = len(options.all_special)
    if options.chosen_alphabet == "byte-fallback":
        taken += len(options.byte_pieces)
    if taken + size >= options.vocab_size:
        raise UsageError(
            f"vocab_size={options.vocab_size} is too small: the data has {size} characters to "
            f"cover, beside {taken} special tokens and bytes. Use {taken + size + 1} or more, a "
            "smaller coverage, or normalization that maps or drops rare characters."
        )
