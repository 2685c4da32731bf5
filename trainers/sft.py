"""Supervised fine-tuning with QLoRA: recipe in, adapter out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arabench.checkpoints import RECORD_NAME, weights_sha256
from arabench.corpus.files import write_text_atomically
from arabench.errors import ArabenchError, UsageError
from arabench.trainers import data, model, record
from arabench.trainers.recipe import Recipe, dump_recipe

#: A run whose loss fell by less than this share of its start learned nothing worth shipping.
MIN_RELATIVE_DROP = 0.01


@dataclass(frozen=True)
class Outcome:
    """Result of a run.

    Attributes:
        adapter: folder of the adapter.
        first_loss, last_loss: means over the first and last tenth of the steps.
        resumed_from: step of the checkpoint the run started from, 0 for a fresh one.
        finished_before: the same recipe had already been run to its end.
    """

    adapter: Path
    steps: int
    first_loss: float
    last_loss: float
    resumed_from: int
    finished_before: bool
    trainable_parameters: int
    seconds: float

    @property
    def learned(self) -> bool:
        """Whether the loss fell noticeably."""
        return self.last_loss < self.first_loss * (1 - MIN_RELATIVE_DROP)


def train(
    recipe: Recipe,
    *,
    overwrite: bool = False,
    on_step: Callable[[int, float], None] | None = None,
) -> Outcome:
    """Run a recipe, or resume it from its last checkpoint.

    Writes to `recipe.output_dir`: adapter/ (safetensors, config, tokenizer, arabench.json),
    recipe.yaml (every default written out), run.json, losses.jsonl, losses.png.
    checkpoints/ is removed at the end.

    Raises:
        UsageError: wrong base, data or device, or the folder holds another run.
    """
    folder = Path(recipe.output_dir)
    finished = _prepare_folder(folder, recipe, overwrite)
    if finished is not None:
        return finished
    base_info = model.check_base(recipe)
    device = model.pick_device(recipe.device)
    base, tokenizer = model.load_base(recipe, device)
    rows, data_hash = data.load_rows(recipe.data, tokenizer.eos_token or "")
    checkpoint = _last_checkpoint(folder / "checkpoints")
    started = time.monotonic()
    losses_path = folder / "losses.jsonl"
    trainer = _build(recipe, device, base, tokenizer, rows, folder, losses_path, on_step)
    trainable = model.cast_adapter_to_float32(trainer.model)
    model.disable_cpu_repacking(trainer.model)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    provenance = {
        "recipe_sha256": recipe.fingerprint,
        "base_name": recipe.base.name,
        "base_sha256": weights_sha256(base_info.weights) if base_info else None,
        "data_sha256": data_hash,
        "data_rows": len(rows),
    }
    _save_adapter(trainer, tokenizer, folder / "adapter", provenance)
    history = record.read_losses(losses_path)
    record.plot_losses(history, folder / "losses.png")
    outcome = _outcome(folder, history, trainable, checkpoint, time.monotonic() - started)
    record.write_json(
        folder / "run.json",
        {
            **provenance,
            "environment": record.environment(),
            "device": device,
            "steps": outcome.steps,
            "first_loss": outcome.first_loss,
            "last_loss": outcome.last_loss,
            "learned": outcome.learned,
            "resumed_from": outcome.resumed_from,
            "trainable_parameters": trainable,
            "seconds": round(outcome.seconds, 1),
            "finished": True,
        },
    )
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return outcome


def _prepare_folder(folder: Path, recipe: Recipe, overwrite: bool) -> Outcome | None:
    """Make the folder ours; the outcome when this very recipe is already finished."""
    stored = folder / "recipe.yaml"
    resolved = dump_recipe(recipe)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir {str(folder)!r} is a file. Choose a folder.")
    if overwrite and stored.exists():
        # Only what a run writes: never a whole folder that somebody named by mistake.
        for name in ("checkpoints", "adapter"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("recipe.yaml", "run.json", "losses.jsonl", "losses.png"):
            (folder / name).unlink(missing_ok=True)
    if stored.exists():
        if stored.read_text(encoding="utf-8") != resolved:
            raise UsageError(
                f"output_dir {str(folder)!r} holds a run of another recipe. "
                "Choose another output_dir, or use --overwrite."
            )
        if (folder / "run.json").exists():
            import json

            run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            return Outcome(
                folder / "adapter", run["steps"], run["first_loss"], run["last_loss"],
                run["resumed_from"], True, run["trainable_parameters"], run["seconds"],
            )  # fmt: skip
    elif folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            f"output_dir {str(folder)!r} is not empty and holds no run of ours. Choose another."
        )
    write_text_atomically(stored, resolved)
    return None


def _last_checkpoint(folder: Path) -> Path | None:
    """Newest complete checkpoint: the trainer writes trainer_state.json last."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").exists()]
    return max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def _build(
    recipe: Recipe,
    device: str,
    base: Any,
    tokenizer: Any,
    rows: Any,
    folder: Path,
    losses_path: Path,
    on_step: Callable[[int, float], None] | None,
) -> Any:
    from peft import LoraConfig
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
    from trl import SFTConfig, SFTTrainer

    training = recipe.training
    arguments = SFTConfig(
        output_dir=str(folder / "checkpoints"),
        max_steps=training.max_steps,
        per_device_train_batch_size=training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_steps,
        lr_scheduler_type=training.scheduler,
        max_grad_norm=training.max_grad_norm,
        weight_decay=training.weight_decay,
        max_length=training.max_length,
        gradient_checkpointing=training.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        optim=training.optimizer,
        bf16=recipe.quantization.compute_dtype == "bfloat16",
        fp16=recipe.quantization.compute_dtype == "float16" and device == "cuda",
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
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora.r,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=list(recipe.lora.target_modules),
    )
    try:
        trainer = SFTTrainer(
            model=base,
            args=arguments,
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[record.loss_logger(losses_path, on_step)],
        )
    except (ValueError, RuntimeError) as error:
        raise ArabenchError(f"the trainer refused this recipe: {error}") from error
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    return trainer


def _save_adapter(trainer: Any, tokenizer: Any, target: Path, provenance: dict[str, Any]) -> None:
    """Write the adapter under a temporary name and rename it when it is whole."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.model.save_pretrained(str(partial), safe_serialization=True)
    tokenizer.save_pretrained(str(partial))
    record.write_json(partial / RECORD_NAME, provenance)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _outcome(
    folder: Path, history: list[dict[str, Any]], trainable: int, checkpoint: Path | None, seconds: float
) -> Outcome:
    losses = [row["loss"] for row in history]
    tenth = max(1, len(losses) // 10)
    return Outcome(
        adapter=folder / "adapter",
        steps=history[-1]["step"] if history else 0,
        first_loss=sum(losses[:tenth]) / tenth,
        last_loss=sum(losses[-tenth:]) / tenth,
        resumed_from=int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0,
        finished_before=False,
        trainable_parameters=trainable,
        seconds=seconds,
    )
