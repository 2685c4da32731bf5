"""What can be told of a run before the base is loaded, cheapest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arabench.errors import UsageError, did_you_mean
from arabench.models.checkpoints import BaseInfo, inspect_base, is_local
from arabench.trainers.recipe import ALL_LINEAR, Recipe
from arabench.trainers.run.adapter import linear_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def check_base(recipe: Recipe) -> BaseInfo | None:
    """Checks of a local base folder; None for a hub name."""
    if not is_local(recipe.base.name):
        return None
    return inspect_base(
        recipe.base.name,
        allow_pickle=recipe.base.allow_pickle,
        allow_remote_code=recipe.base.trust_remote_code,
    )


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> None:
    """Refuse a tokenizer that cannot end a text; it pads with the end where it has no other."""
    if tokenizer.eos_token is None:
        raise UsageError(
            f"the tokenizer of {recipe.base.name!r} has no end-of-text token, so that no row could "
            "end. Set eos_token in its tokenizer_config.json."
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token


def check_targets(model: PreTrainedModel, recipe: Recipe) -> None:
    """Refuse target modules that the model, or its outline, has no linear layers for."""
    layers = linear_layers(model)
    targets = recipe.lora.target_modules
    missing = [] if targets == ALL_LINEAR else [name for name in targets if name not in layers]
    if missing:
        raise UsageError(
            f"lora.target_modules names {missing[0]!r}, which is no linear layer of "
            f"{recipe.base.name!r} that can be adapted. {did_you_mean(missing[0], layers)} "
            f"Or write {ALL_LINEAR}."
        )


def check_context(longest: int, limit: int | None, recipe: Recipe) -> None:
    """Refuse rows longer than the `limit` tokens that the model can read, if it says so."""
    if limit is not None and longest > limit:
        raise UsageError(
            f"training.max_length is {recipe.training.max_length} and the longest row has "
            f"{longest} tokens, but {recipe.base.name!r} reads at most {limit}. "
            f"Set training.max_length to {limit} or less."
        )
