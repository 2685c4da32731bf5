"""What the pieces of a vocabulary stand for: text, single bytes, white space."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from arabench import chars

#: How a tokenizer writes a character that is not in its alphabet: as bytes that are spelled
#: with 256 letters (GPT-2), as pieces <0x00> to <0xFF> (SentencePiece), or not at all.
Kind = Literal["byte-level", "byte-fallback", "characters"]

#: SentencePiece's sign for a space.
METASPACE: Final = "\u2581"  # LOWER ONE EIGHTH BLOCK
_BYTE_PIECE: Final = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class PieceTable:
    """One entry per vocabulary id.

    Attributes:
        as_bytes: the piece stands for bytes: in a byte-level vocabulary those that are no whole
            characters, with byte fallback the pieces <0x00> to <0xFF>.
        blank: the piece stands for white space alone.
        arabic: the piece holds an Arabic letter.
    """

    as_bytes: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    arabic: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.as_bytes)


@functools.cache
def byte_letters() -> dict[str, int]:
    """GPT-2's letter for each byte: printable Latin-1 stands for itself, the rest from U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {chr(byte): byte for byte in printable}
    rest = [byte for byte in range(256) if byte not in set(printable)]
    return letters | {chr(0x100 + place): byte for place, byte in enumerate(rest)}


def kind_of(backend: dict[str, Any] | None) -> Kind:
    """How the tokenizer described by a parsed `tokenizer.json` writes unknown characters."""
    if backend is None:
        return "characters"
    parts = [*_parts(backend.get("pre_tokenizer")), *_parts(backend.get("decoder"))]
    parts += _parts(backend.get("normalizer"))
    model = backend.get("model")
    if any(part.get("type") == "ByteLevel" for part in parts):
        return "byte-level"
    if isinstance(model, dict) and model.get("byte_fallback"):
        return "byte-fallback"
    return "characters"


def _parts(step: Any) -> list[dict[str, Any]]:
    """A step and those inside of it, where it is a sequence."""
    if not isinstance(step, dict):
        return []
    inner = [step.get(name) for name in ("pretokenizers", "decoders", "normalizers")]
    lists = [item for item in inner if isinstance(item, list)]
    return [step, *(found for items in lists for item in items for found in _parts(item))]


def piece_table(pieces: Sequence[str], kind: Kind, added: Collection[int] = ()) -> PieceTable:
    """Classify the pieces of a vocabulary.

    Args:
        pieces: the piece of each id, as the vocabulary spells it.
        kind: how the tokenizer writes bytes.
        added: ids of tokens that were added by hand, which spell plain text.
    """
    plain = set(added)
    as_bytes = np.zeros(len(pieces), dtype=np.bool_)
    blank = np.zeros(len(pieces), dtype=np.bool_)
    arabic = np.zeros(len(pieces), dtype=np.bool_)
    for place, piece in enumerate(pieces):
        if place in plain:
            text: str | None = piece
        elif kind == "byte-level":
            text = _spelled_text(piece)
        elif kind == "byte-fallback" and _BYTE_PIECE.fullmatch(piece):
            text = None
        else:
            text = piece.removeprefix("##").replace(METASPACE, " ")
        as_bytes[place] = text is None
        blank[place] = text is not None and not text.strip()
        arabic[place] = text is not None and not chars.LETTERS.isdisjoint(text)
    return PieceTable(as_bytes, blank, arabic)


def decoded_table(texts: Sequence[str], special: Collection[int]) -> PieceTable:
    """Classify pieces by what each decodes to alone, for tokenizers that tell no more.

    Args:
        texts: the text of each id; half a character decodes to nothing or to U+FFFD.
        special: ids of special tokens, which may stand for no text at all.
    """
    silent = set(special)
    as_bytes = [
        place not in silent and (not text or chars.REPLACEMENT in text)
        for place, text in enumerate(texts)
    ]
    blank = [bool(text) and not text.strip() for text in texts]
    arabic = [not chars.LETTERS.isdisjoint(text) for text in texts]
    return PieceTable(*(np.array(flags, dtype=np.bool_) for flags in (as_bytes, blank, arabic)))


def _spelled_text(piece: str) -> str | None:
    """The text of a byte-level piece; None if its bytes are no whole characters."""
    letters = byte_letters()
    try:
        return bytes(letters[letter] for letter in piece).decode("utf-8")
    except UnicodeDecodeError:
        return None
    except KeyError:  # a piece that no byte-level pre-tokenizer can produce
        return piece
