"""A text's own tokens, and the one token that stands before them.

Tokenizers add what they were built to add: Llama, Mistral and Gemma a BOS, some an EOS behind,
BERT [CLS] and [SEP]. A likelihood of a text counts none of these: it is the sum over the tokens
of the text itself, the first of them after exactly one BOS. lm-eval 0.4.13 puts its prefix before
an encoding that begins with BOS already, and scores BOS after BOS as if it were text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arabench.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Texts to see what is put around one; a tokenizer that drops the first may keep another.
_PROBES = ("ا", "ب", "a", "1")


class Likelihood(float):
    """Natural-log likelihood of a whole text that remembers how many tokens it sums.

    A float in every other respect: it compares, adds, pickles and is written as JSON like one, so
    that lm-eval's filters, logs and caches pass it on. What is computed from it is a plain float.

    Attributes:
        tokens: own tokens of the text that were scored; 0 where that is unknown.
    """

    __slots__ = ("tokens",)
    tokens: int

    def __new__(cls, value: float, tokens: int = 0) -> Likelihood:
        """A likelihood in nats over so many tokens."""
        made = super().__new__(cls, value)
        made.tokens = tokens
        return made

    def __reduce__(self) -> tuple[type[Likelihood], tuple[float, int]]:
        return Likelihood, (float(self), self.tokens)


@dataclass(frozen=True)
class Prefix:
    """What stands before a text.

    Attributes:
        token: its id; None where a tokenizer has nothing of the kind: the text's first token is
            then read and not scored.
        name: in words, as results carry it.
    """

    token: int | None
    name: str


def prefix_of(tokenizer: PreTrainedTokenizerBase, token: int | None = None) -> Prefix:
    """BOS; else EOS; else what the tokenizer puts in front ([CLS]); else nothing.

    Args:
        tokenizer: of the model.
        token: an id named by hand, which takes the place of all these.
    """
    if token is not None:
        return Prefix(token, f"{tokenizer.decode([token])} (named by hand)")
    for kind in ("bos", "eos"):
        found = getattr(tokenizer, f"{kind}_token_id", None)
        if found is not None:
            return Prefix(int(found), f"{kind.upper()} {getattr(tokenizer, f'{kind}_token')}")
    front, _ = added_around(tokenizer)
    if front:
        return Prefix(front[-1], f"{tokenizer.decode([front[-1]])} (put in front by the tokenizer)")
    return Prefix(None, "none: the first token is not scored")


def own_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of the text and of nothing else."""
    tokens: list[int] = list(tokenizer.encode(text, add_special_tokens=False))
    forced = set(tokenizer.encode("", add_special_tokens=False)) & set(tokenizer.all_special_ids)
    start, end = 0, len(tokens)
    while start < end and tokens[start] in forced:
        start += 1
    while end > start and tokens[end - 1] in forced:
        end -= 1
    return tokens[start:end]


def added_around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Ids that the tokenizer puts before and behind a text unless told not to."""
    for probe in _PROBES:
        whole: list[int] = list(tokenizer.encode(probe))
        own = own_tokens(tokenizer, probe)
        for start in range(len(whole) - len(own) + 1) if own else ():
            if whole[start : start + len(own)] == own:
                return whole[:start], whole[start + len(own) :]
    return [], []


@dataclass(frozen=True)
class Unread:
    """What of a text its tokenizer did not turn into tokens that tell it apart.

    Attributes:
        tokens: tokens that stand for something unknown.
        characters: code points they stand for, and code points that became no token (white
            space aside, which many tokenizers drop); a token each where there are no offsets. Some
            may be missed: the offsets of a kept letter can reach over dropped ones beside it.
    """

    tokens: int = 0
    characters: int = 0


def unread_in(tokenizer: PreTrainedTokenizerBase, text: str, tokens: Sequence[int]) -> Unread:
    """How much of a text became <unk> or nothing: both cost next to nothing, whatever they hide."""
    unk = getattr(tokenizer, "unk_token_id", None)
    count = sum(token == unk for token in tokens) if unk is not None else 0
    if not getattr(tokenizer, "is_fast", False):
        return Unread(count, count if tokens else len("".join(text.split())))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    seen = bytearray(len(text))
    for token, (start, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        if token != unk or not count:
            seen[start:end] = b"\1" * (end - start)
    missed = sum(not there and not char.isspace() for char, there in zip(text, seen, strict=True))
    return Unread(count, missed)


@contextlib.contextmanager
def nothing_behind(tokenizer: PreTrainedTokenizerBase) -> Iterator[None]:
    """Keep the tokenizer from closing prompts: after an EOS or [SEP] no answer follows.

    Raises:
        UsageError: it cannot be kept from it.
    """
    front, behind = added_around(tokenizer)
    if not behind:
        yield
        return
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UsageError(
            f"the tokenizer closes every prompt with {tokenizer.decode(behind)!r}, after which no "
            "answer follows, and cannot be told not to. Save it as a fast tokenizer without "
            "add_eos_token."
        )
    from tokenizers.processors import TemplateProcessing

    before = backend.post_processor
    named = {tokenizer.convert_ids_to_tokens(token): token for token in front}
    backend.post_processor = TemplateProcessing(
        single=[*named, "$A"], pair=[*named, "$A", "$B"], special_tokens=list(named.items())
    )
    try:
        yield
    finally:
        backend.post_processor = before
