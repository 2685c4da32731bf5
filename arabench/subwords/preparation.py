"""What text goes through before a tokenizer of ours that takes segmented text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError
from arabench.files.records import read_json_object

if TYPE_CHECKING:
    from arabench.morph.tokenizer import Tokenizer

#: The record that a training leaves beside its tokenizer.
RECORD_FILE: Final = "arabench.json"
RECORD_KIND: Final = "arabench tokenizer"


@dataclass(frozen=True)
class Preparation:
    """Segmentation by the morphological tokenizer.

    Attributes:
        description: the command that does it to files.
        segmenter: the morphological tokenizer.
    """

    description: str
    segmenter: Any

    def prepare(self, texts: Sequence[str]) -> list[str]:
        """The segmented texts."""
        return list(self.segmenter.tokenize_many(list(texts)))


def preparation_beside(path: Path) -> Preparation | None:
    """What the record in a tokenizer's folder asks for; None for plain text.

    Args:
        path: the folder, or a file in it.

    Raises:
        DataError: the record is damaged.
        UsageError: it names a scheme, mark or backend that is not there.
    """
    place = (path if path.is_dir() else path.parent) / RECORD_FILE
    if not (path.exists() and place.is_file()):
        return None
    record = read_json_object(place)
    settings = record.get("settings")
    if record.get("kind") != RECORD_KIND:
        return None
    if not isinstance(settings, dict):
        raise DataError(f"{place} is damaged: it has no settings. Train the tokenizer again.")
    if settings.get("segments") != "input":
        return None
    scheme, mark, backend, database = (
        None if settings.get(key) is None else str(settings[key])
        for key in ("pre_segment", "mark", "backend", "database")
    )
    if scheme is None or mark is None or backend is None:
        raise DataError(f"{place} is damaged: it lacks scheme or mark. Train the tokenizer again.")
    return Preparation(
        tokenize_command(scheme, mark, backend, database),
        open_tokenizer(scheme, mark, backend, database),
    )


def tokenize_command(scheme: str, mark: str, backend: str, database: str | None) -> str:
    """The command that segments files so."""
    command = f"arabench tokenize --scheme {scheme} --mark {mark}"
    if backend != "builtin":
        command += f" --backend {backend}"
    return command if database is None else f"{command} --database {shlex.quote(database)}"


def open_tokenizer(scheme: str, mark: str, backend: str, database: str | None) -> Tokenizer:
    """The morphological tokenizer of these settings.

    Raises:
        UsageError: a name is not known, or the backend's packages or data are missing.
    """
    from arabench.morph.backends import open_backend
    from arabench.morph.tokenizer import Tokenizer

    segmenter = backend if database is None else open_backend(backend, database)
    return Tokenizer(scheme=scheme, mark=mark, backend=segmenter)
