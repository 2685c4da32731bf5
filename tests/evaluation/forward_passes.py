"""Forward passes of four families, written from their papers in NumPy, in float64.

They share nothing with transformers but the names of the weights: what they give is held against
what the harness measures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = Mapping[str, Array]


def log_probabilities(model: Any, ids: list[int]) -> Array:
    """(positions, vocabulary): natural-log probability of each token after ids[: position + 1]."""
    weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
    config = model.config
    logits = (_gpt2 if config.model_type == "gpt2" else _llama_like)(weights, config, ids)
    logits = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)))


def _attend(queries: Array, keys: Array, values: Array, scale: float, cap: float | None) -> Array:
    """Causal attention (Vaswani et al. 2017); all (heads, positions, width)."""
    scores = queries @ keys.transpose(0, 2, 1) * scale
    if cap:
        scores = np.tanh(scores / cap) * cap
    places = np.arange(scores.shape[-1])
    scores = np.where(places[None, :] > places[:, None], -np.inf, scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)) @ values


def _gelu(x: Array) -> Array:
    """Hendrycks and Gimpel 2016, by its tanh approximation."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _gpt2(w: Weights, config: Any, ids: list[int]) -> Array:
    """Radford et al. 2019: learned positions, layer norms before each part, one head matrix."""

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + config.layer_norm_epsilon)
        return centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][: len(ids)]
    heads = config.n_head
    for layer in range(config.n_layer):
        at = f"transformer.h.{layer}"
        parts = np.split(linear(norm(x, f"{at}.ln_1"), f"{at}.attn.c_attn"), 3, axis=-1)
        q, k, v = (p.reshape(len(ids), heads, -1).transpose(1, 0, 2) for p in parts)
        found = _attend(q, k, v, q.shape[-1] ** -0.5, None)
        x = x + linear(found.transpose(1, 0, 2).reshape(len(ids), -1), f"{at}.attn.c_proj")
        inner = _gelu(linear(norm(x, f"{at}.ln_2"), f"{at}.mlp.c_fc"))
        x = x + linear(inner, f"{at}.mlp.c_proj")
    return norm(x, "transformer.ln_f") @ w["lm_head.weight"].T


def _llama_like(w: Weights, config: Any, ids: list[int]) -> Array:
    """Llama 3 (Touvron et al. 2023, Grattafiori et al. 2024), Qwen2 (biases of q, k, v) and
    Gemma 2 (2024: norms behind each part too, capped scores, scaled embedding)."""
    gemma = config.model_type == "gemma2"
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads

    def norm(x: Array, name: str) -> Array:
        size = np.sqrt((x**2).mean(axis=-1, keepdims=True) + config.rms_norm_eps)
        return x / size * (w[f"{name}.weight"] + gemma)

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", np.zeros(1))

    def heads(x: Array) -> Array:
        return x.reshape(len(ids), -1, width).transpose(1, 0, 2)

    angles = np.arange(len(ids))[:, None] / config.rope_parameters["rope_theta"] ** (
        np.arange(0, width, 2) / width
    )
    cos, sin = np.tile(np.cos(angles), 2), np.tile(np.sin(angles), 2)

    def turn(x: Array) -> Array:
        """Su et al. 2021, halves of a head as real and imaginary parts."""
        first, second = np.split(x, 2, axis=-1)
        return x * cos + np.concatenate([-second, first], axis=-1) * sin

    x = w["model.embed_tokens.weight"][ids]
    scale = width**-0.5
    if gemma:
        x = x * math.sqrt(config.hidden_size)
        scale = config.query_pre_attn_scalar**-0.5
    for layer in range(config.num_hidden_layers):
        at = f"model.layers.{layer}"
        inner = norm(x, f"{at}.input_layernorm")
        q, k, v = (heads(linear(inner, f"{at}.self_attn.{part}_proj")) for part in "qkv")
        shared = len(q) // len(k)  # grouped queries (Ainslie et al. 2023)
        k, v = np.repeat(turn(k), shared, axis=0), np.repeat(v, shared, axis=0)
        found = _attend(turn(q), k, v, scale, config.attn_logit_softcapping if gemma else None)
        found = linear(found.transpose(1, 0, 2).reshape(len(ids), -1), f"{at}.self_attn.o_proj")
        if gemma:
            x = x + norm(found, f"{at}.post_attention_layernorm")
            inner = norm(x, f"{at}.pre_feedforward_layernorm")
        else:
            x = x + found
            inner = norm(x, f"{at}.post_attention_layernorm")
        gate = linear(inner, f"{at}.mlp.gate_proj")
        gate = _gelu(gate) if gemma else gate / (1 + np.exp(-gate))
        found = linear(gate * linear(inner, f"{at}.mlp.up_proj"), f"{at}.mlp.down_proj")
        x = x + (norm(found, f"{at}.post_feedforward_layernorm") if gemma else found)
    logits = norm(x, "model.norm") @ w["lm_head.weight"].T
    if gemma:
        logits = np.tanh(logits / config.final_logit_softcapping) * config.final_logit_softcapping
    return np.asarray(logits)
