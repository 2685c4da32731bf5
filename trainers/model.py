"""Loading the frozen base and putting the adapter on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from arabench.checkpoints import BaseInfo, inspect_base, is_local
from arabench.devices import disable_cpu_repacking, nf4
from arabench.errors import UsageError, did_you_mean
from arabench.trainers.recipe import Recipe


def check_base(recipe: Recipe) -> BaseInfo | None:
    """Checks of a local base; None for a hub name, which is checked as it loads."""
    if not is_local(recipe.base.name):
        return None
    return inspect_base(
        recipe.base.name,
        allow_pickle=recipe.base.allow_pickle,
        allow_remote_code=recipe.base.trust_remote_code,
    )


def load_base(recipe: Recipe, device: str) -> tuple[Any, Any]:
    """The quantized base model and its tokenizer, from safetensors only.

    Raises:
        UsageError: no such model, or a target module is missing in it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kwargs: dict[str, Any] = {
        "revision": recipe.base.revision,
        "trust_remote_code": recipe.base.trust_remote_code,
    }
    name = recipe.base.name
    if is_local(name):
        name = str(Path(name).expanduser())
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **kwargs)
        model = AutoModelForCausalLM.from_pretrained(
            name,
            dtype=getattr(torch, recipe.quantization.compute_dtype),
            device_map={"": device},
            use_safetensors=None if recipe.base.allow_pickle else True,
            **_quantization(recipe),
            **kwargs,
        )
    except Exception as error:  # whatever the libraries make of a broken folder
        raise UsageError(
            f"base model {recipe.base.name!r} could not be loaded: {type(error).__name__}: "
            f"{str(error)[:400]}"
        ) from error
    _check_targets(model, recipe)
    disable_cpu_repacking(model)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _quantization(recipe: Recipe) -> dict[str, Any]:
    """Arguments that quantize; none for 16 bits, so that a quantized folder speaks for itself."""
    from transformers import BitsAndBytesConfig

    section = recipe.quantization
    if section.bits == 16:
        return {}
    if section.bits == 8:
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    return {"quantization_config": nf4(section.compute_dtype, section.double_quantization)}


def _check_targets(model: Any, recipe: Recipe) -> None:
    import torch

    linear = {
        name.split(".")[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    missing = [target for target in recipe.lora.target_modules if target not in linear]
    if missing:
        raise UsageError(
            f"lora.target_modules names {missing[0]!r}, which is no linear layer of "
            f"{recipe.base.name!r}. {did_you_mean(missing[0], linear)}"
        )


def cast_adapter_to_float32(model: Any) -> int:
    """Cast trainable parameters to float32; returns how many there are.

    TRL casts QLoRA adapters to bfloat16, in which small updates round to nothing. Call
    this after the trainer is built and before it creates the optimizer.
    """
    import torch

    count = 0
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
            count += parameter.numel()
    return count
