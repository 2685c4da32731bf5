"""Data sets of the `datasets` library: of a hub, or saved in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from arabench.errors import UsageError, did_you_mean
from arabench.models.checkpoints import is_local
from arabench.models.hub import cache_only, why_unreachable
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset


def read_hub(name: str, section: DataSection) -> Dataset:
    """A data set of a hub, or a folder that `datasets` reads as one.

    Raises:
        UsageError: it cannot be loaded.
    """
    import datasets

    why = ""
    if is_local(name):
        name = str(Path(name).expanduser())
    else:
        why = why_unreachable(name, kind="dataset")
    try:
        with cache_only(bool(why)):
            return datasets.load_dataset(name, section.config, split=section.split)
    except Exception as error:
        tried = f"{why}, and no copy in the cache could be used: " if why else ""
        raise UsageError(
            f"data set {name!r} (configuration {section.config!r}, split {section.split!r}) could "
            f"not be loaded: {tried}{type(error).__name__}: {str(error)[:300]}"
        ) from error


def read_saved(path: str, split: str) -> Dataset:
    """A folder that `save_to_disk` wrote, or a split of it.

    Raises:
        UsageError: it cannot be loaded, or has no such split.
    """
    import datasets

    try:
        loaded = datasets.load_from_disk(path)
    except (FileNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{path} is no folder written by datasets' save_to_disk: {error}"
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        if split not in loaded:
            raise UsageError(f"{path} has no split {split!r}. {did_you_mean(split, loaded)}")
        return loaded[split]
    return loaded
