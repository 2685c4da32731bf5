"""What a row is: a text, a prompt with its response, or a conversation, told from the columns."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import Collection, Sequence
from typing import Any, Final

from arabench.corpus.formats.compression import ByteSource
from arabench.corpus.formats.lines import line_blocks
from arabench.corpus.formats.names import COLUMN_FORMATS, codec_of, format_of
from arabench.corpus.formats.readers import read_schema
from arabench.errors import DataError, UsageError
from arabench.trainers.data.datasets_library import read_hub, read_saved
from arabench.trainers.data.known_sets import KNOWN
from arabench.trainers.data.objects import read_objects
from arabench.trainers.data.sources import Place
from arabench.trainers.recipe.sections import DataSection

#: Fields of conversations, of prompts with their responses, and of whole texts.
CONVERSATIONS: Final = ("messages", "conversations", "conversation")
PAIRS: Final = (
    ("prompt", "response"), ("prompt", "completion"), ("instruction", "output"),
    ("instruction", "response"), ("question", "answer"),
)  # fmt: skip
TEXT: Final = "text"
#: What an instruction is about, where the data name it so (Alpaca).
INPUT: Final = "input"
#: Rows that are looked at: JSON names fields row by row.
_SEEN_ROWS: Final = 100


def resolve(section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
    """The section with its fields named, and in words what was told from the columns.

    Raises:
        UsageError: the columns say nothing, or more than one thing.
        DataError: a file cannot be read.
    """
    if section.names_fields:
        return section, ""
    told: dict[str, Any] = {}
    for number, place in enumerate(places):
        columns = columns_of(place, section)
        found = _shape(place.path, columns)
        if number and found != told:
            raise UsageError(
                f"data {places[0].path!r} holds {_words(told)}, but {place.path!r} holds "
                f"{_words(found)}: rows of one run are of one kind. Name the fields in the "
                "recipe's data, or make the sources alike."
            )
        told = found
    if told == {"text_field": TEXT}:
        return section.model_copy(update=told), ""
    return (
        section.model_copy(update=told),
        f"rows are {_words(told)}, told from the columns. Name the fields in the recipe's data to "
        "change that",
    )


def _shape(path: str, columns: Collection[str]) -> dict[str, Any]:
    """Fields of a row, as keys of the recipe's data."""
    found: list[dict[str, Any]] = [
        {"messages_field": name} for name in CONVERSATIONS if name in columns
    ]
    pairs = [pair for pair in PAIRS if set(pair) <= set(columns)]
    for prompt, response in pairs:
        pair: dict[str, Any] = {"prompt_field": prompt, "response_field": response}
        if prompt == "instruction" and INPUT in columns:
            pair["input_field"] = INPUT
        found.append(pair)
    if TEXT in columns:
        found.append({"text_field": TEXT})
    if len(found) > 1:
        keys = " or ".join(
            ", ".join(f"data.{key}: {field}" for key, field in shape.items()) for shape in found
        )
        raise UsageError(
            f"data {path!r} holds {' and '.join(map(_words, found))}: which of them is meant is "
            f"not told. Write {keys} into the recipe."
        )
    # Where nothing is known the reader says which field is missing, and what is there.
    return found[0] if found else {"text_field": TEXT}


def _words(shape: dict[str, Any]) -> str:
    if "messages_field" in shape:
        return f"conversations ({shape['messages_field']!r})"
    if "prompt_field" in shape:
        names = [shape["prompt_field"], shape.get("input_field"), shape["response_field"]]
        return f"prompts and responses ({', '.join(repr(name) for name in names if name)})"
    return f"texts ({shape['text_field']!r})"


def columns_of(place: Place, section: DataSection) -> list[str]:
    """Names of the fields of its first rows.

    Raises:
        UsageError: a data set cannot be loaded.
        DataError: a file cannot be read.
    """
    if place.known:
        return KNOWN[place.known].columns
    if place.kind == "hub":
        return list(read_hub(place.path, section).column_names)
    if place.kind == "saved":
        return list(read_saved(place.path, section.split).column_names)
    if place.kind == "array" or format_of(place.path) == "jsonl":
        seen: dict[str, None] = {}
        # Of a broken row its reader speaks, with what is to be done.
        with contextlib.suppress(DataError):
            for row in itertools.islice(read_objects(place.path), _SEEN_ROWS):
                seen |= dict.fromkeys(row)
        return list(seen)
    kind = format_of(place.path)
    if kind in COLUMN_FORMATS:
        return list(read_schema(place.path, kind).names)
    if kind == "txt":
        return [TEXT]
    block = next(line_blocks(ByteSource(place.path, codec_of(place.path))))
    first = block.data.decode("utf-8", errors="replace").splitlines()
    return next(csv.reader(first, delimiter="\t" if kind == "tsv" else ","), [])
