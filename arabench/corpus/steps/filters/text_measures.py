"""What is measured of a text before it is kept or dropped: shares, lengths, repetition.

Word statistics look at folded words (`arabench.corpus.word_hashes`): diacritics and
spelling variants make no difference. Texts are measured in blocks as arrays; a single
text is a block of one.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from arabench import chars
from arabench.corpus import word_hashes as words
from arabench.text import hash_arrays
from arabench.text.hash_arrays import I64, U64, HashSet
from arabench.text.rules.boilerplate import MENU_SEPARATORS, MOST_CHARS, is_boilerplate, phrases
from arabench.text.rules.folding import folding

F64 = npt.NDArray[np.float64]
Flags = words.Flags

#: Words in the phrases whose repetition is measured: the shortest duplicate n-gram of Gopher.
PHRASE_WORDS: Final = 5
#: Words in the phrase whose share is measured: the shortest top n-gram of Gopher.
TOP_PHRASE_WORDS: Final = 2


def _toml(name: str) -> dict[str, Any]:
    """A data file that travels beside this module."""
    return tomllib.loads(
        files("arabench.corpus.steps.filters").joinpath(name).read_text(encoding="utf-8")
    )


@functools.cache
def stop_words() -> dict[str, list[str]]:
    """Function words by variety code, as in stop_words.toml."""
    return _toml("stop_words.toml")


@functools.cache
def _known_stop_words() -> HashSet:
    listed = [word for group in stop_words().values() for word in group]
    return HashSet(words.scan(listed).hashes)


@dataclasses.dataclass(slots=True)
class Measures:
    """What is measured of texts: one value per text in every array, in order.

    Shares of nothing (no letters, no words) are 0.
    """

    words: F64
    """Runs of letters and digits."""
    arabic: F64
    """Arabic letters per letter of any script."""
    symbols: F64
    """Symbols per visible character."""
    letter_words: F64
    """Words that hold a letter, per word."""
    mean_word_chars: F64
    """Letters and digits per word."""
    repeated_lines: F64
    """Letters in lines that stood in the text before, per letter."""
    repeated_phrases: F64
    """Letters in runs of `PHRASE_WORDS` words that stood in the text before, per letter."""
    top_phrase: F64
    """Letters in the commonest pair of words, if it occurs twice, per letter."""
    stop_words: F64
    """Function words of any variety, per word."""
    boilerplate: F64
    """Letters in boilerplate lines (`arabench.text.rules.boilerplate`), per letter."""


MEASURES: Final = tuple(field.name for field in dataclasses.fields(Measures))


def measure_many(texts: Sequence[str]) -> Measures:
    """Measures of texts, in order. Total: any string has values."""
    parts = [_measure_block(block) for block in words.blocks(texts)]
    return Measures(
        *(
            np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0)])
            for name in MEASURES
        )
    )


def measure(text: str) -> dict[str, float]:
    """Measures of one text by name (see `Measures`)."""
    values = measure_many([text])
    return {name: float(getattr(values, name)[0]) for name in MEASURES}


def arabic_share(text: str) -> float:
    """Arabic letters per letter of any script; 0 without letters.

    >>> round(arabic_share("كتبت README بالأمس"), 2)
    0.62
    """
    return measure(text)["arabic"]


def symbol_share(text: str) -> float:
    """Symbols (emoji, markup signs, broken characters) per visible character."""
    return measure(text)["symbols"]


def stop_word_share(text: str) -> float:
    """Function words of MSA or any dialect group, per word."""
    return measure(text)["stop_words"]


def repetition(text: str) -> float:
    """Letters in repeated lines or repeated runs of five words, whichever is more, per letter."""
    values = measure(text)
    return max(values["repeated_lines"], values["repeated_phrases"])


def boilerplate_share(text: str) -> float:
    """Letters in boilerplate lines, per letter."""
    return measure(text)["boilerplate"]


def _share(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> F64:
    shares: F64 = np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
    return shares


def _sums(values: npt.NDArray[Any], bounds: I64) -> F64:
    """Sum of `values[bounds[i] : bounds[i + 1]]` for every i."""
    total = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=total[1:])
    return (total[bounds[1:]] - total[bounds[:-1]]).astype(np.float64)


def _counts(places: I64, bounds: I64) -> I64:
    """How many of the sorted places are in `bounds[i] .. bounds[i + 1]` for every i."""
    return np.diff(np.searchsorted(places, bounds))


def _measure_block(block: words.Block) -> Measures:
    places = {kind: np.flatnonzero(block.classes == kind) for kind in words.OTHER_THAN_ARABIC}
    counts = {kind: _counts(found, block.text_starts) for kind, found in places.items()}
    size = np.diff(block.text_starts)
    arabic = size - sum(counts.values())
    unseen = counts[words.SPACE] + counts[words.IGNORED] + counts[words.LINK]
    bounds = block.text_words
    word_count = np.diff(bounds).astype(np.float64)
    letters = _sums(block.lengths, bounds)  # folded letters and digits
    text_of_word = np.repeat(np.arange(len(size)), np.diff(bounds))
    lines = _Lines(block)
    return Measures(
        words=word_count,
        arabic=_share(arabic, arabic + counts[words.LETTER]),
        symbols=_share(counts[words.SYMBOL], size - unseen),
        letter_words=_share(_sums(block.digits < block.lengths, bounds), word_count),
        mean_word_chars=_share(letters, word_count),
        repeated_lines=_share(lines.sums_where(lines.repeated(text_of_word)), letters),
        repeated_phrases=_share(_repeated_phrases(block, text_of_word), letters),
        top_phrase=_share(_top_phrase(block, text_of_word), letters),
        stop_words=_share(_sums(_is_stop_word(block), bounds), word_count),
        boilerplate=_share(_boilerplate(block, places), letters),
    )


#: WAW and FA, conjunctions written as one word with the next.
_CONJUNCTIONS: Final = (0x0648, 0x0641)


def _is_stop_word(block: words.Block) -> words.Flags:
    known = _known_stop_words()
    found = np.zeros(len(block.hashes), dtype=np.bool_)
    found[known.places(block.hashes)] = True
    first = block.firsts
    joined = np.flatnonzero(~found & ((first == _CONJUNCTIONS[0]) | (first == _CONJUNCTIONS[1])))
    found[joined[known.places(block.tails[joined])]] = True
    return found


def _repeats(keys: U64) -> tuple[I64, words.Flags]:
    """Places in the order of (key, place), and which of them hold the key of the one before.

    Key and place share 64 bits: one sort of integers is many times faster than an
    argsort. In a block of usual size two keys are confused with odds below one in a million,
    in the longest text once in 500.
    """
    place_bits = np.uint64(max(1, len(keys).bit_length()))
    places = np.arange(len(keys), dtype=np.uint64)
    packed = np.sort((keys >> place_bits << place_bits) | places)
    order = (packed & np.uint64((1 << int(place_bits)) - 1)).astype(np.int64)
    again = np.zeros(len(keys), dtype=np.bool_)
    again[1:] = (packed[1:] >> place_bits) == (packed[:-1] >> place_bits)
    return order, again


def _phrase_keys(block: words.Block, text_of_word: I64, length: int) -> tuple[U64, I64]:
    """Keys of all phrases inside one text, told apart by text, and their first words."""
    hashes = hash_arrays.phrases(block.hashes, length)
    inside = np.flatnonzero(
        text_of_word[: len(hashes)] == text_of_word[length - 1 :][: len(hashes)]
    )
    salt = text_of_word[inside].astype(np.uint64)
    return hash_arrays.mix(hashes[inside] + salt), inside


def _repeated_phrases(block: words.Block, text_of_word: I64) -> F64:
    keys, firsts = _phrase_keys(block, text_of_word, PHRASE_WORDS)
    order, again = _repeats(keys)
    repeated = firsts[order[again]]
    change = np.zeros(len(block.hashes) + 1, dtype=np.int32)
    np.add.at(change, repeated, 1)
    np.add.at(change, repeated + PHRASE_WORDS, -1)
    covered = np.cumsum(change[:-1]) > 0
    return _sums(np.where(covered, block.lengths, 0), block.text_words)


def _top_phrase(block: words.Block, text_of_word: I64) -> F64:
    keys, firsts = _phrase_keys(block, text_of_word, TOP_PHRASE_WORDS)
    top = np.zeros(len(block.text_starts) - 1)
    order, again = _repeats(keys)
    begins = np.flatnonzero(~again)
    count = np.diff(np.append(begins, len(order)))
    several = count > 1
    first = firsts[order[begins[several]]]
    letters = (block.lengths[first] + block.lengths[first + 1]) * count[several]
    np.maximum.at(top, text_of_word[first], letters)
    return top


class _FirstWords(NamedTuple):
    """How the lines begin that are boilerplate."""

    alone: HashSet
    """Phrases that are one word."""
    pairs: HashSet
    """The first two words of all others."""
    entries: HashSet
    """The first words of phrases that are an entry of a menu."""


@functools.cache
def _first_words() -> _FirstWords:
    whole, beginning = phrases()
    split = [phrase.split()[:2] for phrase in (*whole, *beginning)]
    assert all(" " in phrase.strip() for phrase in beginning)
    pairs = [word for first in split if len(first) == 2 for word in first]
    return _FirstWords(
        HashSet(words.scan([first[0] for first in split if len(first) == 1]).hashes),
        HashSet(hash_arrays.phrases(words.scan(pairs).hashes, 2)[::2]),
        HashSet(words.scan([phrase.split()[0] for phrase in whole]).hashes),
    )


@functools.cache
def _table_of(characters: frozenset[str]) -> words.Flags:
    """Code point -> whether it is one of the characters."""
    table = np.zeros(0x110000, dtype=np.bool_)
    table[[ord(char) for char in characters]] = True
    return table


def _boilerplate(block: words.Block, places: Mapping[int, I64]) -> F64:
    """Letters in boilerplate lines of every text, given the places of every class."""
    breaks = _those_of(chars.LINE_BREAKS, places[words.SPACE], block.codes)
    begins = np.concatenate([np.zeros(1, dtype=np.int64), breaks[:-1] + 1])
    likely = _may_be_boilerplate(block, breaks, places)
    if block.text is block.given:
        likely &= breaks - begins <= MOST_CHARS
    if not likely.any():
        return np.zeros(len(block.text_starts) - 1)

    text, ends = block.given, breaks
    if text is not block.text:  # lines are the same there, places are not
        codes = words.code_points(text)
        ends = np.flatnonzero(_table_of(chars.LINE_BREAKS)[codes])
    found: list[int] = []
    for line in np.flatnonzero(likely).tolist():
        if is_boilerplate(text[ends[line - 1] + 1 if line else 0 : ends[line]]):
            found.append(line)
    if not found:
        return np.zeros(len(block.text_starts) - 1)
    change = np.zeros(len(block.starts) + 1, dtype=np.int8)
    change[np.searchsorted(block.starts, begins[found])] += 1
    change[np.searchsorted(block.starts, breaks[found])] -= 1
    return _sums(np.where(np.cumsum(change[:-1]) > 0, block.lengths, 0), block.text_words)


def _those_of(characters: frozenset[str], places: I64, codes: npt.NDArray[np.uint32]) -> I64:
    """Places at which one of the characters stands."""
    return places[_table_of(characters)[codes[places]]]


def _may_be_boilerplate(block: words.Block, breaks: I64, places: Mapping[int, I64]) -> words.Flags:
    """Lines that `is_boilerplate` has to look at.

    They begin with the words of a phrase, or their first two words may be others when they
    are folded, or they have the separators of a menu.
    """
    likely = np.zeros(len(breaks), dtype=np.bool_)
    count = len(block.starts)
    lettered = np.append(np.flatnonzero(block.digits < block.lengths), [count] * 3)
    begins = np.searchsorted(block.starts, breaks)  # of the next line, as words
    rank = np.searchsorted(lettered, np.concatenate([np.zeros(1, dtype=np.int64), begins[:-1]]))
    first, second = lettered[rank], lettered[rank + 1]
    has_one, has_two = first < begins, second < begins
    known = _first_words()
    one = np.flatnonzero(has_one & ~has_two)
    likely[one[known.alone.places(block.hashes[first[one]])]] = True
    two = np.flatnonzero(has_two)
    in_a_row = block.hashes[np.stack([first[two], second[two]], axis=1).ravel()]
    likely[two[known.pairs.places(hash_arrays.phrases(in_a_row, 2)[::2])]] = True
    likely[has_one] |= block.digits[first[has_one]] > 0
    likely[two] |= block.digits[second[two]] > 0

    doubtful = _doubtful(block, places)
    line = np.searchsorted(breaks, doubtful)
    third = lettered[rank[line] + 2]
    likely[line[np.searchsorted(block.starts, doubtful, side="right") <= third]] = True

    signs = np.concatenate([places[kind] for kind in (words.SYMBOL, words.PUNCTUATION, words.LINK)])
    separators = _those_of(MENU_SEPARATORS, signs, block.codes)
    line, many = np.unique(np.searchsorted(breaks, separators), return_counts=True)
    likely[line[many > 1]] = True
    line = line[(many == 1) & has_one[line]]
    likely[line[known.entries.places(block.hashes[first[line]])]] = True
    return likely


def _doubtful(block: words.Block, places: Mapping[int, I64]) -> I64:
    """Places where words end otherwise than `fold_words` ends them.

    That is at letters of other scripts and at their marks.
    """
    classes, codes = block.classes, block.codes
    letters, ignored = places[words.LETTER], places[words.IGNORED]
    marks = ignored[~_table_of(folding().ignored)[codes[ignored]]]
    after_letter = marks[(classes[marks - 1] & (words.ARABIC | words.LETTER)) > 0]
    return np.concatenate([letters[codes[letters] > 0x7F], after_letter])


class _Lines:
    """Lines of a block that hold words; a text ends its last line."""

    def __init__(self, block: words.Block) -> None:
        self._block = block
        ends = np.searchsorted(block.starts, block.breaks)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])
        filled = ends > starts
        self.starts, self.ends = starts[filled], ends[filled]

    def repeated(self, text_of_word: I64) -> words.Flags:
        """Lines whose words stood in an earlier line of the same text."""
        hashes = hash_arrays.runs(self._block.hashes, self.starts, self.ends)
        salt = text_of_word[self.starts].astype(np.uint64)
        order, again = _repeats(hash_arrays.mix(hashes + salt))
        repeated = np.zeros(len(self.starts), dtype=np.bool_)
        repeated[order[again]] = True
        return repeated

    def sums_where(self, chosen: words.Flags) -> F64:
        """Letters of the chosen lines, per text."""
        if not chosen.any():
            return np.zeros(len(self._block.text_starts) - 1)
        change = np.zeros(len(self._block.hashes) + 1, dtype=np.int8)
        change[self.starts[chosen]] += 1
        change[self.ends[chosen]] -= 1
        inside = np.cumsum(change[:-1]) > 0
        return _sums(np.where(inside, self._block.lengths, 0), self._block.text_words)
