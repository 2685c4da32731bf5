"""The contract of a lane: one way for rows from a source to a writer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from arabench.corpus.formats.rows import Reject, RowWriter
    from arabench.corpus.step import Row


@dataclass(slots=True)
class Outcome:
    """A processed chunk: counts, rows set aside, and what its lane will write."""

    payload: Any
    """Of the lane alone; nothing else looks into it."""
    read: int
    written: int
    changed: int = 0
    null: int = 0
    rejects: list[Reject] = field(default_factory=list)
    dropped: list[tuple[Row, str]] = field(default_factory=list)
    bytes_read: int = 0


#: Rows of a source as a lane takes them at once: bytes of lines, columns, or dicts.
Chunk = TypeVar("Chunk")


class Lane(Protocol[Chunk]):
    """One way from a source to a writer. Chunks and payloads are each lane's own."""

    writer: RowWriter
    """May be replaced between two calls of `write`, where an output is full."""

    def chunks(self) -> Iterator[Chunk]:
        """Chunks of the source in order; runs in the reading thread."""
        ...

    def process(self, chunk: Chunk) -> Outcome:
        """The result of one chunk; runs in any thread unless the step is not `parallel`."""
        ...

    def write(self, outcome: Outcome) -> None:
        """Hand the payload to the writer; runs in the reading thread, in order."""
        ...


#: A lane of some kind of chunks. Which, its user need not know: they go from `chunks` to
#: `process` as they are.
SomeLane: TypeAlias = Lane[Any]
