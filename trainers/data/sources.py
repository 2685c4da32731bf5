"""Where training rows come from: files, folders, patterns and hub data sets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from arabench.corpus.formats.names import format_of, is_dataset_dict, is_dataset_folder
from arabench.corpus.runs.inputs import SIDE_SUFFIXES, check_input, expand_inputs
from arabench.errors import DataError, UsageError
from arabench.evaluation.data.source import HUB_PREFIX
from arabench.files.atomic import STDIO
from arabench.files.digests import files_below
from arabench.models.checkpoints import did_you_mean_path, nearest_paths
from arabench.trainers.data.known_sets import KNOWN, PREFIX, known_by_hub, known_by_source
from arabench.trainers.data.objects import ARRAY_SUFFIX
from arabench.trainers.recipe.sections import DataSection

#: What makes a pattern of a path.
_MAGIC: Final = re.compile(r"[*?\[]")
#: What readers say to users of other commands, and what it is called in a recipe.
_WORDS: Final = {
    "with --field": "in the recipe's data",
    ", or the format of all with --input-format": "",
}


class Place(NamedTuple):
    """Something rows are read from: a file of a format that all commands read, one array of objects
    in a .json file, a folder that `datasets` saved, or a hub data set.

    `name` tells it apart within its source, wherever that lies; `source` is the place of that
    source in the recipe's list; `known` names a set of `arabench.trainers.data.known_sets`.
    """

    kind: Literal["file", "array", "saved", "hub"]
    path: str
    name: str
    source: int = 0
    known: str = ""


def find_places(section: DataSection) -> tuple[list[Place], list[str]]:
    """What `data.source` names, checked as far as can be told without reading it.

    Returns:
        places in order, and what was left out of folders, in words.

    Raises:
        UsageError: nothing of that name, an unknown format, or fields of plain text.
        DataError: an empty file.
    """
    places: list[Place] = []
    notes: list[str] = []
    for number, source in enumerate(section.sources):
        if source.startswith(HUB_PREFIX):
            name = source.removeprefix(HUB_PREFIX)
            if not name:
                raise UsageError(f"data.source {source!r} names no data set. Write hub:OWNER/NAME.")
            if not _has_side_files(Path(name).expanduser() if name[:2] == "~/" else Path(name)):
                known = "" if section.names_fields else known_by_hub(name)
                places.append(Place("hub", name, name, number, known))
                continue
            source = name
        known = ""
        left_out: list[str] = []
        if source.startswith(PREFIX):
            known, source = known_by_source(source)
        if known and not source:
            found = [Place("hub", KNOWN[known].hub, f"{PREFIX}{known}")]
        else:
            found, left_out = _below(source)
        if known:
            one = KNOWN[known]
            notes.append(f"{PREFIX}{known} is {HUB_PREFIX}{one.hub}, licence: {one.licence}")
        places += [place._replace(source=number, known=known) for place in found]
        notes += left_out
    for place in places:
        if place.kind == "file" and not place.known and format_of(place.path) == "txt":
            _check_plain(place.path, section)
    return places, notes


def _check_plain(path: str, section: DataSection) -> None:
    """Refuse a field of plain text, which has none: every line is a `text`."""
    if section.prompt_field:
        raise UsageError(
            f"data {path!r} is plain text and has no fields. Set data.prompt_field and "
            "data.response_field to null and data.text_field to text, or use .jsonl or .parquet."
        )
    if section.messages_field:
        raise UsageError(
            f"data {path!r} is plain text and holds no conversations. Set data.messages_field to "
            "null, or use .jsonl or .parquet."
        )
    if section.fields != ("text",):
        raise UsageError(
            f"data {path!r} is plain text and has no fields, so data.text_field "
            f"{section.fields[0]!r} is in none of its rows. Set data.text_field to text, or use "
            ".jsonl or .parquet."
        )


def _has_side_files(folder: Path) -> bool:
    """Whether a command left rejected or dropped rows in it, which `datasets` takes for data."""
    return folder.is_dir() and any(
        file.name.endswith(SIDE_SUFFIXES) for file in folder.rglob("*.json*")
    )


def _below(source: str) -> tuple[list[Place], list[str]]:
    """Files and saved data sets of a path or pattern."""
    if source == STDIO:
        raise UsageError(
            "data.source '-' is standard input, which a resumed run cannot read again. Name a file."
        )
    try:
        path = str(Path(source).expanduser())
        if is_dataset_folder(path) or is_dataset_dict(path):
            return [Place("saved", path, ".")], []
        _check_there(source, path)
        if path.endswith(ARRAY_SUFFIX) and Path(path).is_file():
            check_input(path)
            return [Place("array", path, ".")], []
        found = expand_inputs([path])
    except RuntimeError as error:  # ~ of a user who is not known here
        raise UsageError(f"data {source!r}: {error} Check the path.") from error
    except UsageError as error:
        raise reworded(error) from error
    places = []
    for file in found.files:
        named = file.path == path
        if not named and not file.bytes_on_disk():
            continue  # what a command writes when all rows of a file were dropped
        check_input(file.path)
        kind: Literal["file", "saved"] = "saved" if is_dataset_folder(file.path) else "file"
        format_of(file.path)
        places.append(Place(kind, file.path, "." if named else file.relative))
    if not places:
        raise DataError(f"data {source!r} holds only empty files.")
    return places, found.notes


def _check_there(source: str, path: str) -> None:
    """Refuse a path that is not here, or a pattern below such a folder, and name the nearest.

    Raises:
        UsageError: as said.
    """
    try:
        here = Path(path).exists() or Path(path).is_symlink()
    except (OSError, ValueError):  # a name too long, or one that no file can have
        here = True  # who opens it says why not
    if here:
        return
    parts = Path(path).parts
    fixed = next((place for place, part in enumerate(parts) if _MAGIC.search(part)), None)
    if fixed is None:
        raise UsageError(
            f"data {source!r} does not exist: no such file or folder is here. "
            f"{did_you_mean_path(path, files=True)}Check data.source."
        )
    root = str(Path(*parts[:fixed]))
    near = [str(Path(other, *parts[fixed:])) for other in nearest_paths(root)]
    if near:
        raise UsageError(
            f"nothing matches {source!r}: no folder {root!r} is here. "
            f"Did you mean {' or '.join(map(repr, near))}?"
        )


def places_sha256(places: Sequence[Place]) -> str | None:
    """SHA-256 of the local files that the data is read from; None where all is on a hub."""
    local = [place for place in places if place.kind != "hub"]
    digest = hashlib.sha256()
    for place in local:
        for file in files_below(place.path):
            inside = "" if place.kind in {"file", "array"} else f"/{file.relative_to(place.path)}"
            digest.update(f"{place.name}{inside}".encode(errors="surrogateescape"))
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 22):
                    digest.update(chunk)
    return digest.hexdigest() if local else None


def reworded(error: UsageError) -> UsageError:
    """What a reader says to users of other commands, as it is called in a recipe."""
    message = str(error)
    for said, meant in _WORDS.items():
        message = message.replace(said, meant)
    return UsageError(message)
