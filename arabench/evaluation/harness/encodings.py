"""Ids of prompts, kept while base and adapters of one run are measured one after the other."""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Ids that are kept, four bytes each; the oldest go first.
_MOST_IDS: Final = 8_000_000

Key = tuple[bytes, bool | None, str]


class Encodings:
    """Texts and their ids by the content of the tokenizer, bounded.

    Args:
        most: ids that are kept at most.
    """

    def __init__(self, most: int = _MOST_IDS) -> None:
        self._most = most
        self._ids: dict[Key, array[int]] = {}
        self._count = 0
        self._lock = threading.Lock()

    def find(
        self,
        tokenizer: bytes,
        texts: Sequence[str],
        marks: Sequence[bool | None],
        encode: Callable[[Sequence[str], bool | None], list[list[int]]],
    ) -> list[list[int]]:
        """Ids of texts; what is not known is encoded in one call for each mark.

        Args:
            tokenizer: of `tokenizer_key`.
            texts: to be encoded.
            marks: whether special tokens are added to each; None is the tokenizer's own choice.
            encode: (texts, mark) -> ids.
        """
        keys = [(tokenizer, mark, text) for mark, text in zip(marks, texts, strict=True)]
        with self._lock:
            found = {key: self._ids[key] for key in keys if key in self._ids}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        for mark in dict.fromkeys(key[1] for key in missing):
            chosen = [key for key in missing if key[1] is mark]
            for key, ids in zip(chosen, encode([key[2] for key in chosen], mark), strict=True):
                found[key] = array("i", ids)
        with self._lock:
            for key in missing:
                self._put(key, found[key])
        return [found[key].tolist() for key in keys]

    def _put(self, key: Key, ids: array[int]) -> None:
        # A text costs about as much as it has ids, an entry some sixty more.
        self._ids[key] = ids
        self._count += len(ids) + 60
        while self._count > self._most and self._ids:
            oldest = next(iter(self._ids))
            self._count -= len(self._ids.pop(oldest)) + 60


#: Of this process: adapters are measured one after the other on one base.
SHARED: Final = Encodings()

_CONTENT: Final[WeakKeyDictionary[PreTrainedTokenizerBase, bytes]] = WeakKeyDictionary()


def tokenizer_key(tokenizer: PreTrainedTokenizerBase) -> bytes:
    """What tells a tokenizer from others: its content, and what it puts around a text just now.

    A tokenizer in Python has no content that could be read: it is told by a number of its own.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if tokenizer not in _CONTENT:
        content = backend.to_str() if backend is not None else f"object {len(_CONTENT)}"
        _CONTENT[tokenizer] = hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()
    if backend is None:
        return _CONTENT[tokenizer]
    around = backend.post_processor
    state = around.__getstate__() if around is not None else b""
    rows = backend.get_vocab_size(with_added_tokens=True)
    return _CONTENT[tokenizer] + hashlib.sha256(b"%d %s" % (rows, state)).digest()
