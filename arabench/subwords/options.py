"""How a tokenizer is trained: options, their contradictions, their signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from arabench.errors import UsageError, did_you_mean

Model = Literal["bpe", "unigram"]
Alphabet = Literal["byte-level", "byte-fallback", "characters"]
Use = Literal["guide", "input"]

#: Rises when the same text and options give another tokenizer.
TRAINER_VERSION: Final = 1

#: Beyond this a vocabulary is a slip of the keyboard, and the library takes memory for it at once.
MAX_VOCAB_SIZE: Final = 1_000_000

ROLES: Final = ("bos", "eos", "unk", "pad", "sep", "cls", "mask")
_ROLE: Final = re.compile(r"([a-z]+)=(.+)", re.DOTALL)
END_OF_TEXT: Final = "<|endoftext|>"
#: As GPT-2 and Qwen have it where every byte has a piece, as SentencePiece has it elsewhere.
_DEFAULT_ROLES: Final[dict[Alphabet, dict[str, str]]] = {
    "byte-level": {"eos": END_OF_TEXT, "pad": END_OF_TEXT},
    "byte-fallback": {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"},
    "characters": {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"},
}


@dataclass(frozen=True)
class TrainOptions:
    """How a tokenizer is trained."""

    vocab_size: int
    """Pieces, special tokens included."""
    model: Model = "bpe"
    """Merges of frequent pairs (Sennrich et al. 2016), or a Unigram model (Kudo 2018)."""
    alphabet: Alphabet | None = None
    """What is below the pieces: 256 bytes, spelled with letters (byte-level, as GPT-2 and Qwen;
    the default of bpe); the characters of the data, others as bytes <0xNN> (byte-fallback, as
    Llama; the default of unigram); or these characters alone, others unknown."""
    normalize: str | None = None
    """Preset by which the text is normalized first."""
    pre_segment: str | None = None
    """Scheme of `arabench tokenize` by which words are segmented first."""
    segments: Use = "guide"
    """With pre_segment. guide: pieces are learnt inside of segments and the tokenizer takes plain
    text; input: the tokenizer takes text that `arabench tokenize` has segmented."""
    mark: str = "marked"
    """With segments=input: how segments are marked in the text."""
    backend: str = "builtin"
    """With pre_segment: what segments the words."""
    database: str | None = None
    """With pre_segment and a camel backend: path of a database, or name of a model."""
    coverage: float = 0.9999
    """Without byte-level: the share of characters of the data that the alphabet covers."""
    min_frequency: int = 2
    """With bpe: the least occurrences of a pair that is merged."""
    special_tokens: tuple[str, ...] = ()
    """Tokens never split, or ROLE=TOKEN to name one of the roles bos, eos, unk, pad, ..."""
    context: int | None = None
    """Tokens that the model will read at once, written as model_max_length."""
    roles: dict[str, str] = field(init=False, default_factory=dict)
    """Role -> special token."""
    extra_tokens: tuple[str, ...] = field(init=False, default=())
    """Special tokens without a role."""

    def __post_init__(self) -> None:
        _check_choice("model", self.model, get_args(Model))
        if self.alphabet is None:
            default = "byte-level" if self.model == "bpe" else "byte-fallback"
            object.__setattr__(self, "alphabet", default)
        _check_choice("alphabet", str(self.alphabet), get_args(Alphabet))
        _check_choice("segments", self.segments, get_args(Use))
        if not 0.9 <= self.coverage <= 1:
            raise UsageError(f"coverage={self.coverage} is not allowed. Use 0.9 to 1.")
        if self.min_frequency < 1:
            raise UsageError(f"min_frequency={self.min_frequency} is not allowed. Use 1 or more.")
        if self.context is not None and self.context < 1:
            raise UsageError(f"context={self.context} is not allowed. Use 1 or more.")
        if self.segments == "input" and self.pre_segment is None:
            raise UsageError("segments=input says nothing without a scheme: name pre_segment.")
        if self.segments == "input" and self.mark == "plus":
            raise UsageError(
                "mark=plus glues segments with +, which text may hold as well. "
                "Use marked or split for text that a tokenizer reads."
            )
        if self.normalize is not None:
            from arabench.text.presets import options_from

            options_from(self.normalize)
        self._set_special_tokens()
        if self.vocab_size > MAX_VOCAB_SIZE:
            raise UsageError(
                f"vocab_size={self.vocab_size} is too large. Use {MAX_VOCAB_SIZE} or less."
            )
        least = len(self.all_special) + len(self.byte_pieces) + 1
        if self.vocab_size < least:
            raise UsageError(
                f"vocab_size={self.vocab_size} is too small: {len(self.all_special)} special "
                f"tokens and {least - 1 - len(self.all_special)} bytes leave no room for pieces. "
                f"Use {least} or more."
            )

    def _set_special_tokens(self) -> None:
        roles = dict(_DEFAULT_ROLES[self.chosen_alphabet])
        extra = []
        for given in self.special_tokens:
            match = _ROLE.fullmatch(given)
            if match and match[1] in ROLES:
                roles[match[1]] = match[2]
            elif not given.strip():
                raise UsageError("a special token is empty. Name it, or leave it out.")
            else:
                extra.append(given)
        if self.chosen_alphabet == "byte-level" and "unk" in roles:
            raise UsageError(
                "an unknown token is never used with byte-level pieces: every byte has one. "
                "Leave out unk=, or use byte-fallback or characters."
            )
        object.__setattr__(self, "roles", roles)
        object.__setattr__(self, "extra_tokens", tuple(dict.fromkeys(extra)))

    @property
    def chosen_alphabet(self) -> Alphabet:
        """The alphabet, the default filled in."""
        assert self.alphabet is not None
        return self.alphabet

    @property
    def all_special(self) -> list[str]:
        """Special tokens in the order of their ids, from 0: unknown first, as others have it."""
        order = ("unk", "bos", "eos", "pad", "sep", "cls", "mask")
        with_roles = [self.roles[role] for role in order if role in self.roles]
        return list(dict.fromkeys([*with_roles, *self.extra_tokens]))

    @property
    def byte_pieces(self) -> list[str]:
        """The pieces that stand for bytes, in the order of the bytes."""
        from arabench.subwords.pieces import byte_letters

        if self.chosen_alphabet == "byte-level":
            letters = sorted(byte_letters().items(), key=lambda item: item[1])
            return [letter for letter, _ in letters]
        if self.chosen_alphabet == "byte-fallback":
            return [f"<0x{byte:02X}>" for byte in range(256)]
        return []

    @property
    def signature(self) -> str:
        """Short stable text that names what decides the result, the data apart."""
        parts = [
            f"tokenizer:{TRAINER_VERSION}",
            self.model,
            self.chosen_alphabet,
            f"vocab:{self.vocab_size}",
        ]
        if self.model == "bpe":
            parts.append(f"min:{self.min_frequency}")
        if self.chosen_alphabet != "byte-level":
            parts.append(f"coverage:{self.coverage}")
        if self.normalize:
            parts.append(f"normalize:{self.normalize}")
        if self.pre_segment:
            mark = f":{self.mark}" if self.segments == "input" else ""
            parts.append(f"segments:{self.pre_segment}:{self.segments}{mark}:{self.backend}")
        parts.append(f"special:{len(self.all_special)}")
        return "|".join(parts)


def _check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{name}={value!r} is not known. {did_you_mean(value, allowed)}")
