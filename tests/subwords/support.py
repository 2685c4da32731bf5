"""Tokenizers small enough to know by heart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from arabench.subwords.loading import LoadedTokenizer, load_tokenizer
from arabench.subwords.pieces import byte_letters


def spelled(text: str) -> str:
    """Text as a byte-level vocabulary spells it."""
    letters = {byte: letter for letter, byte in byte_letters().items()}
    return "".join(letters[byte] for byte in text.encode("utf-8"))


def save(tokenizer: Any, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


def byte_level(folder: Path) -> LoadedTokenizer:
    """As Qwen's: all bytes, and the pieces kaf, teh and kaf-teh. Beh stays two bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    kaf, teh = spelled("ك"), spelled("ت")
    merges = [(kaf[0], kaf[1]), (teh[0], teh[1]), (kaf, teh)]
    pieces = [*sorted(byte_letters()), kaf, teh, kaf + teh]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return load_tokenizer(save(tokenizer, folder / "byte-level"))


def word_piece(folder: Path) -> LoadedTokenizer:
    """As BERT's: two words, one ending, and an unknown token for the rest."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {"[UNK]": 0, "كتاب": 1, "##ه": 2, "في": 3, ".": 4}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return load_tokenizer(save(tokenizer, folder / "word-piece"))


def unigram(folder: Path) -> LoadedTokenizer:
    """As T5's and Llama's: a space is a letter, what the vocabulary lacks is written as bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = [
        ("<unk>", 0.0),
        *((f"<0x{byte:02X}>", -100.0) for byte in range(256)),
        ("▁كتاب", -2.0),
        ("ه", -3.0),
        ("▁", -4.0),
    ]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return load_tokenizer(save(tokenizer, folder / "unigram"))


def pieces_of(loaded: LoadedTokenizer, text: str) -> list[str]:
    """The pieces of a text."""
    ids = loaded.encode([text])[0].ids.tolist()
    return [str(piece) for piece in loaded.tokenizer.convert_ids_to_tokens(ids)]


def write_json(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return str(path)
