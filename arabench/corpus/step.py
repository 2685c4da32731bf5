"""The contract of a corpus step: what a command does to rows, every hook with its default.

`Step` says what must be given (a signature, and what becomes of a batch of rows) and what may be
given besides. Two hooks let rows travel without becoming Python objects: a step that rewrites
nothing but the text has a `TextEngine` (see `TextStep`), one that adds fields which depend on
nothing but the text has an `Annotator`. Lanes (`arabench.corpus.lanes`) choose by these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from arabench.text.column import Column

#: Field -> value, as parsed from JSON or taken from columns.
Row = dict[str, Any]


@dataclass(slots=True)
class Processed:
    """What a step made of a batch of rows.

    Attributes:
        rows: kept rows in order (the step may change them in place).
        dropped: (row, reason) pairs, written to `<output>.dropped.jsonl`.
        changed: rows whose text is not what it was.
    """

    rows: list[Row]
    dropped: list[tuple[Row, str]] = field(default_factory=list)
    changed: int = 0


class Step(ABC):
    """What a command does to rows.

    Attributes:
        text_field: field of the text; every row has it.
        parallel: several batches may be processed at once, in any order. Otherwise they come
            one by one in the order of the inputs, and a run that is resumed shows those again
            that were written before.
        reshapes: rows may be new ones or have new fields; otherwise kept rows are those
            given, with nothing but their text changed.
        engine: rewrites texts where they stand in lines and columns, if the step does nothing
            but that; None where rows must be made.
        annotator: makes the added fields from texts where they stand in lines and columns, if
            the step does nothing but add these; None where rows must be made.
    """

    text_field: str = "text"
    parallel: bool = False
    reshapes: bool = False
    engine: TextEngine | None = None
    annotator: Annotator | None = None

    @property
    @abstractmethod
    def signature(self) -> str:
        """Settings and version in one line, for messages and the manifest."""

    @abstractmethod
    def __call__(self, rows: list[Row]) -> Processed:
        """Process rows in order; `row[text_field]` is a string or None."""

    def start_source(self, name: str) -> None:  # noqa: B027  # a hook: most steps need no names
        """The next row is the first of the input `name`. By default nothing happens.

        Called where rows are made, before those of the input; only a step that is not
        `parallel` can tell which rows are meant.
        """

    def output_schema(self, schema: pa.Schema) -> pa.Schema | None:
        """The schema of the rows made of rows of `schema`, asked of a step that reshapes.

        None, the default, takes columns and types from the first rows that are written.

        Raises:
            UsageError: a column has the name of a field that the step adds.
        """
        return None


class TextFunction(Protocol):
    """What defines the result for one text."""

    def normalize(self, text: str, /) -> str:
        """The text rewritten."""
        ...


class SpanRewriter(Protocol):
    """Rewrites texts inside of bytes."""

    def normalize_spans(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        heads: NDArray[np.int64],
        tails: NDArray[np.int64],
        mode: int,
        out: NDArray[np.uint8],
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]:
        """Rewrite spans and copy what stands around them; see `text.engine.Kernel`."""
        ...


class TextEngine(Protocol):
    """Rewrites texts one by one, in batches, in columns and in lines, always the same way.

    `arabench.text.engine.BatchNormalizer` is one, `FunctionEngine` of
    `arabench.corpus.lanes.function_engine` makes one of any function.
    """

    @property
    def reference(self) -> TextFunction:
        """What defines the result."""
        ...

    def kernel_for(self, size: int) -> SpanRewriter | None:
        """What rewrites lines, once loading it pays: after `size` more characters of text."""
        ...

    def normalize_many(self, texts: Sequence[str]) -> list[str]:
        """The rewritten texts in order; may be called from several threads."""
        ...

    def normalize_column(self, column: Column) -> Column:
        """The rewritten column, with `changed` counted.

        Raises:
            UnicodeDecodeError: a value is not UTF-8.
        """
        ...


class TextStep(Step):
    """A step that does nothing but rewrite the text of each row on its own.

    Args:
        engine: what rewrites; shared between threads.
        text_field: field of the text.
    """

    parallel = True
    engine: TextEngine

    def __init__(self, engine: TextEngine, text_field: str = "text") -> None:
        self.engine = engine
        self.text_field = text_field

    def __call__(self, rows: list[Row]) -> Processed:
        """The same rows with their text rewritten; null stays null."""
        name = self.text_field
        filled = [row for row in rows if row[name] is not None]
        changed = 0
        after_all = self.engine.normalize_many([row[name] for row in filled])
        for row, after in zip(filled, after_all, strict=True):
            if after != row[name]:
                row[name] = after
                changed += 1
        return Processed(rows, changed=changed)


class Annotator(Protocol):
    """Makes the fields that a step adds, from texts alone and without rows.

    Attributes:
        fields: names of the added fields, in order.
        nulls: what is added to a row whose text is null, as JSON without braces.
    """

    @property
    def fields(self) -> tuple[str, ...]: ...

    @property
    def nulls(self) -> bytes: ...

    def compiles_for(self, chars: int) -> bool:
        """Whether compiled code is worth loading, after `chars` more characters of text."""
        ...

    def refuse_fields_of(self, names: Iterable[str]) -> None:
        """Raise `UsageError` where one of `names` is that of a field that is added."""
        ...

    def json_of_texts(self, texts: Sequence[str]) -> list[bytes]:
        """What is added to the row of each text, as JSON without braces."""
        ...

    def json_of_column(self, column: Column) -> list[bytes]:
        """The same for the rows of a column, which is UTF-8."""
        ...

    def arrays_of_column(self, column: Column) -> list[tuple[str, pa.Array]]:
        """Names and arrays of the added columns; null where the text is null."""
        ...
