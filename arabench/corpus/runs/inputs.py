"""Which files a command reads: files, folders, patterns and standard input."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Final, TypeAlias

from arabench.corpus.formats.dataset_folders import dataset_splits
from arabench.corpus.formats.names import SUFFIXES, is_dataset_dict, is_dataset_folder, split_suffix
from arabench.errors import DataError, UsageError
from arabench.files.atomic import STDIO

#: What commands leave beside their outputs; none of it is data to read again.
SIDE_SUFFIXES: Final = (".rejects.jsonl", ".dropped.jsonl", ".manifest.json", ".partial")
_MAGIC: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file, `datasets` folder or `-` to read.

    Attributes:
        path: where it is.
        relative: its place in a folder of outputs: below the folder or the fixed part of the
            pattern it was found by, or its bare name.
    """

    path: str
    relative: str

    def bytes_on_disk(self) -> int | None:
        """Its size, of a `datasets` folder that of its files; None where it is not known."""
        place = Path(self.path)
        if self.path == STDIO:
            return None
        if place.is_dir():
            return sum(entry.stat().st_size for entry in place.iterdir() if entry.is_file())
        return place.stat().st_size if place.is_file() else None


@dataclass(slots=True)
class Inputs:
    """What `expand_inputs` found.

    Attributes:
        given: the paths and patterns that were asked for.
        files: what to read, in order.
        folders: folders that were searched.
        notes: what in them was left out, in words.
    """

    given: list[str] = field(default_factory=list)
    files: list[InputFile] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def bytes_on_disk(self) -> int | None:
        """Size of all files, for a progress bar; None where one has none or cannot be asked."""
        try:
            sizes = [file.bytes_on_disk() for file in self.files]
        except OSError:  # the run itself will say what is wrong
            return None
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None


#: Names on a command line, or what was found for them already: both are taken everywhere.
AnyInputs: TypeAlias = Sequence[str] | Inputs


def expand_inputs(inputs: AnyInputs, given_format: str | None = None) -> Inputs:
    """Files for the names on a command line.

    A file, a `datasets` folder or `-` stands for itself; a folder of splits (`DatasetDict`) for
    its splits; another folder for all files of known suffixes in it and below, sorted by path;
    a pattern with `*`, `**`, `?` or `[...]` for the files it matches, sorted. Names
    that begin with a dot and files that commands write beside their outputs are passed over,
    links to folders are not followed, and what else is left out is told in `notes`.

    Args:
        inputs: paths and patterns. A path that exists is never taken for a pattern. What was
            expanded before comes back as it is, so that folders are searched once in a run.
        given_format: the format the user named; then files of any suffix are taken.

    Raises:
        UsageError: nothing of that name, or nothing readable in a folder.
        UnsafeInputError: a folder of splits names one outside of itself.
    """
    if isinstance(inputs, Inputs):
        return inputs
    found = Inputs(list(inputs))
    for name in inputs:
        if name == STDIO or not _exists(name):
            if name != STDIO and _MAGIC.search(name):
                _add_pattern(name, given_format, found)
                continue
        elif Path(name).is_dir() and not is_dataset_folder(name):
            _add_folder(name, given_format, found)
            continue
        found.files.append(InputFile(name, _bare_name(name)))
    return found


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # a name too long, or a folder that may not be searched
        return False


def _bare_name(name: str) -> str:
    """The last part of a path, also of `.` and `..`."""
    own = PurePath(name).name
    return own if own not in {"", ".."} else PurePath(os.path.realpath(name)).name


def check_input(path: str) -> None:
    """Raise a clear error unless `path` is a readable file with content or a `datasets` folder."""
    if path == STDIO:
        return
    file = Path(path)
    try:
        if not file.exists():
            if file.is_symlink():
                raise UsageError(f"input {path!r} is a link that leads nowhere. Repair it.")
            raise UsageError(f"input {path!r} does not exist. Check the path.")
        if is_dataset_folder(path):
            return
        if file.is_dir():
            raise UsageError(f"input {path!r} is a folder. Name the files in it.")
        if not file.is_file():
            return  # a pipe or device: what is read from it here would be lost
        with file.open("rb") as stream:
            first = stream.read(1)
    except OSError as error:
        raise UsageError(f"input {path!r} cannot be read: {error.strerror}.") from error
    if not first:
        raise DataError(f"input {path!r} is empty: there is nothing to process.")


def _add_folder(folder: str, given_format: str | None, found: Inputs) -> None:
    found.folders.append(folder)
    before = len(found.files)
    if is_dataset_dict(folder):
        found.files += [
            InputFile(str(Path(folder, split)), split) for split in dataset_splits(folder)
        ]
        return
    search = _Search(Path(folder), given_format)
    found.files += search.files()
    found.notes += search.notes()
    if len(found.files) == before:
        raise UsageError(
            f"folder {folder!r} holds no file with one of the suffixes {', '.join(SUFFIXES)}"
            f"{search.summary()}. Name files, or the format of all with --input-format."
        )


def _add_pattern(pattern: str, given_format: str | None, found: Inputs) -> None:
    parts = PurePath(pattern).parts
    fixed = next(place for place, part in enumerate(parts) if _MAGIC.search(part))
    root = Path(*parts[:fixed])
    before = len(found.files)
    search = _Search(root, given_format, parts[fixed:])
    if root.is_dir():
        found.files += search.files()
        found.notes += search.notes()
    if len(found.files) == before:
        raise UsageError(
            f"nothing matches {pattern!r}{search.summary()}. "
            "Check the pattern; ** stands for any folders, hidden files are passed over."
        )


class _Search:
    """Walks a folder once, sorted, and keeps count of what it passes over."""

    def __init__(
        self, root: Path, given_format: str | None, pattern: tuple[str, ...] | None = None
    ) -> None:
        self.root = root
        self._given_format = given_format
        self._pattern = pattern
        # Below this depth nothing can match, so there is no need to look.
        self._depth = None if pattern is None or "**" in pattern else len(pattern)
        self._unknown: Counter[str] = Counter()
        self._links: list[str] = []

    def files(self) -> list[InputFile]:
        """All that is taken, sorted by path."""
        return sorted(self._walk(), key=lambda file: Path(file.relative).parts)

    def _walk(self) -> Iterator[InputFile]:
        for place, folders, files in os.walk(self.root, onerror=_unreadable):
            below = Path(place).relative_to(self.root)
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in list(folders):
                path = Path(place, name)
                if is_dataset_folder(str(path)):
                    folders.remove(name)
                    if self._matches(below / name):
                        yield InputFile(str(path), str(below / name))
                elif path.is_symlink():
                    folders.remove(name)
                    self._links.append(str(path))
            if self._depth is not None and len(below.parts) + 1 >= self._depth:
                folders.clear()
            for name in files:
                if self._takes(name) and self._matches(below / name):
                    yield InputFile(str(Path(place, name)), str(below / name))

    def _takes(self, name: str) -> bool:
        if name.startswith(".") or name.endswith(SIDE_SUFFIXES) or name == "manifest.json":
            return False
        suffix, _ = split_suffix(name)
        known = suffix in SUFFIXES or self._given_format is not None
        if not known:
            self._unknown[suffix or "no suffix"] += 1
        return known

    def _matches(self, relative: Path) -> bool:
        return self._pattern is None or _fits(relative.parts, self._pattern)

    def notes(self) -> list[str]:
        """What was passed over, other than hidden files and those that commands wrote."""
        notes = []
        if self._unknown and self._pattern is None:
            kinds = ", ".join(f"{count} x {kind}" for kind, count in self._unknown.most_common(5))
            notes.append(f"{self.root}: files of unknown format were left out ({kinds})")
        if self._links:
            shown = ", ".join(self._links[:3]) + (", ..." if len(self._links) > 3 else "")
            notes.append(f"{self.root}: links to folders were not followed ({shown})")
        return notes

    def summary(self) -> str:
        """The notes as a parenthesis for a message."""
        notes = self.notes()
        return f" ({'; '.join(notes)})" if notes else ""


def _unreadable(error: OSError) -> None:
    raise UsageError(f"folder {error.filename!r} cannot be read: {error.strerror}.") from error


def _fits(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether the parts of a path match those of a pattern; `**` is any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
