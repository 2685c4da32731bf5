"""Tiny models of the families people have, with tokenizers of the same construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.models.saved_tokenizers import save_tokenizer

#: Tokens that the tiny models can see at once; some packaged sentences have more.
CONTEXT = 40
_SPECIAL = ["<unk>", "<s>", "</s>"]


def texts() -> list[str]:
    """Packaged sentences, some of every variety."""
    return [text for item in load_parallel(Source())[:40] for text in item.texts.values()]


def _template(front: Sequence[str], behind: Sequence[str]) -> Callable[[Any], Any]:
    def put(tokenizer: Any) -> Any:
        from tokenizers.processors import TemplateProcessing

        named = [(token, tokenizer.token_to_id(token)) for token in {*front, *behind}]
        parts = [*front, "$A", *behind]
        return TemplateProcessing(single=parts, special_tokens=named)

    return put


def _byte_level(special: Sequence[str], vocab_size: int = 400) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def _byte_fallback(texts_seen: Sequence[str]) -> Any:
    """As Llama 2, Gemma and Mistral: pieces with the mark of a space, bytes for the rest."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=_SPECIAL[0], fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    hex_bytes = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=[*_SPECIAL, *hex_bytes], show_progress=False
    )
    tokenizer.train_from_iterator(texts_seen, trainer)
    # Bytes are no special tokens: only the three are.
    import json

    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] in _SPECIAL]
    return Tokenizer.from_str(json.dumps(content))


def _word_pieces() -> Any:
    from tokenizers import BertWordPieceTokenizer

    inner = BertWordPieceTokenizer(strip_accents=False, lowercase=False)
    inner.train_from_iterator(texts(), vocab_size=500, show_progress=False)
    return inner._tokenizer


def _letters(known: str) -> Any:
    """A tokenizer of single letters that maps every other to <unk>."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    vocabulary = {token: index for index, token in enumerate([*_SPECIAL, *sorted(set(known))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=_SPECIAL[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return tokenizer


def _llama(**sizes: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**sizes))


def _qwen2(**sizes: Any) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(Qwen2Config(**sizes))


def _mistral(**sizes: Any) -> Any:
    from transformers import MistralConfig, MistralForCausalLM

    return MistralForCausalLM(MistralConfig(**sizes))


def _gemma(**sizes: Any) -> Any:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    return Gemma2ForCausalLM(Gemma2Config(head_dim=16, **sizes))


def _gpt2(**sizes: Any) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=sizes["vocab_size"], n_positions=CONTEXT, n_embd=32, n_layer=2, n_head=2,
            bos_token_id=sizes["bos_token_id"], eos_token_id=sizes["eos_token_id"],
        )
    )  # fmt: skip


def _bert_decoder(**sizes: Any) -> Any:
    from transformers import BertConfig, BertLMHeadModel

    return BertLMHeadModel(
        BertConfig(
            vocab_size=sizes["vocab_size"], hidden_size=32, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=64, max_position_embeddings=CONTEXT,
            is_decoder=True,
        )
    )  # fmt: skip


#: kind -> (tokenizer, special tokens by role, what stands around a text, model, expected prefix).
KINDS: dict[str, tuple[Callable[[], Any], dict[str, str], tuple[list[str], list[str]], Any, str]]
KINDS = {
    "llama3-adds-bos": (
        lambda: _byte_level(_SPECIAL), {"bos_token": "<s>", "eos_token": "</s>"},
        (["<s>"], []), _llama, "BOS <s>",
    ),
    "llama-bos-and-eos": (
        lambda: _byte_level(_SPECIAL), {"bos_token": "<s>", "eos_token": "</s>"},
        (["<s>"], ["</s>"]), _llama, "BOS <s>",
    ),
    "qwen2-adds-nothing": (
        lambda: _byte_level(["</s>"]), {"eos_token": "</s>"}, ([], []), _qwen2, "EOS </s>",
    ),
    "gpt2-bos-is-eos": (
        lambda: _byte_level(["</s>"]), {"bos_token": "</s>", "eos_token": "</s>"},
        ([], []), _gpt2, "BOS </s>",
    ),
    "llama-has-none": (
        lambda: _byte_level([]), {}, ([], []), _llama, "none: the first token is not scored",
    ),
    "gemma-byte-fallback": (
        lambda: _byte_fallback(texts()),
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        (["<s>"], []), _gemma, "BOS <s>",
    ),
    "mistral-byte-fallback": (
        lambda: _byte_fallback(texts()),
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        (["<s>"], []), _mistral, "BOS <s>",
    ),
    "bert-cls-sep": (
        _word_pieces,
        {"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]", "pad_token": "[PAD]"},
        (["[CLS]"], ["[SEP]"]), _bert_decoder, "[CLS] (put in front by the tokenizer)",
    ),
    "llama-unknown-letters": (
        lambda: _letters("ابتثجحخدذرزسشصضطظعغفقكلمنهوي "),
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        (["<s>"], []), _llama, "BOS <s>",
    ),
}  # fmt: skip


def build(kind: str, folder: Path) -> Path:
    """A tiny untrained model of that kind, with its tokenizer, in `folder`."""
    import torch
    from transformers import PreTrainedTokenizerFast

    make_tokenizer, roles, (front, behind), make_model, _ = KINDS[kind]
    inner = make_tokenizer()
    if front or behind:
        inner.post_processor = _template(front, behind)(inner)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, **roles)
    torch.manual_seed(7)
    model = make_model(
        vocab_size=len(tokenizer) + 5,  # padded, as real ones are
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=CONTEXT,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():  # untrained models tell hardly anything apart
            parameter.mul_(4.0)
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    return folder
