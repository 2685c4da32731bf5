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
from typing import TYPE_CHECKING, Final, TypeAlias

from arabench.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Texts to see what is put around one; a tokenizer that drops the first may keep another.
_PROBES = ("ا", "ب", "a", "1")
#: Texts tokenized at once.
_BATCH_TEXTS: Final = 1000
#: (start, end) of each token in its text.
Offsets: TypeAlias = Sequence[tuple[int, int]]


class Likelihood(float):
    """Natural-log likelihood of a whole text that remembers how many tokens it sums.

    A float in every other respect: it compares, adds, pickles and is written as JSON like one, so
    that lm-eval's filters, logs and caches pass it on. What is computed from it is a plain float.

    Attributes:
        tokens: own tokens of the text that were scored; 0 where that is unknown.
        hits: of a pseudo-likelihood, those that are the model's first guess; None of others.
    """

    __slots__ = ("hits", "tokens")
    tokens: int
    hits: int | None

    def __new__(cls, value: float, tokens: int = 0, hits: int | None = None) -> Likelihood:
        """A likelihood in nats over so many tokens."""
        made = super().__new__(cls, value)
        made.tokens, made.hits = tokens, hits
        return made

    def __reduce__(self) -> tuple[type[Likelihood], tuple[float, int, int | None]]:
        return Likelihood, (float(self), self.tokens, self.hits)


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
    (found,) = read_texts(tokenizer, [text])
    return found.tokens


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
            Both cost next to nothing, whatever they hide.
    """

    tokens: int = 0
    characters: int = 0


@dataclass(frozen=True)
class Reading:
    """A text as its tokenizer reads it.

    Attributes:
        tokens: ids of the text and of nothing else.
        unread: how much of it became <unk> or nothing.
    """

    tokens: list[int]
    unread: Unread


def read_texts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[Reading]:
    """Each text's own tokens, and what they do not tell of it; every text is tokenized once."""
    special = set(tokenizer.all_special_ids)
    forced = special & set(tokenizer.encode("", add_special_tokens=False))
    unk = getattr(tokenizer, "unk_token_id", None)
    found = []
    for text, ids, offsets in _encoded(tokenizer, texts):
        tokens = _without(forced, ids)
        unknown = sum(token == unk for token in tokens) if unk is not None else 0
        if offsets is not None:
            characters = _uncovered(text, ids, offsets, unk if unknown else None)
        else:
            characters = unknown if tokens else len("".join(text.split()))
        found.append(Reading(tokens, Unread(unknown, characters)))
    return found


def _encoded(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> Iterator[tuple[str, list[int], Offsets | None]]:
    """(text, ids, offsets in code points); None for the offsets where the tokenizer has none."""
    if not getattr(tokenizer, "is_fast", False):
        for text in texts:
            yield text, list(tokenizer.encode(text, add_special_tokens=False)), None
        return
    for start in range(0, len(texts), _BATCH_TEXTS):
        batch = list(texts[start : start + _BATCH_TEXTS])
        encoded = tokenizer(batch, add_special_tokens=False, return_offsets_mapping=True)
        yield from zip(batch, encoded["input_ids"], encoded["offset_mapping"], strict=True)


def _without(forced: set[int], ids: Sequence[int]) -> list[int]:
    """Ids between those that the tokenizer adds although told not to."""
    start, end = 0, len(ids)
    while start < end and ids[start] in forced:
        start += 1
    while end > start and ids[end - 1] in forced:
        end -= 1
    return list(ids[start:end])


def _uncovered(text: str, ids: Sequence[int], offsets: Offsets, unk: int | None) -> int:
    """Code points, white space aside, that no token but `unk` stands for."""
    seen = bytearray(len(text))
    for token, (start, end) in zip(ids, offsets, strict=True):
        if token != unk:
            seen[start:end] = b"\1" * (end - start)
    return sum(not there and not char.isspace() for char, there in zip(text, seen, strict=True))


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
