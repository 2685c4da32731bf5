"""Conversations as tokens, by the chat template of the model: answers are learned, nothing else.

Templates of models do not mark what the assistant says. An answer is found by rendering the
conversation up to it, with the header that asks for it, and behind it: what the second has beyond
the first is what the model must write. It ends with the token that ends a turn; white space that
a template puts behind is never generated, so it is not learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError, UsageError
from arabench.trainers.data.conversations import Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Label of a token that is read and not learned, in torch and transformers.
IGNORED: Final = -100
#: Llama 3.1 and 3.2 write a date, today's unless they are given one: tokens would change overnight.
_DATE: Final = "26 Jul 2024"
#: What ends the reasoning of an answer, which templates move or drop.
_THOUGHT: Final = "</think>"


@dataclass
class Chat:
    """The chat template of a tokenizer.

    Attributes:
        tokenizer: with a `chat_template`.
        divided: conversations so far whose earlier answers the template writes differently once
            others follow (Qwen3 takes their reasoning out). Each became as many rows as it has
            answers: in each the last is learned, behind what the model will see before it.
        ends: what ended the answers so far, as tokens are called.
        unended: conversations so far whose last answer the template ended with nothing.
    """

    tokenizer: PreTrainedTokenizerBase
    divided: int = 0
    ends: set[str] = field(default_factory=set)
    unended: int = 0

    def __post_init__(self) -> None:
        if not getattr(self.tokenizer, "chat_template", None):
            raise UsageError(
                "the data are conversations, but the tokenizer of the base has no chat template. "
                "Choose an instruct model, put a chat_template.jinja into the base's folder, or "
                "use data.prompt_field and data.response_field with a data.prompt_template."
            )
        self._added = set(self.tokenizer.added_tokens_decoder)

    def rows(self, turns: Sequence[Turn]) -> list[tuple[list[int], list[int]]]:
        """Tokens and labels of a conversation: one row, or one an answer where it must be divided.

        Raises:
            DataError: the template cannot write it, drops turns, or writes the beginning of an
                answer differently from the header that asks for it; in words that go behind the
                number of the row.
        """
        learned = [
            place
            for place, turn in enumerate(turns)
            if turn["role"] == "assistant" and turn["content"].strip()
        ]
        whole = self._render(turns)
        spans = [(self._render(turns[:at], asks=True), self._render(turns[: at + 1]))
                 for at in learned]  # fmt: skip
        for at, (before, after) in zip(learned, spans, strict=True):
            self._check(turns[: at + 1], before, after)
        if all(whole.startswith(after) for _, after in spans):
            return [self._row(whole, spans)]
        self.divided += 1
        return [self._row(after, [(before, after)]) for before, after in spans]

    def notes(self, rows: int) -> list[str]:
        """What a user should know before the first step, in words."""
        found = []
        if self.divided:
            found.append(
                f"{self.divided:,} of {rows:,} conversations were divided, one row an answer: the "
                "chat template writes earlier answers differently once others follow"
            )
        end = self.tokenizer.eos_token
        if other := sorted(self.ends - {end}):
            found.append(
                f"answers are learned with {' and '.join(other)} at their end, which is not the "
                f"tokenizer's end of text ({end}): generate with both as ends"
            )
        if self.unended:
            found.append(
                f"the chat template ends the last answer of {self.unended:,} conversations with "
                f"nothing: the end of text ({end}) was put behind it and is learned"
            )
        return found

    def _render(self, turns: Sequence[Turn], *, asks: bool = False) -> str:
        try:
            return str(
                self.tokenizer.apply_chat_template(
                    [dict(turn) for turn in turns],
                    tokenize=False,
                    add_generation_prompt=asks,
                    date_string=_DATE,
                )
            )
        except Exception as error:  # whatever a template of others raises
            raise DataError(
                f"the chat template of the base refuses it: {type(error).__name__}: "
                f"{str(error)[:200]}. Change or leave out such conversations."
            ) from error

    def _check(self, turns: Sequence[Turn], before: str, after: str) -> None:
        """Refuse what is not learned as it will be generated.

        Raises:
            DataError: as said.
        """
        place = 0
        for number, turn in enumerate(turns, start=1):
            said = turn["content"].rpartition(_THOUGHT)[2].strip()
            place = after.find(said, place)
            if place < 0:
                raise DataError(
                    f"the chat template of the base drops turn {number} ({turn['role']}): what it "
                    "says is not in what the template writes. Leave such turns out, or choose a "
                    "base whose template knows them."
                )
            place += len(said)
        answer = turns[-1]["content"].rpartition(_THOUGHT)[2].strip()
        if not after.startswith(before) or answer not in after[len(before) :]:
            raise DataError(
                f"the chat template of the base writes the beginning of turn {len(turns)} "
                "(assistant) differently from the header that asks for an answer "
                f"({before[-40:]!r}), so that the model would not learn what it will be asked. "
                "Choose a base with another template."
            )

    def _row(self, whole: str, spans: Sequence[tuple[str, str]]) -> tuple[list[int], list[int]]:
        tokens = self._tokens(whole)
        labels = [IGNORED] * len(tokens)
        for before, after in spans:
            # Tokens may merge across a seam: an answer begins where the two part.
            start = shared(self._tokens(before), tokens)
            stop, ended = self._end(
                tokens,
                start,
                len(tokens) if after == whole else shared(self._tokens(after), tokens),
            )
            labels[start:stop] = tokens[start:stop]
            if ended:
                self.ends.add(str(self.tokenizer.convert_ids_to_tokens(tokens[stop - 1])))
            elif after == whole:
                self.unended += 1
                end = self.tokenizer.eos_token_id
                return [*tokens[:stop], end], [*labels[:stop], end]
        return tokens, labels

    def _end(self, tokens: Sequence[int], start: int, stop: int) -> tuple[int, bool]:
        """Behind the token that ends the turn, and whether there is one with only space behind."""
        for place in range(stop - 1, start, -1):
            if tokens[place] in self._added:
                return place + 1, True
            if self.tokenizer.decode([tokens[place]]).strip():
                break
        return stop, False

    def _tokens(self, text: str) -> list[int]:
        # The template has written what stands before a text.
        encoded: Any = self.tokenizer(text, add_special_tokens=False)
        return list(encoded["input_ids"])


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens with which both begin."""
    places = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in places if a != b), min(len(one), len(other)))
