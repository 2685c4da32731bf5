"""What is wrong with training data, told before a model is loaded: how many rows, and which.

All rows are looked at once. What needs tokens, words or the dialect identifier is told from a
sample that the recipe's seed draws (`check_report`).
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from arabench.audit.language import latin_language
from arabench.errors import DataError
from arabench.trainers.data import letters
from arabench.trainers.data.conversations import read_turns
from arabench.trainers.data.preferences import answer_text
from arabench.trainers.data.rows import RowOf, numbered
from arabench.trainers.data.sources import Place
from arabench.trainers.recipe.sections import CHAT, DataSection

if TYPE_CHECKING:
    from arabench.evaluation.contamination.search import Search

#: What is wrong with a row.
FaultName = Literal["empty", "doubled", "identical", "space", "no_arabic"]
#: Rows that are looked at together.
_BATCH: Final = 2048
#: Rows of a fault that are named.
_NAMED: Final = 5
#: Rows whose tokens and varieties are looked at.
SAMPLE_ROWS: Final = 1000
#: Rows of mostly Latin letters whose language is looked at.
_LATIN_ROWS: Final = 1000


@dataclass
class Fault:
    """Rows with one thing wrong.

    Attributes:
        rows: how many.
        named: the first of them, as FILE:NUMBER.
    """

    rows: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, row: str) -> None:
        """One more."""
        self.rows += 1
        if len(self.named) < _NAMED:
            self.named.append(row)


class Said(NamedTuple):
    """What a row says: what is read before the answers, and what is learned."""

    asked: str
    answers: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((self.asked, *self.answers)) if self.asked else "\n".join(self.answers)


@dataclass
class Checked:
    """What was found in the rows of a recipe's data.

    Attributes:
        rows: read.
        faults: what is wrong -> rows.
        letters: kind of `letters.KINDS` -> characters.
        latin: rows of more Latin than Arabic letters.
        languages: of the first of these.
        sample: rows that the seed drew, each as likely as every other, and the training rows
            that the method makes of them.
    """

    rows: int = 0
    faults: dict[FaultName, Fault] = field(default_factory=dict)
    letters: Counter[str] = field(default_factory=Counter)
    latin: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    sample: list[tuple[Said, dict[str, Any]]] = field(default_factory=list)


def check_rows(
    section: DataSection,
    places: Sequence[Place],
    row_of: RowOf,
    seed: int,
    search: Search | None = None,
) -> Checked:
    """Look at every row of the data; memory grows by some 60 bytes a row.

    Args:
        section: the recipe's `data`, with its fields named.
        places: from `find_places`.
        row_of: the training row of a row that was read, by the method.
        seed: of the sample.
        search: looks for evaluation items in the rows; None to leave that out.

    Raises:
        UsageError: a data set cannot be loaded, or a field does not exist.
        DataError: a row is broken.
    """
    looking = _Looking(section, row_of, seed)
    rows = numbered(section, places)
    while batch := list(itertools.islice(rows, _BATCH)):
        names, said = looking.at(batch)
        if search is not None:
            for name, row in zip(names, said, strict=True):
                file, _, number = name.rpartition(":")
                search.look([row.text], file, int(number))
    return looking.checked


class _Looking:
    """Goes over batches of rows."""

    def __init__(self, section: DataSection, row_of: RowOf, seed: int) -> None:
        self.checked = Checked()
        self._row_of = row_of
        self._section = section
        self._hashes: set[int] = set()
        self._texts = 0
        self._draw = random.Random(seed)

    def at(
        self, batch: Sequence[tuple[Place, int, Mapping[str, Any]]]
    ) -> tuple[list[str], list[Said]]:
        """Look at rows; names and texts of those that say something."""
        self.checked.rows += len(batch)
        names: list[str] = []
        said: list[Said] = []
        for place, number, row in batch:
            name = f"{place.path}:{number}"
            try:
                found = _said(row, self._section)
            except DataError as error:
                raise DataError(f"row {number} of data {place.path!r}: {error}") from error
            if found is None:
                self._fault("empty", name)
                continue
            names.append(name)
            said.append(found)
            self._look(name, found)
            self._sample(found, row)
        self._count_letters(names, said)
        return names, said

    def _look(self, name: str, said: Said) -> None:
        text = said.text
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        key = int.from_bytes(digest, "little")
        before = len(self._hashes)
        self._hashes.add(key)
        if len(self._hashes) == before:
            self._fault("doubled", name)
        section = self._section
        if section.chosen_field and said.answers[0].strip() == said.answers[1].strip():
            self._fault("identical", name)
        if section.prompt_field and section.prompt_template != CHAT:
            before_prompt, _, behind = section.prompt_template.rpartition("{prompt}")
            if (behind or said.asked or before_prompt).endswith(" "):
                self._fault("space", name)

    def _sample(self, said: Said, row: Mapping[str, Any]) -> None:
        """Reservoir sampling (Vitter 1985, algorithm R)."""
        self._texts += 1
        place = len(self.checked.sample)
        if place == SAMPLE_ROWS:
            place = int(self._draw.random() * self._texts)
        if place < SAMPLE_ROWS and (made := self._row_of(row)):
            self.checked.sample[place : place + 1] = [(said, made)]

    def _count_letters(self, names: Sequence[str], said: Sequence[Said]) -> None:
        if not said:
            return
        texts = [row.text for row in said]
        counts = letters.count(texts)
        for kind, characters in zip(letters.KINDS, counts.sum(axis=0).tolist(), strict=True):
            self.checked.letters[kind] += characters
        by_kind = dict(zip(letters.KINDS, counts.T, strict=True))
        for at in np.flatnonzero(by_kind["arabic"] == 0).tolist():
            self._fault("no_arabic", names[at])
        latin = np.flatnonzero(by_kind["latin"] > by_kind["arabic"]).tolist()
        for at in latin[: max(0, _LATIN_ROWS - self.checked.latin)]:
            self.checked.languages[latin_language(texts[at])] += 1
        self.checked.latin += len(latin)

    def _fault(self, kind: FaultName, name: str) -> None:
        self.checked.faults.setdefault(kind, Fault()).add(name)


def _said(row: Mapping[str, Any], section: DataSection) -> Said | None:
    """What a row says; None where nothing can be learned from it.

    Raises:
        DataError: no conversation, in words that go behind the number of the row.
    """
    if section.messages_field:
        turns = read_turns(row.get(section.messages_field))
        if turns is None:
            return None
        asked = [turn["content"] for turn in turns if turn["role"] != "assistant"]
        answers = [turn["content"] for turn in turns if turn["role"] == "assistant"]
        return Said("\n".join(asked), tuple(answers))
    if section.prompt_field is None:
        text = row.get(section.fields[-1])
        return Said("", (text,)) if text and text.strip() else None
    prompt = row.get(section.prompt_field)
    learned = (
        (section.chosen_field, section.rejected_field)
        if section.chosen_field
        else (section.response_field,)
    )
    said = [answer_text(row.get(str(name))) for name in learned]
    if prompt is None or any(not answer or not answer.strip() for answer in said):
        return None
    about = row.get(section.input_field) if section.input_field else None
    return Said(
        f"{prompt}\n\n{about}" if about and about.strip() else prompt, tuple(map(str, said))
    )
