"""Rows as tokens of the base model: how long they are, and what becomes of those too long."""

from __future__ import annotations

import array
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.errors import DataError
from arabench.trainers.data.arrow import BATCH_ROWS, RowFile
from arabench.trainers.data.chat import IGNORED, Chat, shared

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

__all__ = ["IGNORED", "Encoded", "encode"]


@dataclass(frozen=True)
class Encoded:
    """Training rows as tokens.

    Attributes:
        dataset: with `input_ids` and `labels`.
        sha256: of its content.
        longest: tokens of its longest row.
        texts_divided: texts longer than max_length, which became several rows.
        responses_shortened: rows longer than max_length, whose (last) response lost its end.
        left_out: rows whose prompt (of a conversation: all before the first answer) fills
            max_length.
        vanished: rows of whose text, or response, the tokenizer keeps nothing, as where its
            normalizer drops it; they would teach to end at once, or nothing at all.
        pairs: rows are prompts and responses, or conversations, not texts.
        identical: rows left out because the two answers they compare are the same.
        said: what else a user should know, in words.
    """

    dataset: Dataset
    sha256: str
    longest: int
    texts_divided: int
    responses_shortened: int
    left_out: int
    vanished: int
    pairs: bool
    said: tuple[str, ...] = ()
    identical: int = 0

    def notes(self, rows: int, max_length: int) -> list[str]:
        """What a user should know of `rows` rows before the first step, in words."""
        found = self._notes_of_length(rows, max_length)
        if self.vanished:
            what = "response" if self.pairs else "text"
            found.append(
                f"{self.vanished:,} of {rows:,} rows were left out: the tokenizer keeps nothing of "
                f"their {what}"
            )
        if self.identical:
            found.append(
                f"{self.identical:,} of {rows:,} rows were left out: their two answers are the same"
            )
        return [*found, *self.said]

    def _notes_of_length(self, rows: int, max_length: int) -> list[str]:
        longer = self.texts_divided + self.responses_shortened + self.left_out
        if not longer:
            return []
        head = f"{longer:,} of {rows:,} rows were longer than training.max_length ({max_length:,} "
        if self.texts_divided:
            return [
                f"{head}tokens): they were divided, so that {len(self.dataset):,} rows are trained "
                "on; the last piece of each holds the end of text"
            ]
        kinds = []
        if self.responses_shortened:
            kinds.append(
                f"{self.responses_shortened:,} lost the end of their response, and the end of "
                "text with it"
            )
        if self.left_out:
            kinds.append(f"{self.left_out:,} were left out, because their prompt alone fills that")
        return [f"{head}tokens): {'; '.join(kinds)}"]


def encode(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, file: Path | None = None
) -> Encoded:
    """Tokenize rows, and divide, shorten or leave out those longer than `max_length`.

    A text becomes consecutive pieces. Each begins with the last token of the piece before, so
    that every token is predicted once, the end of text in the last piece too. A response is
    cut, and its end of text with it: the model must not learn to end where we cut. So is a
    conversation.

    Args:
        rows: with `text`, or with `prompt` and `completion`, which end in the tokenizer's end of
            text, or with `messages`.
        tokenizer: of the base model.
        max_length: tokens of a row.
        file: gets the tokens, which are then mapped from it; None to hold them in memory.

    Raises:
        UsageError: there are conversations, and no chat template.
        DataError: no row is left, or the chat template does not suit a conversation.
    """
    chat = Chat(tokenizer) if "messages" in rows.column_names else None
    divides = "text" in rows.column_names
    longer = left_out = vanished = longest = 0
    nothing = nothing_kept(tokenizer)
    digest = hashlib.sha256()
    with RowFile(file) as kept:
        for tokens, labels in _tokenized(rows, tokenizer, chat):
            too_long = len(tokens) > max_length
            learned = [label for label in labels if label != IGNORED]
            if not divides and first_learned(labels) >= max_length:
                left_out += 1
                continue
            if tuple(learned) in nothing:
                vanished += 1
                continue
            longer += too_long
            cut = _pieces(tokens, max_length) if divides else [tokens[:max_length]]
            for piece in cut:
                known = piece if divides else labels[:max_length]
                for ids in (piece, known):
                    digest.update(array.array("q", [len(ids), *ids]).tobytes())
                kept.add({"input_ids": piece, "labels": known})
                longest = max(longest, len(piece))
        if not kept.count:
            raise DataError(_nothing_left(len(rows), left_out, max_length, not divides))
        dataset = kept.finish()
    return Encoded(
        dataset=dataset,
        sha256=digest.hexdigest(),
        longest=longest,
        texts_divided=longer if divides else 0,
        responses_shortened=0 if divides else longer,
        left_out=left_out,
        vanished=vanished,
        pairs=not divides,
        said=tuple(chat.notes(len(rows))) if chat else (),
    )


def first_learned(labels: Sequence[int]) -> int:
    """The place of the first token that is learned."""
    return next((at for at, label in enumerate(labels) if label != IGNORED), len(labels))


def nothing_kept(tokenizer: PreTrainedTokenizerBase) -> set[tuple[int, ...]]:
    """What is learned of rows of which the tokenizer keeps nothing."""
    empty: Any = tokenizer(text=[tokenizer.eos_token])
    (ended,) = empty["input_ids"]
    once = tuple(ended_once(ended, tokenizer.eos_token_id))
    return {(), (tokenizer.eos_token_id,), once}


def _nothing_left(rows: int, left_out: int, max_length: int, pair: bool) -> str:
    if left_out == rows:
        return (
            f"no row has a response within training.max_length ({max_length} tokens): the prompts "
            "alone are longer. Raise it."
        )
    also = f", and the prompts of {left_out:,} alone fill training.max_length" if left_out else ""
    return (
        f"none of {rows:,} rows can be learned: the tokenizer keeps nothing of the "
        f"{'response' if pair else 'text'} of {rows - left_out:,} (its normalizer drops it){also}. "
        "Check the data, and that the tokenizer belongs to the model."
    )


def _tokenized(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, chat: Chat | None
) -> Iterator[tuple[list[int], list[int]]]:
    """Tokens and labels of each row."""
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        if chat:
            for number, turns in enumerate(batch["messages"], start=start + 1):
                try:
                    yield from chat.rows(turns)
                except DataError as error:
                    raise DataError(f"conversation {number:,} of the data: {error}") from error
        elif "text" in batch:
            for tokens in tokenizer(text=batch["text"])["input_ids"]:
                ended = ended_once(tokens, tokenizer.eos_token_id)
                yield ended, ended
        else:
            yield from _pairs(batch, tokenizer)


def _pairs(
    batch: dict[str, list[str]], tokenizer: PreTrainedTokenizerBase
) -> Iterator[tuple[list[int], list[int]]]:
    both = [a + b for a, b in zip(batch["prompt"], batch["completion"], strict=True)]
    prompts = tokenizer(text=batch["prompt"])["input_ids"]
    for prompt, whole in zip(prompts, tokenizer(text=both)["input_ids"], strict=True):
        tokens = ended_once(whole, tokenizer.eos_token_id)
        # Tokens may merge across the seam: the response begins where the two part.
        learned_from = shared(prompt, whole)
        yield tokens, [IGNORED] * learned_from + tokens[learned_from:]


def ended_once(tokens: list[int], end: int) -> list[int]:
    """Without the end that a tokenizer adds to the one that is there."""
    while tokens[-2:] == [end, end]:
        tokens = tokens[:-1]
    return tokens


def _pieces(tokens: list[int], size: int) -> Iterator[list[int]]:
    """Consecutive pieces of at most `size` that share one token."""
    for start in range(0, max(1, len(tokens) - 1), size - 1):
        yield tokens[start : start + size]
