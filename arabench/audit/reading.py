"""Reading every text of some inputs once, for commands that only look."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from arabench.corpus.formats.names import Codec, Format, codec_of, format_of
from arabench.corpus.formats.readers import read_batches
from arabench.corpus.formats.rows import Reject
from arabench.corpus.runs.inputs import InputFile, check_input, expand_inputs

_REJECTS_SHOWN: Final = 5


@dataclass(frozen=True)
class ReadPlan:
    """Checked inputs.

    Attributes:
        sources: each file with its format and compression.
        notes: what was left out of folders, in words.
        total_bytes: size on disk of all; None when one is a pipe or standard input.
    """

    sources: tuple[tuple[InputFile, Format, Codec | None], ...]
    notes: tuple[str, ...]
    total_bytes: int | None

    @property
    def paths(self) -> list[str]:
        """Paths of all files."""
        return [file.path for file, _, _ in self.sources]


def plan_reading(inputs: Sequence[str], input_format: str | None = None) -> ReadPlan:
    """Expand folders and patterns and check every file.

    Raises:
        UsageError: an input does not exist, or its format is not known.
        DataError: an input is empty.
    """
    found = expand_inputs(inputs, input_format)
    for file in found.files:
        check_input(file.path)
    sources = tuple(
        (file, format_of(file.path, input_format), codec_of(file.path, input_format))
        for file in found.files
    )
    sizes = [file.bytes_on_disk() for file in found.files]
    known = [size for size in sizes if size is not None]
    total = sum(known) if len(known) == len(sizes) else None
    return ReadPlan(sources, tuple(found.notes), total)


@dataclass
class Unread:
    """Rows that held no text or could not be read."""

    null: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)

    def count(self, rejects: Sequence[Reject]) -> None:
        """Count rejects by reason and keep the first few in words."""
        self.rejected += len(rejects)
        for reject in rejects:
            self.reasons[reject.reason.split(" at ")[0].split(":")[0]] += 1
            if len(self.samples) < _REJECTS_SHOWN:
                self.samples.append(f"{printable(reject.file)}:{reject.line}: {reject.reason}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "null": self.null,
            "unreadable": self.rejected,
            "unreadable_reasons": dict(self.reasons.most_common()),
            "unreadable_samples": self.samples,
        }


def read_texts(
    plan: ReadPlan,
    text_field: str,
    unread: Unread,
    on_bytes: Callable[[int], None] | None = None,
) -> Iterator[list[str]]:
    """Batches of texts in order; what is no text is counted in `unread`.

    Raises:
        UsageError: an input has no such field.
        DataError: an input cannot be read to its end.
    """
    for file, file_format, codec in plan.sources:
        for batch in read_batches(file.path, file_format, text_field, on_bytes, codec=codec):
            unread.count(batch.rejects)
            texts = [row[text_field] for row in batch.rows]
            kept = [text for text in texts if text is not None]
            unread.null += len(texts) - len(kept)
            yield kept


def printable(path: str) -> str:
    """A file name as UTF-8 text, whatever bytes it has on disk."""
    return os.fsencode(path).decode("utf-8", errors="replace")
