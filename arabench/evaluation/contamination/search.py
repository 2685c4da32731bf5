"""Going over training text once, and what of the items is found in it.

Words are compared as `arabench.text.rules.folding` folds them: alif and hamza forms, ya, ta
marbuta, diacritics, tatweel, digits of other scripts, punctuation and white space make no
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from arabench.audit.reading import ReadPlan, Unread, printable
from arabench.corpus.formats.readers import read_batches
from arabench.corpus.word_hashes import MAX_TEXT_CHARS, PUNCTUATION, SYMBOL, Block, blocks
from arabench.evaluation.contamination.alignment import Alignment, align, common_runs
from arabench.evaluation.contamination.index import WHOLE_BELOW, PairIndex, Suspect
from arabench.evaluation.contamination.items import Item
from arabench.evaluation.contamination.options import LEVELS, Level, Options
from arabench.evaluation.contamination.renderings import likeness, render
from arabench.evaluation.contamination.skeletons import Skeletons, skeletons
from arabench.text.hash_arrays import I64, U64

#: A longer text is looked at in pieces that overlap by so many characters.
PIECE_CHARS: Final = MAX_TEXT_CHARS // 2
_OVERLAP: Final = 1 << 14
#: Parts of fewer words are everywhere and tell nothing.
LEAST_WORDS: Final = 3
#: Words around a part among which its answer is looked for.
_ANSWER_WORDS: Final = 40
#: Words of a stretch beyond which only its beginning is compared.
_LONGEST_STRETCH: Final = 4096
_EXCERPT_CHARS: Final = 300
#: Words and pairs of words in common below which nothing is near: a run of four has seven.
LEAST_SHARED: Final = 8
#: Share of a part's words in common below which nothing is near: one set phrase is less.
LEAST_CONTAINED: Final = 0.6
#: Share of a rendering's words whose consonants are near a place in Latin text; with fewer it is
#: not read as Arabizi, which is slow.
LEAST_CONSONANTS: Final = 0.6


@dataclass(frozen=True)
class Hit:
    """A part of an item in training text.

    Attributes:
        score: 1, share of words, or similarity, by the level.
        part: name of the part.
        file, row: where; rows that can be read count from 1.
        excerpt: the text there.
        answer: whether the item's answer stands beside it.
    """

    score: float
    part: str
    file: str
    row: int
    excerpt: str
    answer: bool


@dataclass(frozen=True)
class Finding:
    """What was found of one item.

    Attributes:
        hits: the best of every level whose threshold is met; empty for an item that is clean.
        told: whether a part has words enough to be looked for.
    """

    item: Item
    hits: dict[Level, Hit]
    told: bool

    @property
    def level(self) -> Level | None:
        """The strictest level; None for a clean item."""
        return next((level for level in LEVELS if level in self.hits), None)


@dataclass(frozen=True)
class _Place:
    """Where the best stretch for a part was; `answers` are the items whose answer is beside it."""

    score: float
    file: str
    row: int
    excerpt: str
    answers: frozenset[int]


class Search:
    """Looks for items in training text; memory grows with the items, not with the text.

    Attributes:
        rows: looked at so far.
        unread: rows that were none.
    """

    def __init__(self, items: Sequence[Item], options: Options | None = None) -> None:
        self.items = items
        self.options = options or Options()
        self.rows = 0
        self.unread = Unread()
        self._owners: list[list[tuple[int, str]]] = []
        self._words: list[U64] = []
        self._texts: list[str] = []
        self._told = [False] * len(items)
        self._gather()
        self._answers = _words_of([item.answer for item in items])
        self._found: dict[tuple[int, Level], _Place] = {}
        self._index = PairIndex(self._words)
        self._renderings = render(self._texts)
        self._latin = PairIndex([rendering.words for rendering in self._renderings])

    def _gather(self) -> None:
        """The distinct texts of all parts, and whose they are."""
        numbers: dict[bytes, int] = {}
        parts = [(place, part) for place, item in enumerate(self.items) for part in item.parts]
        hashes = _words_of([part.text for _, part in parts])
        for (place, part), words in zip(parts, hashes, strict=True):
            if len(words) < LEAST_WORDS:
                continue
            self._told[place] = True
            number = numbers.setdefault(words.tobytes(), len(numbers))
            if number == len(self._owners):
                self._owners.append([])
                self._words.append(words)
                self._texts.append(part.text)
            self._owners[number].append((place, part.name))

    def read(
        self, plan: ReadPlan, text_field: str, on_bytes: Callable[[int], None] | None = None
    ) -> None:
        """Look at every row of the inputs.

        Raises:
            UsageError: an input has no such field.
            DataError: an input cannot be read to its end.
        """
        for file, file_format, codec in plan.sources:
            first = 1
            for batch in read_batches(file.path, file_format, text_field, on_bytes, codec=codec):
                self.unread.count(batch.rejects)
                texts = [row[text_field] for row in batch.rows]
                self.unread.null += texts.count(None)
                self.look([text or "" for text in texts], printable(file.path), first)
                first += len(texts)

    def look(self, texts: Sequence[str], file: str, first: int = 1) -> None:
        """Look at rows.

        Args:
            texts: of the rows, in order.
            file: what they are called.
            first: number of the first row.
        """
        self.rows += len(texts)
        pieces, rows = split_rows(texts, first)
        place = 0
        for block in blocks(pieces):
            count = len(block.text_words) - 1
            self._look_at(block, file, rows[place : place + count])
            place += count

    def findings(self) -> list[Finding]:
        """What was found, for every item in order."""
        hits: list[dict[Level, Hit]] = [{} for _ in self.items]
        for (number, level), found in self._found.items():
            for place, name in self._owners[number]:
                hit = Hit(
                    found.score, name, found.file, found.row, found.excerpt, place in found.answers
                )
                before = hits[place].get(level)
                if before is None or (hit.score, hit.answer) > (before.score, before.answer):
                    hits[place][level] = hit
        return [
            Finding(item, {level: own[level] for level in LEVELS if level in own}, told)
            for item, own, told in zip(self.items, hits, self._told, strict=True)
        ]

    def _look_at(self, block: Block, file: str, rows: Sequence[int]) -> None:
        for suspect in self._index.suspects(block.hashes, block.text_words):
            self._compare(block, suspect, file, rows[suspect.text])
        latin = skeletons(block) if self._renderings else None
        if latin is not None:
            for suspect in self._latin.suspects(latin.hashes, latin.text_words):
                self._compare_latin(block, latin, suspect, file, rows[suspect.text])

    def _compare(self, block: Block, suspect: Suspect, file: str, row: int) -> None:
        words = self._words[suspect.part]
        start, end = _around(suspect, len(words), block.text_words)
        found = align(words, block.hashes[start:end], min(self.options.gram, len(words)))
        for level, score, at, until in self._levels(found, len(words)):
            if level == "exact" and len(words) < WHOLE_BELOW:
                runs = common_runs(words, block.hashes[start:end])
                at = _sentence(block, runs, len(words), start)
                if at < 0:
                    continue
                until = at + len(words)
            self._keep(block, suspect.part, level, score, (start + at, start + until), file, row)

    def _levels(self, found: Alignment, size: int) -> list[tuple[Level, float, int, int]]:
        """(level, score, start, end) of what an alignment shows."""
        levels: list[tuple[Level, float, int, int]] = []
        if found.whole >= 0:
            levels.append(("exact", 1.0, found.whole, found.whole + size))
        if size < WHOLE_BELOW:
            return levels
        if found.covered >= self.options.overlap:
            levels.append(("ngram", found.covered, found.covered_at, found.covered_at + size))
        enough = found.shared >= LEAST_SHARED and found.contained >= LEAST_CONTAINED
        if found.similarity >= self.options.near and enough:
            levels.append(("near", found.similarity, found.start, found.end))
        return levels

    def _compare_latin(
        self, block: Block, latin: Skeletons, suspect: Suspect, file: str, row: int
    ) -> None:
        rendering = self._renderings[suspect.part]
        start, end = _around(suspect, len(rendering.words), latin.text_words)
        around = latin.hashes[start:end]
        if np.isin(rendering.words, around).mean() < LEAST_CONSONANTS:
            return
        found = align(rendering.words, around, len(rendering.words))
        if found.end <= found.start:
            return
        place = (
            int(latin.numbers[start + found.start]),
            int(latin.numbers[start + found.end - 1]) + 1,
        )
        part = self._texts[rendering.part]
        score = likeness(_cut(block, *place), part, rendering.convention)
        if score >= self.options.arabizi:
            self._keep(block, rendering.part, "arabizi", score, place, file, row)

    def _keep(
        self,
        block: Block,
        part: int,
        level: Level,
        score: float,
        place: tuple[int, int],
        file: str,
        row: int,
    ) -> None:
        """Remember a stretch if there is none for that part and level that is as good."""
        before = self._found.get((part, level))
        if before is not None and before.score > score:
            return
        text = int(np.searchsorted(block.text_words, place[0], side="right")) - 1
        start = max(place[0] - _ANSWER_WORDS, int(block.text_words[text]))
        end = min(place[1] + _ANSWER_WORDS, int(block.text_words[text + 1]))
        around = np.concatenate([block.hashes[start : place[0]], block.hashes[place[1] : end]])
        answers = frozenset(
            item for item, _ in self._owners[part] if _holds(around, self._answers[item])
        )
        if before is None or (score, len(answers)) > (before.score, len(before.answers)):
            excerpt = _cut(block, *place)
            if len(excerpt) > _EXCERPT_CHARS:
                excerpt = excerpt[: _EXCERPT_CHARS - 1] + "…"
            self._found[part, level] = _Place(score, file, row, excerpt, answers)


def _words_of(texts: Sequence[str]) -> list[U64]:
    """Hashes of the words of each text."""
    return [
        block.hashes[start:end]
        for block in blocks(texts)
        for start, end in zip(block.text_words[:-1], block.text_words[1:], strict=True)
    ]


def split_rows(texts: Sequence[str], first: int) -> tuple[list[str], list[int]]:
    """Texts, the longest in pieces, and the row of each."""
    pieces: list[str] = []
    rows: list[int] = []
    for row, text in enumerate(texts, first):
        for start in range(0, max(len(text) - _OVERLAP, 1), PIECE_CHARS - _OVERLAP):
            pieces.append(text[start : start + PIECE_CHARS])
            rows.append(row)
    return pieces, rows


def _around(suspect: Suspect, size: int, text_words: I64) -> tuple[int, int]:
    """Words of a text that may belong to a part: those it shares, and its length on each side."""
    start = max(suspect.start - size, int(text_words[suspect.text]))
    end = min(suspect.end + size, int(text_words[suspect.text + 1]))
    return start, min(end, start + max(_LONGEST_STRETCH, 4 * size))


def _sentence(block: Block, runs: tuple[I64, I64, I64], size: int, offset: int) -> int:
    """Place of a few words that stand as a line or sentence of their own; -1 if they never do."""
    for place in runs[0][runs[2] == size].tolist():
        if _ends(block, offset + place) and _ends(block, offset + place + size):
            return int(place)
    return -1


def _ends(block: Block, word: int) -> bool:
    """Whether a text, a line or a sentence ends between a word and the one before it."""
    if word in (0, len(block.hashes)) or np.any(block.text_words == word):
        return True
    between = slice(int(block.starts[word - 1]), int(block.starts[word]))
    signs = (block.classes[between] == PUNCTUATION) | (block.classes[between] == SYMBOL)
    return bool(signs.any() or (block.codes[between] == 10).any())


def _cut(block: Block, start: int, end: int) -> str:
    """The text of the words `start .. end`."""
    text = int(np.searchsorted(block.text_words, start, side="right")) - 1
    stop = int(block.text_starts[text + 1]) - 1
    if end < int(block.text_words[text + 1]):
        stop = int(block.starts[end])
    return block.text[int(block.starts[start]) : stop].strip()


def _holds(words: U64, answer: U64) -> bool:
    """Whether a run of words is among others."""
    if not len(answer):
        return False
    starts = np.flatnonzero(words[: len(words) - len(answer) + 1] == answer[0])
    return any(np.array_equal(words[at : at + len(answer)], answer) for at in starts.tolist())
