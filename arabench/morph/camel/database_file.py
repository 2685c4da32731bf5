"""Reading a CAMeL morphology database from a file, or saying why it cannot be."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from arabench.camel_data import import_camel
from arabench.chars import TATWEEL
from arabench.errors import DataError, UsageError
from arabench.files.digests import file_sha256

if TYPE_CHECKING:
    from camel_tools.morphology.database import MorphologyDB

#: Sections of an ALMOR database, all of which camel-tools asks for.
SECTIONS: Final = (
    "DEFINES", "DEFAULTS", "ORDER", "TOKENIZATIONS", "STEMBACKOFF", "PREFIXES", "SUFFIXES",
    "STEMS", "TABLE AB", "TABLE BC", "TABLE AC",
)  # fmt: skip
#: Sections of Camel Morph that camel-tools cannot read and we do without.
LEFT_OUT: Final = ("POSTREGEX", "SMARTBACKOFF")


def read_database(path: str | Path) -> tuple[MorphologyDB, tuple[str, ...]]:
    """The database of a file, as camel-tools holds it.

    Databases of the Camel Morph project may have sections that camel-tools cannot read,
    POSTREGEX (which rewrites vowels at morpheme boundaries) and SMARTBACKOFF (patterns of
    unknown stems). These are left out, and the signs of a boundary with them.

    Returns:
        The database, and the names of the sections left out.

    Raises:
        UsageError: there is no such file.
        DataError: it is a folder, empty, no database, or one camel-tools cannot read.
    """
    place = Path(path)
    if not place.exists():
        raise UsageError(f"no database {place}. Give the path of a .db file of CAMeL morphology.")
    if not place.is_file():
        raise DataError(f"{place} is not a file. Give the path of a .db file of CAMeL morphology.")
    left_out = _check_sections(place)
    module = import_camel("camel_tools.morphology.database")
    try:
        if left_out:
            with TemporaryDirectory() as folder:
                readable = Path(folder) / "readable.db"
                _write_readable(place, readable, left_out)
                database = module.MorphologyDB(str(readable), "a")
        else:
            database = module.MorphologyDB(str(place), "a")
    except OSError as error:
        raise DataError(f"{place} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # its parser raises whatever a wrong line leads to
        raise DataError(
            f"{place} is a damaged database ({_short(error)}). Get it again."
        ) from error
    if not (database.stem_hash and database.prefix_hash and database.prefix_suffix_compat):
        raise DataError(f"{place} ends before its tables do: it is cut off. Get it again.")
    return database, left_out


def _check_sections(place: Path) -> tuple[str, ...]:
    """Refuse what is no database; the sections that must be left out of one."""
    try:
        with place.open("rb") as file:
            head = file.read(64)
            if not head.strip():
                raise DataError(f"{place} is empty: it is no CAMeL morphology database.")
            if not head.startswith(b"###DEFINES###"):
                raise DataError(
                    f"{place} is no CAMeL morphology database: these begin with ###DEFINES###."
                )
            file.seek(0)
            names = [
                line.strip(b"#\r\n").decode("utf-8", "replace")
                for line in file
                if line.startswith(b"###")
            ]
    except OSError as error:
        raise DataError(f"{place} cannot be read: {error.strerror or error}") from error
    unknown = [name for name in names if name not in SECTIONS and name not in LEFT_OUT]
    if unknown:
        raise DataError(
            f"{place} has sections that cannot be read: {', '.join(unknown[:5])[:200]}. "
            f"Allowed: {', '.join(SECTIONS)}; left out: {', '.join(LEFT_OUT)}."
        )
    missing = [name for name in SECTIONS if name not in names]
    if missing:
        raise DataError(
            f"{place} lacks the sections {', '.join(missing)}: it is cut off or no database of "
            "CAMeL morphology. Get it again."
        )
    return tuple(name for name in LEFT_OUT if name in names)


def _write_readable(place: Path, readable: Path, left_out: tuple[str, ...]) -> None:
    """Copy a database without some sections and without the boundary signs of POSTREGEX."""
    name = ""
    with place.open(encoding="utf-8") as source, readable.open("w", encoding="utf-8") as copy:
        for line in source:
            if line.startswith("###"):
                name = line.strip("#\r\n")
            if name in left_out:
                continue
            if name in ("PREFIXES", "SUFFIXES", "STEMS") and line.count("\t") == 2:
                key, category, features = line.split("\t")
                spelled = [
                    field.replace("#", "") if field.startswith(("diac:", "bw:")) else field
                    for field in features.split(" ")
                ]
                key = key.replace("#", "").replace(TATWEEL, "")
                copy.write(f"{key}\t{category}\t{' '.join(spelled)}")
            else:
                copy.write(line)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"


def checksum(path: Path) -> str:
    """First digits of the SHA-256 of a file."""
    return file_sha256(path)[:12]
