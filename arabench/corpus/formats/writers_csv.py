"""Writing CSV and TSV: the column names, then one row per line, cells quoted only where needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, Final

from arabench.corpus.formats.readers_csv import DELIMITERS
from arabench.corpus.formats.rows import Batch, RowWriter
from arabench.errors import DataError

#: What a cell cannot hold without quotes, anywhere and at its beginning. In TSV a quote matters
#: only at the beginning, so that text of other TSV tools, which quote nothing, is kept as it is.
_NEEDS_QUOTES: Final = {"csv": ('"', ",", "\n", "\r"), "tsv": ("\t", "\n", "\r")}
_FIRST_NEEDS_QUOTES: Final = ("\ufeff", '"')


class CsvWriter(RowWriter):
    """Rows of cells under the columns of the first batch.

    Args:
        stream: where to.
        text_field: column of the text.
        file_format: "csv" or "tsv".
        json_cell: how values that are no strings are written.
    """

    def __init__(
        self,
        stream: IO[bytes],
        text_field: str,
        file_format: str,
        json_cell: Callable[[object], str],
    ) -> None:
        self._stream = stream
        self._field = text_field
        self._delimiter = DELIMITERS[file_format]
        self._marks = _NEEDS_QUOTES[file_format]
        self._json_cell = json_cell
        self._columns: dict[str, None] = {}
        self._nulls = 0

    def write(self, batch: Batch) -> None:
        """Write the rows of a batch.

        Raises:
            DataError: a row has a field that the first rows lack.
        """
        if not batch.rows:
            return
        if not self._columns:
            self._begin(dict.fromkeys(name for row in batch.rows for name in row))
        lines = [self._line([row.get(name) for name in self._columns]) for row in batch.rows]
        for row in batch.rows:
            if not row.keys() <= self._columns.keys():
                new = next(name for name in row if name not in self._columns)
                raise DataError(
                    f"field {new!r} of a later row is not among the columns of the first rows "
                    f"({', '.join(self._columns)}). Write .jsonl instead."
                )
        self._stream.write("".join(lines).encode("utf-8"))

    def close(self) -> None:
        """Write the column names of an output without rows."""
        if not self._columns:
            self._begin({self._field: None})

    def losses(self) -> list[str]:
        """Nulls, which are empty cells now."""
        return [f"{self._nulls} null values became empty cells"] if self._nulls else []

    def _begin(self, columns: dict[str, None]) -> None:
        self._columns = columns
        self._stream.write(self._line(list(columns)).encode("utf-8"))

    def _line(self, values: list[Any]) -> str:
        cells = [self._cell(value) for value in values]
        if len(cells) == 1 and not cells[0]:
            return '""\n'  # an empty line would be no row
        return self._delimiter.join(cells) + "\n"

    def _cell(self, value: Any) -> str:
        if value is None:
            self._nulls += 1
            return ""
        cell = value if isinstance(value, str) else self._json_cell(value)
        # A search for each mark is ten times faster than one pattern for all.
        if cell.startswith(_FIRST_NEEDS_QUOTES) or any(map(cell.__contains__, self._marks)):
            doubled = cell.replace('"', '""')
            return f'"{doubled}"'
        return cell
