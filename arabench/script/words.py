"""The word list of the script models: how often each Arabic word is in text of each variety.

The payload of the file: words in order, each as the number of letters shared with the one
before and the letters that follow, then one byte per word and column.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from arabench.errors import DataError
from arabench.script.character_model import ALPHABET, NUMBERS
from arabench.script.containers import read_packaged, seal, unseal

#: What is counted apart: dialect text per variety, standard Arabic and mixed tweets, wikis.
COLUMNS: Final = ("egy", "lev", "glf", "mgr", "general", "wiki")
MAGIC: Final = b"ARABIZI\0"
VERSION: Final = 1
_MAX_WORD: Final = 40

NAME: Final = "arabizi.model"


@dataclass(frozen=True, slots=True)
class WordList:
    """Words and how often they are used.

    Attributes:
        words: letters as bytes of their `NUMBERS`, in order.
        levels: column -> one byte per word: 0 where it is not used, else 1 + floor(2 log2 n).
    """

    words: list[bytes]
    levels: dict[str, bytes]


def level_of(count: int) -> int:
    """1 + floor(2 log2 count), in whole numbers; 0 for 0."""
    return min((count * count).bit_length(), 255)


def count_of(level: int) -> float:
    """The count in the middle of a level, 0 for 0."""
    return 2.0 ** ((level - 0.5) / 2) if level > 1 else float(level)


def pack_words(counts: Mapping[str, Sequence[int]]) -> bytes:
    """The model file of words and their counts, in the order of `COLUMNS`.

    Raises:
        DataError: a word is longer than the format allows or has a letter outside of it.
    """
    encoded: list[tuple[bytes, Sequence[int]]] = []
    for word, row in counts.items():
        if not 0 < len(word) <= _MAX_WORD or any(letter not in NUMBERS for letter in word):
            raise DataError(f"the word {word!r} cannot be in a word list: letters {ALPHABET}.")
        encoded.append((bytes(NUMBERS[letter] for letter in word), row))
    encoded.sort(key=lambda item: item[0])
    body, before = bytearray(struct.pack("<I", len(encoded))), b""
    for word_bytes, _ in encoded:
        shared = 0
        while shared < min(len(before), len(word_bytes)) and before[shared] == word_bytes[shared]:
            shared += 1
        # Numbers of letters are below 64, so that shared lengths above tell words apart.
        body.append(64 + shared)
        body += word_bytes[shared:]
        before = word_bytes
    for place in range(len(COLUMNS)):
        body += bytes(level_of(row[place]) for _, row in encoded)
    return seal(MAGIC, VERSION, bytes(body))


def unpack_words(data: bytes, name: str = NAME) -> WordList:
    """Read a model file.

    Raises:
        DataError: it is none, damaged, or of another version.
    """
    body = unseal(data, MAGIC, VERSION, name)
    try:
        return WordList(*_read_body(body))
    except (IndexError, struct.error, ValueError) as error:
        raise DataError(f"{name} is damaged: {error}. Reinstall arabench.") from error


def _read_body(body: bytes) -> tuple[list[bytes], dict[str, bytes]]:
    (count,) = struct.unpack_from("<I", body)
    end = len(body) - count * len(COLUMNS)
    if end < 4:
        raise ValueError("too short")
    words: list[bytes] = []
    before, start = b"", 4
    while start < end:
        shared = body[start] - 64
        stop = start + 1
        while stop < end and body[stop] < 64:
            stop += 1
        before = before[:shared] + body[start + 1 : stop]
        words.append(before)
        start = stop
    if len(words) != count:
        raise ValueError(f"{len(words)} words of {count}")
    columns = [body[end + place * count :][:count] for place in range(len(COLUMNS))]
    return words, dict(zip(COLUMNS, columns, strict=True))


def load_words() -> WordList:
    """The word list of the package.

    Raises:
        DataError: it is absent, damaged, or of another version.
    """
    return unpack_words(read_packaged(NAME))
