"""The adapter on the base: where it is put, in which type it learns, and how it is saved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.models.checkpoints import RECORD_NAME
from arabench.models.saved_tokenizers import save_tokenizer
from arabench.trainers.recipe import ALL_LINEAR, Recipe
from arabench.trainers.run.environment import write_json

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer


def adapter_config(model: PreTrainedModel, recipe: Recipe) -> LoraConfig:
    """PEFT's configuration of the recipe's adapter for a loaded base."""
    from peft import LoraConfig

    targets = recipe.lora.target_modules
    layers = linear_layers(model)
    taken = layers if targets == ALL_LINEAR else {name: layers[name] for name in targets}
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora.r,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        # GPT-2's Conv1D keeps its weights transposed, unless it was quantized.
        fan_in_fan_out="Conv1D" in {kind for kinds in taken.values() for kind in kinds},
    )


def cast_adapter_to_float32(model: torch.nn.Module) -> None:
    """Cast trainable parameters to float32.

    TRL casts QLoRA adapters to bfloat16, in which small updates round to nothing, and the
    gradients of float16 parameters cannot be scaled. Call this after the trainer is built and
    before it creates the optimizer.
    """
    import torch

    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)


def trainable_parameters(model: torch.nn.Module) -> int:
    """Numbers that training can change."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def save_adapter(
    trainer: Trainer,
    tokenizer: PreTrainedTokenizerBase,
    target: Path,
    provenance: dict[str, Any],
) -> None:
    """Write the adapter under a temporary name and rename it when it is whole."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.model.save_pretrained(str(partial), safe_serialization=True)
    save_tokenizer(tokenizer, partial, str(trainer.model.config.model_type))
    write_json(partial / RECORD_NAME, provenance)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def linear_layers(model: PreTrainedModel) -> dict[str, set[str]]:
    """Last part of the name of linear layers, without the output head -> their classes."""
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    found: dict[str, set[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head:
            found.setdefault(name.rpartition(".")[2], set()).add(type(module).__name__)
    return found
