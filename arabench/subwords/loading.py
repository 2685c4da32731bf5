"""A tokenizer from a folder, a `tokenizer.json` or the hub, with what its pieces stand for."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from arabench.errors import DataError, UsageError
from arabench.models import saved_tokenizers
from arabench.subwords.pieces import Kind, PieceTable, decoded_table, kind_of, piece_table
from arabench.subwords.preparation import Preparation, preparation_beside

TOKENIZER_FILE: Final = "tokenizer.json"
#: transformers writes 10**30 where a tokenizer states no limit.
_NO_LIMIT: Final = 10**9
_HUB_TIMEOUT_S: Final = 5.0
#: Bytes that are no character by themselves.
_HALF_OF_BYTES: Final = 128

Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """One text as tokens.

    Attributes:
        ids: (tokens,) vocabulary ids.
        spans: (tokens, 2) first character and the one after the last; None where the tokenizer
            cannot tell. Tokens that share a character have overlapping spans.
    """

    ids: NDArray[np.int64]
    spans: Offsets | None


@dataclass
class LoadedTokenizer:
    """A tokenizer and what is known of it.

    Attributes:
        name: short name for tables.
        source: what the user named.
        tokenizer: the transformers object.
        kind: how it writes what its alphabet lacks.
        pieces: what each id stands for.
        unknown_id: the id for what it cannot write; None where it has none.
        context: tokens that its model reads at once, as stored beside it; None if unknown.
        class_name: of the transformers object.
        preparation: what text goes through first; None for plain text.
        note: what is to be said of how it was loaded, empty if nothing is.
    """

    name: str
    source: str
    tokenizer: Any
    kind: Kind
    pieces: PieceTable
    unknown_id: int | None
    context: int | None
    class_name: str = ""
    preparation: Preparation | None = None
    note: str = ""

    def prepare(self, texts: Sequence[str]) -> list[str]:
        """The texts as the tokenizer takes them: segmented, if it was trained on that."""
        return list(texts) if self.preparation is None else self.preparation.prepare(texts)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """The tokens of each prepared text, without special tokens around it."""
        if not texts:
            return []
        fast = bool(getattr(self.tokenizer, "is_fast", False))
        try:
            answer = self.tokenizer(
                list(texts),
                add_special_tokens=False,
                return_attention_mask=False,
                return_token_type_ids=False,
                return_offsets_mapping=fast,
                verbose=False,
            )
        except Exception as error:
            raise DataError(
                f"tokenizer {self.source!r} failed on the text: {type(error).__name__}: "
                f"{str(error)[:200]}."
            ) from error
        spans = answer["offset_mapping"] if fast else [None] * len(texts)
        return [
            Encoded(
                np.asarray(ids, dtype=np.int64),
                None if span is None else np.asarray(span, dtype=np.int64).reshape(-1, 2),
            )
            for ids, span in zip(answer["input_ids"], spans, strict=True)
        ]

    def decode(self, encoded: Sequence[Encoded]) -> list[str]:
        """The texts that the tokens stand for, with nothing tidied up."""
        return [
            str(
                self.tokenizer.decode(
                    item.ids.tolist(),
                    skip_special_tokens=False,
                    clean_up_tokenization_spaces=False,
                )
            )
            for item in encoded
        ]


def load_tokenizers(sources: Sequence[str]) -> list[LoadedTokenizer]:
    """All tokenizers, each under a name of its own.

    Raises:
        UsageError: one cannot be loaded, or is named twice.
    """
    names = short_names(sources)
    return [load_tokenizer(source, name) for source, name in zip(sources, names, strict=True)]


def short_names(sources: Sequence[str]) -> list[str]:
    """As many parts of each path, from its end, as tell it from the others.

    Raises:
        UsageError: one is named twice.
    """
    parts = []
    for source in sources:
        path = Path(source)
        own = path.parent if path.name == TOKENIZER_FILE and len(path.parts) > 1 else path
        parts.append(own.parts or (Path.cwd().name,))
    for position, source in enumerate(sources):
        if parts[position] in parts[:position]:
            raise UsageError(f"tokenizer {source!r} is named twice. Name each once.")
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return list(sources)


def load_tokenizer(source: str, name: str | None = None) -> LoadedTokenizer:
    """Load a folder, a `tokenizer.json` or a name of the hub. Code beside it is never run.

    Raises:
        UsageError: there is none, it needs code of its own, or it is damaged.
    """
    path, note = Path(source), ""
    if path.is_file():
        tokenizer = _from_file(path)
    elif path.is_dir():
        tokenizer, note = _from_folder(path)
    else:
        tokenizer = _from_hub(source)
    backend = _backend(tokenizer)
    table = _table(tokenizer, backend)
    kind = kind_of(backend)
    if backend is None and table.as_bytes.sum() >= _HALF_OF_BYTES:
        kind = "byte-level"
    unknown = tokenizer.unk_token_id if getattr(tokenizer, "unk_token", None) else None
    return LoadedTokenizer(
        name=name or short_names([source])[0],
        source=source,
        tokenizer=tokenizer,
        kind=kind,
        pieces=table,
        unknown_id=None if unknown is None else int(unknown),
        context=_context(tokenizer, path),
        class_name=type(tokenizer).__name__,
        preparation=preparation_beside(path),
        note=note,
    )


def _table(tokenizer: Any, backend: dict[str, Any] | None) -> PieceTable:
    """What each id stands for, by its spelling or, without a `tokenizer.json`, by decoding it."""
    size = _ids(tokenizer)
    added = {int(token) for token in getattr(tokenizer, "added_tokens_decoder", {})}
    if backend is None:
        return decoded_table([str(tokenizer.decode([number])) for number in range(size)], added)
    pieces = [str(piece) for piece in tokenizer.convert_ids_to_tokens(list(range(size)))]
    return piece_table(pieces, kind_of(backend), added)


def _ids(tokenizer: Any) -> int:
    """One more than the largest id; ids may have gaps."""
    vocabulary = tokenizer.get_vocab()
    if not vocabulary:
        raise UsageError("the tokenizer has an empty vocabulary. Train or save it again.")
    return max(int(number) for number in vocabulary.values()) + 1


def _backend(tokenizer: Any) -> dict[str, Any] | None:
    """The parsed `tokenizer.json`; None for a tokenizer written in Python."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return None if backend is None else json.loads(backend.to_str())


def _from_file(path: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"tokenizer {str(path)!r} cannot be read as JSON: {error}. "
            f"Name a {TOKENIZER_FILE}, a folder or a name of the hub."
        ) from error
    if not isinstance(content, dict) or "model" not in content:
        raise UsageError(
            f"{str(path)!r} is no {TOKENIZER_FILE}: it has no 'model'. Name its folder instead."
        )
    model = content["model"]
    unknown = model.get("unk_token") if isinstance(model, dict) else None
    if unknown is None and isinstance(model, dict) and isinstance(model.get("unk_id"), int):
        vocabulary = model.get("vocab")
        if isinstance(vocabulary, list) and model["unk_id"] < len(vocabulary):
            unknown = vocabulary[model["unk_id"]][0]
    with _clear_errors(str(path)):
        return PreTrainedTokenizerFast(
            tokenizer_file=str(path), **({"unk_token": unknown} if unknown else {})
        )


def _from_folder(path: Path) -> tuple[Any, str]:
    configured = any((path / name).is_file() for name in ("tokenizer_config.json", "config.json"))
    if not configured and (path / TOKENIZER_FILE).is_file():
        return _from_file(path / TOKENIZER_FILE), ""
    if not any(path.iterdir()):
        raise UsageError(f"folder {str(path)!r} is empty. Name one that holds a tokenizer.")
    with _clear_errors(str(path)):
        return saved_tokenizers.load_tokenizer(
            {
                "pretrained_model_name_or_path": str(path),
                "trust_remote_code": False,
                "local_files_only": True,
            }
        )


def _from_hub(name: str) -> Any:
    from transformers import AutoTokenizer

    if name.count("/") > 1 or name.startswith((".", "/", "~")) or name.endswith("/"):
        raise UsageError(f"tokenizer {name!r} does not exist. Check the path.")
    with _clear_errors(name, " There is no such folder either; offline, name a local one."):
        return AutoTokenizer.from_pretrained(
            name, trust_remote_code=False, local_files_only=not _hub_answers()
        )


def _hub_answers() -> bool:
    """Whether the hub can be reached: the library itself would try for a minute."""
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() not in {"", "0", "false", "no", "off"}:
        return False
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return True  # only the proxy knows
    address = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        place = (address.hostname or "", address.port or 443)
        socket.create_connection(place, timeout=_HUB_TIMEOUT_S).close()
    except OSError:
        return False
    return True


class _clear_errors:
    """Whatever the libraries raise becomes one message; Rust's panics are no `Exception`."""

    def __init__(self, source: str, advice: str = "") -> None:
        self._source = source
        self._advice = advice

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit | UsageError):
            return
        said = " ".join(str(error).split())
        if "trust_remote_code" in said or "custom code" in said:
            said = "it needs Python code of its own, which is not run here"
        raise UsageError(
            f"tokenizer {self._source!r} cannot be loaded: {said[:300].rstrip('.')}.{self._advice}"
        ) from error


def _context(tokenizer: Any, path: Path) -> int | None:
    """Tokens the model reads at once: as the tokenizer says, else as its `config.json` does."""
    limit = getattr(tokenizer, "model_max_length", None)
    if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT:
        return int(limit)
    config = (path if path.is_dir() else path.parent) / "config.json"
    if not (path.exists() and config.is_file()):
        return None
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # the file of a model; that it is damaged is not ours to report here
    found = content.get("max_position_embeddings") if isinstance(content, dict) else None
    return found if isinstance(found, int) and found > 0 else None
