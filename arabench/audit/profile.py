"""Counting what texts consist of: scripts, marks, letter variants, broken text, languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from arabench import chars
from arabench.audit.blocks import TextBlock
from arabench.audit.language import (
    MIN_LETTERS,
    Language,
    arabic_script_language,
    latin_language,
    prose,
)
from arabench.audit.tables import (
    CODE_POINTS,
    FOLDED_CODES,
    LANGUAGE_LETTERS,
    LEAD_1252,
    LEAD_1256,
    TRAIL_1252,
    TRAIL_1256,
    Ints,
    Kind,
    kind_table,
    language_table,
    mojibake_table,
)
from arabench.text.rules.links import url_spans

#: Upper bounds of marks per Arabic letter, and what such a document is called. Fully
#: vocalised prose has 0.7 to 0.9, a newspaper 0.00 to 0.02.
DIACRITICS_CLASSES: Final = (
    ("none", 0.0),
    ("occasional", 0.05),
    ("partial", 0.4),
    ("full", float("inf")),
)
#: From this share of letters on, each of two scripts counts as used.
MIXED_SHARE: Final = 0.2
_LINE_FEED: Final = 0x0A
#: Bins of the length histogram per doubling of the length.
BINS_PER_DOUBLING: Final = 16
_LENGTH_BINS: Final = 32 * BINS_PER_DOUBLING
#: A document is looked at for foreign letters from this share on (the least of the rules).
_FOREIGN_SHARE: Final = 0.015

# What UTF-8 Arabic becomes when read as Windows-1256 contains one of these: the second
# bytes of lam, alif, noon and waw.
_SIGNS_1256: Final = tuple(map(ord, bytes([0x84, 0xA7, 0x86, 0x88]).decode("cp1256")))
_LEADS_1252: Final = tuple(map(ord, b"\xd8\xd9".decode("latin-1")))
_ENTITY: Final = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
_LOST: Final = re.compile(r"\?{4,}")

#: Rows of "broken text": key -> what is meant.
BROKEN: Final = {
    "replacement": "replacement character U+FFFD or a lone surrogate: bytes were lost",
    "mojibake_1252": "UTF-8 read as Windows-1252 or Latin-1",
    "mojibake_1256": "UTF-8 read as Windows-1256",
    "lost_encoding": "four and more question marks in a row: letters may have been lost",
    "controls": "control characters",
    "entities": "HTML entities",
    "tags": "HTML or XML tags",
}


class Profile:
    """Running counts over all documents.

    Attributes:
        code_counts: how often every code point occurs.
        final_letters: how often every letter ends a word (code points below U+0700).
        diacritics: documents per class of `DIACRITICS_CLASSES`.
        languages: documents and characters per language.
        broken: documents per row of `BROKEN`.
    """

    def __init__(self) -> None:
        self.documents = 0
        self.empty = 0
        self.words = 0
        self.mixed = 0
        self.with_url = 0
        self.code_counts: Ints = np.zeros(CODE_POINTS, dtype=np.int64)
        self.final_letters: Ints = np.zeros(FOLDED_CODES, dtype=np.int64)
        self.lengths: Ints = np.zeros(_LENGTH_BINS, dtype=np.int64)
        self.longest = 0
        self.diacritics: Counter[str] = Counter()
        self.languages: Counter[Language] = Counter()
        self.language_chars: Counter[Language] = Counter()
        self.broken: Counter[str] = Counter()

    def add_block(self, block: TextBlock, batch: BatchProfile) -> None:
        """Count a block of the texts of `batch`."""
        counts = block.code_counts
        self.code_counts[: len(counts)] += counts
        self.code_counts[_LINE_FEED] -= len(block.starts)  # those that join the pieces
        space = block.kinds == Kind.SPACE
        # Every block ends with a line feed, so every word has a space after it.
        self.words += int(np.count_nonzero(space[1:] & ~space[:-1]))
        words = block.words
        last = block.codes[words.positions[words.ends - 1]]
        self.final_letters += np.bincount(last[last < FOLDED_CODES], minlength=FOLDED_CODES)
        for kind, totals in batch.per_kind.items():
            block.add_per_row(block.positions(kind), totals)
        _add_foreign_letters(block, batch)
        _add_broken(block, batch)

    def finish(self, batch: BatchProfile) -> None:
        """Count the texts of `batch`, all of whose blocks were added; sets its languages."""
        texts = batch.texts
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self._add_lengths(lengths)
        self._add_diacritics(batch)
        batch.languages = self._languages(batch, texts)
        for language, size in zip(batch.languages, lengths.tolist(), strict=True):
            self.languages[language] += 1
            self.language_chars[language] += size
        for name, rows in batch.broken.items():
            self.broken[name] += len(rows)
        self.with_url += len(batch.with_url)

    def _add_lengths(self, lengths: Ints) -> None:
        self.documents += len(lengths)
        self.empty += int(np.count_nonzero(lengths == 0))
        if not len(lengths):
            return
        self.longest = max(self.longest, int(lengths.max()))
        bins = np.floor(np.log2(np.maximum(lengths, 1)) * BINS_PER_DOUBLING).astype(np.int64)
        self.lengths += np.bincount(bins[lengths > 0], minlength=_LENGTH_BINS)[:_LENGTH_BINS]

    def _add_diacritics(self, batch: BatchProfile) -> None:
        letters, marks = batch.per_kind[Kind.ARABIC], batch.per_kind[Kind.MARK]
        ratio = marks[letters > 0] / letters[letters > 0]
        below = np.zeros(len(ratio), dtype=np.bool_)
        for name, bound in DIACRITICS_CLASSES:
            here = (ratio <= bound) & ~below
            self.diacritics[name] += int(np.count_nonzero(here))
            below |= here

    def _languages(self, batch: BatchProfile, texts: Sequence[str]) -> list[Language]:
        arabic = batch.per_kind[Kind.ARABIC]
        latin = batch.per_kind[Kind.LATIN]
        other = batch.per_kind[Kind.OTHER_LETTER]
        letters = arabic + latin + other
        least = MIXED_SHARE * letters
        self.mixed += int(np.count_nonzero((letters > 0) & (arabic >= least) & (latin >= least)))
        foreign = batch.foreign.sum(axis=1)
        doubtful = (foreign >= _FOREIGN_SHARE * arabic) & (arabic >= MIN_LETTERS)
        sure = (2 * arabic >= letters) & ~doubtful & (letters > 0)
        names = list(LANGUAGE_LETTERS)
        languages: list[Language] = ["arabic"] * len(texts)
        for row in np.flatnonzero(~sure).tolist():
            if not letters[row]:
                languages[row] = "none"
            elif 2 * arabic[row] >= letters[row]:
                own = dict(zip(names, batch.foreign[row].tolist(), strict=True))
                languages[row] = arabic_script_language(int(arabic[row]), own, texts[row])
            elif 2 * latin[row] >= letters[row]:
                languages[row] = _in_latin(texts[row], bool(arabic[row]))
            else:
                languages[row] = "script_other"
        return languages


class BatchProfile:
    """What is known of each text of a batch.

    Attributes:
        per_kind: characters of a kind per text.
        foreign: letters per text and class of `LANGUAGE_LETTERS`.
        broken: numbers of the texts with each kind of broken text.
        fresh_breaks: (kind, start, end) in the last block, the first of its text; who wants
            to show them empties the list before the next block.
        with_url: numbers of the texts with a web address.
        languages: language of each text, once all blocks were added.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        kinds = (Kind.ARABIC, Kind.MARK, Kind.LATIN, Kind.OTHER_LETTER)
        self.per_kind: dict[Kind, Ints] = {
            kind: np.zeros(len(texts), dtype=np.int64) for kind in kinds
        }
        self.foreign: Ints = np.zeros((len(texts), len(LANGUAGE_LETTERS)), dtype=np.int64)
        self.broken: dict[str, set[int]] = {name: set() for name in BROKEN}
        self.fresh_breaks: list[tuple[str, int, int]] = []
        self.with_url: set[int] = set()
        self.languages: list[Language] = []


def _in_latin(text: str, has_arabic: bool) -> Language:
    """Language of a text whose letters are mostly Latin; links do not make it so."""
    if has_arabic:
        bare = np.frombuffer(prose(text).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        kinds = kind_table()[bare]
        if np.count_nonzero(kinds == Kind.ARABIC) >= np.count_nonzero(kinds == Kind.LATIN):
            return "arabic"
    return latin_language(text)


_FOREIGN_CODES: Final = np.array(
    sorted(ord(letter) for letters in LANGUAGE_LETTERS.values() for letter in letters)
)


def _add_foreign_letters(block: TextBlock, batch: BatchProfile) -> None:
    counts = block.code_counts
    if not counts[_FOREIGN_CODES[len(counts) > _FOREIGN_CODES]].any():
        return
    classes = language_table()[block.codes]
    positions = np.flatnonzero(classes)
    np.add.at(batch.foreign, (block.rows_at(positions), classes[positions] - 1), 1)


def _add_broken(block: TextBlock, batch: BatchProfile) -> None:
    def note(name: str, spans: Sequence[tuple[int, int]]) -> None:
        if not spans:
            return
        rows = block.rows_at([start for start, _ in spans]).tolist()
        for row, (start, end) in zip(rows, spans, strict=True):
            if row not in batch.broken[name]:
                batch.broken[name].add(row)
                batch.fresh_breaks.append((name, start, end))

    def note_matches(name: str, pattern: re.Pattern[str]) -> None:
        note(name, [match.span() for match in pattern.finditer(block.joined)])

    counts = block.code_counts
    if (len(counts) > 0xD800 and counts[0xD800:0xE000].any()) or block.count(0xFFFD):
        note("replacement", [(at, at + 1) for at in block.positions(Kind.BROKEN).tolist()])
    if any(map(block.count, _LEADS_1252)):
        note("mojibake_1252", _mojibake(block, LEAD_1252, TRAIL_1252))
    if any(map(block.count, _SIGNS_1256)):
        note("mojibake_1256", _mojibake(block, LEAD_1256, TRAIL_1256))
    if any(block.count(ord(char)) for char in chars.CONTROLS):
        table = np.isin(block.codes, np.array([ord(char) for char in chars.CONTROLS]))
        note("controls", [(at, at + 1) for at in np.flatnonzero(table).tolist()])
    if block.count(ord("?")) >= 4:
        note_matches("lost_encoding", _LOST)
    if block.count(ord("&")):
        note_matches("entities", _ENTITY)
    if block.count(ord("<")):
        note_matches("tags", _TAG)
    if block.count(ord("/")) or block.count(ord(".")):
        starts = [start for start, _ in url_spans(block.joined)]
        if starts:
            batch.with_url.update(block.rows_at(starts).tolist())


def _mojibake(block: TextBlock, lead: int, trail: int) -> list[tuple[int, int]]:
    """Spans of two and more pairs (first byte, following byte) in a row."""
    flags = mojibake_table()[block.codes]
    pair = ((flags[:-1] & lead) != 0) & ((flags[1:] & trail) != 0)
    spans: list[tuple[int, int]] = []
    for at in np.flatnonzero(pair[:-2] & pair[2:]).tolist():
        if spans and at <= spans[-1][1]:
            spans[-1] = (spans[-1][0], at + 4)
        else:
            spans.append((at, at + 4))
    return spans
