"""What a page shows of a text: where personal data may be, and snippets without it."""

from __future__ import annotations

from typing import Any, Final

from arabench.audit.blocks import TextBlock
from arabench.audit.personal_data import MIN_DIGITS, NUMBER_REACH, mask_personal_data
from arabench.audit.samples import beginning, line_around
from arabench.audit.tables import Kind

CONTEXT_CHARS: Final = 40
SNIPPET_CHARS: Final = 240
#: Personal data is masked in a wider stretch than is shown, so that a number cut by the edge
#: is still seen as one.
_MASK_MARGIN: Final = 80


def number_windows(block: TextBlock) -> list[tuple[int, int]]:
    """Stretches of a block with digits enough for a number of a person, close together."""
    digits = block.positions(Kind.LATIN_DIGIT, Kind.ARABIC_DIGIT)
    reach = MIN_DIGITS - 1
    if len(digits) <= reach:
        return []
    first = digits[:-reach]
    # At most two separators between digits.
    dense = first[digits[reach:] - first <= 3 * reach]
    windows: list[tuple[int, int]] = []
    for start in dense.tolist():
        # An IBAN begins with two letters, a telephone number with "(+".
        window = (max(0, start - 6), min(len(block.codes), start + 2 * NUMBER_REACH))
        if windows and window[0] <= windows[-1][1]:
            windows[-1] = (windows[-1][0], window[1])
        else:
            windows.append(window)
    return windows


def concordance(text: str, start: int, end: int, detail: str) -> dict[str, Any]:
    """A hit with what stands around it; personal data is masked in all of it."""
    first, last = line_around(text, start, end, CONTEXT_CHARS + _MASK_MARGIN)
    # Masking keeps the number of characters, so the places stay where they are.
    masked = mask_personal_data(storable(text[first:last]))
    before, hit = masked[: start - first], masked[start - first : end - first]
    after = masked[end - first :]
    return {
        "before": ("\u2026" if len(before) > CONTEXT_CHARS else "") + before[-CONTEXT_CHARS:],
        "hit": beginning(hit, SNIPPET_CHARS),
        "after": beginning(after, CONTEXT_CHARS),
        "detail": detail,
    }


def snippet(text: str) -> str:
    """The beginning of a text, its personal data masked."""
    start = storable(text[: SNIPPET_CHARS + _MASK_MARGIN]).strip()
    return beginning(mask_personal_data(start), SNIPPET_CHARS)


def storable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
