"""The frozen base: what can be told of it before it is loaded, and loading it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arabench.models.bases import BaseRequest, load_model, not_loaded
from arabench.models.devices import DtypeName
from arabench.models.saved_tokenizers import load_tokenizer
from arabench.trainers.guards import checks
from arabench.trainers.recipe import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Base:
    """A base model that was found and not yet loaded.

    Attributes:
        tokenizer: with a token that ends a text and one to pad with.
        config: with the context that it was made for.
        note: what is to be said of the tokenizer, empty if nothing is.
    """

    tokenizer: PreTrainedTokenizerBase
    config: PreTrainedConfig
    note: str = ""

    @property
    def max_tokens(self) -> int | None:
        """The longest row the model was made for, None where it does not say."""
        limit = getattr(self.config.get_text_config(), "max_position_embeddings", None)
        return limit if isinstance(limit, int) else None


def request_of(recipe: Recipe) -> BaseRequest:
    """The base that a recipe asks for."""
    return BaseRequest(
        recipe.base.name,
        bits=recipe.quantization.bits,
        double_quantization=recipe.quantization.double_quantization,
        revision=recipe.base.revision,
        allow_pickle=recipe.base.allow_pickle,
        trust_remote_code=recipe.base.trust_remote_code,
    )


def find_base(recipe: Recipe, source: dict[str, Any]) -> Base:
    """Read tokenizer and configuration, and check the recipe against them.

    Args:
        recipe: what is to be trained.
        source: from `request_of(recipe).locate`.

    Raises:
        UsageError: they cannot be read, or the recipe does not suit them.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(**source)
        tokenizer, note = load_tokenizer(source)
    except Exception as error:  # whatever the libraries make of a broken folder
        raise not_loaded(f"base model {recipe.base.name!r}", error) from error
    checks.check_tokenizer(tokenizer, recipe)
    outline = _outline(config, recipe)
    if outline is not None:
        checks.check_targets(outline, recipe)
    return Base(tokenizer, config, note)


def load_base(
    recipe: Recipe, source: dict[str, Any], device: str, dtype: DtypeName
) -> PreTrainedModel:
    """The base model, quantized as the recipe says, from safetensors only.

    Args:
        recipe: what is to be trained.
        source: from `request_of(recipe).locate`.
        device: `cpu` or `cuda`.
        dtype: of matrix products, and of weights that are not quantized.

    Raises:
        UsageError: it cannot be loaded, or a target module is missing in it.
    """
    model = load_model(request_of(recipe), source, device, dtype, "base model")
    checks.check_targets(model, recipe)
    return model


def _outline(config: PreTrainedConfig, recipe: Recipe) -> PreTrainedModel | None:
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
