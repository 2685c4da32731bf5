"""Model and adapter folders: what they hold, whether they are safe, their hashes.

Nothing here imports torch or loads weights. Weights are accepted as safetensors only:
pickled weights and code that travels with a model can run anything on load, and are
refused unless the caller asks for them by name.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UnsafeInputError, UsageError
from arabench.files.digests import files_sha256
from arabench.files.records import read_json_object

#: File beside an adapter in which the trainer records what it was trained on.
RECORD_NAME: Final = "arabench.json"
_PICKLED: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
#: Modules of transformers that hold models.
_MODELING: Final = re.compile(r"transformers\.models\.[a-z0-9_]+\.modeling_[a-z0-9_]+")
#: Adapter settings that make PEFT import modules named in the file.
_IMPORTING_KEYS: Final = ("auto_mapping", "megatron_config")
#: Adapter kinds that change a causal model's weights or activations and load from safetensors.
ADAPTER_KINDS: Final = frozenset(
    {"LORA", "ADALORA", "IA3", "LOHA", "LOKR", "VERA", "OFT", "BOFT", "PREFIX_TUNING",
     "PROMPT_TUNING", "P_TUNING", "FOURIERFT", "HRA"}
)  # fmt: skip


@dataclass(frozen=True)
class BaseInfo:
    """A local model folder that passed the checks."""

    path: Path
    model_type: str
    vocab_size: int
    weights: tuple[Path, ...]


@dataclass(frozen=True)
class AdapterInfo:
    """A local adapter folder that passed the checks.

    Attributes:
        record: the trainer's record, {} for adapters of other tools.
    """

    path: Path
    kind: str
    base_name: str
    weights: Path
    record: dict[str, Any]


def is_local(name: str) -> bool:
    """Whether a model name means a folder here and not a hub repository.

    A path begins with `.`, `/` or `~`, ends in `/`, holds more than one separator, exists, or
    begins with a folder that exists; it is never looked for on a hub.
    """
    if name.startswith((".", "/", "~")) or name.endswith("/") or name.count("/") > 1:
        return True
    if not name:
        return False
    first, separator, _ = name.partition("/")
    try:
        return Path(name).exists() or bool(separator and Path(first).is_dir())
    except OSError:  # longer than any name
        return False


def _missing(what: str, name: str, advice: str) -> UsageError:
    """An error for a folder that is not there, with the nearest names beside it."""
    hint = did_you_mean_path(name)
    first, separator, rest = name.partition("/")
    if separator and "/" not in rest and not first.startswith((".", "~")) and _folder(first):
        hint += f"It is taken for a path, because {first!r} is a folder here. "
    return UsageError(f"{what} {name!r} is no folder. {hint}{advice}")


def nearest_paths(name: str, *, files: bool = False, whole: bool = False) -> list[str]:
    """Folders (and files) that are here and whose path is most like one that is not.

    One part of the path may be wrong; where the rest of it is found behind a part that is like
    it, only that is named: `modls/llama` gives `models/llama`.

    Args:
        name: a path.
        files: name files too.
        whole: name nothing of which the rest of the path is not found.
    """
    try:
        missing = Path(name).expanduser()
        if not name or missing.exists():
            return []
        behind: list[str] = []
        while not missing.parent.is_dir():
            behind.insert(0, missing.name)
            missing = missing.parent
        beside = [
            entry.name
            for entry in missing.parent.iterdir()
            if entry.is_dir() or (files and not behind)
        ]
        close = difflib.get_close_matches(missing.name, beside, n=3, cutoff=0.5)
        found = [missing.with_name(other) for other in close]
        deeper = [place.joinpath(*behind) for place in found if place.joinpath(*behind).exists()]
    except (OSError, RuntimeError, ValueError):  # no home, no permission, or no name of a file
        return []
    return [str(place) for place in deeper or ([] if whole else found)]


def did_you_mean_path(name: str, *, files: bool = False, whole: bool = False) -> str:
    """A question that names `nearest_paths`, with a space behind it; empty where there is none."""
    near = nearest_paths(name, files=files, whole=whole)
    return f"Did you mean {' or '.join(map(repr, near))}? " if near else ""


def _folder(name: str) -> Path | None:
    """The folder of that name, or None."""
    try:
        folder = Path(name).expanduser()
        return folder if name and folder.is_dir() else None
    except (RuntimeError, OSError):  # ~ of a user who is not known here, a name too long
        return None


def _read_json(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():  # a device or a pipe might never end
        raise UsageError(f"{path.parent} is no {what}: it has no {path.name}.")
    return read_json_object(path)


def inspect_base(
    name: str, *, allow_pickle: bool = False, allow_remote_code: bool = False
) -> BaseInfo:
    """Check a local model folder before anything loads it.

    Raises:
        UsageError: no folder, or no model in it.
        UnsafeInputError: only pickled weights, or code of its own, and not allowed.
    """
    folder = _folder(name)
    if folder is None:
        raise _missing("base model", name, "Give a model folder or a hub name.")
    config = _read_json(folder / "config.json", "model folder")
    if "model_type" not in config:
        raise UsageError(
            f"{folder}/config.json names no model_type: this is no transformers model."
        )
    if config.get("auto_map") and not allow_remote_code:
        raise UnsafeInputError(
            f"{folder} wants to run its own Python code (auto_map in config.json). "
            "Allow it by name with trust_remote_code if you have read that code."
        )
    weights = tuple(sorted(file for file in folder.glob("*.safetensors") if file.is_file()))
    if not weights:
        pickled = [file.name for pattern in _PICKLED for file in folder.glob(pattern)]
        if not pickled:
            raise UsageError(f"{folder} holds no weights (*.safetensors).")
        if not allow_pickle:
            raise UnsafeInputError(
                f"{folder} holds only pickled weights ({pickled[0]}), which can run code on load. "
                "Convert them to safetensors, or allow them with allow_pickle (--allow-pickle)."
            )
    return BaseInfo(folder, str(config["model_type"]), _vocab_size(config, folder), weights)


def _vocab_size(config: dict[str, Any], folder: Path) -> int:
    """Of the text model where there are several; 0 where none is named."""
    inner = config.get("text_config")
    size = config.get("vocab_size", inner.get("vocab_size") if isinstance(inner, dict) else None)
    if size is None:
        return 0
    if not isinstance(size, int):
        raise DataError(f"{folder}/config.json: vocab_size is {str(size)[:80]!r} and no number.")
    return size


def inspect_adapter(name: str) -> AdapterInfo:
    """Check a local adapter folder before PEFT loads it.

    Raises:
        UsageError: no folder, no adapter in it, or an adapter kind we do not measure.
        UnsafeInputError: pickled weights, or settings that import code.
    """
    folder = _folder(name)
    if folder is None:
        raise _missing("adapter", name, "Give a folder with adapter_config.json.")
    config = _read_json(folder / "adapter_config.json", "adapter folder")
    kind = str(config.get("peft_type", ""))
    if kind not in ADAPTER_KINDS:
        raise UsageError(
            f"{folder} is a {kind or 'nameless'} adapter; "
            f"allowed: {', '.join(sorted(ADAPTER_KINDS))}."
        )
    for key in _IMPORTING_KEYS:
        if config.get(key) and not _is_of_transformers(config[key]):
            raise UnsafeInputError(
                f"{folder}/adapter_config.json sets {key}, which imports modules it names. "
                "Remove that setting if you trust the adapter."
            )
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        if any(file for pattern in _PICKLED for file in folder.glob(f"adapter_model{pattern[1:]}")):
            raise UnsafeInputError(
                f"{folder} holds pickled adapter weights, which can run code on load. "
                "Convert them to adapter_model.safetensors first."
            )
        raise UsageError(f"{folder} holds no adapter_model.safetensors.")
    record_file = folder / RECORD_NAME
    record = _read_json(record_file, "adapter folder") if record_file.exists() else {}
    return AdapterInfo(
        folder, kind, str(config.get("base_model_name_or_path") or ""), weights, record
    )


def _is_of_transformers(mapping: object) -> bool:
    """Whether the module named is a model of transformers itself.

    PEFT writes it beside every adapter that was made without a task type, as those of masked
    language models are: it has none for them.
    """
    if not isinstance(mapping, dict) or set(mapping) != {"base_model_class", "parent_library"}:
        return False
    library = str(mapping["parent_library"])
    return _MODELING.fullmatch(library) is not None


def check_same_base(adapter: AdapterInfo, base: BaseInfo) -> None:
    """Refuse an adapter whose record names other base weights than these.

    A base folder may say in its own record which weights it was quantized from. Adapters
    of other tools carry no record; their tensor shapes are checked when they load.
    """
    expected = adapter.record.get("base_sha256")
    made_from = base.path / RECORD_NAME
    if made_from.is_file() and read_json_object(made_from).get("base_sha256") == expected:
        return
    if expected and expected != weights_sha256(base.weights):
        raise UsageError(
            f"adapter {adapter.path} was trained on another base "
            f"({adapter.record.get('base_name', 'unknown')}, weights {str(expected)[:12]}...) than "
            f"{base.path}. Evaluate it with its own base."
        )


def weights_sha256(files: tuple[Path, ...]) -> str:
    """SHA-256 over the bytes of weight files in name order."""
    return files_sha256(files)
