"""Do tokens end where morphemes end? Precision and recall of the cuts inside of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from arabench.errors import DataError
from arabench.morph.schemes import WORD_CLASS
from arabench.subwords.loading import Encoded, LoadedTokenizer
from arabench.subwords.measures import Estimate, ratio_estimate

#: Texts per call of a tokenizer.
_BATCH_TEXTS: Final = 256
#: A mark, or an escaped plus sign, as `arabench tokenize --mark plus` tells them apart.
_SEAM: Final = re.compile(rf"(?<=[{WORD_CLASS}])(\\*)\+(?=[{WORD_CLASS}])")
#: What segmented text has and plain text has not: marks, spaces, escapes, U+2060 WORD JOINER.
_MARKS: Final = "+ \\\u2060"
_WORD: Final = re.compile(r"\S+")


def unmark(marked: str) -> tuple[str, set[int]]:
    """A text without the plus signs between the segments of its words, and where they stood.

    Args:
        marked: a text as `arabench tokenize --scheme seg --mark plus` writes it: a plus sign
            between two Arabic letters is a mark, unless a backslash stands before it.

    Returns:
        The text, and the offsets in it at which a segment begins inside of a word.

    >>> unmark("\u0628+\u064a\u062d\u0628+\u0643 1+2")
    ('\u0628\u064a\u062d\u0628\u0643 1+2', {1, 4})
    """
    parts: list[str] = []
    cuts: set[int] = set()
    length = done = 0
    for match in _SEAM.finditer(marked):
        literal = match[0][1:] if match[1] else ""
        parts += [marked[done : match.start()], literal]
        length += match.start() - done
        if not literal:
            cuts.add(length)
        length += len(literal)
        done = match.end()
    parts.append(marked[done:])
    return "".join(parts), cuts


def boundary_figures(tokenizer: LoadedTokenizer, marked: Sequence[str]) -> dict[str, Any]:
    """Precision, recall and F1 of a tokenizer's cuts inside of words, and words cut rightly.

    Args:
        tokenizer: what cuts; one without spans gives no numbers.
        marked: texts as for `unmark`; those without a word are passed over, and so are those
            of which a tokenizer of segmented text reads other letters (the scheme `clitics`
            changes none).
    """
    rows = []
    for start in range(0, len(marked), _BATCH_TEXTS):
        pairs = [unmark(text) for text in marked[start : start + _BATCH_TEXTS] if text.strip()]
        prepared = tokenizer.prepare([text for text, _ in pairs])
        encoded = tokenizer.encode(prepared)
        for (text, cuts), sent, item in zip(pairs, prepared, encoded, strict=True):
            found = _cuts(tokenizer, text, sent, item)
            if found is not None:
                rows.append(_agreement(text, cuts, found))
    if not rows:
        empty = Estimate(None, None, None).as_dict()
        return {"texts": 0, "precision": empty, "recall": empty, "f1": empty, "words_exact": empty}
    right, predicted, gold, exact, words = np.array(rows, dtype=np.float64).T
    return {
        "texts": len(rows),
        "precision": ratio_estimate(right, predicted).as_dict(),
        "recall": ratio_estimate(right, gold).as_dict(),
        "f1": ratio_estimate(2 * right, predicted + gold).as_dict(),
        "words_exact": ratio_estimate(exact, words).as_dict(),
    }


def _cuts(tokenizer: LoadedTokenizer, text: str, sent: str, item: Encoded) -> set[int] | None:
    """Offsets in the text at which a token begins inside of a word."""
    places = range(len(text)) if sent == text else _aligned(sent, text)
    if item.spans is None or places is None:
        return None
    spans = item.spans[~tokenizer.pieces.blank[item.ids]]
    found = set()
    for start, end in spans.tolist():
        # The span of a piece that begins with a space has the space in it or not, by the step
        # that parted the text, and that of a segment its marks: the first letter counts.
        while start < end and (places[start] < 0 or sent[start].isspace()):
            start += 1
        place = places[start] if start < end else 0
        if place > 0 and not text[place - 1].isspace():
            found.add(place)
    return found


def _aligned(sent: str, text: str) -> list[int] | None:
    """For each character of the segmented text its offset in the text, -1 for marks.

    Returns:
        None where it is spelled with other letters.
    """
    places = []
    place = 0
    for char in sent:
        if place < len(text) and char == text[place]:
            places.append(place)
            place += 1
        elif char in _MARKS:
            places.append(-1)
        else:
            return None
    return places if place == len(text) else None


def _agreement(text: str, gold: set[int], found: set[int]) -> tuple[int, int, int, int, int]:
    """Right cuts, cuts made, cuts there are, words with all cuts right, words."""
    exact = words = 0
    for match in _WORD.finditer(text):
        inside = range(match.start() + 1, match.end())
        words += 1
        exact += all((place in gold) == (place in found) for place in inside)
    return len(gold & found), len(found), len(gold), exact, words


def check_marked(texts: Iterable[str], origin: str) -> list[str]:
    """The texts as a list.

    Raises:
        DataError: none of them has a marked segment.
    """
    kept = list(texts)
    if not any(unmark(text)[1] for text in kept):
        raise DataError(
            f"{origin} has no word with a plus sign between its segments, such as "
            "\u0628+\u064a\u062d\u0628+\u0643. Write it with: "
            "arabench tokenize --scheme seg --mark plus."
        )
    return kept
