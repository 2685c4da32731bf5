"""The texts of a report: files by variety, parallel items, and vocalised sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from arabench import chars
from arabench.audit.reading import ReadPlan, Unread, plan_reading
from arabench.corpus.formats.readers import read_batches
from arabench.errors import UsageError
from arabench.evaluation.data.parallel import ParallelItem, codes_for, load_parallel
from arabench.evaluation.data.source import ENGLISH, Source
from arabench.text.rules.diacritics import strip_diacritics
from arabench.varieties import VARIETIES, variety_of

#: The label of rows that have none.
ALL: Final = "all"
NO_LABEL: Final = "unlabelled"
#: More labels than this are no varieties but, say, identifiers; each costs memory.
MAX_LABELS: Final = 64
#: A text counts as vocalised from this share of vowel marks per Arabic letter on: full
#: vocalisation has about 0.8, a mark here and there on unvocalised text well below 0.1.
VOCALISED_SHARE: Final = 0.4
#: Vocalised texts of the data that are kept to measure what diacritics cost.
MAX_VOCALISED: Final = 500
#: Below this many, the sentences that come with the package are used instead.
MIN_VOCALISED: Final = 20
#: Texts per label that are kept to measure what normalization changes.
MAX_SAMPLE: Final = 500

_NAMED: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.+)", re.DOTALL)

_strip = strip_diacritics()


@dataclass(frozen=True)
class DataSource:
    """Files whose rows have one label, or each its own.

    Attributes:
        plan: the checked files.
        label: of all rows; None where a field of the row tells it.
    """

    plan: ReadPlan
    label: str | None


def plan_data(inputs: Sequence[str], input_format: str | None = None) -> list[DataSource]:
    """Checked files for the names on a command line: `FILE`, or `LABEL=FILE` (`egy=tweets.txt`).

    Raises:
        UsageError: one does not exist or has an unknown format.
        DataError: one is empty.
    """
    sources = []
    for name in inputs:
        match = None if Path(name).exists() else _NAMED.fullmatch(name)
        path, label = (match[2], match[1]) if match else (name, None)
        sources.append(DataSource(plan_reading([path], input_format), label))
    return sources


@dataclass
class LabelledTexts:
    """Texts of files in batches, each batch of one label.

    Attributes:
        sources: from `plan_data`.
        text_field, variety_field: names of fields; no variety field puts all under one label.
        limit: texts taken per label, the first ones; None takes all.
        unread: rows that could not be read, counted while reading.
        blank: texts of nothing but white space, which no tokenizer is measured on.
        passed_over: texts beyond the limit.
    """

    sources: Sequence[DataSource]
    text_field: str = "text"
    variety_field: str | None = None
    limit: int | None = None
    unread: Unread = field(default_factory=Unread)
    blank: int = 0
    passed_over: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    def batches(
        self, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[tuple[str, list[str]]]:
        """(label, texts), in the order of the files.

        Raises:
            UsageError: a field does not exist, or the labels are too many to be varieties.
            DataError: a file cannot be read to its end.
        """
        for source in self.sources:
            for file, file_format, codec in source.plan.sources:
                batches = read_batches(
                    file.path,
                    file_format,
                    self.text_field,
                    on_bytes,
                    codec=codec,
                )
                for batch in batches:
                    self.unread.count(batch.rejects)
                    yield from self._by_label(batch.rows, source.label, file.path).items()

    def _by_label(
        self, rows: list[dict[str, Any]], label: str | None, path: str
    ) -> dict[str, list[str]]:
        name = self.variety_field
        if name is not None and label is None and rows and not any(name in row for row in rows):
            fields = ", ".join(sorted({key for row in rows[:100] for key in row}))
            raise UsageError(
                f"{path!r} has no field {name!r} for --variety-field. It has {fields}."
            )
        found: dict[str, list[str]] = {}
        for row in rows:
            text = row[self.text_field]
            if text is None:
                self.unread.null += 1
            elif not text.strip():
                self.blank += 1
            else:
                own = label or (ALL if name is None else _label(row.get(name)))
                self._take(own, text, found)
        return found

    def _take(self, label: str, text: str, found: dict[str, list[str]]) -> None:
        count = self.taken.get(label, 0)
        if count == 0 and len(self.taken) >= MAX_LABELS:
            raise UsageError(
                f"more than {MAX_LABELS} labels, such as {label!r:.60}: these are no varieties. "
                "Check --variety-field."
            )
        if self.limit is not None and count >= self.limit:
            self.passed_over += 1
            return
        self.taken[label] = count + 1
        found.setdefault(label, []).append(text)


def _label(value: Any) -> str:
    """A variety where the value is a known code, else the value itself."""
    if value is None or not str(value).strip():
        return NO_LABEL
    return variety_of(str(value)) or str(value).strip()[:60]


def label_order(labels: Sequence[str]) -> list[str]:
    """Varieties in their usual order, then other labels by name."""
    known = [label for label in VARIETIES if label in labels]
    return known + sorted(set(labels) - set(known))


@dataclass(frozen=True)
class ParallelTexts:
    """Sentences of one meaning.

    Attributes:
        origin: where they come from.
        by_label: variety -> (item number, text); a variety may have several finer ones per item.
        msa, english: item number -> text.
    """

    origin: str
    by_label: dict[str, list[tuple[int, str]]]
    msa: dict[int, str]
    english: dict[int, str]


def parallel_texts(data: str | None = None) -> ParallelTexts:
    """The packaged parallel items, or those of a folder in the layout of tasks/README.md.

    Raises:
        UsageError: the folder is wrong, or has no MSA to compare with.
        DataError: its files are not aligned.
    """
    source = Source(data=data)
    items = load_parallel(source)
    return _parallel(items, source, "packaged items" if data is None else data)


def _parallel(items: Sequence[ParallelItem], source: Source, origin: str) -> ParallelTexts:
    held = {variety for item in items for code in item.texts if (variety := variety_of(code))}
    if "msa" not in held:
        raise UsageError(f"{origin} has no text in MSA (msa or arb), which others are measured by.")
    by_label: dict[str, list[tuple[int, str]]] = {
        variety: [
            (number, item.texts[code])
            for code in codes_for(variety, items, source)
            for number, item in enumerate(items)
            if code in item.texts
        ]
        for variety in VARIETIES
        if variety in held
    }
    english = {
        number: item.texts[ENGLISH] for number, item in enumerate(items) if ENGLISH in item.texts
    }
    return ParallelTexts(origin, by_label, dict(by_label["msa"]), english)


def is_vocalised(text: str) -> bool:
    """Whether most letters that could bear a vowel mark have one."""
    letters = sum(char in chars.LETTERS for char in text)
    marks = sum(char in chars.DIACRITICS for char in text)
    return letters > 0 and marks >= VOCALISED_SHARE * letters


def without_diacritics(text: str) -> str:
    """The text with its vowel marks removed."""
    return _strip.apply(text)


def packaged_vocalised() -> list[str]:
    """Vocalised sentences that come with the package."""
    text = files("arabench.subwords").joinpath("vocalised.txt").read_text(encoding="utf-8")
    return text.splitlines()
