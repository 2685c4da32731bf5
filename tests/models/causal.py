"""Tiny causal models of the architectures people have, drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

VOCABULARY = 160
CONTEXT = 96


def _sizes(**more: Any) -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT, "pad_token_id": 0, "bos_token_id": 1,
        "eos_token_id": 2, **more,
    }  # fmt: skip


def _small(**more: Any) -> dict[str, Any]:
    sizes = _sizes(**more)
    return {name: value for name, value in sizes.items() if name != "num_key_value_heads"}


def _build(config: str, model: str, sizes: dict[str, Any]) -> Any:
    import transformers

    return getattr(transformers, model)(getattr(transformers, config)(**sizes))


KINDS: dict[str, Callable[[], Any]] = {
    "qwen2": lambda: _build("Qwen2Config", "Qwen2ForCausalLM", _sizes()),
    "qwen3": lambda: _build("Qwen3Config", "Qwen3ForCausalLM", _sizes(head_dim=8)),
    "llama3": lambda: _build(
        "LlamaConfig", "LlamaForCausalLM",
        _sizes(rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
        }),
    ),
    "mistral": lambda: _build(
        "MistralConfig", "MistralForCausalLM", _sizes(head_dim=8, sliding_window=24)
    ),
    "gemma2": lambda: _build(
        "Gemma2Config", "Gemma2ForCausalLM",
        _sizes(head_dim=8, sliding_window=64, final_logit_softcapping=3.0),
    ),
    "gemma3": lambda: _build(
        "Gemma3TextConfig", "Gemma3ForCausalLM", _sizes(head_dim=8, sliding_window=64)
    ),
    "gpt2": lambda: _build(
        "GPT2Config", "GPT2LMHeadModel",
        {"vocab_size": VOCABULARY, "n_positions": CONTEXT, "n_embd": 32, "n_layer": 2, "n_head": 4,
         "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
    ),
    "falcon": lambda: _build(
        "FalconConfig", "FalconForCausalLM", _small(ffn_hidden_size=64, alibi=False)
    ),
    "falcon-alibi": lambda: _build(
        "FalconConfig", "FalconForCausalLM",
        _small(ffn_hidden_size=64, alibi=True, new_decoder_architecture=False),
    ),
    "bloom": lambda: _build(
        "BloomConfig", "BloomForCausalLM",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4,
         "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
    ),
    "mpt": lambda: _build(
        "MptConfig", "MptForCausalLM",
        {"vocab_size": VOCABULARY, "d_model": 32, "n_layers": 2, "n_heads": 4,
         "max_seq_len": CONTEXT},
    ),
    "phi3-longrope": lambda: _build(
        "Phi3Config", "Phi3ForCausalLM",
        _sizes(original_max_position_embeddings=16, rope_parameters={
            "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4,
            "long_factor": [4.0] * 4, "original_max_position_embeddings": 16,
        }),
    ),
    "mamba": lambda: _build(
        "MambaConfig", "MambaForCausalLM",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    ),
}  # fmt: skip


def build(kind: str, seed: int = 7) -> Any:
    """An untrained model in evaluation mode whose logits tell tokens apart."""
    import torch

    torch.manual_seed(seed)
    model = KINDS[kind]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5.0)
    return model
