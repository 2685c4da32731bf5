"""The frozen base: what can be told of it before it is loaded, and loading it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from arabench.errors import UsageError, did_you_mean
from arabench.models.checkpoints import BaseInfo, inspect_base, is_local
from arabench.models.devices import DtypeName, compute_in, disable_cpu_repacking, nf4
from arabench.models.hub import require_reachable
from arabench.trainers.recipe import ALL_LINEAR, Recipe


@dataclass(frozen=True)
class Base:
    """A base model that was found and not yet loaded.

    Attributes:
        tokenizer: with a token that ends a text and one to pad with.
        config: of transformers.
    """

    tokenizer: Any
    config: Any

    @property
    def max_tokens(self) -> int | None:
        """The longest row the model was made for, None where it does not say."""
        limit = getattr(self.config.get_text_config(), "max_position_embeddings", None)
        return limit if isinstance(limit, int) else None


def check_base(recipe: Recipe) -> BaseInfo | None:
    """Checks of a local base folder; None for a hub name."""
    if not is_local(recipe.base.name):
        return None
    return inspect_base(
        recipe.base.name,
        allow_pickle=recipe.base.allow_pickle,
        allow_remote_code=recipe.base.trust_remote_code,
    )


def locate_base(recipe: Recipe, info: BaseInfo | None) -> dict[str, Any]:
    """Where the base is, as the arguments that `from_pretrained` takes; imports no torch.

    Args:
        recipe: what is to be trained.
        info: from `check_base`.

    Raises:
        UsageError: no such model on the hub, or neither hub nor cache can give it.
    """
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": str(info.path) if info else recipe.base.name,
        "revision": recipe.base.revision,
        "trust_remote_code": recipe.base.trust_remote_code,
    }
    if info is None:
        source["local_files_only"] = require_reachable(recipe.base.name, recipe.base.revision)
    return source


def find_base(recipe: Recipe, source: dict[str, Any]) -> Base:
    """Read tokenizer and configuration, and check the recipe against them.

    Args:
        recipe: what is to be trained.
        source: from `locate_base`.

    Raises:
        UsageError: they cannot be read, or the recipe does not suit them.
    """
    from transformers import AutoConfig, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(**source)
        tokenizer = AutoTokenizer.from_pretrained(**source)
    except Exception as error:  # whatever the libraries make of a broken folder
        raise _not_loaded(recipe, error) from error
    if tokenizer.eos_token is None:
        raise UsageError(
            f"the tokenizer of {recipe.base.name!r} has no end-of-text token, so that no row could "
            "end. Set eos_token in its tokenizer_config.json."
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    outline = _outline(config, recipe)
    if outline is not None:
        _check_targets(outline, recipe)
    return Base(tokenizer, config)


def load_base(recipe: Recipe, source: dict[str, Any], device: str, dtype: DtypeName) -> Any:
    """The base model, quantized as the recipe says, from safetensors only.

    Args:
        recipe: what is to be trained.
        source: from `locate_base`.
        device: `cpu` or `cuda`.
        dtype: of matrix products, and of weights that are not quantized.

    Raises:
        UsageError: it cannot be loaded, or a target module is missing in it.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            **source,
            dtype=getattr(torch, dtype),
            device_map={"": device},
            use_safetensors=None if recipe.base.allow_pickle else True,
            **_quantization(recipe, dtype),
        )
    except Exception as error:  # whatever the libraries make of a broken folder
        raise _not_loaded(recipe, error) from error
    _check_targets(model, recipe)
    compute_in(model, dtype)
    disable_cpu_repacking(model)
    return model


def adapter_config(model: Any, recipe: Recipe) -> Any:
    """PEFT's configuration of the recipe's adapter for a loaded base."""
    from peft import LoraConfig

    targets = recipe.lora.target_modules
    layers = _linear_layers(model)
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


def _not_loaded(recipe: Recipe, error: Exception) -> UsageError:
    return UsageError(
        f"base model {recipe.base.name!r} could not be loaded: {type(error).__name__}: "
        f"{str(error)[:400]}"
    )


def _quantization(recipe: Recipe, dtype: DtypeName) -> dict[str, Any]:
    """Arguments that quantize; none for 16 bits, so that a quantized folder speaks for itself."""
    from transformers import BitsAndBytesConfig

    section = recipe.quantization
    if section.bits == 16:
        return {}
    if section.bits == 8:
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    return {"quantization_config": nf4(dtype, section.double_quantization)}


def _outline(config: Any, recipe: Recipe) -> Any:
    """The model without weights; None where it cannot be built so."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(
                copy.deepcopy(config), trust_remote_code=recipe.base.trust_remote_code
            )
    except Exception:  # code of a model that needs its weights: checked once they are loaded
        return None


def _linear_layers(model: Any) -> dict[str, set[str]]:
    """Last part of the name of linear layers, without the output head -> their classes."""
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    found: dict[str, set[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head:
            found.setdefault(name.rpartition(".")[2], set()).add(type(module).__name__)
    return found


def _check_targets(model: Any, recipe: Recipe) -> None:
    layers = _linear_layers(model)
    targets = recipe.lora.target_modules
    missing = [] if targets == ALL_LINEAR else [name for name in targets if name not in layers]
    if missing:
        raise UsageError(
            f"lora.target_modules names {missing[0]!r}, which is no linear layer of "
            f"{recipe.base.name!r} that can be adapted. {did_you_mean(missing[0], layers)} "
            f"Or write {ALL_LINEAR}."
        )


def cast_adapter_to_float32(model: Any) -> None:
    """Cast trainable parameters to float32.

    TRL casts QLoRA adapters to bfloat16, in which small updates round to nothing, and the
    gradients of float16 parameters cannot be scaled. Call this after the trainer is built and
    before it creates the optimizer.
    """
    import torch

    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
