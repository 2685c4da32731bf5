"""The frozen base: what can be told of it before it is loaded, and loading it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from arabench.errors import UsageError
from arabench.models.checkpoints import BaseInfo
from arabench.models.devices import DtypeName, compute_in, disable_cpu_repacking, nf4
from arabench.models.hub import require_reachable
from arabench.trainers.guards import checks
from arabench.trainers.recipe import Recipe


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
    checks.check_tokenizer(tokenizer, recipe)
    outline = _outline(config, recipe)
    if outline is not None:
        checks.check_targets(outline, recipe)
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
    checks.check_targets(model, recipe)
    compute_in(model, dtype)
    disable_cpu_repacking(model)
    return model


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
