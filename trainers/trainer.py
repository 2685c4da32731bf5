"""TRL's trainer as a recipe wants it: built, run, and its adapter measured and saved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from arabench.errors import ArabenchError
from arabench.models.checkpoints import RECORD_NAME
from arabench.models.devices import DtypeName, disable_cpu_repacking
from arabench.trainers import model, record
from arabench.trainers.recipe import Recipe

#: Training rows on which it is measured what the adapter does.
PROBE_ROWS: Final = 16
_SCHEDULERS: Final = {
    "cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"
}  # fmt: skip


def build(
    recipe: Recipe,
    device: str,
    dtype: DtypeName,
    base: Any,
    tokenizer: Any,
    rows: Any,
    folder: Path,
    on_step: Callable[[int, float], None] | None = None,
) -> Any:
    """The trainer, with a float32 adapter on the base.

    Args:
        recipe: what is to be trained.
        device: `cpu` or `cuda`.
        dtype: of matrix products, also of autocast; float16 on a GPU scales the gradients.
        base: the loaded model.
        tokenizer: its tokenizer.
        rows: from `tokens.encode`.
        folder: gets losses.jsonl and checkpoints/.
        on_step: called with the number and the loss of each optimizer step.

    Raises:
        ArabenchError: TRL refuses the recipe.
    """
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
    from trl import SFTTrainer

    try:
        trainer = SFTTrainer(
            model=base,
            args=arguments(recipe, device, dtype, folder / "checkpoints"),
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=model.adapter_config(base, recipe),
            callbacks=[record.loss_logger(folder / "losses.jsonl", on_step)],
        )
    except (ValueError, RuntimeError) as error:
        raise ArabenchError(f"the trainer refused this recipe: {error}") from error
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    model.cast_adapter_to_float32(trainer.model)
    disable_cpu_repacking(trainer.model)
    return trainer


def arguments(recipe: Recipe, device: str, dtype: DtypeName, folder: Path) -> Any:
    """TRL's settings for a recipe; checkpoints go to `folder`."""
    from trl import SFTConfig

    training = recipe.training
    return SFTConfig(
        output_dir=str(folder),
        max_steps=training.max_steps,
        per_device_train_batch_size=training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_steps,
        lr_scheduler_type=_SCHEDULERS[training.scheduler],
        max_grad_norm=training.max_grad_norm,
        weight_decay=training.weight_decay,
        max_length=None,  # rows have their length already
        gradient_checkpointing=training.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        optim=training.optimizer,
        bf16=dtype == "bfloat16",
        fp16=dtype == "float16" and device == "cuda",
        use_cpu=device == "cpu",
        logging_steps=1,
        logging_first_step=True,
        save_strategy="steps",
        save_steps=training.save_every,
        save_total_limit=training.keep_checkpoints,
        seed=training.seed,
        data_seed=training.seed,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=device == "cuda",
    )


def run(trainer: Any, checkpoint: Path | None) -> None:
    """Train to the end, from a checkpoint if there is one.

    Raises:
        ArabenchError: the GPU's memory is not enough.
    """
    import torch

    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise ArabenchError(
            f"the GPU's memory is not enough: {str(error).splitlines()[0]} Lower "
            "training.max_length or training.batch_size, or use quantization.bits: 4."
        ) from error


def probe_losses(trainer: Any) -> tuple[float, float]:
    """Mean loss on the first training rows without and with the adapter.

    The logged losses come from different rows with dropout, and differ by chance; these
    come from the same rows without.
    """
    import torch

    probes = trainer.train_dataset.select(range(min(PROBE_ROWS, len(trainer.train_dataset))))

    def mean_loss() -> float:
        losses = [
            float(trainer.prediction_step(trainer.model, trainer.data_collator([row]), True)[0])
            for row in probes
        ]
        return sum(losses) / len(losses)

    trainer.model.eval()
    with torch.no_grad():
        trained = mean_loss()
        with trainer.model.disable_adapter():
            untrained = mean_loss()
    return untrained, trained


def save_adapter(trainer: Any, tokenizer: Any, target: Path, provenance: dict[str, Any]) -> None:
    """Write the adapter under a temporary name and rename it when it is whole."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.model.save_pretrained(str(partial), safe_serialization=True)
    tokenizer.save_pretrained(str(partial))
    record.write_json(partial / RECORD_NAME, provenance)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
