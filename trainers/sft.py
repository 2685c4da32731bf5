"""Supervised fine-tuning with QLoRA: recipe in, adapter out."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.checkpoints import RECORD_NAME, weights_sha256
from arabench.corpus.files import write_text_atomically
from arabench.devices import disable_cpu_repacking, pick_device
from arabench.errors import ArabenchError, DataError, UsageError
from arabench.records import read_json_object
from arabench.trainers import data, model, record
from arabench.trainers.recipe import Recipe, dump_recipe

#: An adapter that lowers the loss by less than this share learned nothing worth shipping.
MIN_RELATIVE_DROP: Final = 0.01
#: Training rows on which that is measured.
PROBE_ROWS: Final = 16
#: First line of a recipe.yaml that a run wrote, so that nobody else's is ever replaced.
_MARK: Final = "# Resolved by `arabench train` for the run in this folder. Do not edit.\n"
_SCHEDULERS: Final = {
    "cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"
}  # fmt: skip
#: What run.json keeps of an outcome.
_STORED: Final = (
    "steps", "first_loss", "last_loss", "untrained_loss", "trained_loss", "resumed_from",
    "trainable_parameters", "seconds", "rows_without_text", "rows_cut_off",
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

    @property
    def learned(self) -> bool:
        """Whether the adapter lowers the loss noticeably."""
        return self.trained_loss < self.untrained_loss * (1 - MIN_RELATIVE_DROP)


def train(
    recipe: Recipe,
    *,
    overwrite: bool = False,
    on_step: Callable[[int, float], None] | None = None,
) -> Outcome:
    """Run a recipe, or resume it from its last checkpoint.

    Writes to `recipe.output_dir`: adapter/ (safetensors, config, tokenizer, arabench.json),
    recipe.yaml (every default written out), run.json, losses.jsonl, losses.png.
    checkpoints/ is removed at the end. Nothing is written before base and data are read.

    Raises:
        UsageError: wrong base, data or device, or the folder holds another run.
        DataError: broken rows, or none that can be learned from.
    """
    folder = Path(recipe.output_dir)
    _check_folder(folder, recipe, overwrite)
    if not overwrite and (finished := _finished_run(folder, recipe)) is not None:
        return finished
    device = pick_device(recipe.device)
    sources = _sources(recipe)
    base, tokenizer = model.load_base(recipe, device)
    rows = data.load_rows(recipe.data, tokenizer.eos_token or "")
    provenance = {
        "recipe_sha256": recipe.fingerprint,
        "base_name": recipe.base.name,
        "base_commit": getattr(base.config, "_commit_hash", None),
        **sources,
        "data_sha256": rows.sha256,
        "data_rows": len(rows.dataset),
    }
    checkpoint = _claim_folder(folder, recipe, provenance, overwrite)
    started = time.monotonic()
    losses_path = folder / "losses.jsonl"
    trainer = _build(recipe, device, base, tokenizer, rows.dataset, losses_path, on_step)
    rows_cut_off = len(rows.dataset) - _usable_rows(trainer, recipe)
    trainable = model.cast_adapter_to_float32(trainer.model)
    disable_cpu_repacking(trainer.model)
    _run(trainer, checkpoint)
    untrained, trained = _probe_losses(trainer)
    _save_adapter(trainer, tokenizer, folder / "adapter", provenance)
    history = record.read_losses(losses_path)
    record.plot_losses(history, folder / "losses.png")
    first, last = _ends([row["loss"] for row in history])
    outcome = Outcome(
        adapter=folder / "adapter",
        steps=history[-1]["step"] if history else 0,
        first_loss=first,
        last_loss=last,
        untrained_loss=untrained,
        trained_loss=trained,
        resumed_from=_step_of(checkpoint) if checkpoint else 0,
        finished_before=False,
        trainable_parameters=trainable,
        seconds=round(time.monotonic() - started, 1),
        rows_without_text=rows.skipped,
        rows_cut_off=rows_cut_off,
    )
    _write_run(folder, outcome, provenance, device)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return outcome


def _write_run(folder: Path, outcome: Outcome, provenance: dict[str, Any], device: str) -> None:
    """run.json, written last: a folder that has it holds a finished run."""
    result = {name: getattr(outcome, name) for name in _STORED}
    record.write_json(
        folder / "run.json",
        {
            **provenance,
            "environment": record.environment(),
            "device": device,
            **result,
            "learned": outcome.learned,
            "finished": True,
        },
    )


def _sources(recipe: Recipe) -> dict[str, str | None]:
    """Hashes of the files that base and data are read from, None for those of a hub."""
    base = model.check_base(recipe)
    return {
        "base_sha256": weights_sha256(base.weights) if base else None,
        "data_files_sha256": data.files_sha256(recipe.data),
    }


def _finished_run(folder: Path, recipe: Recipe) -> Outcome | None:
    file = folder / "run.json"
    if not file.exists() or not (folder / "adapter" / RECORD_NAME).exists():
        return None
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # left by a kill at the very end
    run = read_json_object(file)
    missing = [name for name in _STORED if name not in run]
    if missing:
        raise DataError(f"{file} is damaged: it lacks {missing[0]!r}. Use --overwrite.")
    for key, now in _sources(recipe).items():
        if run.get(key) != now:
            raise UsageError(
                f"the {key.partition('_')[0]} changed since the run in {str(folder)!r} ended. "
                "Choose another output_dir, or use --overwrite."
            )
    stored = {name: run[name] for name in _STORED}
    return Outcome(adapter=folder / "adapter", finished_before=True, **stored)


def _check_folder(folder: Path, recipe: Recipe, overwrite: bool) -> None:
    """Refuse a folder that is not ours, or holds a run of another recipe; writes nothing."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir {str(folder)!r} is a file. Choose a folder.")
    if not folder.is_dir() or not any(folder.iterdir()):
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


def _claim_folder(
    folder: Path, recipe: Recipe, provenance: dict[str, Any], overwrite: bool
) -> Path | None:
    """Make the checked folder ours; the checkpoint to resume from, if there is one.

    Raises:
        UsageError: base weights or data are no longer those of the checkpoint.
    """
    if overwrite:
        # Only what a run writes: never a whole folder that somebody named by mistake.
        for name in ("checkpoints", "adapter", ".adapter.partial"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("recipe.yaml", "run.json", "losses.jsonl", "losses.png"):
            (folder / name).unlink(missing_ok=True)
    checkpoint = _last_checkpoint(folder / "checkpoints")
    begun_with = folder / "checkpoints" / RECORD_NAME
    if checkpoint and begun_with.exists():
        before = read_json_object(begun_with)
        for key, what in (("base_sha256", "base weights"), ("data_sha256", "data")):
            if before.get(key) != provenance[key]:
                raise UsageError(
                    f"the {what} changed since the run in {str(folder)!r} began, so it cannot be "
                    "resumed. Restore them, choose another output_dir, or use --overwrite."
                )
    write_text_atomically(folder / "recipe.yaml", _MARK + dump_recipe(recipe))
    record.write_json(begun_with, provenance)
    return checkpoint


def _last_checkpoint(folder: Path) -> Path | None:
    """Newest complete checkpoint: the trainer writes trainer_state.json last."""
    found = [path for path in folder.glob("checkpoint-*") if _is_complete(path)]
    return max(found, key=_step_of, default=None)


def _is_complete(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # killed before or while it was written
        return False
    return True


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rsplit("-", 1)[1])


def _arguments(recipe: Recipe, device: str, folder: Path) -> Any:
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


def _build(
    recipe: Recipe,
    device: str,
    base: Any,
    tokenizer: Any,
    rows: Any,
    losses_path: Path,
    on_step: Callable[[int, float], None] | None,
) -> Any:
    from peft import LoraConfig
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
    from trl import SFTTrainer

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
            args=_arguments(recipe, device, losses_path.parent / "checkpoints"),
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


def _usable_rows(trainer: Any, recipe: Recipe) -> int:
    """Rows the trainer kept: it drops those whose response begins beyond max_length."""
    kept = len(trainer.train_dataset)
    if not kept:
        raise DataError(
            f"no row of {recipe.data.source!r} has a response within training.max_length "
            f"({recipe.training.max_length} tokens): the prompts alone are longer. Raise it."
        )
    return kept


def _run(trainer: Any, checkpoint: Path | None) -> None:
    import torch

    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise ArabenchError(
            f"the GPU's memory is not enough: {str(error).splitlines()[0]} Lower "
            "training.max_length or training.batch_size, or use quantization.bits: 4."
        ) from error


def _probe_losses(trainer: Any) -> tuple[float, float]:
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


def _save_adapter(trainer: Any, tokenizer: Any, target: Path, provenance: dict[str, Any]) -> None:
    """Write the adapter under a temporary name and rename it when it is whole."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.model.save_pretrained(str(partial), safe_serialization=True)
    tokenizer.save_pretrained(str(partial))
    record.write_json(partial / RECORD_NAME, provenance)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _ends(losses: list[float]) -> tuple[float, float]:
    """Means over the first and the last tenth."""
    tenth = max(1, len(losses) // 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
