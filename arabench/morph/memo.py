"""Answers of a function of strings, kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

#: Spellings kept with their tokens, likewise pieces between spaces, likewise tokens with their
#: word; then half is forgotten. At some 300 bytes each a tokenizer stays below 200 MB.
CACHE_SIZE: Final = 300_000
#: Longer ones are hardly met twice.
_LONGEST_KEY: Final = 48


class Memo(dict[str, str]):
    """A function of strings, its answers kept; threads may share one.

    Args:
        function: the answers for some strings, in order.
    """

    def __init__(self, function: Callable[[Sequence[str]], list[str]]) -> None:
        self._function = function

    def __missing__(self, key: str) -> str:
        (answer,) = self._function([key])
        if len(key) <= _LONGEST_KEY:
            self[key] = answer
        return answer

    def learn(self, keys: set[str]) -> None:
        """Work out together what is not known, in an order that depends on nothing else."""
        # `keys.difference(self)` would go through all of a dict that is not exactly a dict.
        new = sorted([key for key in keys if key not in self and len(key) <= _LONGEST_KEY])
        if new:
            self.update(zip(new, self._function(new), strict=True))

    def make_room(self) -> None:
        """Forget what was met last where it is too much: what is frequent was met early."""
        if len(self) > CACHE_SIZE:
            for key in list(self)[CACHE_SIZE // 2 :]:
                self.pop(key, None)
