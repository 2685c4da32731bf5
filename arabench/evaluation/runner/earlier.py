"""What an output folder holds before a run: nothing, a run to go on with, or one that is done."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from arabench.errors import UsageError
from arabench.evaluation.runner.progress import identity_begun
from arabench.files.records import read_json_object


@dataclass(frozen=True)
class Earlier:
    """A run that one model's folder holds.

    Attributes:
        identity: what fixes its numbers, name -> value.
        finished: whether all its tasks are done.
    """

    identity: Mapping[str, str]
    finished: bool


def check_output(folder: Path) -> None:
    """Make the folder of a run, and see that it can be written to.

    Raises:
        UsageError: it is a file, cannot be written to, or holds results that no run put there.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output {str(folder)!r} is a file. Choose a folder.")
    for found in sorted(folder.glob("results*.json")):
        raise _foreign(found, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"cannot write to output {str(folder)!r}: {error.strerror}.") from error


def find_earlier(output: Path, name: str) -> Earlier | None:
    """The run of a model in its folder below `output`, None where there is none.

    Raises:
        UsageError: results of something else are there.
        DataError: the record of the run is damaged.
    """
    folder = output / name
    begun = identity_begun(folder)
    if begun is not None:
        return Earlier(begun, finished=False)
    results = sorted(folder.glob("results*.json"))
    if not results:
        return None
    ours = read_json_object(results[0]).get("arabench")
    identity = ours.get("identity") if isinstance(ours, dict) else None
    if len(results) > 1 or not isinstance(identity, dict):
        raise _foreign(results[0], output)
    return Earlier({str(key): str(value) for key, value in identity.items()}, finished=True)


def _foreign(found: Path, output: Path) -> UsageError:
    """One folder holds one run: with two in it the gate would not know which is meant."""
    return UsageError(
        f"output {str(output)!r} holds an earlier run ({found.relative_to(output)}) that this "
        "one cannot go on with. Choose another folder, or remove this one."
    )
