"""A trained tokenizer as the folder that transformers reads, with a record and a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from arabench.errors import ArabenchError
from arabench.models.saved_tokenizers import as_saved, check_saved
from arabench.subwords.card import card, record
from arabench.subwords.options import TrainOptions
from arabench.subwords.preparation import RECORD_FILE
from arabench.subwords.train import Trained


def save_tokenizer(trained: Trained, folder: Path, command: str | None = None) -> None:
    """Write tokenizer.json, the settings that transformers reads, a record and a card.

    Raises:
        ArabenchError: the folder cannot be written, or AutoTokenizer reads it otherwise.
    """
    options = trained.text.options
    found = record(trained)
    files = {
        "tokenizer.json": json.dumps(
            json.loads(trained.tokenizer.to_str()), ensure_ascii=False, indent=1
        ),
        "tokenizer_config.json": _dump(_config(options, found)),
        "special_tokens_map.json": _dump(_special_tokens(options)),
        RECORD_FILE: _dump(found),
        "README.md": card(found, command),
    }
    try:
        for name, content in files.items():
            (folder / name).write_text(content.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise ArabenchError(
            f"cannot write {str(folder)!r}: {error.strerror}. Free some space and run again."
        ) from error
    check_saved(folder)


def _config(options: TrainOptions, found: dict[str, Any]) -> dict[str, Any]:
    """tokenizer_config.json: the class is the generic one, so that no code is needed."""
    return as_saved(
        {
            "clean_up_tokenization_spaces": False,
            "model_max_length": options.context or int(1e30),
            **_special_tokens(options),
            "arabench": {"signature": found["signature"], "expects": found["expects"]},
        }
    )


def _special_tokens(options: TrainOptions) -> dict[str, Any]:
    tokens: dict[str, Any] = {f"{role}_token": token for role, token in options.roles.items()}
    if options.extra_tokens:
        tokens["additional_special_tokens"] = list(options.extra_tokens)
    return tokens


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)
