"""Share of words that the model would have said next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arabench.evaluation.metrics.score import SCORES_VERSION, Score, ratio

#: What counts as a word said: each of its tokens is the most likely one after the true text.
GREEDY: Final = "every token the most likely one after the text before it|words:white space"


def said(results: Sequence[tuple[float, bool]]) -> float:
    """How many of the words greedy decoding would have said."""
    return float(sum(greedy for _, greedy in results))


NEXT_WORD: Final = Score(
    "next_word_acc", 2, ratio, True, "0-1", lambda: f"v:{SCORES_VERSION}|{GREEDY}"
)
