"""Spark: a function for `DataFrame.mapInArrow`.

    from arabench.engines.spark import normalize_dataframe, normalize_partitions

    clean = normalize_dataframe(frame, "llm", text_field="text")
    clean = frame.mapInArrow(normalize_partitions("llm", "text"), frame.schema)  # the same

The executors need arabench installed, of the driver's version.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from arabench.engines.worker import as_options, engine_for, normalize_table
from arabench.errors import UsageError, did_you_mean, require_extra
from arabench.text.options import Options

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def normalize_partitions(options: Options | str = "llm", text_field: str = "text") -> PartitionMap:
    """A function from an iterator of record batches to one with `text_field` normalized.

    The schema stays, so pass the frame's own to `mapInArrow`. The function is small when
    pickled; each Python worker of Spark builds its engine once and keeps it between tasks.

    Args:
        options: normalization options, or the name of a preset.
        text_field: column of the text.

    Raises:
        UsageError: unknown preset.
    """
    return PartitionMap(as_options(options), text_field)


def normalize_dataframe(
    frame: DataFrame, options: Options | str = "llm", text_field: str = "text"
) -> DataFrame:
    """The Spark DataFrame `frame` with its column `text_field` normalized, lazily.

    Args:
        frame: with a column of text.
        options: normalization options, or the name of a preset.
        text_field: column of the text; null stays null.

    Raises:
        MissingExtraError: pyspark is not installed.
        UsageError: unknown preset, no such column, or it holds no text.
    """
    require_extra("spark", "pyspark")
    kinds = {field.name: field.dataType.typeName() for field in frame.schema.fields}
    if text_field not in kinds:
        raise UsageError(
            f"the frame has no column {text_field!r}. {did_you_mean(text_field, kinds)} "
            "Choose one with text_field."
        )
    if kinds[text_field] not in {"string", "varchar", "char"}:
        raise UsageError(
            f"column {text_field!r} of the frame is {kinds[text_field]}, not text. "
            "Choose a text column with text_field."
        )
    return frame.mapInArrow(normalize_partitions(options, text_field), frame.schema)


@dataclasses.dataclass(frozen=True)
class PartitionMap:
    """The function `normalize_partitions` makes."""

    options: Options
    text_field: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same record batches with their text normalized, one at a time.

        Raises:
            UsageError: no such column, or it holds no text.
            DataError: a value is not UTF-8.
        """
        engine = engine_for(self.options)
        for batch in batches:
            yield normalize_table(batch, self.text_field, engine)
