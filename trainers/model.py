"""Loading the frozen base and putting the adapter on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from arabench.checkpoints import BaseInfo, inspect_base, is_local
from arabench.errors import UsageError, did_you_mean
from arabench.trainers.recipe import Recipe


def pick_device(wanted: str) -> str:
    """`cpu` or `cuda`.

    Raises:
        UsageError: CUDA is asked for and there is none.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("device is 'cuda' but torch sees no CUDA device. Use 'auto' or 'cpu'.")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


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
            quantization_config=_quantization(recipe),
            device_map={"": device},
            use_safetensors=None if recipe.base.allow_pickle else True,
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


def _quantization(recipe: Recipe) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if recipe.quantization.bits == 16:
        return None
    if recipe.quantization.bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=recipe.quantization.double_quantization,
        bnb_4bit_compute_dtype=getattr(torch, recipe.quantization.compute_dtype),
    )


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


def disable_cpu_repacking(model: Any) -> None:
    """Keep bitsandbytes from repacking 4-bit weights on CPUs with AVX512-BF16.

    A forward without gradients repacks them there, after which training fails loudly on
    Qwen2 and silently on Qwen3 (bitsandbytes 0.50).
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


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
