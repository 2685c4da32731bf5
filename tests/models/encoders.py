"""Tiny encoders of the families that Arabic has, built on the spot, with a word-piece tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

KINDS = ("bert", "roberta", "xlm-roberta", "deberta-v2", "modernbert", "electra")
_SPECIAL = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "roberta": ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
}


def tokenizer(kind: str, texts: Sequence[str], pieces: int = 70) -> Any:
    """Word pieces between [CLS] and [SEP], or byte-level pieces between <s> and </s>."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    wordy = "roberta" not in kind
    special = _SPECIAL["bert" if wordy else "roberta"]
    if wordy:
        made = Tokenizer(models.WordPiece(unk_token=_SPECIAL["bert"][1]))
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
        trainer: Any = trainers.WordPieceTrainer(
            vocab_size=pieces, special_tokens=list(special), show_progress=False
        )
    else:
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=max(pieces, 320), special_tokens=list(special), show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    front, behind = (special[2], special[3]) if wordy else (special[0], special[2])
    made.post_processor = TemplateProcessing(
        single=[front, "$A", behind],
        pair=[front, "$A", behind, "$B", behind],
        special_tokens=[(one, made.token_to_id(one)) for one in (front, behind)],
    )
    roles = ("pad", "unk", "cls", "sep", "mask") if wordy else ("cls", "pad", "sep", "unk", "mask")
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        **{f"{role}_token": word for role, word in zip(roles, special, strict=True)},
    )


def model(kind: str, vocabulary: int, length: int = 40, seed: int = 11, scale: float = 1.0) -> Any:
    """A random encoder with its masked-language head; `length` tokens can be read.

    Args:
        kind: one of `KINDS`.
        vocabulary: rows.
        length: tokens that it can read.
        seed: of its weights.
        scale: larger ones make it surer of itself.
    """
    import torch
    import transformers

    names = {
        "bert": "Bert", "roberta": "Roberta", "xlm-roberta": "XLMRoberta",
        "deberta-v2": "DebertaV2", "modernbert": "ModernBert", "electra": "Electra",
    }  # fmt: skip
    padded = "roberta" in kind
    sizes: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": length + 2 if padded else length,
        "pad_token_id": 1 if padded else 0,
        "initializer_range": 0.3 * scale,
    }
    if kind == "deberta-v2":
        sizes |= {"relative_attention": True, "position_biased_input": False, "type_vocab_size": 0}
        sizes |= {"pos_att_type": ["p2c", "c2p"], "max_relative_positions": -1}
    if kind == "electra":
        sizes |= {"embedding_size": 24}
    if kind == "modernbert":
        sizes |= {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    torch.manual_seed(seed)
    config = getattr(transformers, f"{names[kind]}Config")(**sizes)
    return getattr(transformers, f"{names[kind]}ForMaskedLM")(config).eval()


def save(kind: str, folder: Path, texts: Sequence[str], length: int = 40, seed: int = 11) -> Path:
    """A folder with such a model and its tokenizer."""
    made = tokenizer(kind, texts)
    model(kind, len(made), length, seed).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder
