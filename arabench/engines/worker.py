"""What a worker process of any framework does: one engine per options, Arrow tables in and out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from arabench.corpus.formats.columns import normalize_batch
from arabench.errors import DataError
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options
from arabench.text.presets import options_from

if TYPE_CHECKING:
    import pyarrow as pa


#: A `pyarrow.Table` or a `pyarrow.RecordBatch`, where what comes back is what was given.
ArrowData = TypeVar("ArrowData", "pa.Table", "pa.RecordBatch")


def as_options(options: Options | str) -> Options:
    """`options` themselves, or those of the preset of that name.

    Raises:
        UsageError: no such preset.
    """
    return options_from(options) if isinstance(options, str) else options


@functools.lru_cache(maxsize=8)
def engine_for(options: Options) -> BatchNormalizer:
    """The engine of this process for `options`.

    Frameworks send a function to their workers again for every task. What they send holds
    options only; the engine (its tables and compiled code) is built once per process.
    """
    return BatchNormalizer(Normalizer(options))


def normalize_table(table: ArrowData, text_field: str, engine: BatchNormalizer) -> ArrowData:
    """A table or record batch with its text normalized, of the same type and schema.

    Blocks without rows, and blocks where the framework found nothing but null in the
    column and gave it the type null, come back as they are.

    Raises:
        UsageError: no such column, or it holds no text.
        DataError: a value is not UTF-8.
    """
    import pyarrow as pa

    if table.num_rows == 0:
        return table
    place = table.schema.get_field_index(text_field)
    if place >= 0 and pa.types.is_null(table.schema.field(place).type):
        return table
    try:
        if isinstance(table, pa.RecordBatch):
            return normalize_batch(table, text_field, engine)
        batches = [normalize_batch(batch, text_field, engine) for batch in table.to_batches()]
    except UnicodeDecodeError as error:
        raise DataError(
            f"a value of column {text_field!r} is not UTF-8 (byte {error.start} of the value). "
            "Arrow text must be UTF-8: set such rows aside where the data is read, "
            "as 'arabench normalize' does."
        ) from error
    return pa.Table.from_batches(batches, schema=table.schema)


def normalize_texts(texts: Sequence[str | None], engine: BatchNormalizer) -> list[str | None]:
    """The normalized texts in order; None stays None."""
    filled = iter(engine.normalize_many([text for text in texts if text is not None]))
    return [None if text is None else next(filled) for text in texts]
