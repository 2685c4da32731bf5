"""Pseudo-log-likelihoods under a masked language model: each token is masked once and read back.

The number of a text is the sum over its tokens of log p(token | all others) (Salazar et al. 2020,
"Masked Language Model Scoring"). As that lets a model read the end of a word to guess its
beginning, the default also masks what follows the token within its word (Kauf and Ivanova 2023,
"A Better Way to Do Masked Language Model Scoring"): a rare word of many pieces is no longer easy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from arabench.errors import UsageError
from arabench.models.forward import out_of_memory
from arabench.models.linear_products import fast_products
from arabench.models.token_rows import Ints, batches

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: What is masked beside the token itself: what follows it within its word, or nothing.
Masking = Literal["within-word", "original"]
#: Bytes of float32 logits in one batch.
_LOGIT_BYTES: Final = 256 << 20
#: A tokenizer that names no limit names a number above this.
_NO_LIMIT: Final = 1 << 24


@dataclass(frozen=True)
class MaskedText:
    """A text as tokens.

    Attributes:
        tokens: ids of the text alone, (T,).
        words: number of the word that each token belongs to, (T,).
        start: first token that is scored; those before it are only read.
    """

    tokens: Ints
    words: Ints
    start: int = 0


@dataclass(frozen=True)
class PseudoScore:
    """What masking the tokens of a text one by one found.

    Attributes:
        total: sum of natural-log probabilities.
        tokens: how many were scored.
        hits: those of them that are the model's first guess.
    """

    total: float
    tokens: int
    hits: int


@dataclass(frozen=True)
class Frame:
    """What the model wants around a text.

    Attributes:
        front, behind: ids before and behind ([CLS], [SEP]).
        mask, pad: ids.
        length: tokens that the model can read, those around the text among them.
    """

    front: tuple[int, ...]
    behind: tuple[int, ...]
    mask: int
    pad: int
    length: int

    @property
    def room(self) -> int:
        """Tokens of a text that fit into one reading."""
        return self.length - len(self.front) - len(self.behind)


def readable_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that an encoder can read; RoBERTa's kind keeps the first positions for padding."""
    config = model.config.get_text_config()
    sizes = [int(tokenizer.model_max_length)] if tokenizer.model_max_length < _NO_LIMIT else []
    positions = int(getattr(config, "max_position_embeddings", 0) or 0)
    if positions > 0:
        embeddings = getattr(model.base_model, "embeddings", None)
        table = getattr(embeddings, "position_embeddings", None)
        reserved = getattr(table, "padding_idx", None)
        sizes.append(positions - (0 if reserved is None else int(reserved) + 1))
    return min(sizes, default=512)


class MaskedReader:
    """A loaded encoder, with or without an adapter, asked for logits at single places.

    Attributes:
        model: as given, in evaluation mode.
        device: of its embedding, where ids go.
        vocabulary: rows of its head.
    """

    def __init__(self, model: PreTrainedModel | PeftModel) -> None:
        self.model = model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
            raise UsageError(
                "prompt, prefix and p-tuning adapters are not measured on encoders: their virtual "
                "tokens stand where no text does. Measure LoRA and its kind."
            )
        self._head = base.get_output_embeddings()
        self.device: torch.device = base.get_input_embeddings().weight.device
        self.vocabulary = int(base.config.get_text_config().vocab_size)

    def read(self, rows: Sequence[Ints], columns: Sequence[int], pad: int) -> torch.Tensor:
        """Logits (B, vocabulary) at one place of each row.

        The input of the head is cut to these places: over a large vocabulary it costs more than
        the layers below it.
        """
        import torch

        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), pad, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.from_numpy(np.ascontiguousarray(row, np.int64))
            mask[number, : len(row)] = 1
        number_of = torch.arange(len(rows), device=self.device)
        place = torch.tensor(list(columns), device=self.device)

        def cut(_: object, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            hidden, *rest = inputs
            return (hidden[number_of, place] if hidden.dim() == 3 else hidden, *rest)

        hook = None if self._head is None else self._head.register_forward_pre_hook(cut)
        try:
            with torch.no_grad(), fast_products(self.device, ids.numel()):
                given = {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}
                logits: torch.Tensor = self.model(**given).logits
        finally:
            if hook is not None:
                hook.remove()
        return logits if logits.dim() == 2 else logits[number_of, place]


def window_starts(tokens: int, room: int) -> NDArray[np.int64]:
    """Where the reading of each token of a text begins, (tokens,).

    A text that fits is read whole. A longer one is read in windows that begin every half window
    (the last ends with the text), and each token is scored in the one that shows most of what is
    beside it: the shorter of its two sides is longest; ends of the text do not count as cut.
    """
    if tokens <= room:
        return np.zeros(tokens, np.int64)
    starts = np.unique(np.append(np.arange(0, tokens - room, max(1, room // 2)), tokens - room))
    place = np.arange(tokens)
    left = np.where(starts == 0, tokens, place[:, None] - starts)
    right = np.where(starts + room == tokens, tokens, starts + room - 1 - place[:, None])
    inside = (place[:, None] >= starts) & (place[:, None] < starts + room)
    shown = np.where(inside, np.minimum(left, right), -1)
    return np.asarray(starts[shown.argmax(axis=1)], np.int64)


def masked_row(
    text: MaskedText, place: int, start: int, frame: Frame, masking: Masking
) -> tuple[Ints, int]:
    """Ids of the reading in which one token is masked, and its column.

    Args:
        text: the text.
        place: of the token in it.
        start: of the window, see `window_starts`.
        frame: what stands around.
        masking: what else is masked.
    """
    end = min(len(text.tokens), start + frame.room)
    window = np.array(text.tokens[start:end], np.int64)
    window[place - start] = frame.mask
    if masking == "within-word":
        later = np.arange(start, end) > place
        window[later & (text.words[start:end] == text.words[place])] = frame.mask
    ids = np.concatenate(
        [np.asarray(frame.front, np.int64), window, np.asarray(frame.behind, np.int64)]
    )
    return ids, len(frame.front) + place - start


def pseudo_log_likelihoods(
    reader: MaskedReader,
    texts: Sequence[MaskedText],
    frame: Frame,
    *,
    masking: Masking = "within-word",
    batch_tokens: int,
    on_done: Callable[[int], None] | None = None,
) -> list[PseudoScore]:
    """Pseudo-log-likelihood of each text, or of its tokens from `start` on.

    Args:
        reader: of the model.
        texts: any may be empty; its sum is 0 over 0 tokens.
        frame: what stands around each reading.
        masking: see `Masking`.
        batch_tokens: tokens of a batch, padding among them; one row may have more.
        on_done: called with the number of tokens scored since the last call.

    Raises:
        UsageError: the model has no room for a text, or the memory none for one reading.
    """
    if frame.room < 1:
        raise UsageError(
            f"the model reads {frame.length} tokens, and the tokenizer puts "
            f"{len(frame.front) + len(frame.behind)} around a text: there is no room for one."
        )
    starts = [window_starts(len(text.tokens), frame.room) for text in texts]
    cells = [
        (number, place)
        for number, text in enumerate(texts)
        for place in range(text.start, len(text.tokens))
    ]
    around = len(frame.front) + len(frame.behind)
    lengths = [around + min(len(texts[number].tokens), frame.room) for number, _ in cells]
    totals, hits = np.zeros(len(texts)), np.zeros(len(texts), np.int64)
    most = max(1, _LOGIT_BYTES // (4 * reader.vocabulary))
    for chosen in batches(lengths, [1] * len(cells), tokens=batch_tokens, logits=most):
        for part in _parts([cells[place] for place in chosen]):
            while (found := _read(reader, texts, starts, part.cells, frame, masking)) is None:
                part.halve(reader, around + frame.room)
            values, right = found
            where = [number for number, _ in part.cells]
            np.add.at(totals, where, values)
            np.add.at(hits, where, right)
            if on_done is not None:
                on_done(len(where))
    return [
        PseudoScore(float(total), len(text.tokens) - text.start, int(right))
        for text, total, right in zip(texts, totals, hits, strict=True)
    ]


@dataclass
class _Part:
    """Cells that are read together, and those that wait because memory did not hold them."""

    cells: list[tuple[int, int]]
    waiting: list[list[tuple[int, int]]]

    def halve(self, reader: MaskedReader, length: int) -> None:
        if len(self.cells) == 1:
            raise UsageError(
                f"one reading of up to {length} tokens does not fit into the memory beside the "
                "model. Take a smaller model, or one in fewer bits."
            )
        if reader.device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
        half = len(self.cells) // 2
        self.waiting.append(self.cells[half:])
        self.cells = self.cells[:half]


def _parts(cells: list[tuple[int, int]]) -> Iterator[_Part]:
    waiting = [cells]
    while waiting:
        yield _Part(waiting.pop(), waiting)


def _read(
    reader: MaskedReader,
    texts: Sequence[MaskedText],
    starts: Sequence[NDArray[np.int64]],
    cells: Sequence[tuple[int, int]],
    frame: Frame,
    masking: Masking,
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Log-probability of each token, and whether it is the first guess; None out of memory."""
    import torch

    made = [
        masked_row(texts[number], place, int(starts[number][place]), frame, masking)
        for number, place in cells
    ]
    rows, columns = [row for row, _ in made], [column for _, column in made]
    target = torch.tensor([int(texts[number].tokens[place]) for number, place in cells])
    try:
        logits = reader.read(rows, columns, frame.pad)
        found = torch.log_softmax(logits, dim=-1, dtype=torch.float32)
        target = target.to(found.device)
        values = found[torch.arange(len(cells), device=found.device), target]
        right = found.argmax(dim=-1) == target
    except Exception as error:
        if not out_of_memory(error):
            raise
        return None
    return values.double().cpu().numpy(), right.long().cpu().numpy()
