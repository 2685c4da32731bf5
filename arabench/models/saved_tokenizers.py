"""Tokenizers as they were saved: transformers builds others beside some models, without a word.

Beside a config.json of Qwen2 (and Qwen 3.5, Siglip 2, HyperCLOVA), `AutoTokenizer` of
transformers 5 makes a tokenizer of the family's own class from vocabulary and merges, with the
family's normalizer and words, whatever `tokenizer.json` says; a tokenizer that names a class of
its own (Llama's, GPT-2's) is rebuilt so everywhere. Then text becomes other ids than the model was
trained on.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import ArabenchError, UsageError
from arabench.files.records import read_json_object

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENIZER_FILE: Final = "tokenizer.json"
CONFIG_FILE: Final = "tokenizer_config.json"
#: Model types beside which a tokenizer has to stay what it is.
FAMILIES: Final = (
    "bert", "falcon", "gemma2", "gemma3_text", "gpt2", "llama", "mistral", "qwen2", "qwen3",
)  # fmt: skip
#: What tokenizers part, join or rewrite differently: marks, presentation forms, decomposed
#: letters, digits, white space, symbols, other scripts.
PROBES: Final = (
    "كيف حالك اليوم؟ إزيك عامل إيه، النهارده؟",
    "قَرَأَ الطُّلَّابُ كِتَابًا جَدِيدًا.",
    "ﷺ ﻻ ﺍﻟﺴﻼﻡ، ا\u0653لى",
    "ســـلام ٢٠٢٤ و2024 و۱۲",
    "  Hello  world's\n\n\tx=1.5؛ 😀\u200f",
    "می‌خواهم",
)
#: Read by the constructor of transformers 5's tokenizers, which for this word takes
#: tokenizer.json as it stands. It lets nothing run: code is loaded where the caller of
#: `AutoTokenizer` allows it, and the folder names none.
_AS_SAVED: Final = {"trust_remote_code": True}
_GENERIC: Final = "PreTrainedTokenizerFast"
#: Roles that a family's class fills with a token of its own, which may be beyond the embedding.
_ROLES: Final = ("bos_token", "eos_token", "unk_token", "pad_token")


def check_ids(model: PreTrainedModel | PeftModel, tokens: Sequence[int]) -> None:
    """A tokenizer put beside another model may give ids that the model has no row for.

    Raises:
        UsageError: names the largest id.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    if tokens and max(tokens) >= rows:
        raise UsageError(
            f"the tokenizer gives token {max(tokens)}, and the model has {rows} rows. It is not "
            "the tokenizer of this model: compare len(tokenizer) with the rows of its embedding."
        )


def load_tokenizer(source: Mapping[str, Any]) -> tuple[PreTrainedTokenizerBase, str]:
    """The tokenizer of a model, and a message where transformers would have built another one.

    Args:
        source: keywords of `from_pretrained`.

    Raises:
        Exception: whatever transformers makes of a broken folder.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(**source)
    file = _file_of(source)
    if file is None or not (other := other_ids(found, file)):
        return found, ""
    saved: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(**source)
    if len(other_ids(saved, file)) == len(other):  # settings beside the file ask for it
        return found, ""
    return saved, (
        f"transformers builds another tokenizer here than was saved: {type(found).__name__} gives "
        f"other ids than {TOKENIZER_FILE} for {len(other)} of {len(PROBES)} texts (such as "
        f"{other[0]!r}). The saved one is used; what else loads this folder by AutoTokenizer "
        "reads other ids (docs/tokenizers.md, Beside a model)"
    )


def check_built(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer that transformers built otherwise than its folder says.

    For tokenizers that others have loaded; only those of local folders can be looked at.

    Raises:
        UsageError: it gives other ids.
    """
    name = str(getattr(tokenizer, "name_or_path", "") or "")
    if not name or not (Path(name) / TOKENIZER_FILE).is_file():
        return
    if not other_ids(tokenizer, Path(name) / TOKENIZER_FILE):
        return
    _, message = load_tokenizer({"pretrained_model_name_or_path": name})
    if message:
        raise UsageError(
            f"{message.replace('The saved one is used; what', 'What')}. Use `arabench eval`, which "
            "reads the saved one, or name a folder that holds the tokenizer's files and no "
            "config.json (tokenizer=FOLDER)."
        )


def other_ids(tokenizer: PreTrainedTokenizerBase, file: Path) -> list[str]:
    """Probes for which a tokenizer gives other ids than a `tokenizer.json`, special ones aside.

    Tokenizers that are not of that kind (SentencePiece, written in Python) have none.
    """
    from tokenizers import Tokenizer

    if not getattr(tokenizer, "is_fast", False):
        return []
    saved = Tokenizer.from_file(str(file))
    saved.no_truncation()
    saved.no_padding()
    wanted = [item.ids for item in saved.encode_batch(list(PROBES), add_special_tokens=False)]
    given = tokenizer(list(PROBES), add_special_tokens=False)["input_ids"]
    return [
        text for text, ours, theirs in zip(PROBES, given, wanted, strict=True) if ours != theirs
    ]


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path, family: str = "") -> None:
    """`save_pretrained`, so that AutoTokenizer gives the same ids beside a model of the family.

    Args:
        tokenizer: to be saved.
        folder: where to.
        family: model type of the model whose tokenizer it is, if no config.json lies there yet.

    Raises:
        ArabenchError: AutoTokenizer gives other ids all the same.
    """
    tokenizer.save_pretrained(str(folder))
    if not (folder / TOKENIZER_FILE).is_file():
        return
    families = (family,) if family else ()
    if _first_other(folder, families):
        keep_as_saved(folder)
        check_saved(folder, families)


def keep_as_saved(folder: Path) -> None:
    """Write into tokenizer_config.json what makes transformers 5 read tokenizer.json as it is."""
    path = folder / CONFIG_FILE
    settings = read_json_object(path)
    path.write_text(
        json.dumps(as_saved(settings), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


def as_saved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a tokenizer, with those under which its file is read as it stands."""
    return {
        **dict.fromkeys(_ROLES), **settings, "tokenizer_class": _GENERIC, **_AS_SAVED,
    }  # fmt: skip


def check_saved(folder: Path, families: Sequence[str] = FAMILIES) -> None:
    """Refuse a saved tokenizer of which AutoTokenizer makes another one, alone or beside a model.

    Args:
        folder: holds tokenizer.json, and perhaps a model.
        families: model types beside which it is tried.

    Raises:
        ArabenchError: naming the family and a text.
    """
    if found := _first_other(folder, families):
        where, what = found
        raise ArabenchError(
            f"AutoTokenizer makes another tokenizer of the one in {str(folder)!r}, {where}: "
            f"{what}. Models would read other ids than they are trained on. Use a version of "
            "transformers that arabench was tested with (docs/tokenizers.md, Beside a model)."
        )


def _first_other(folder: Path, families: Sequence[str]) -> tuple[str, str] | None:
    """Where AutoTokenizer gives other ids, or more of them, and what shows it; both in words."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    file = folder / TOKENIZER_FILE
    tokens = len(PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True))
    with contextlib.ExitStack() as stack:
        places = [("as it lies there", folder)]
        places += [
            (f"beside a model of the type {kind!r}", stack.enter_context(_beside(folder, kind)))
            for kind in families
        ]
        for words, place in places:
            found = AutoTokenizer.from_pretrained(str(place), local_files_only=True)
            if other := other_ids(found, file):
                return words, f"{other[0]!r} gives other ids"
            if len(found) != tokens:
                return words, f"it has {len(found)} tokens and not {tokens}"
    return None


@contextlib.contextmanager
def _beside(folder: Path, family: str) -> Iterator[Path]:
    """The tokenizer's files in a folder with a config.json of that family."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file in folder.iterdir():
            if file.is_file() and file.name.startswith(("tokenizer", "special_tokens", "added_")):
                shutil.copy(file, place)
        (place / "config.json").write_text(json.dumps({"model_type": family}), encoding="utf-8")
        yield place


def _file_of(source: Mapping[str, Any]) -> Path | None:
    """tokenizer.json of a folder, or of the hub's cache; None where there is none."""
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(
            source["pretrained_model_name_or_path"],
            TOKENIZER_FILE,
            revision=source.get("revision"),
            local_files_only=True,  # AutoTokenizer has just fetched it
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
    except OSError:
        return None
    return Path(found) if found else None
