"""What came of a run, as run.json keeps it."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.models.checkpoints import RECORD_NAME, BaseInfo, weights_sha256
from arabench.models.devices import Precision, Threads
from arabench.trainers.data.rows import Rows
from arabench.trainers.data.sources import Place, places_sha256
from arabench.trainers.data.tokens import Encoded
from arabench.trainers.guards.folder import read_or_overwrite
from arabench.trainers.guards.probe import learned, prefers
from arabench.trainers.recipe import Recipe
from arabench.trainers.run.environment import environment, write_json

#: What run.json keeps of an outcome.
_COUNTS: Final = (
    "steps", "resumed_from", "trainable_parameters", "rows_without_text", "rows_cut_off",
    "rows_vanished", "rows_identical", "texts_divided", "responses_shortened",
)  # fmt: skip
_NUMBERS: Final = ("first_loss", "last_loss", "untrained_loss", "trained_loss", "elements_moved",
                   "seconds", "reference_seconds")  # fmt: skip
#: What methods of preferences have, and others do not: null there.
_REWARDS: Final = ("untrained_margin", "trained_margin", "untrained_accuracy", "trained_accuracy")


@dataclass(frozen=True)
class Outcome:
    """Result of a run.

    Attributes:
        adapter: folder of the adapter.
        first_loss, last_loss: means over the first and last tenth of the steps.
        untrained_loss, trained_loss: without and with the adapter, on the same training rows.
        untrained_margin, trained_margin: of rewards on the same rows, None where the method has no
            rewards; without the adapter 0 where the base is the reference.
        untrained_accuracy, trained_accuracy: share of pairs with a positive margin, or None.
        elements_moved: share of the trainable numbers that training changed, 0 to 1.
        seconds: of building, training and probing, without reference_seconds.
        reference_seconds: in which the base was asked for log-probabilities before the first step.
        resumed_from: step of the checkpoint the run started from, 0 for a fresh one.
        finished_before: the same recipe had already been run to its end.
        rows_without_text: rows of the data that were left out because they hold no text.
        rows_cut_off: rows left out because their prompt fills max_length.
        rows_vanished: rows left out because the tokenizer keeps nothing of what is learned.
        rows_identical: rows left out because the two answers they compare are the same.
        texts_divided: texts longer than max_length, which became several rows.
        responses_shortened: responses that max_length cut.
    """

    adapter: Path
    steps: int
    first_loss: float
    last_loss: float
    untrained_loss: float
    trained_loss: float
    untrained_margin: float | None
    trained_margin: float | None
    untrained_accuracy: float | None
    trained_accuracy: float | None
    elements_moved: float
    resumed_from: int
    finished_before: bool
    trainable_parameters: int
    seconds: float
    reference_seconds: float
    rows_without_text: int
    rows_cut_off: int
    rows_vanished: int
    rows_identical: int
    texts_divided: int
    responses_shortened: int

    @property
    def learned(self) -> bool:
        """Whether the adapter moved, and lowers the loss, or widens the margin, noticeably."""
        if not self.elements_moved:
            return False
        if self.untrained_margin is not None and self.trained_margin is not None:
            return prefers(self.untrained_margin, self.trained_margin)
        return learned(self.untrained_loss, self.trained_loss)


@dataclass(frozen=True)
class Machine:
    """Where and how the run computes."""

    device: str
    precision: Precision
    threads: Threads

    def __str__(self) -> str:
        return (
            f"computing in {self.precision.dtype} ({self.precision.reason}) on {self.device}, "
            f"{self.threads.count} threads ({self.threads.reason})"
        )


def write_run(place: Path, outcome: Outcome, provenance: dict[str, Any], machine: Machine) -> None:
    """run.json, written last: a folder that has it holds a finished run."""
    result = {name: getattr(outcome, name) for name in (*_COUNTS, *_NUMBERS, *_REWARDS)}
    write_json(
        place / "run.json",
        {
            **provenance,
            "environment": environment(),
            "device": machine.device,
            "precision": asdict(machine.precision),
            "threads": asdict(machine.threads),
            **result,
            "learned": outcome.learned,
            "finished": True,
        },
    )


def provenance_of(
    recipe: Recipe,
    machine: Machine,
    places: list[Place],
    info: BaseInfo | None,
    rows: Rows,
    encoded: Encoded,
) -> dict[str, Any]:
    """What a run is made from: the same of a killed run and its resumption."""
    return {
        "recipe_sha256": recipe.fingerprint,
        "base_name": recipe.base.name,
        "compute_dtype": machine.precision.dtype,
        **sources(places, info),
        "data_sha256": rows.sha256,
        "tokens_sha256": encoded.sha256,
        "data_rows": len(rows.dataset),
        "train_rows": len(encoded.dataset),
    }


def sources(places: list[Place], info: BaseInfo | None) -> dict[str, str | None]:
    """Hashes of the files that base and data are read from, None for those of a hub."""
    return {
        "base_sha256": weights_sha256(info.weights) if info else None,
        "data_files_sha256": places_sha256(places),
    }


def finished_run(place: Path, places: list[Place], info: BaseInfo | None) -> Outcome | None:
    """The outcome of a run of the same recipe that was run to its end, else None.

    Raises:
        DataError: run.json is damaged.
        UsageError: base or data changed since.
    """
    file = place / "run.json"
    if not file.exists() or not (place / "adapter" / RECORD_NAME).exists():
        return None
    shutil.rmtree(place / "checkpoints", ignore_errors=True)  # left by a kill at the very end
    run = read_or_overwrite(file)
    stored = {name: _number(file, run, name) for name in (*_COUNTS, *_NUMBERS)}
    stored |= {name: run[name] if run.get(name) is None else _number(file, run, name)
               for name in _REWARDS}  # fmt: skip
    for key, now in sources(places, info).items():
        if run.get(key) != now:
            raise UsageError(
                f"the {key.partition('_')[0]} changed since the run in {str(place)!r} ended. "
                "Choose another output_dir, or use --overwrite."
            )
    return Outcome(adapter=place / "adapter", finished_before=True, **stored)


def _number(file: Path, run: dict[str, Any], name: str) -> Any:
    """A number that run.json keeps.

    Raises:
        DataError: it is missing, or no number.
    """
    value = run.get(name)
    if type(value) in ({int} if name in _COUNTS else {int, float}):
        return value
    kind = "whole number" if name in _COUNTS else "number"
    found = f"its {name!r} is {str(value)[:80]!r} and no {kind}"
    fault = found if name in run else f"it lacks {name!r}"
    raise DataError(
        f"{file} is damaged or of another version: {fault}. Choose another output_dir, or use "
        "--overwrite."
    )


def ends(losses: list[float]) -> tuple[float, float]:
    """Means over the first and the last tenth."""
    tenth = max(1, len(losses) // 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
