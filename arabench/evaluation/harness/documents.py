"""Documents of a data set, many at once, and their text.

A data set of Arrow columns takes as long to hand out one row as a hundred: rows are made of slices
of its columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

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


def indented(document: dict[str, Any]) -> str:
    """A document as lm-eval writes it before it hashes it: JSON with two blanks a level.

    orjson writes the same bytes of texts and whole numbers, many times as fast; the rest is left
    to Python's `json`, whose floats look otherwise.
    """
    if _is_plain(document):
        try:
            return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode("utf-8")
        except (TypeError, orjson.JSONEncodeError):  # a lone surrogate, a number of many digits
            pass
    from lm_eval.utils import handle_non_serializable

    return json.dumps(document, indent=2, default=handle_non_serializable, ensure_ascii=False)


def _is_plain(value: object) -> bool:
    if type(value) is dict:
        return all(type(key) is str and _is_plain(one) for key, one in value.items())
    if type(value) is list:
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, bool)
