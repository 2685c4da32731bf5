"""The loss on rows that were held out, measured while the adapter learns, and the end it may call.

    L = - 1/|R| * sum over i in R of log p(x_i | x_1 .. x_{i-1}),

in nats per token, over all learned tokens R of all held-out rows together, without dropout.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.files.atomic import atomic_writer
from arabench.trainers.data.chat import IGNORED
from arabench.trainers.data.tokens import Encoded
from arabench.trainers.monitors.losses import diverged
from arabench.trainers.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import (
        Trainer,
        TrainerCallback,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )

_BEST: Final = "best-{step}.safetensors"


class AtItsEnd(Exception):
    """A run that is resumed had done all its steps, or was ended early."""


@dataclass(frozen=True)
class Validation:
    """What is measured, and when.

    Attributes:
        rows: held out, as tokens and labels.
        every: steps between measurements; the last step is one too.
        patience: measurements without a new lowest loss that end the run; None for no end.
        file: validation.jsonl, a row a measurement.
        kept: folder of the adapter with the lowest loss, where `patience` may end the run.
    """

    rows: Dataset
    every: int
    patience: int | None
    file: Path
    kept: Path


def mean_loss(trainer: Trainer, rows: Dataset) -> float:
    """The loss on rows, in nats per learned token; the model is as before afterwards.

    Raises:
        ArabenchError: it is no finite number.
    """
    import torch

    size = trainer.args.per_device_train_batch_size
    total, tokens = 0.0, 0
    training = trainer.model.training
    trainer.model.eval()
    with torch.no_grad():
        for start in range(0, len(rows), size):
            some = [rows[at] for at in range(start, min(start + size, len(rows)))]
            learned = sum(label != IGNORED for row in some for label in row["labels"][1:])
            if learned:
                batch = trainer.data_collator(some)
                loss = trainer.prediction_step(trainer.model, batch, True)[0]
                total, tokens = total + float(loss) * learned, tokens + learned
    trainer.model.train(training)
    mean = total / tokens if tokens else math.nan
    if not math.isfinite(mean):
        raise diverged(f"the loss on held-out rows is {mean}")
    return mean


def read_validation(file: Path) -> list[dict[str, Any]]:
    """Measurements, in order; damaged lines, such as a last one cut by a kill, are left out."""
    if not file.exists():
        return []
    lines = map(_parsed, file.read_text(encoding="utf-8", errors="replace").splitlines())
    return [
        row
        for row in lines
        if isinstance(row, dict)
        and type(row.get("step")) is int
        and isinstance(row.get("loss"), float)
    ]


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def best_step(measured: list[dict[str, Any]]) -> int:
    """The first step with the lowest loss."""
    return int(min(measured, key=lambda row: row["loss"])["step"])


def validation_of(recipe: Recipe, held_out: Encoded | None, folder: Path) -> Validation | None:
    """What a recipe says of it; None where no row is held out."""
    if held_out is None:
        return None
    training = recipe.training
    return Validation(
        rows=held_out.dataset,
        every=training.evaluate_every,
        patience=training.patience,
        file=folder / "validation.jsonl",
        kept=folder / "checkpoints" / "best",
    )


def end_of_validation(trainer: Trainer, validation: Validation) -> str:
    """What came of it, in words; where the run may end early, the best adapter is put back."""
    measured = read_validation(validation.file)
    by_step = {row["step"]: row["loss"] for row in measured}
    best, last = best_step(measured), measured[-1]["step"]
    said = (
        f"loss on {len(validation.rows):,} held-out rows: {measured[0]['loss']:.4f} before, "
        f"{by_step[last]:.4f} after step {last}, lowest {by_step[best]:.4f} after step {best}, "
        "nats per token"
    )
    if validation.patience is not None and put_best_back(trainer, validation) is not None:
        return f"{said}; the adapter is that of step {best}"
    return said


def put_best_back(trainer: Trainer, validation: Validation) -> int | None:
    """Give the adapter the values with the lowest loss; the step they are of, None if the last."""
    from safetensors.torch import load_file

    measured = read_validation(validation.file)
    step = best_step(measured)
    if step == trainer.state.global_step:
        return None
    stored = load_file(validation.kept / _BEST.format(step=step))
    for name, value in _trained(trainer.model).items():
        value.data.copy_(stored[name])
    return step


def _trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def validator(trainer: Trainer, validation: Validation) -> TrainerCallback:
    """A callback that measures, writes down, and ends a run that no longer improves.

    A resumed run measures again what came after its checkpoint.
    """
    from safetensors.torch import save_file
    from transformers import TrainerCallback

    class Validator(TrainerCallback):  # type: ignore[misc]
        over = False

        def on_train_begin(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            **kwargs: Any,
        ) -> None:
            rows = read_validation(validation.file)
            kept = [row for row in rows if row["step"] <= state.global_step]
            with atomic_writer(str(validation.file)) as stream:
                stream.writelines(f"{json.dumps(row)}\n".encode() for row in kept)
            if not kept and not state.global_step:
                self._measure(0)
            self.over = _is_over(kept, validation.patience)

        def on_step_begin(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            **kwargs: Any,
        ) -> None:
            if self.over:
                raise AtItsEnd

        def on_step_end(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            **kwargs: Any,
        ) -> None:
            step = state.global_step
            if step % validation.every and step < state.max_steps:
                return
            if _is_over(self._measure(step), validation.patience):
                control.should_training_stop = True

        def _measure(self, step: int) -> list[dict[str, Any]]:
            row = {"step": step, "loss": mean_loss(trainer, validation.rows)}
            with validation.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            measured = read_validation(validation.file)
            if validation.patience is not None and best_step(measured) == step:
                self._keep(step)
            return measured

        def _keep(self, step: int) -> None:
            validation.kept.mkdir(parents=True, exist_ok=True)
            older = sorted(validation.kept.glob(_BEST.format(step="*")), key=_age)[:-1]
            place = validation.kept / _BEST.format(step=step)
            partial = place.with_suffix(".partial")
            values = {
                name: value.detach().cpu().contiguous()
                for name, value in _trained(trainer.model).items()
            }
            save_file(values, partial)
            partial.replace(place)
            for file in older:  # the one before stays: its checkpoint may be resumed from
                if file != place:
                    file.unlink()

    return Validator()


def _is_over(measured: list[dict[str, Any]], patience: int | None) -> bool:
    """Whether the lowest loss is `patience` measurements ago."""
    if patience is None or not measured:
        return False
    best = best_step(measured)
    since = [row for row in measured if row["step"] > best]
    return len(since) >= patience


def _age(file: Path) -> int:
    return int(file.stem.rpartition("-")[2])
