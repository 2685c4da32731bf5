"""Folders as `datasets.Dataset.save_to_disk` writes them, without the `datasets` package.

A folder holds Arrow IPC streams `data-00000-of-00003.arrow`, `state.json` that lists them and
`dataset_info.json`. `datasets.load_from_disk` maps them into memory. Layout as in
datasets 5.2 (`arrow_dataset.py`), which reads folders of versions from 2.0 on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from arabench.corpus.formats.names import (
    DICT_FILE,
    INFO_FILE,
    STATE_FILE,
    is_dataset_dict,
    is_dataset_folder,
)
from arabench.errors import DataError, UnsafeInputError, UsageError

#: What is taken over from the `dataset_info.json` of a dataset that is rewritten; sizes,
#: checksums and features are of the old rows.
_KEPT_INFO = ("citation", "description", "homepage", "license")


def data_files(folder: str) -> list[str]:
    """Paths of the Arrow files of a folder, in order.

    Raises:
        DataError: `state.json` is damaged or names a file that is not there.
        UsageError: rows are selected by an index, which only `datasets` can apply.
        UnsafeInputError: a file lies outside of the folder.
    """
    state = _read_json(folder, STATE_FILE)
    if state.get("_indices_data_files"):
        raise UsageError(
            f"{folder!r} selects its rows by an index. Load it with datasets.load_from_disk, "
            "call flatten_indices() and save it again."
        )
    try:
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{str(Path(folder, STATE_FILE))!r} is damaged: no list of data files. Save it again."
        ) from error
    if not names:
        raise DataError(f"dataset {folder!r} is empty: there is nothing to process.")
    for name in names:
        if PurePath(name).name != name or name == "..":
            raise UnsafeInputError(
                f"{str(Path(folder, STATE_FILE))!r} names a file {name!r} outside of its folder."
            )
        if not Path(folder, name).is_file():
            raise DataError(f"dataset {folder!r} lacks its file {name!r}. Fetch or save it again.")
    return [str(Path(folder, name)) for name in names]


def state_of(names: list[str], fingerprint: str, split: str | None) -> str:
    """Content of `state.json`.

    Args:
        names: the Arrow files.
        fingerprint: 16 hexadecimal digits that stand for the content: `datasets` finds
            results of `map` again by them, so that other rows must have others.
        split: name of the split, if any.
    """
    state: dict[str, Any] = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    return json.dumps(state, indent=2)


def info_of(sources: list[str]) -> str:
    """Content of `dataset_info.json`: description and licence of the one source that has them.

    Features are left to be read from the Arrow schema.
    """
    info: dict[str, Any] = dict.fromkeys(_KEPT_INFO, "")
    if len(sources) == 1 and Path(sources[0], INFO_FILE).is_file():
        before = _read_json(sources[0], INFO_FILE)
        info.update({key: before[key] for key in _KEPT_INFO if isinstance(before.get(key), str)})
    info["features"] = None
    return json.dumps(dict(sorted(info.items())), indent=2, ensure_ascii=False)


def split_of(sources: list[str]) -> str | None:
    """Name of the split of the one source that has one."""
    if len(sources) != 1 or not Path(sources[0], STATE_FILE).is_file():
        return None
    split = _read_json(sources[0], STATE_FILE).get("_split")
    return split if isinstance(split, str) else None


def list_of_splits(sources: Sequence[str], target: str) -> list[str]:
    """Names of all splits, if `target` is to be the same split as the one source; else none."""
    if len(sources) != 1 or Path(sources[0]).name != Path(target).name:
        return []
    above = str(Path(sources[0]).parent)
    return dataset_splits(above) if is_dataset_dict(above) else []


def dataset_splits(folder: str) -> list[str]:
    """Names of the splits of a folder that `DatasetDict.save_to_disk` wrote.

    Raises:
        DataError: its list of splits cannot be read, or a split is missing.
        UnsafeInputError: a split lies outside of the folder.
    """
    path = Path(folder) / DICT_FILE
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))["splits"]
        names = [name for name in splits if isinstance(name, str)]
        if not names or len(names) < len(splits):
            raise ValueError("no list of names")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{str(path)!r} is no list of splits: {error}. Save it again.") from error
    for name in names:
        if name in {"", ".", ".."} or PurePath(name).name != name:
            raise UnsafeInputError(f"{str(path)!r} names a split {name!r} outside of its folder.")
        if not is_dataset_folder(str(Path(folder, name))):
            raise DataError(f"split {name!r} of {folder!r} is not there. Save the dataset again.")
    return names


def refuse_to_replace(path: str) -> None:
    """Raise `UsageError` where `path` is there and is not a `datasets` folder and nothing else."""
    target = Path(os.path.realpath(path))
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"output {path!r} is a file, not a datasets folder. Choose another name.")
    others = [
        entry.name
        for entry in target.iterdir()
        if entry.name not in {STATE_FILE, INFO_FILE} and entry.suffix != ".arrow"
    ]
    if others or (any(target.iterdir()) and not is_dataset_folder(path)):
        raise UsageError(
            f"output {path!r} is a folder with other files than a dataset's"
            f"{f' ({min(others)!r})' if others else ''}, and would be replaced as a whole. "
            "Choose a new name, or end it with '/' to write a dataset into it."
        )


def _read_json(folder: str, name: str) -> dict[str, Any]:
    path = Path(folder, name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error}. Fetch or save it again."
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{str(path)!r} is damaged: it is no JSON object. Save it again.")
    return content
