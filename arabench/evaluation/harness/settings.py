"""What the model that answers is set to: whatever moves a number, and is no part of a task.

Recorded with every task under lm-eval's own command and under `arabench eval`, in the same
words, so that the gate can refuse to compare what was measured differently.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING

from arabench.evaluation.harness.own_tokens import prefix_of
from arabench.models.devices import layers_in_4_bits, native_bfloat16
from arabench.models.kinds import check_causal

if TYPE_CHECKING:
    import torch
    from lm_eval.api.model import LM
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

#: Setting of backends that score a text by rules of their own.
OWN_TOKENS = "own_tokens"
SIXTEEN_BITS = ("bfloat16", "float16")


def settings_of(lm: LM) -> dict[str, str]:
    """Settings of an lm-eval model, name -> value in words.

    Raises:
        UsageError: a model that is no causal language model.
    """
    own = getattr(lm, "own_settings", None)
    if own is not None:
        found: dict[str, str] = own()
        return found
    model = getattr(lm, "model", None)
    config = getattr(model, "config", None)
    if config is None:  # an API or another engine: what it computes is its own affair
        return {"backend": type(lm).__name__, OWN_TOKENS: "not applied"}
    check_causal(config)
    dtype = type_name(getattr(model, "dtype", ""))
    softmax = type_name(getattr(lm, "softmax_dtype", None) or dtype)
    return {
        "backend": "transformers",
        "dtype": dtype,
        "mixed_precision": type_name(getattr(lm, "mixed_precision_dtype", None) or "none"),
        "softmax_dtype": softmax,
        "quantization": quantization_of(model),
        "prefix": prefix_of(lm.tokenizer, getattr(lm, "custom_prefix_token_id", None)).name,
        "add_bos_token": str(getattr(lm, "add_bos_token", None)),
        "max_length": str(lm.max_length),
        "truncation": str(bool(getattr(lm, "truncation", False))),
        "chat_template_arguments": json.dumps(
            getattr(lm, "chat_template_args", None) or {}, sort_keys=True, default=str
        ),
        "think_end_token": str(getattr(lm, "think_end_token", None)),
    }


def type_name(dtype: torch.dtype | str) -> str:
    """`float32` for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


def quantization_of(model: PreTrainedModel) -> str:
    """`none`, or the method with the settings that change its numbers."""
    stored = getattr(model.config, "quantization_config", None)
    if stored is None:
        return "none"
    content = stored if isinstance(stored, dict) else stored.to_dict()
    named = {
        key: str(value).removeprefix("torch.")
        for key, value in sorted(content.items())
        if not key.startswith("_")
        and value not in (None, False, [], {})
        # The type that is multiplied in may be set after loading: see the layers.
        and key not in {"bnb_4bit_compute_dtype", "bnb_4bit_quant_storage"}
    }
    computed = {type_name(layer.compute_dtype) for layer in layers_in_4_bits(model)}
    if computed:
        named["compute"] = "+".join(sorted(computed))
    return json.dumps(named, sort_keys=True)


def template_digest(text: str | None) -> str:
    """A chat template or a prompt by its first twelve hexadecimal digits."""
    return hashlib.sha256((text or "").encode("utf-8", "surrogatepass")).hexdigest()[:12]


def warn_of(settings: dict[str, str], device: str) -> None:
    """Say under lm-eval's own command what would make its numbers rounded or slow."""
    if settings.get("softmax_dtype") in SIXTEEN_BITS:
        log.warning(
            "the model is %s, and lm-eval sums log-probabilities in that type: a sentence's score "
            "has 8 to 11 significant bits (-370.0 for -370.70). Add softmax_dtype=float32 to "
            "--model_args.",
            settings["softmax_dtype"],
        )
    if settings.get("dtype") in SIXTEEN_BITS and device == "cpu" and not native_bfloat16():
        log.warning(
            "this CPU has no %s in hardware: products are 20 to 180 times slower than in float32. "
            "Add dtype=float32 to --model_args.",
            settings["dtype"],
        )
