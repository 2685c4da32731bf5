"""The method's trainer as a recipe wants it: built and run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import ArabenchError
from arabench.models.devices import DtypeName, disable_cpu_repacking
from arabench.trainers.methods.table import METHODS
from arabench.trainers.monitors.losses import loss_logger
from arabench.trainers.monitors.validation import AtItsEnd
from arabench.trainers.recipe import Recipe
from arabench.trainers.run.adapter import adapter_config, cast_adapter_to_float32

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import (
        PreTrainedModel,
        PreTrainedTokenizerBase,
        Trainer,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )

_SCHEDULERS: Final = {
    "cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"
}  # fmt: skip


def build(
    recipe: Recipe,
    device: str,
    dtype: DtypeName,
    base: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Dataset,
    folder: Path,
    on_step: Callable[[int, float], None] | None = None,
    steps: int | None = None,
) -> Trainer:
    """The trainer, with a float32 adapter on the base.

    Args:
        recipe: what is to be trained.
        device: `cpu` or `cuda`.
        dtype: of matrix products, also of autocast; float16 on a GPU scales the gradients.
        base: the loaded model.
        tokenizer: its tokenizer.
        rows: from the method's `encode`.
        folder: gets losses.jsonl and checkpoints/.
        on_step: called with the number and the loss of each optimizer step.
        steps: of the run; None for those that the recipe says of so many rows.

    Raises:
        ArabenchError: TRL refuses the recipe.
    """
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    method = METHODS[recipe.method]
    try:
        trainer = method.trainer_class(recipe)(
            model=base,
            args=arguments(
                recipe,
                device,
                dtype,
                folder / "checkpoints",
                steps or recipe.training.steps(len(rows)),
            ),
            train_dataset=method.arrange(rows, recipe),
            processing_class=tokenizer,
            peft_config=adapter_config(base, recipe),
            callbacks=[loss_logger(folder / "losses.jsonl", on_step)],
        )
    except (ValueError, RuntimeError) as error:
        raise ArabenchError(f"the trainer refused this recipe: {error}") from error
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    cast_adapter_to_float32(trainer.model)
    disable_cpu_repacking(trainer.model)
    return trainer


def reference_seconds(trainer: Trainer) -> float:
    """Seconds that it took to ask the base for log-probabilities before the first step."""
    return float(vars(trainer).get("reference_seconds", 0.0))


def arguments(
    recipe: Recipe, device: str, dtype: DtypeName, folder: Path, steps: int
) -> TrainingArguments:
    """Settings of the trainer for `steps` steps of a recipe; checkpoints go to `folder`."""
    training, method = recipe.training, METHODS[recipe.method]
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": training.batch_size,
        "gradient_accumulation_steps": training.gradient_accumulation,
        "learning_rate": training.learning_rate,
        "warmup_steps": training.warmup_steps,
        "lr_scheduler_type": _SCHEDULERS[training.scheduler],
        "max_grad_norm": training.max_grad_norm,
        "weight_decay": training.weight_decay,
        "gradient_checkpointing": training.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "optim": training.optimizer,
        "bf16": dtype == "bfloat16",
        "fp16": dtype == "float16" and device == "cuda",
        "use_cpu": device == "cpu",
        "logging_steps": 1,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # it logs the loss of a diverged step as 0
        "save_strategy": "steps",
        "save_steps": training.save_every,
        "save_total_limit": training.keep_checkpoints,
        "seed": training.seed,
        "data_seed": training.seed,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": device == "cuda",
    }
    return method.arguments_class()(**settings | method.settings(recipe))


def run(trainer: Trainer, checkpoint: Path | None) -> None:
    """Train to the end, from a checkpoint if there is one.

    Raises:
        ArabenchError: the GPU's memory is not enough, the run diverged, or the checkpoint
            cannot be read.
    """
    import torch

    begun = _first_step()
    trainer.add_callback(begun)
    try:
        with contextlib.suppress(AtItsEnd):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise ArabenchError(
            f"the GPU's memory is not enough: {str(error).splitlines()[0]} Lower "
            "training.max_length or training.batch_size, or use quantization.bits: 4."
        ) from error
    except ArabenchError:
        raise
    except Exception as error:  # whatever the libraries make of a damaged checkpoint
        if checkpoint is None or begun.seen:
            raise
        raise ArabenchError(
            f"checkpoint {str(checkpoint)!r} cannot be resumed from: {type(error).__name__}: "
            f"{str(error)[:300]}. Remove that folder to go on from the one before, or use "
            "--overwrite to start over."
        ) from error


def _first_step() -> Any:
    """A callback that knows whether a step began: before, only what is resumed is read.

    It ends a run that has done all its steps, to which the trainer would add one.
    """
    from transformers import TrainerCallback

    class FirstStep(TrainerCallback):  # type: ignore[misc]
        seen = False

        def on_step_begin(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            **kwargs: Any,
        ) -> None:
            self.seen = True
            if state.global_step >= state.max_steps:
                raise AtItsEnd

    return FirstStep()
