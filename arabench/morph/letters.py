"""Letters as the segmenter sees them: look-alikes folded, marks and stretching set aside.

A word is decided on its bare letters and cut in its original spelling: every letter keeps
the place where it starts, so that marks and tatweel stay with the letter before them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from arabench import chars

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Longer words come back whole: no Arabic word with clitics has more letters.
MAX_LETTERS: Final = 60

# Code n is letter n - 1 of this line. The last four are folded for everything but the
# letters at the edges of a stem: a hamza or maqsura says where a stem starts or ends.
_PLAIN: Final = (
    "\u0621\u0627\u0628\u0629\u062a\u062b\u062c\u062d\u062e"  # hamza, alef .. khah
    "\u062f\u0630\u0631\u0632\u0633\u0634\u0635\u0636\u0637\u0638\u0639\u063a"  # dal .. ghain
    "\u0641\u0642\u0643\u0644\u0645\u0646\u0647\u0648\u064a\u0624\u0626"  # feh .. yeh, seats
)
_FOLDED: Final = {
    "\u0623": chars.ALIF,  # ALEF WITH HAMZA ABOVE
    "\u0625": chars.ALIF,  # ALEF WITH HAMZA BELOW
    "\u0622": chars.ALIF,  # ALEF WITH MADDA ABOVE
    "\u0649": chars.YA,  # ALEF MAKSURA
}
#: Any other letter of the Arabic blocks.
OTHER: Final = len(_PLAIN) + len(_FOLDED) + 1
#: Number of codes; 0 is no letter.
CODES: Final = OTHER + 1

CODE: Final[dict[str, int]] = {
    letter: place + 1 for place, letter in enumerate([*_PLAIN, *_FOLDED])
}
#: Code -> code of the folded letter.
FOLD: Final = bytes(
    CODE[_FOLDED[letter]] if (letter := (["", *_PLAIN, *_FOLDED, "?"])[code]) in _FOLDED else code
    for code in range(CODES)
)

_LIKE: Final = {
    **chars.URDU_TO_ARABIC,
    **chars.LOAN_TO_ARABIC,
    **chars.MAGHREBI_TO_ARABIC,
    **chars.PERSIAN_TO_ARABIC,
    chars.ALIF_WASLA: chars.ALIF,
}
#: Stretching: so many of one letter in a row stand for one.
_STRETCHED: Final = 3


class Letters(NamedTuple):
    """The bare letters of a word.

    Attributes:
        codes: one byte per letter, 1 to `OTHER`.
        starts: index in the word where each letter starts; letters of one ligature share it.
    """

    codes: bytes
    starts: tuple[int, ...]


@functools.cache
def _code_table() -> dict[int, str]:
    """Character -> its codes as characters; "" for what belongs to the letter before."""
    table: dict[int, str] = {}
    for letter in chars.LETTERS:
        table[ord(letter)] = chr(OTHER)
    for letter, code in CODE.items():
        table[ord(letter)] = chr(code)
    for letter, plain in _LIKE.items():
        table[ord(letter)] = "".join(chr(CODE[c]) for c in plain if c in CODE)
    for form, expansion in chars.PRESENTATION_FORMS.items():
        letters = [_LIKE.get(letter, letter) for letter in expansion]
        if all(c in CODE or c in chars.MARKS or c == chars.TATWEEL for c in "".join(letters)):
            table[ord(form)] = "".join(chr(CODE[c]) for c in "".join(letters) if c in CODE)
    for ignored in chars.MARKS | chars.ZERO_WIDTH | {chars.TATWEEL}:
        table[ord(ignored)] = ""
    return table


def encode(word: str) -> Letters | None:
    """The letters of `word`, or None where it is no Arabic word to cut.

    None for the empty word, for one with a character that is neither an Arabic letter nor a
    mark, tatweel or zero-width character, and for more than `MAX_LETTERS` letters.
    """
    if len(word) > 8 * MAX_LETTERS:
        return None
    table = _code_table()
    codes: list[int] = []
    starts: list[int] = []
    for place, char in enumerate(word):
        expansion = table.get(ord(char))
        if expansion is None:
            return None
        codes.extend(map(ord, expansion))
        starts.extend([place] * len(expansion))
    kept = _unstretched(codes)
    if not 0 < len(kept) <= MAX_LETTERS:
        return None
    return Letters(bytes(codes[i] for i in kept), tuple(starts[i] for i in kept))


class PlainWords(NamedTuple):
    """Words of plain letters only, one code per character: most words by far.

    Attributes:
        is_plain: (words given,) which of them these are.
        codes: (letters,) uint8 codes of all of them in a row.
        offsets: (plain words + 1,) int64, where each starts.
    """

    is_plain: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]


def encode_plain(words: Sequence[str]) -> PlainWords:
    """The plain words among `words`, by arrays; the others are for `encode`.

    Args:
        words: none empty.
    """
    import numpy as np

    lengths, codes = _looked_up(words, _plain_codes())
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    is_plain = (np.minimum.reduceat(codes, offsets[:-1]) > 0) & (lengths <= MAX_LETTERS)
    alike = (codes[2:] == codes[1:-1]) & (codes[1:-1] == codes[:-2]) & (codes[2:] > 0)
    places = np.flatnonzero(alike)
    word_of = np.searchsorted(offsets, places, side="right") - 1
    is_plain[word_of[places + _STRETCHED <= offsets[word_of + 1]]] = False
    kept = lengths[is_plain]
    return PlainWords(
        is_plain,
        codes[np.repeat(is_plain, lengths)],
        np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)]),
    )


def _looked_up(
    words: Sequence[str], table: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Lengths of words, and the entry of every character; the last entry is for those beyond."""
    import numpy as np

    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    joined = "".join(words).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(joined, dtype=np.uint32)
    return lengths, table[np.minimum(points, len(table) - 1)]


class MarkedWords(NamedTuple):
    """Words whose every character is one letter, or belongs to the letter before.

    Attributes:
        is_marked: (words given,) which of them these are.
        codes: (letters,) uint8 codes of all of them in a row.
        offsets: (marked words + 1,) int64, where each starts.
        starts: (letters,) int64, as in `Letters`.
    """

    is_marked: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


def encode_marked(words: Sequence[str]) -> MarkedWords:
    """The words among `words` that are marked but not stretched, by arrays; see `encode`.

    Args:
        words: none empty.
    """
    import numpy as np

    lengths, codes = _looked_up(words, _single_codes())
    firsts = np.cumsum(lengths) - lengths
    is_letter = codes < _IGNORED
    counts = np.add.reduceat(is_letter.astype(np.int64), firsts)
    is_marked = (np.minimum.reduceat(codes, firsts) > 0) & (counts > 0) & (counts <= MAX_LETTERS)
    is_marked &= lengths <= 8 * MAX_LETTERS
    places = np.flatnonzero(is_letter)
    word_of = np.repeat(np.arange(len(words)), lengths)[places]
    kept = codes[places]
    alike = (kept[2:] == kept[1:-1]) & (kept[1:-1] == kept[:-2]) & (word_of[2:] == word_of[:-2])
    is_marked[word_of[:-2][alike]] = False
    chosen = is_marked[word_of]
    return MarkedWords(
        is_marked,
        kept[chosen],
        np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts[is_marked])]),
        (places - firsts[word_of])[chosen],
    )


def in_a_row(words: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Codes of all words in one uint8 array, and int64 places where each starts."""
    import numpy as np

    lengths = [0, *map(len, words)]
    codes = np.frombuffer(b"".join(words), dtype=np.uint8)
    return codes, np.cumsum(np.array(lengths, dtype=np.int64))


@functools.cache
def _plain_codes() -> npt.NDArray[np.uint8]:
    """Code of every code point up to the last plain letter; 0 for the others and at the end."""
    import numpy as np

    table = np.zeros(max(map(ord, CODE)) + 2, dtype=np.uint8)
    for letter, code in CODE.items():
        table[ord(letter)] = code
    return table


#: In `_single_codes`: what belongs to the letter before.
_IGNORED: Final = 255


@functools.cache
def _single_codes() -> npt.NDArray[np.uint8]:
    """Code of every character that is one letter, or `_IGNORED`; 0 for others and at the end."""
    import numpy as np

    table = np.zeros(0x10000, dtype=np.uint8)
    for point, codes in _code_table().items():
        if len(codes) <= 1 and point < len(table) - 1:
            table[point] = ord(codes) if codes else _IGNORED
    return table


def _unstretched(codes: list[int]) -> list[int]:
    """Places of the letters, of three or more alike in a row only the first."""
    kept: list[int] = []
    start = 0
    while start < len(codes):
        end = start
        while end < len(codes) and codes[end] == codes[start]:
            end += 1
        kept.extend([start] if end - start >= _STRETCHED else range(start, end))
        start = end
    return kept


def decode(codes: bytes) -> str:
    """Letters of codes, for messages and tests; "?" for `OTHER`."""
    letters = ["", *_PLAIN, *_FOLDED, "?"]
    return "".join(letters[code] for code in codes)
