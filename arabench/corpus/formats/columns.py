"""Arrow columns: the engine as a pure function from a record batch to a record batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.text.engine import BatchNormalizer


def normalize_batch(
    batch: pa.RecordBatch, text_field: str, engine: BatchNormalizer
) -> pa.RecordBatch:
    """`batch` with the column `text_field` normalized; all else, nulls included, as it was.

    Args:
        batch: the column is string, large_string, string_view or a
            dictionary of these, and keeps its type.
        text_field: name of the column.
        engine: shared between batches and threads.

    Raises:
        UsageError: no such column, or it holds no text.
        UnicodeDecodeError: a value is not UTF-8.
    """
    from arabench.corpus.formats.readers import check_text_column

    check_text_column("the batch", batch.schema, text_field)
    place = batch.schema.get_field_index(text_field)
    texts = engine.normalize_array(batch.column(place))
    return batch.set_column(place, batch.schema.field(place), texts)
