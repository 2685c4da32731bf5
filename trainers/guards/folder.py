"""The folder of a run: whose it is, who writes to it now, and where a killed run goes on."""

from __future__ import annotations

import contextlib
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.files.atomic import write_text_atomically
from arabench.files.locks import hold_folder
from arabench.files.records import read_json_object
from arabench.models.checkpoints import RECORD_NAME
from arabench.trainers.recipe import Recipe, dump_recipe
from arabench.trainers.run.environment import write_json

#: First line of a recipe.yaml that a run wrote, so that nobody else's is ever replaced.
_MARK: Final = "# Resolved by `arabench train` for the run in this folder. Do not edit.\n"
#: Locked by the process that trains into the folder, whose number it holds. The lock ends with
#: the process; a file without one means nothing.
LOCK_NAME: Final = ".arabench-train.lock"
#: Rows and tokens of the run, mapped while it trains.
ROWS_NAME: Final = ".rows"
_STEP: Final = re.compile(r"-[0-9]+$")
#: What may lie in a folder in which no run has begun.
_OURS: Final = (LOCK_NAME, ROWS_NAME)
#: What must be the same when a run is resumed, in words.
_SAME: Final = {
    "base_sha256": "the base weights",
    "data_sha256": "the data",
    "tokens_sha256": "the tokenizer, or how rows are divided,",
    "compute_dtype": "the type of matrix products",
}


def check_folder(folder: Path, recipe: Recipe, overwrite: bool) -> None:
    """Refuse a folder that is not ours, or holds a run of another recipe; writes nothing."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir {str(folder)!r} is a file. Choose a folder.")
    if not folder.is_dir() or not any(entry.name not in _OURS for entry in folder.iterdir()):
        return
    stored = folder / "recipe.yaml"
    text = stored.read_text(encoding="utf-8", errors="replace") if stored.is_file() else ""
    if not text.startswith(_MARK):
        raise UsageError(
            f"output_dir {str(folder)!r} is not empty and holds no run of ours. Choose another."
        )
    begun = (folder / "losses.jsonl").exists() or (folder / "run.json").exists()
    if begun and not overwrite and text != _MARK + dump_recipe(recipe):
        raise UsageError(
            f"output_dir {str(folder)!r} holds a run of another recipe. "
            "Choose another output_dir, or use --overwrite."
        )


def hold(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Keep other trainers out of a folder, which is made; if nothing is written, it goes again.

    Raises:
        UsageError: another process trains into it.
        ArabenchError: it cannot be written.
    """
    return hold_folder(folder, LOCK_NAME, "output_dir", "trains into it")


def drop_rows(folder: Path, *, begun_ones: bool = True) -> None:
    """Remove the rows of a run, which can be made again from its data.

    Args:
        folder: of the run.
        begun_ones: also those of a run that has begun, and may be resumed.
    """
    if begun_ones or not (folder / "checkpoints").exists():
        shutil.rmtree(folder / ROWS_NAME, ignore_errors=True)


def find_checkpoint(folder: Path, provenance: dict[str, Any]) -> tuple[Path | None, list[str]]:
    """The newest whole checkpoint to resume from, if there is one; writes nothing.

    Returns:
        its folder or None, and what is said of newer ones that are damaged.

    Raises:
        UsageError: what it was trained on is no longer the same.
        DataError: the record of that is damaged.
    """
    checkpoint, damaged = last_checkpoint(folder / "checkpoints")
    begun_with = folder / "checkpoints" / RECORD_NAME
    if checkpoint and begun_with.exists():
        before = read_or_overwrite(begun_with)
        for key, what in _SAME.items():
            was, is_now = before.get(key), provenance[key]
            if was != is_now:
                shown = f" ({was}, now {is_now})" if key == "compute_dtype" else ""
                raise UsageError(
                    f"{what} changed since the run in {str(folder)!r} began{shown}, so it cannot "
                    "be resumed. Restore that, choose another output_dir, or use --overwrite."
                )
    go_on = f"goes on from {checkpoint.name}" if checkpoint else "begins anew"
    return checkpoint, [f"{why}; the run {go_on}" for why in damaged]


def read_or_overwrite(file: Path) -> dict[str, Any]:
    """A record of a run.

    Raises:
        DataError: it is damaged; the run can be started over.
    """
    try:
        return read_json_object(file)
    except DataError as error:
        raise DataError(
            f"{error} The record of the run is damaged: restore it, choose another output_dir, "
            "or use --overwrite."
        ) from error


def claim(folder: Path, recipe: Recipe, provenance: dict[str, Any], overwrite: bool) -> None:
    """Make the checked folder ours."""
    if overwrite:
        # Only what a run writes: never a whole folder that somebody named by mistake.
        for name in ("checkpoints", "adapter", ".adapter.partial"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("recipe.yaml", "run.json", "losses.jsonl", "losses.png", "validation.jsonl"):
            (folder / name).unlink(missing_ok=True)
    write_text_atomically(folder / "recipe.yaml", _MARK + dump_recipe(recipe))
    write_json(folder / "checkpoints" / RECORD_NAME, provenance)


def step_of(checkpoint: Path) -> int:
    """Optimizer steps that were done when it was written."""
    return int(checkpoint.name.rsplit("-", 1)[1])


def last_checkpoint(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest whole checkpoint, and what is wrong with newer ones, in words."""
    damaged: list[str] = []
    found = [path for path in folder.glob("checkpoint-*") if _STEP.search(path.name)]
    for checkpoint in sorted(found, key=step_of, reverse=True):
        fault = _fault_of(checkpoint)
        if not fault:
            return checkpoint, damaged
        damaged.append(f"{checkpoint.name} is not whole ({fault})")
    return None, damaged


def _fault_of(checkpoint: Path) -> str:
    """What is missing or damaged in a checkpoint, empty if nothing is.

    The trainer writes trainer_state.json last: without it the run was killed before.
    """
    from safetensors import safe_open

    try:
        state = read_json_object(checkpoint / "trainer_state.json")
    except DataError:
        return "trainer_state.json"
    if state.get("global_step") != step_of(checkpoint):
        return "trainer_state.json"
    weights = checkpoint / "adapter_model.safetensors"
    try:
        with safe_open(str(weights), "np") as file:
            if not file.keys():
                return weights.name
    except Exception:  # no file, cut, or no safetensors
        return weights.name
    archives = ("optimizer.pt", "scheduler.pt", "rng_state.pth")
    return next((name for name in archives if not zipfile.is_zipfile(checkpoint / name)), "")
