"""Tiny models of the architectures people have, drawn at random, with a tokenizer each.

Sizes are the smallest that show what differs between families: grouped queries, windows shorter
than the context, caps on logits, learned positions, ALiBi. Vocabularies are padded as real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.models.saved_tokenizers import save_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

CONTEXT: Final = 128
#: Rows of the embedding are a multiple of this, and some stand for no token.
_PADDED_TO: Final = 64
_SEED: Final = 7
#: Large enough for logits to tell tokens apart.
_SPREAD: Final = 0.25
_SPECIAL: Final = ("<unk>", "<s>", "</s>")
Sizes = dict[str, Any]


def _model(config: str, model: str, sizes: Sizes) -> PreTrainedModel:
    import transformers

    made: PreTrainedModel = getattr(transformers, model)(getattr(transformers, config)(**sizes))
    return made


def _usual(config: str, model: str, **more: Any) -> Callable[[Sizes], PreTrainedModel]:
    """Names of sizes as Llama's."""

    def make(given: Sizes) -> PreTrainedModel:
        sizes = {
            "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
            "max_position_embeddings": CONTEXT, **given, **more,
        }  # fmt: skip
        return _model(config, model, sizes)

    return make


def _other(
    config: str, model: str, names: Sequence[str], **more: Any
) -> Callable[[Sizes], PreTrainedModel]:
    """Names of width, layers, heads, context of its own."""

    def make(given: Sizes) -> PreTrainedModel:
        sizes = dict(zip(names, (64, 2, 4, CONTEXT), strict=False))
        return _model(config, model, {**sizes, **given, **more})

    return make


_LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
}  # fmt: skip
ARCHITECTURES: Final[dict[str, Callable[[Sizes], PreTrainedModel]]] = {
    "Qwen2": _usual("Qwen2Config", "Qwen2ForCausalLM"),
    "Qwen3": _usual("Qwen3Config", "Qwen3ForCausalLM", head_dim=16),
    "Llama 2": _usual("LlamaConfig", "LlamaForCausalLM", tie_word_embeddings=False),
    "Llama 3": _usual("LlamaConfig", "LlamaForCausalLM", rope_parameters=_LLAMA3_ROPE),
    "Mistral, window 48": _usual(
        "MistralConfig", "MistralForCausalLM", head_dim=16, sliding_window=48
    ),
    "Gemma 2, window 48": _usual(
        "Gemma2Config", "Gemma2ForCausalLM", head_dim=16, sliding_window=48,
        final_logit_softcapping=10.0, attn_logit_softcapping=5.0,
    ),
    "Gemma 3, window 48": _usual(
        "Gemma3TextConfig", "Gemma3ForCausalLM", head_dim=16, sliding_window=48,
        layer_types=["sliding_attention", "full_attention"],
    ),
    "GPT-2 (AraGPT2)": _other(
        "GPT2Config", "GPT2LMHeadModel", ("n_embd", "n_layer", "n_head", "n_positions")
    ),
    "Falcon": _other(
        "FalconConfig", "FalconForCausalLM",
        ("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings"),
        alibi=False, ffn_hidden_size=128,
    ),
    "Falcon, ALiBi": _other(
        "FalconConfig", "FalconForCausalLM",
        ("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings"),
        alibi=True, new_decoder_architecture=False, ffn_hidden_size=128,
    ),
    "BLOOM, ALiBi (Jais)": _other(
        "BloomConfig", "BloomForCausalLM", ("hidden_size", "n_layer", "n_head")
    ),
    "MPT, ALiBi": _other(
        "MptConfig", "MptForCausalLM", ("d_model", "n_layers", "n_heads", "max_seq_len")
    ),
}  # fmt: skip


def _byte_level(texts: Sequence[str], special: Sequence[str]) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=list(special), initial_alphabet=alphabet,
        show_progress=False,
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    return made


def _byte_fallback(texts: Sequence[str], prepend: bool) -> Tokenizer:
    """Pieces with the mark of a space, and bytes for what is rare in the texts."""
    import json

    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    made = Tokenizer(models.BPE(byte_fallback=True, unk_token=_SPECIAL[0], fuse_unk=True))
    steps: list[Any] = [normalizers.Prepend("▁")] if prepend else []
    made.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    spelled = [f"<0x{byte:02X}>" for byte in range(256)]
    made.train_from_iterator(
        [text for text in texts if "؟" not in text],  # so that one letter is spelled in bytes
        trainers.BpeTrainer(
            vocab_size=700, special_tokens=[*_SPECIAL, *spelled], show_progress=False
        ),
    )
    content = json.loads(made.to_str())  # bytes are pieces, and no special tokens
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] in _SPECIAL]
    return Tokenizer.from_str(json.dumps(content))


def _around(tokenizer: Tokenizer, front: Sequence[str], behind: Sequence[str] = ()) -> Tokenizer:
    from tokenizers.processors import TemplateProcessing

    named = [(token, tokenizer.token_to_id(token)) for token in {*front, *behind}]
    tokenizer.post_processor = TemplateProcessing(
        single=[*front, "$A", *behind], special_tokens=named
    )
    return tokenizer


_ROLES = dict(zip(("unk_token", "bos_token", "eos_token"), _SPECIAL, strict=True))
#: Of the construction of tokenizers that no wheel holds: learnt from texts, and their roles.
CONSTRUCTED: Final[
    dict[str, tuple[Callable[[Sequence[str]], Tokenizer], dict[str, str]]]
] = {
    "Qwen's construction": (lambda t: _byte_level(t, ["</s>"]), {"eos_token": "</s>"}),
    "Llama 3's construction (BOS)": (
        lambda t: _around(_byte_level(t, _SPECIAL), ["<s>"]), _ROLES,
    ),
    "Llama 2's construction (BOS, bytes)": (
        lambda t: _around(_byte_fallback(t, True), ["<s>"]), _ROLES,
    ),
    "Gemma's construction (BOS, bytes)": (
        lambda t: _around(_byte_fallback(t, False), ["<s>"]), _ROLES,
    ),
    "BOS and EOS around": (
        lambda t: _around(_byte_level(t, _SPECIAL), ["<s>"], ["</s>"]), _ROLES,
    ),
    "AraGPT2's construction (BOS is EOS)": (
        lambda t: _byte_level(t, ["</s>"]), {"bos_token": "</s>", "eos_token": "</s>"},
    ),
}  # fmt: skip


def build(
    architecture: str, tokenizer: Tokenizer, roles: dict[str, str], folder: Path
) -> PreTrainedModel:
    """Save a model of that architecture with the tokenizer in `folder`; in evaluation mode."""
    import torch
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=CONTEXT, clean_up_tokenization_spaces=False,
        **roles,
    )  # fmt: skip
    rows = (len(wrapped) // _PADDED_TO + 2) * _PADDED_TO
    torch.manual_seed(_SEED)
    model = ARCHITECTURES[architecture](
        {
            "vocab_size": rows, "bos_token_id": wrapped.bos_token_id,
            "eos_token_id": wrapped.eos_token_id, "pad_token_id": None,
        }
    ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, _SPREAD)
    model.save_pretrained(folder)
    save_tokenizer(wrapped, folder)
    return model
