"""Greedy answers of a causal model to many prompts that begin alike.

The beginning that prompts share (instructions, examples) is read once, and all batches go on from
its keys and values. A row that has its answer leaves the batch at once. The answers are those of
`generate(do_sample=False)` with the same stops, ties of logits aside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from arabench.errors import UsageError
from arabench.models.forward import CausalReader, Decoding, Kept, out_of_memory
from arabench.models.token_rows import Ints, Stem, find_stems

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig

#: Keys and values that are kept at once, in batches of tokens: a step costs a small model about
#: as much for forty rows as for ten.
_KEPT_BATCHES: Final = 16
#: Prompts that are read at once, in batches of tokens: of each only the last place has logits.
_READ_BATCHES: Final = 4
#: Tokens of prompts that cost about as much as a pass over one more token of a few answers.
_PASS_TOKENS: Final = 16
#: What a generation configuration may say without changing a greedy answer, or is followed here.
_HARMLESS: Final = frozenset(
    {
        "bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "do_sample",
        "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff",
        "eta_cutoff", "max_length", "max_new_tokens", "use_cache", "repetition_penalty",
        "transformers_version", "_from_model_config", "return_dict_in_generate", "output_scores",
        "output_logits", "output_attentions", "output_hidden_states", "renormalize_logits",
        "disable_compile",
    }
)  # fmt: skip

#: Answers so far, in ids -> which of them are complete.
Stopped = Callable[[Sequence[Sequence[int]]], Sequence[bool]]


@dataclass(frozen=True)
class Ending:
    """Where an answer ends.

    Attributes:
        max_new_tokens: tokens of an answer at most.
        tokens: ids after which nothing follows; they are part of the answer.
        stopped: asked after every token about the answers that go on.
        repetition_penalty: as in transformers: logits of tokens that stand in prompt or answer
            are divided by it, negative ones multiplied.
    """

    max_new_tokens: int
    tokens: Collection[int]
    stopped: Stopped
    repetition_penalty: float = 1.0


def greedy_is_plain(config: GenerationConfig) -> bool:
    """Whether a model's own configuration leaves greedy decoding as it is here."""
    return not {
        name
        for name, value in config.to_diff_dict().items()
        if name not in _HARMLESS and value not in (None, False)
    }


def greedy_answers(
    reader: CausalReader,
    prompts: Sequence[Sequence[int]],
    ending: Ending,
    *,
    batch_tokens: int,
    on_done: Callable[[int], None] | None = None,
) -> list[list[int]]:
    """Ids of the answer to each prompt.

    Args:
        reader: of a model with `reader.window`.
        prompts: ids, none empty; equal ones are answered once.
        ending: when an answer is complete.
        batch_tokens: tokens of a batch; prompts that are read at once have up to four times as
            many, and one alone may have more.
        on_done: called with the number of prompts that were answered since the last call.

    Raises:
        UsageError: a single prompt does not fit into memory.
    """
    names = {np.asarray(prompt, np.int64).astype(">u4").tobytes(): None for prompt in prompts}
    keys = sorted(names)
    tokens = [np.frombuffer(key, ">u4").astype(np.int64) for key in keys]
    answers: dict[int, list[int]] = {}
    run = _Run(reader, ending, batch_tokens, tokens, answers)
    left = set(range(len(tokens)))
    for stem in find_stems(tokens):
        longest = max(len(tokens[row]) for row in stem.rows) + ending.max_new_tokens
        if longest <= reader.window and run.pays(stem):
            run.answer_stem(stem, on_done)
            left -= set(stem.rows)
    run.answer_rows(sorted(left), None, 0, on_done)
    place = {key: number for number, key in enumerate(keys)}
    if on_done is not None:
        on_done(len(prompts) - len(tokens))
    return [
        list(answers[place[np.asarray(prompt, np.int64).astype(">u4").tobytes()]])
        for prompt in prompts
    ]


@dataclass
class _Run:
    reader: CausalReader
    ending: Ending
    batch_tokens: int
    tokens: Sequence[Ints]
    answers: dict[int, list[int]]

    def pays(self, stem: Stem) -> bool:
        """Whether reading a stem once is worth batches that hold its prompts alone.

        A token of an answer is a pass over the whole model, whether two rows or forty go on.
        """
        limit = self.ending.max_new_tokens
        pooled = sum(
            max(
                len(self.tokens[row]) / (_READ_BATCHES * self.batch_tokens),
                (len(self.tokens[row]) + limit) / (_KEPT_BATCHES * self.batch_tokens),
            )
            for row in stem.rows
        )
        more = len(self._batches(stem.rows, stem.length)) - pooled
        return (len(stem.rows) - 1) * stem.length > _PASS_TOKENS * limit * more

    def answer_stem(self, stem: Stem, on_done: Callable[[int], None] | None) -> None:
        """Answer prompts that begin with a stem, which is read once."""
        first = self.tokens[stem.rows[0]]
        if not self.reader.keeps(first, stem.length):
            self.answer_rows(stem.rows, None, 0, on_done)
            return
        _, kept = self.reader.keep([first[: stem.length]])
        self.answer_rows(stem.rows, kept, stem.length, on_done)

    def answer_rows(
        self,
        rows: Sequence[int],
        kept: Kept | None,
        before: int,
        on_done: Callable[[int], None] | None,
    ) -> None:
        """Answer prompts in batches, halved where the memory does not hold them."""
        waiting = self._batches(rows, before)[::-1]
        most = len(self.tokens)
        while waiting:
            batch = waiting.pop()
            if len(batch) > most:
                waiting += [batch[most:], batch[:most]]
                continue
            try:
                found = self._decode([self.tokens[row][before:] for row in batch], batch, kept)
            except Exception as error:
                if not out_of_memory(error):
                    raise
                self.reader.free_memory()
                if len(batch) == 1:
                    raise UsageError(
                        f"a prompt of {len(self.tokens[batch[0]])} tokens and its answer of "
                        f"{self.ending.max_new_tokens} do not fit into the memory beside the "
                        "model. Use fewer examples, or load the model in fewer bits."
                    ) from error
                most = (len(batch) + 1) // 2
                waiting.append(batch)
                continue
            self.answers.update(zip(batch, found, strict=True))
            if on_done is not None:
                on_done(len(batch))

    def _batches(self, rows: Sequence[int], before: int) -> list[list[int]]:
        order = sorted(rows, key=lambda row: (-len(self.tokens[row]), row))
        found: list[list[int]] = []
        for row in order:
            if found:
                first = len(self.tokens[found[-1][0]])
                count = len(found[-1]) + 1
                kept = count * (first + self.ending.max_new_tokens)
                if (
                    count * (first - before) <= _READ_BATCHES * self.batch_tokens
                    and kept <= _KEPT_BATCHES * self.batch_tokens
                    and (self.reader.gaps or len(self.tokens[row]) == first)
                ):
                    found[-1].append(row)
                    continue
            found.append([row])
        return found

    def _decode(
        self, rows: Sequence[Ints], names: Sequence[int], kept: Kept | None
    ) -> list[list[int]]:
        import torch

        answers: list[list[int]] = [[] for _ in rows]
        going = list(range(len(rows)))
        state = self.reader.begin(rows, kept)
        seen = self._seen(names, state)
        while True:
            tokens = self._choose(state, seen)
            for row, token in zip(going, tokens.tolist(), strict=True):
                answers[row].append(token)
            stopped = self.ending.stopped([answers[row] for row in going])
            on = [
                place
                for place, (row, stop) in enumerate(zip(going, stopped, strict=True))
                if not stop
                and answers[row][-1] not in self.ending.tokens
                and len(answers[row]) < self.ending.max_new_tokens
            ]
            if not on:
                return answers
            if len(on) < len(going):
                going = [going[place] for place in on]
                state.keep_rows(on)
                index = torch.tensor(on, device=tokens.device)
                tokens = tokens[index]
                seen = seen[index] if seen is not None else None
            state.append(tokens.to(self.reader.device))

    def _seen(self, names: Sequence[int], state: Decoding) -> torch.Tensor | None:
        """Which tokens stand in each prompt, (B, vocabulary), where they are penalized."""
        if self.ending.repetition_penalty == 1.0:
            return None
        import torch

        seen = torch.zeros_like(state.logits, dtype=torch.bool)
        for place, name in enumerate(names):
            seen[place, torch.from_numpy(self.tokens[name]).to(seen.device)] = True
        return seen

    def _choose(self, state: Decoding, seen: torch.Tensor | None) -> torch.Tensor:
        import torch

        logits = state.logits.float()
        if seen is not None:
            penalty = self.ending.repetition_penalty
            lowered = torch.where(logits < 0, logits * penalty, logits / penalty)
            logits = torch.where(seen, lowered, logits)
        tokens = logits.argmax(dim=-1)
        if seen is not None:
            seen.scatter_(1, tokens[:, None], True)
        return tokens
