"""Texts of rows through the normalizer, before anything else is made of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from arabench.trainers.recipe.sections import DataSection

#: Rows whose texts are normalized at once.
_ROWS: Final = 256
#: Fields of the text of a turn.
_SAID: Final = ("content", "value")


def normalized(rows: Iterator[dict[str, Any]], section: DataSection) -> Iterator[dict[str, Any]]:
    """Rows with the texts of the recipe's fields normalized; what is no text stays as it is.

    Args:
        rows: as they were read; new ones are given out.
        section: with its fields named; `normalize` says how, and rows pass where it is null.
    """
    if section.normalize is None:
        yield from rows
        return
    engine = BatchNormalizer(Normalizer(options_from(section.normalize)))
    while batch := [_copied(row, section) for row in itertools.islice(rows, _ROWS)]:
        places = [place for row in batch for place in _places(row, section)]
        texts = engine.normalize_many([holder[key] for holder, key in places])
        for (holder, key), text in zip(places, texts, strict=True):
            holder[key] = text
        yield from batch


def _copied(row: dict[str, Any], section: DataSection) -> dict[str, Any]:
    turns = row.get(section.messages_field) if section.messages_field else None
    if not isinstance(turns, list):
        return dict(row)
    copies = [dict(turn) if isinstance(turn, dict) else turn for turn in turns]
    return {**row, str(section.messages_field): copies}


def _places(row: dict[str, Any], section: DataSection) -> Iterator[tuple[dict[str, Any], str]]:
    """Where texts lie: in fields, or in the turns of a conversation."""
    for field in section.fields:
        value = row.get(field)
        if isinstance(value, str):
            yield row, field
        elif isinstance(value, list):
            for turn in value:
                if isinstance(turn, dict):
                    yield from ((turn, key) for key in _SAID if isinstance(turn.get(key), str))
