"""Rows as tokens of the base model: how long they are, and what becomes of those too long."""

from __future__ import annotations

import array
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arabench.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

#: Label of a token that is read and not learned, in torch and transformers.
IGNORED: Final = -100
#: Rows tokenized at once.
_BATCH_ROWS: Final = 1000


@dataclass(frozen=True)
class Encoded:
    """Training rows as tokens.

    Attributes:
        dataset: with `input_ids` and `labels`.
        sha256: of its content.
        longest: tokens of its longest row.
        texts_divided: texts longer than max_length, which became several rows.
        responses_shortened: rows longer than max_length, whose response lost its end.
        left_out: rows whose prompt alone fills max_length.
        vanished: rows of whose text, or response, the tokenizer keeps nothing, as where its
            normalizer drops it; they would teach to end at once, or nothing at all.
        pairs: rows are prompts and responses, not texts.
    """

    dataset: Dataset
    sha256: str
    longest: int
    texts_divided: int
    responses_shortened: int
    left_out: int
    vanished: int
    pairs: bool

    def notes(self, rows: int, max_length: int) -> list[str]:
        """What a user should know of `rows` rows before the first step, in words."""
        found = self._notes_of_length(rows, max_length)
        if self.vanished:
            what = "response" if self.pairs else "text"
            found.append(
                f"{self.vanished:,} of {rows:,} rows were left out: the tokenizer keeps nothing of "
                f"their {what}"
            )
        return found

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


def encode(rows: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Encoded:
    """Tokenize rows, and divide, shorten or leave out those longer than `max_length`.

    A text becomes consecutive pieces. Each begins with the last token of the piece before, so
    that every token is predicted once, the end of text in the last piece too. A response is
    cut, and its end of text with it: the model must not learn to end where we cut.

    Args:
        rows: with `text`, or with `prompt` and `completion`, which end in
            the tokenizer's end of text.
        tokenizer: of the base model.
        max_length: tokens of a row.

    Raises:
        DataError: no row is left.
    """
    import datasets

    pair = "prompt" in rows.column_names
    ids: list[list[int]] = []
    labels: list[list[int]] = []
    longer = left_out = vanished = 0
    end = tokenizer.eos_token
    nothing = {(), (tokenizer.eos_token_id,)}
    nothing |= {tuple(tokens) for tokens, _ in _tokenized({"text": [end]}, tokenizer, False)}
    for start in range(0, len(rows), _BATCH_ROWS):
        batch = rows[start : start + _BATCH_ROWS]
        for tokens, learned_from in _tokenized(batch, tokenizer, pair):
            too_long = len(tokens) > max_length
            if pair and learned_from >= max_length:
                left_out += 1
                continue
            if tuple(tokens[learned_from:]) in nothing:
                vanished += 1
                continue
            longer += too_long
            for piece in [tokens[:max_length]] if pair else _pieces(tokens, max_length):
                ids.append(piece)
                labels.append([IGNORED] * learned_from + piece[learned_from:])
    if not ids:
        raise DataError(_nothing_left(len(rows), left_out, max_length, pair))
    digest = hashlib.sha256()
    for row in (*ids, *labels):
        digest.update(array.array("q", [len(row), *row]).tobytes())
    return Encoded(
        dataset=datasets.Dataset.from_dict({"input_ids": ids, "labels": labels}),
        sha256=digest.hexdigest(),
        longest=max(map(len, ids)),
        texts_divided=0 if pair else longer,
        responses_shortened=longer if pair else 0,
        left_out=left_out,
        vanished=vanished,
        pairs=pair,
    )


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
    batch: dict[str, list[str]], tokenizer: PreTrainedTokenizerBase, pair: bool
) -> Iterator[tuple[list[int], int]]:
    """Tokens of each row, and the place of the first that is learned."""
    if not pair:
        for tokens in tokenizer(text=batch["text"])["input_ids"]:
            yield _ended_once(tokens, tokenizer.eos_token_id), 0
        return
    both = [a + b for a, b in zip(batch["prompt"], batch["completion"], strict=True)]
    prompts = tokenizer(text=batch["prompt"])["input_ids"]
    for prompt, tokens in zip(prompts, tokenizer(text=both)["input_ids"], strict=True):
        # Tokens may merge across the seam: the response begins where the two part.
        yield _ended_once(tokens, tokenizer.eos_token_id), _shared(prompt, tokens)


def _ended_once(tokens: list[int], end: int) -> list[int]:
    """Without the end that a tokenizer adds to the one that is there."""
    while tokens[-2:] == [end, end]:
        tokens = tokens[:-1]
    return tokens


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens with which both begin."""
    places = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in places if a != b), min(len(one), len(other)))


def _pieces(tokens: list[int], size: int) -> Iterator[list[int]]:
    """Consecutive pieces of at most `size` that share one token."""
    for start in range(0, max(1, len(tokens) - 1), size - 1):
        yield tokens[start : start + size]
