"""File formats and how names tell them: `a.jsonl.zst` is JSON lines, compressed with zstd."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from arabench.errors import UsageError, did_you_mean
from arabench.files.atomic import STDIO

Format = Literal["txt", "jsonl", "csv", "tsv", "parquet", "arrow", "feather", "datasets"]
Codec = Literal["gzip", "zstd", "bz2", "xz"]

#: `.arrow` is written as an IPC stream, as `datasets` does, `.feather` as an IPC file; either
#: kind is read under both names.
SUFFIXES: Final[dict[str, Format]] = {
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "feather",
}
CODEC_SUFFIXES: Final[dict[str, Codec]] = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".bz2": "bz2",
    ".xz": "xz",
}
#: Formats of lines, which a compressed stream can carry; the others compress inside.
LINE_FORMATS: Final[frozenset[Format]] = frozenset({"txt", "jsonl", "csv", "tsv"})
#: Formats of Arrow columns with a schema.
COLUMN_FORMATS: Final[frozenset[Format]] = frozenset({"parquet", "arrow", "feather", "datasets"})
#: Formats that cannot be written to a pipe: their end is needed to read their beginning.
SEEKABLE_FORMATS: Final[frozenset[Format]] = frozenset({"parquet", "feather", "datasets"})

#: The files by which a folder is known as one that `Dataset.save_to_disk` wrote, and the
#: one that `DatasetDict.save_to_disk` adds above its splits.
STATE_FILE: Final = "state.json"
INFO_FILE: Final = "dataset_info.json"
DICT_FILE: Final = "dataset_dict.json"


def format_of(path: str, given: str | None = None) -> Format:
    """Format of a file by its name, or as given ("jsonl", or "jsonl.zst" with compression).

    Raises:
        UsageError: unknown suffix and no format given, or a format that is compressed
            inside under a name that says it is compressed from outside.
    """
    if given is not None:
        chosen = _parse_given(given)[0]
    elif path == STDIO:
        chosen = "txt"
    elif is_dataset_folder(path):
        chosen = "datasets"
    else:
        suffix, _ = split_suffix(path)
        if suffix not in SUFFIXES:
            raise UsageError(
                f"cannot tell the format of {path!r} from its name. "
                f"Use one of the suffixes {', '.join(SUFFIXES)} (lines also with "
                f"{', '.join(CODEC_SUFFIXES)} behind) or name a format."
            )
        chosen = SUFFIXES[suffix]
    if chosen not in LINE_FORMATS and split_suffix(path)[1]:
        raise UsageError(
            f"{path!r}: {chosen} files are compressed inside, not as a whole. "
            f"Take {Path(path).suffix} off the name, or decompress the file."
        )
    return chosen


def codec_of(path: str, given: str | None = None) -> Codec | None:
    """How a file is compressed, by its name or by a format given as "jsonl.zst".

    Raises:
        UsageError: the name and the format contradict each other.
    """
    suffix, by_name = split_suffix(path) if path != STDIO else ("", None)
    by_format = None if given is None else _parse_given(given)[1]
    if by_format is None or by_format == by_name:
        return by_name
    if by_name or suffix in SUFFIXES:
        raise UsageError(
            f"the name of {path!r} says otherwise than the format {given!r}. "
            "Name the compression once: by the suffix, or by the format for other names."
        )
    return by_format


def split_suffix(path: str) -> tuple[str, Codec | None]:
    """The suffix that tells the format ("" if none) and the compression behind it."""
    name = Path(path)
    codec = CODEC_SUFFIXES.get(name.suffix.lower())
    return (Path(name.stem).suffix if codec else name.suffix).lower(), codec


def renamed(name: str, given: str) -> str:
    """The file name with the suffixes of the format `given`; the same if it has them already."""
    suffix, codec = split_suffix(name)
    if (SUFFIXES.get(suffix), codec) == _parse_given(given):
        return name
    own = Path(name)
    if codec:
        own = own.with_suffix("")
    if suffix in SUFFIXES:
        own = own.with_suffix("")
    return own.name if given == "datasets" else f"{own.name}.{given}"


def is_dataset_folder(path: str) -> bool:
    """Whether `path` is a folder that `datasets.Dataset.save_to_disk` wrote."""
    folder = Path(path)
    try:
        return (folder / STATE_FILE).is_file() and (folder / INFO_FILE).is_file()
    except OSError:
        return False


def is_dataset_dict(path: str) -> bool:
    """Whether `path` is a folder of splits that `datasets.DatasetDict.save_to_disk` wrote."""
    try:
        return (Path(path) / DICT_FILE).is_file()
    except OSError:
        return False


def _parse_given(given: str) -> tuple[Format, Codec | None]:
    name, dot, ending = given.partition(".")
    codec = CODEC_SUFFIXES.get(f".{ending}")
    if name not in get_args(Format) or (dot and codec is None):
        raise UsageError(
            f"format {given!r} is not known. {did_you_mean(name, get_args(Format))} "
            f"Lines may be compressed: jsonl{', jsonl'.join(CODEC_SUFFIXES)}."
        )
    chosen: Format = name  # type: ignore[assignment]  # just checked
    if codec and chosen not in LINE_FORMATS:
        raise UsageError(f"format {given!r}: {name} files are compressed inside. Use {name!r}.")
    return chosen, codec
