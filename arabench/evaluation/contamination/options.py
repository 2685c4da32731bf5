"""What counts as contamination, and the levels of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from arabench.errors import UsageError
from arabench.evaluation.contamination.index import WHOLE_BELOW

#: Raised when other items are found in the same text under the same options.
VERSION: Final = 1

Level = Literal["exact", "ngram", "near", "arabizi"]
#: The strictest first.
LEVELS: Final[tuple[Level, ...]] = ("exact", "ngram", "near", "arabizi")


@dataclass(frozen=True)
class Options:
    """Thresholds of the levels.

    The n-gram rule is that of Tülu 3 (Lambert et al. 2024, arXiv 2411.15124): half of an item's
    words or more lie in runs of 8 words that one training row has too. GPT-3 (Brown et al. 2020,
    arXiv 2005.14165, appendix C) takes any run of 8 to 13 words, by the length of the data's items.
    """

    gram: int = 8
    """Words of a run that counts; an item of fewer words counts as a whole."""
    overlap: float = 0.5
    """Least share of the words of a part that lie in such runs."""
    near: float = 0.35
    """Least Jaccard similarity of words and pairs of words with those of a stretch of text, which
    must hold six words of ten besides."""
    arabizi: float = 0.6
    """Least similarity of letters with what a stretch in Latin letters is read as; vowels are
    left out."""

    def __post_init__(self) -> None:
        if not WHOLE_BELOW <= self.gram <= 100:
            raise UsageError(
                f"n-grams of {self.gram} words are not allowed. Use {WHOLE_BELOW} to 100 words."
            )
        for name in ("overlap", "near", "arabizi"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(
                    f"{name}={getattr(self, name)} is no share. Use a number above 0, up to 1."
                )

    @property
    def signature(self) -> str:
        """Everything that decides what is found, in one line."""
        return (
            f"contamination:{VERSION}|ngram:{self.gram}|overlap:{self.overlap:g}"
            f"|near:{self.near:g}|arabizi:{self.arabizi:g}"
        )
