"""Supervised fine-tuning with QLoRA: recipe in, adapter out.

Whatever can be told from the recipe, the folder, the data and the tokenizer is checked before
the base is loaded, cheapest first; nothing stays in the folder unless training begins.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.files.records import read_json_object
from arabench.models.checkpoints import RECORD_NAME, BaseInfo, weights_sha256
from arabench.models.devices import Precision, Threads, pick_device, pick_precision, use_threads
from arabench.trainers import data, folder, model, record, tokens, trainer
from arabench.trainers.recipe import Recipe

#: An adapter that lowers the loss by less than this share learned nothing worth shipping.
MIN_RELATIVE_DROP: Final = 0.01
#: What run.json keeps of an outcome.
_STORED: Final = (
    "steps", "first_loss", "last_loss", "untrained_loss", "trained_loss", "resumed_from",
    "trainable_parameters", "seconds", "rows_without_text", "rows_cut_off", "texts_divided",
    "responses_shortened",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Result of a run.

    Attributes:
        adapter: folder of the adapter.
        first_loss, last_loss: means over the first and last tenth of the steps.
        untrained_loss, trained_loss: without and with the adapter, on the same training rows.
        resumed_from: step of the checkpoint the run started from, 0 for a fresh one.
        finished_before: the same recipe had already been run to its end.
        rows_without_text: rows of the data that were left out because they hold no text.
        rows_cut_off: rows left out because their prompt fills max_length.
        texts_divided: texts longer than max_length, which became several rows.
        responses_shortened: responses that max_length cut.
    """

    adapter: Path
    steps: int
    first_loss: float
    last_loss: float
    untrained_loss: float
    trained_loss: float
    resumed_from: int
    finished_before: bool
    trainable_parameters: int
    seconds: float
    rows_without_text: int
    rows_cut_off: int
    texts_divided: int
    responses_shortened: int

    @property
    def learned(self) -> bool:
        """Whether the adapter lowers the loss noticeably."""
        return self.trained_loss < self.untrained_loss * (1 - MIN_RELATIVE_DROP)


@dataclass(frozen=True)
class _Machine:
    """Where and how the run computes."""

    device: str
    precision: Precision
    threads: Threads

    def __str__(self) -> str:
        return (
            f"computing in {self.precision.dtype} ({self.precision.reason}) on {self.device}, "
            f"{self.threads.count} threads ({self.threads.reason})"
        )


def train(
    recipe: Recipe,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    on_step: Callable[[int, float], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run a recipe, or resume it from its last checkpoint.

    Writes to `recipe.output_dir`: adapter/ (safetensors, config, tokenizer, arabench.json),
    recipe.yaml (every default written out), run.json, losses.jsonl, losses.png.
    checkpoints/ is removed at the end. Nothing is written before base and data are read.

    Args:
        recipe: what is trained.
        overwrite: discard an earlier run in the folder.
        threads: of the CPU; None for those that are free.
        on_step: called with the number and the loss of each optimizer step.
        say: gets a line about the machine, the rows and the base, before the first step.

    Raises:
        UsageError: wrong base, data or device, or the folder holds another run or is in use.
        DataError: broken rows, or none that can be learned from.
    """
    place = Path(recipe.output_dir)
    folder.check_folder(place, recipe, overwrite)
    with folder.hold(place):
        folder.check_folder(place, recipe, overwrite)  # the holder before may have filled it
        return _train(place, recipe, overwrite, threads, on_step, say)


def _train(
    place: Path,
    recipe: Recipe,
    overwrite: bool,
    threads: int | None,
    on_step: Callable[[int, float], None] | None,
    say: Callable[[str], None],
) -> Outcome:
    places, notes = data.find_places(recipe.data)
    info = model.check_base(recipe)
    if not overwrite and (finished := _finished_run(place, recipe, places, info)) is not None:
        return finished
    source = model.locate_base(recipe, info)
    for note in notes:
        say(note)
    device = pick_device(recipe.device)
    machine = _Machine(
        device, pick_precision(recipe.quantization.compute_dtype, device), use_threads(threads)
    )
    say(str(machine))
    base = model.find_base(recipe, source)
    rows = data.load_rows(recipe.data, places, base.tokenizer.eos_token)
    if rows.skipped:
        say(f"{rows.skipped:,} rows without text were left out")
    encoded = tokens.encode(rows.dataset, base.tokenizer, recipe.training.max_length)
    for note in encoded.notes(len(rows.dataset), recipe.training.max_length):
        say(note)
    _check_context(encoded.longest, base, recipe)
    provenance = {
        "recipe_sha256": recipe.fingerprint,
        "base_name": recipe.base.name,
        "compute_dtype": machine.precision.dtype,
        **_sources(places, info),
        "data_sha256": rows.sha256,
        "tokens_sha256": encoded.sha256,
        "data_rows": len(rows.dataset),
        "train_rows": len(encoded.dataset),
    }
    checkpoint = None if overwrite else folder.find_checkpoint(place, provenance)
    say(f"loading {recipe.base.name} ({recipe.quantization.bits} bits)")
    loaded = model.load_base(recipe, source, device, machine.precision.dtype)
    provenance["base_commit"] = getattr(loaded.config, "_commit_hash", None)
    folder.claim(place, recipe, provenance, overwrite)
    started = time.monotonic()
    built = trainer.build(
        recipe, device, machine.precision.dtype, loaded, base.tokenizer, encoded.dataset, place,
        on_step,
    )  # fmt: skip
    trainer.run(built, checkpoint)
    untrained, trained = trainer.probe_losses(built)
    trainer.save_adapter(built, base.tokenizer, place / "adapter", provenance)
    history = record.read_losses(place / "losses.jsonl")
    record.plot_losses(history, place / "losses.png")
    first, last = _ends([row["loss"] for row in history])
    outcome = Outcome(
        adapter=place / "adapter",
        steps=history[-1]["step"] if history else 0,
        first_loss=first,
        last_loss=last,
        untrained_loss=untrained,
        trained_loss=trained,
        resumed_from=folder.step_of(checkpoint) if checkpoint else 0,
        finished_before=False,
        trainable_parameters=sum(
            parameter.numel() for parameter in built.model.parameters() if parameter.requires_grad
        ),
        seconds=round(time.monotonic() - started, 1),
        rows_without_text=rows.skipped,
        rows_cut_off=encoded.left_out,
        texts_divided=encoded.texts_divided,
        responses_shortened=encoded.responses_shortened,
    )
    _write_run(place, outcome, provenance, machine)
    shutil.rmtree(place / "checkpoints", ignore_errors=True)
    return outcome


def _write_run(
    place: Path, outcome: Outcome, provenance: dict[str, Any], machine: _Machine
) -> None:
    """run.json, written last: a folder that has it holds a finished run."""
    result = {name: getattr(outcome, name) for name in _STORED}
    record.write_json(
        place / "run.json",
        {
            **provenance,
            "environment": record.environment(),
            "device": machine.device,
            "precision": asdict(machine.precision),
            "threads": asdict(machine.threads),
            **result,
            "learned": outcome.learned,
            "finished": True,
        },
    )


def _sources(places: list[data.Place], info: BaseInfo | None) -> dict[str, str | None]:
    """Hashes of the files that base and data are read from, None for those of a hub."""
    return {
        "base_sha256": weights_sha256(info.weights) if info else None,
        "data_files_sha256": data.files_sha256(places),
    }


def _finished_run(
    place: Path, recipe: Recipe, places: list[data.Place], info: BaseInfo | None
) -> Outcome | None:
    file = place / "run.json"
    if not file.exists() or not (place / "adapter" / RECORD_NAME).exists():
        return None
    shutil.rmtree(place / "checkpoints", ignore_errors=True)  # left by a kill at the very end
    run = read_json_object(file)
    missing = [name for name in _STORED if name not in run]
    if missing:
        raise DataError(
            f"{file} is damaged or of another version: it lacks {missing[0]!r}. Use --overwrite."
        )
    for key, now in _sources(places, info).items():
        if run.get(key) != now:
            raise UsageError(
                f"the {key.partition('_')[0]} changed since the run in {str(place)!r} ended. "
                "Choose another output_dir, or use --overwrite."
            )
    stored = {name: run[name] for name in _STORED}
    return Outcome(adapter=place / "adapter", finished_before=True, **stored)


def _check_context(longest: int, base: model.Base, recipe: Recipe) -> None:
    """Refuse rows longer than the model can read."""
    limit = base.max_tokens
    if limit is not None and longest > limit:
        raise UsageError(
            f"training.max_length is {recipe.training.max_length} and the longest row has "
            f"{longest} tokens, but {recipe.base.name!r} reads at most {limit}. "
            f"Set training.max_length to {limit} or less."
        )


def _ends(losses: list[float]) -> tuple[float, float]:
    """Means over the first and the last tenth."""
    tenth = max(1, len(losses) // 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
