"""Causal models, encoders, encoder-decoders: told apart by their configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arabench.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def check_causal(config: PreTrainedConfig) -> None:
    """Refuse models that are not causal, by name.

    Raises:
        UsageError: an encoder, or an encoder-decoder.
    """
    kind = str(getattr(config, "model_type", ""))
    if getattr(config, "is_encoder_decoder", False):
        raise UsageError(
            f"{kind!r} is an encoder-decoder: its likelihood of a text is no causal one. Measure a "
            "causal language model (Qwen, Llama, Gemma, Mistral, GPT-2, ...)."
        )
    if is_encoder(config):
        raise UsageError(
            f"{kind!r} is an encoder (a masked language model): it sees the letters it would have "
            "to predict, so causal likelihood, perplexity and generation mean nothing of it. "
            "Measure it by pseudo-likelihood with `arabench eval --model-type mlm`, or measure a "
            "causal language model (Qwen, Llama, Gemma, Mistral, GPT-2, ...)."
        )


def check_masked(config: PreTrainedConfig) -> None:
    """Refuse models that are not masked language models, by name.

    Raises:
        UsageError: a causal model, or an encoder-decoder.
    """
    kind = str(getattr(config, "model_type", ""))
    if getattr(config, "is_encoder_decoder", False):
        raise UsageError(
            f"{kind!r} is an encoder-decoder, and no masked language model: mlm measures encoders "
            "(BERT, RoBERTa, XLM-R, DeBERTa, ...)."
        )
    if not is_encoder(config):
        raise UsageError(
            f"{kind!r} is a causal language model: it predicts a token from those before it, and "
            "has no mask. Measure it without --model-type mlm."
        )


def is_encoder(config: PreTrainedConfig) -> bool:
    """Whether the model attends in both directions.

    Families such as BERT exist as encoders and, with `is_decoder`, as causal models.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    inner = getattr(config, "text_config", None) or config
    kind = str(getattr(inner, "model_type", ""))
    architectures = [str(name) for name in getattr(config, "architectures", None) or []]
    causal = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        # GPT-like families in that list (none today) would name a causal architecture and have
        # no `is_decoder`; BERT-like ones are causal only when told so.
        if hasattr(inner, "is_decoder"):
            return not inner.is_decoder
        return not causal
    return kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not causal
