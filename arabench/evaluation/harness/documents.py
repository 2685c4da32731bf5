"""Documents of a data set, many at once.

A data set of Arrow columns takes as long to hand out one row as a hundred: rows are made of slices
of its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from datasets import Dataset

#: What lm-eval's tasks hold documents in.
Documents: TypeAlias = "Dataset | Sequence[dict[str, Any]]"
#: Rows that are made at once.
_SLICE: Final = 256


def read_documents(data: Documents, places: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Documents at these places, in their order, each a dictionary of its own.

    Args:
        data: of a task.
        places: from 0; of a range at most a few hundred documents are held at a time.
    """
    if not hasattr(data, "column_names"):  # a list, as `process_docs` of a task may make one
        for place in places:
            yield dict(data[place])
        return
    table: Any = data  # datasets says nothing of its types
    for start in range(0, len(places), _SLICE):
        part = places[start : start + _SLICE]
        columns: dict[str, list[Any]] = table[part if isinstance(part, range) else list(part)]
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))
