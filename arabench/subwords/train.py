"""`arabench tokenizer train`: text to a tokenizer of the Hugging Face library."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.subwords.corpus import (
    TrainingText,
    check_alphabet,
    count_words,
    covering_alphabet,
)
from arabench.subwords.options import TrainOptions
from arabench.subwords.pieces import METASPACE
from arabench.subwords.pipeline import BOUNDARY, decoder, pre_tokenizer

#: Byte pieces of a Unigram model: far below any other, so that the text "<0x41>" is spelled by
#: its characters; bytes are used for lack of a character, not for their score.
_BYTE_SCORE: Final = -1e6
#: Scores are rounded, so that another processor's last digit of a logarithm changes nothing.
_SCORE_DIGITS: Final = 6

#: Characters that an alphabet has also where the data has none: what parts words and lines.
ALWAYS: Final = frozenset({METASPACE, "\n"})

OnBytes = Callable[[int], None]
OnStage = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """A tokenizer and what it was made of.

    Attributes:
        tokenizer: of the `tokenizers` library.
        text: the text with its counts.
        words: different words; None where the library counted them.
    """

    tokenizer: Any
    text: TrainingText
    words: int | None

    @property
    def pieces(self) -> int:
        """Size of the vocabulary, special tokens included."""
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))


def train_tokenizer(
    text: TrainingText, on_bytes: OnBytes | None = None, on_stage: OnStage | None = None
) -> Trained:
    """Train a tokenizer. No random numbers are drawn: the same text gives the same bytes.

    Args:
        text: what to train on, and how.
        on_bytes: called with the bytes read, for progress; more than once through the files
            where they are read twice.
        on_stage: called with what begins now.

    Raises:
        UsageError: the vocabulary is too small for the characters, or standard input would
            have to be read twice.
        DataError: there is no text.
    """
    stage = on_stage or (lambda said: None)
    if text.options.model == "bpe":
        tokenizer, words = _train_bpe(text, on_bytes, stage), None
    else:
        tokenizer, words = _train_unigram(text, on_bytes, stage)
    return Trained(tokenizer, text, words)


def _train_bpe(text: TrainingText, on_bytes: OnBytes | None, stage: OnStage) -> Any:
    from tokenizers import Tokenizer, models, trainers

    options = text.options
    alphabet, dropped = _bpe_alphabet(text, on_bytes, stage)
    byte_pieces = options.byte_pieces if options.chosen_alphabet == "byte-fallback" else []
    unknown = options.roles.get("unk")
    tokenizer = Tokenizer(models.BPE(unk_token=unknown, byte_fallback=bool(byte_pieces)))
    tokenizer.pre_tokenizer = pre_tokenizer(options, with_boundaries=True)
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocab_size - len(byte_pieces),
        min_frequency=options.min_frequency,
        special_tokens=options.all_special,
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    stage("counting words and merging pairs")
    batches = (
        [item.translate(dropped) for item in batch] if dropped else batch
        for batch in text.batches(on_bytes)
    )
    tokenizer.train_from_iterator((item for batch in batches for item in batch), trainer)
    _refuse_nothing(text)
    content = json.loads(tokenizer.to_str())
    if byte_pieces:
        _add_byte_pieces(content, options)
    return _finished(content, options)


def _bpe_alphabet(
    text: TrainingText, on_bytes: OnBytes | None, stage: OnStage
) -> tuple[list[str], dict[int, str]]:
    """Pieces of one character to begin with, and a table that takes all others out."""
    options = text.options
    if options.chosen_alphabet == "byte-level":
        return options.byte_pieces, {}
    if text.plan.total_bytes is None:
        raise UsageError(
            "with bpe and an alphabet of characters the input is read twice, which standard "
            "input and pipes cannot be. Name a file, or use byte-level pieces or unigram."
        )
    stage("counting characters")
    counts: Counter[str] = Counter()
    for batch in text.batches(on_bytes):
        for item in batch:
            counts.update(item)
    _refuse_nothing(text)
    text.rewind()
    del counts[BOUNDARY]
    counts[METASPACE] += counts.pop(" ", 0)
    alphabet = covering_alphabet(counts, options.coverage) | ALWAYS
    check_alphabet(len(alphabet), options)
    dropped = {ord(char): BOUNDARY for char in counts if char not in alphabet}
    return sorted(alphabet), dropped


def _add_byte_pieces(content: dict[str, Any], options: TrainOptions) -> None:
    """Number the byte pieces behind the special tokens and move all others up."""
    first = len(options.all_special)
    pieces = options.byte_pieces
    vocabulary = content["model"]["vocab"]
    for piece, number in vocabulary.items():
        if number >= first:
            vocabulary[piece] = number + len(pieces)
    vocabulary.update({piece: first + place for place, piece in enumerate(pieces)})
    content["model"]["vocab"] = dict(sorted(vocabulary.items(), key=lambda item: item[1]))


def _train_unigram(text: TrainingText, on_bytes: OnBytes | None, stage: OnStage) -> tuple[Any, int]:
    from tokenizers import Tokenizer, models

    from arabench.subwords.unigram import train_unigram

    options = text.options
    stage("counting words")
    words = count_words(text, pre_tokenizer(options, with_boundaries=True), on_bytes)
    _refuse_nothing(text)
    byte_level = options.chosen_alphabet == "byte-level"
    if not byte_level:
        words = _covered(words, options)
    specials = options.all_special
    letters = set(options.byte_pieces) if byte_level else set(ALWAYS)
    missing = sorted(letters - {char for word in words for char in word})
    byte_pieces = [] if byte_level else options.byte_pieces
    room = options.vocab_size - len(specials) - len(byte_pieces) - len(missing)
    stage(f"fitting pieces to {len(words)} different words")
    found = train_unigram(words, room)
    scored = [(piece, round(score, _SCORE_DIGITS)) for piece, score in found]
    lowest = scored[-1][1] if scored else 0.0
    vocabulary = [
        *((token, 0.0) for token in specials),
        *((piece, _BYTE_SCORE) for piece in byte_pieces),
        *scored,
        *((piece, lowest) for piece in missing),
    ]
    unknown = options.roles.get("unk")
    model = models.Unigram(
        vocabulary,
        unk_id=None if unknown is None else specials.index(unknown),
        byte_fallback=bool(byte_pieces),
    )
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens(specials)
    return _finished(json.loads(tokenizer.to_str()), options), len(words)


def _covered(words: Counter[str], options: TrainOptions) -> Counter[str]:
    """The words without the characters that the alphabet leaves out, parted there."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for char in word:
            counts[char] += count
    alphabet = covering_alphabet(counts, options.coverage) | ALWAYS
    check_alphabet(len(alphabet), options)
    dropped = {ord(char): BOUNDARY for char in counts if char not in alphabet}
    if not dropped:
        return words
    parted: Counter[str] = Counter()
    for word, count in words.items():
        for part in word.translate(dropped).split(BOUNDARY):
            if part:
                parted[part] += count
    return parted


def _finished(content: dict[str, Any], options: TrainOptions) -> Any:
    """The tokenizer with the steps for use: no boundaries, and a decoder."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(content, ensure_ascii=False))
    tokenizer.pre_tokenizer = pre_tokenizer(options)
    tokenizer.decoder = decoder(options.chosen_alphabet)
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    if size > options.vocab_size:  # the library never cuts the alphabet
        raise UsageError(
            f"vocab_size={options.vocab_size} is too small for the characters of the data. "
            f"Use {size} or more."
        )
    return tokenizer


def _refuse_nothing(text: TrainingText) -> None:
    if not text.texts:
        raise DataError(
            "the data holds no text but white space: there is nothing to train on. "
            "Check the files and --field."
        )
