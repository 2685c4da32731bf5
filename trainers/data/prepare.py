"""From the sources of a recipe to rows that are trained on, in files of the run's folder.

Rows and their tokens are written to Arrow files and mapped from them, so that neither need fit
into memory. The files are named by a hash of all they are made from: a run that resumes finds them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import arabench
from arabench.errors import DataError
from arabench.files.atomic import write_text_atomically
from arabench.files.records import read_json_object
from arabench.trainers.data.arrow import open_rows
from arabench.trainers.data.packing import pack
from arabench.trainers.data.rows import Rows, load_rows
from arabench.trainers.data.sources import Place, places_sha256
from arabench.trainers.data.tokens import Encoded
from arabench.trainers.methods.table import METHODS
from arabench.trainers.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

#: Says that all files beside it are whole; written last.
_RECORD: Final = "prepared.json"
#: The columns that are files of their own.
_TABLES: Final = ("dataset", "held_out")


@dataclass(frozen=True)
class Prepared:
    """What a run is trained and measured on.

    Attributes:
        rows: as text.
        encoded: as tokens.
        train: what one forward pass takes: `encoded.dataset`, or packs of it.
        held_out: tokens of the rows that are only measured on; None where none are held out.
        notes: what a user should know before the first step, in words.
    """

    rows: Rows
    encoded: Encoded
    train: Dataset
    held_out: Encoded | None
    notes: tuple[str, ...]


def prepare(
    recipe: Recipe, places: Sequence[Place], tokenizer: PreTrainedTokenizerBase, folder: Path
) -> Prepared:
    """Read, clean, divide and tokenize the rows of a recipe, or open what was made before.

    Args:
        recipe: what is to be trained.
        places: from `find_places`.
        tokenizer: of the base, with a token that ends a text.
        folder: gets the files; what lies there of other recipes is removed.

    Raises:
        UsageError: a field does not exist, or the rows are of no shape that is known.
        DataError: rows are broken, or none is left.
        ArabenchError: the files cannot be written.
    """
    key = _key(recipe, places, tokenizer)
    for other in folder.iterdir() if folder.is_dir() else ():
        if other.name != key:
            shutil.rmtree(other, ignore_errors=True)
    place = folder / key
    # Data on a hub may be others under the same name.
    if all(source.kind != "hub" for source in places) and (place / _RECORD).exists():
        return _opened(place)
    made = _made(recipe, places, tokenizer, place)
    write_text_atomically(place / _RECORD, json.dumps(_record(made), ensure_ascii=False))
    return made


def _made(
    recipe: Recipe, places: Sequence[Place], tokenizer: PreTrainedTokenizerBase, place: Path
) -> Prepared:
    method, max_length = METHODS[recipe.method], recipe.training.max_length
    section, told = method.resolve(recipe.data, places)
    end_of_text = tokenizer.eos_token
    notes = [told] if told else []
    rows = load_rows(
        section, places, lambda row: method.row(row, section, end_of_text), place / "rows",
        recipe.training.seed,
    )  # fmt: skip
    notes += rows.said
    if rows.skipped:
        notes.append(f"{rows.skipped:,} rows without text were left out")
    encoded = method.encode(rows.dataset, tokenizer, max_length, place / "tokens")
    notes += encoded.notes(len(rows.dataset), max_length)
    held_out = None
    if rows.held_out is not None:
        held_out = method.encode(rows.held_out, tokenizer, max_length, place / "held_out_tokens")
        notes.append(
            f"{len(rows.held_out):,} rows are held out, and {len(rows.dataset):,} trained on"
        )
    train = encoded.dataset
    if recipe.training.packing:
        train = pack(encoded.dataset, max_length, place / "packs")
        tokens = sum(map(sum, train["seq_lengths"]))
        full = tokens / (len(train) * max_length)
        notes.append(
            f"{len(encoded.dataset):,} rows were packed into {len(train):,}, {full:.0%} full"
        )
    return Prepared(rows, encoded, train, held_out, tuple(notes))


def _key(recipe: Recipe, places: Sequence[Place], tokenizer: PreTrainedTokenizerBase) -> str:
    """Of all that rows and tokens are made from."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    made_from = {
        "version": arabench.__version__,
        "method": recipe.method,
        "data": recipe.data.model_dump(mode="json"),
        "max_length": recipe.training.max_length,
        "packing": recipe.training.packing,
        "seed": recipe.training.seed,
        "files": places_sha256(list(places)),
        "tokenizer": backend.to_str() if backend is not None else repr(tokenizer),
        "ends": [tokenizer.eos_token, str(getattr(tokenizer, "chat_template", None))],
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:32]


def _record(made: Prepared) -> dict[str, Any]:
    return {
        "rows": _fields(made.rows),
        "encoded": _fields(made.encoded),
        "held_out": _fields(made.held_out) if made.held_out else None,
        "packed": made.train is not made.encoded.dataset,
        "notes": made.notes,
    }


def _fields(made: Rows | Encoded) -> dict[str, Any]:
    """What a record keeps: all but the rows themselves."""
    return {
        field.name: getattr(made, field.name) for field in fields(made) if field.name not in _TABLES
    }


def _opened(place: Path) -> Prepared:
    try:
        record = read_json_object(place / _RECORD)
        held = record["held_out"]
        rows = Rows(
            dataset=open_rows(place / "rows"),
            held_out=open_rows(place / "rows.held_out") if held else None,
            **_tuples(record["rows"]),
        )
        encoded = Encoded(dataset=open_rows(place / "tokens"), **_tuples(record["encoded"]))
        return Prepared(
            rows=rows,
            encoded=encoded,
            train=open_rows(place / "packs") if record["packed"] else encoded.dataset,
            held_out=Encoded(dataset=open_rows(place / "held_out_tokens"), **_tuples(held))
            if held
            else None,
            notes=tuple(record["notes"]),
        )
    except (KeyError, TypeError, OSError) as error:
        raise DataError(
            f"the rows in {str(place)!r} are damaged ({error}). Remove that folder: they are made "
            "anew."
        ) from error


def _tuples(record: dict[str, Any]) -> dict[str, Any]:
    """A record with tuples again where JSON has lists."""
    return {key: tuple(kept) if isinstance(kept, list) else kept for key, kept in record.items()}
