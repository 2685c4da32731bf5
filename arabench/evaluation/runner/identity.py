"""Everything that fixes the numbers of a run, by content: its identity and its signature.

Two runs of one identity on a CPU give the same numbers to the last bit. Files count by their
bytes and not by their names or places, so that a folder may move and a changed byte is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench import __version__
from arabench.evaluation.data.source import HUB_PREFIX
from arabench.evaluation.metrics.score import SCORES_VERSION
from arabench.files.digests import digest_path, file_sha256, files_sha256
from arabench.files.environment import package_versions
from arabench.models.checkpoints import AdapterInfo, is_local
from arabench.models.hub import cached_folder
from arabench.resources import tasks_dir

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NONE: Final = "none"
CAUSAL: Final = "causal"
#: Packages whose code computes the numbers.
PACKAGES: Final = ("torch", "transformers", "tokenizers", "peft", "lm_eval", "sacrebleu")
_QUANTIZING: Final = "bitsandbytes"
#: Files beside the weights that change what a model answers.
_CONFIGS: Final = ("config.json", "generation_config.json")
_WEIGHTS: Final = ("*.safetensors", "*.bin")
#: Files of an adapter's own tokenizer, where there is one.
_TOKENIZER: Final = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
#: Hexadecimal digits of a digest in a signature.
_SHOWN: Final = 12
#: Characters of a value that a signature shows whole.
_LONGEST: Final = 160
#: Before the name of a base whose files are not here yet.
_ON_HUB: Final = "hub "


@dataclass(frozen=True)
class ModelIdentity:
    """What fixes a model's answers. Digests are SHA-256 in hexadecimal.

    Attributes:
        base: digest of the weights; of a hub name that is not here yet, the name.
        config: digest of config.json and generation_config.json.
        tokenizer: digest of the tokenizer in use, see `tokenizer_sha256`; empty while it is not
            loaded.
        adapter, adapter_config: digests of an adapter's weights and of its other files, or none.
        dtype: number type of products.
        bits: of quantization on loading; 16 is none.
        device: kind, and instruction set of a CPU or name of a GPU.
        threads: of a CPU: they share out sums, which moves the last bits.
        batch: how requests are put together.
        seed: of whatever is drawn.
        chat: of templates and the system prompt, or none.
        packages: versions of what computes.
        kind: of answers; a causal model's need no word.
    """

    base: str
    config: str
    tokenizer: str
    adapter: str
    adapter_config: str
    dtype: str
    bits: str
    device: str
    threads: str
    batch: str
    seed: str
    chat: str
    packages: str
    kind: str = CAUSAL

    def digest(self) -> str:
        """One digest of it all, under which answers are cached."""
        return _sha256(json.dumps(vars(self), sort_keys=True))


@dataclass(frozen=True)
class RunIdentity:
    """What fixes the numbers of a run.

    Attributes:
        model: what answers.
        scores: version of arabench and of its scores.
        tasks: names, in order.
        templates: digest of all task templates and packaged data.
        data: digest of the data that takes their place, or none.
        options: the data options, and what of the documents is asked.
    """

    model: ModelIdentity
    scores: str
    tasks: str
    templates: str
    data: str
    options: str

    def flat(self) -> dict[str, str]:
        """Name -> value, as results carry it."""
        rest = {name: value for name, value in vars(self).items() if name != "model"}
        model = {
            name: value
            for name, value in vars(self.model).items()
            if (name, value) != ("kind", CAUSAL)
        }
        return {**model, **rest}

    def loaded(self, name: str, tokenizer: PreTrainedTokenizerBase) -> RunIdentity:
        """The same once base and tokenizer are loaded; a hub's files are here then.

        Args:
            name: of the base.
            tokenizer: in use.
        """
        base, config = self.model.base, self.model.config
        if base.startswith(_ON_HUB):
            base, config = base_digests(name)
        model = replace(self.model, base=base, config=config, tokenizer=tokenizer_sha256(tokenizer))
        return replace(self, model=model)


def signature(identity: Mapping[str, str]) -> str:
    """One line in sacreBLEU's manner, `base:1f2e...|adapter:none|...`, from a flat identity.

    Digests are cut to twelve digits; long lists and options stand as their digest.
    """
    return "|".join(f"{name}:{_shown(value)}" for name, value in identity.items())


def _shown(value: str) -> str:
    if len(value) == 64 and set(value) <= set("0123456789abcdef"):
        return value[:_SHOWN]
    plain = value.replace("|", "/")
    return plain if len(plain) <= _LONGEST else _sha256(value)[:_SHOWN]


def base_digests(name: str) -> tuple[str, str]:
    """Digests of a model's weights and of its configuration; of a name that is not here, itself."""
    folder = Path(name).expanduser() if is_local(name) else cached_folder(name)
    if folder is None:
        return _ON_HUB + name, _ON_HUB + name
    weights = next((found for kind in _WEIGHTS if (found := sorted(folder.glob(kind)))), [])
    return files_sha256(weights), _named_files(folder, _CONFIGS)


def adapter_digests(adapter: AdapterInfo | None) -> tuple[str, str]:
    """Digests of an adapter's weights and of its configuration with a tokenizer of its own."""
    if adapter is None:
        return NONE, NONE
    others = _named_files(adapter.path, ("adapter_config.json", *_TOKENIZER))
    return file_sha256(adapter.weights), others


def tokenizer_sha256(tokenizer: PreTrainedTokenizerBase) -> str:
    """Digest of what a tokenizer does: its serialized backend, special tokens, chat template.

    One without a backend counts by its vocabulary and its settings.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = backend.to_str() if backend is not None else tokenizer.get_vocab()
    rest = {
        "special": {name: str(value) for name, value in tokenizer.special_tokens_map.items()},
        "template": getattr(tokenizer, "chat_template", None),
        "class": type(tokenizer).__name__,
    }
    return _sha256(json.dumps([content, rest], sort_keys=True, default=str))


def templates_sha256() -> str:
    """Digest of the packaged tasks: templates and data, without what is only read by people."""
    whole = hashlib.sha256()
    root = tasks_dir()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".md" and "__pycache__" not in path.parts:
            line = f"{file_sha256(path)}  {path.relative_to(root).as_posix()}\n"
            whole.update(line.encode("utf-8"))
    return whole.hexdigest()


def data_sha256(data: str | None) -> str:
    """Digest of a data folder; the name of a hub data set; none for the packaged data."""
    if data is None:
        return NONE
    return (
        data if data.startswith(HUB_PREFIX) else digest_path(str(Path(data).expanduser()), "sha256")
    )


def device_in_words(device: str) -> str:
    """The device as far as it moves the last bits of a number."""
    import torch

    if device.partition(":")[0] == "cuda":
        return f"cuda, {torch.cuda.get_device_name(device)}"
    return f"cpu, {torch.backends.cpu.get_cpu_capability()}" if device == "cpu" else device


def packages_in_words(quantized: bool) -> str:
    """Versions of the packages that compute, `torch 2.13.0, ...`."""
    names = (*PACKAGES, _QUANTIZING) if quantized else PACKAGES
    versions = package_versions(names)
    return ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())


def scores_in_words() -> str:
    """Version of arabench and of its scores."""
    return f"arabench {__version__}, scores {SCORES_VERSION}"


def options_in_words(options: Mapping[str, Any]) -> str:
    """Options as one line, in the order of their names."""
    return json.dumps(dict(options), sort_keys=True, ensure_ascii=False, default=str)


def _named_files(folder: Path, names: Sequence[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        path = folder / name
        found = file_sha256(path) if path.is_file() else NONE
        whole.update(f"{found}  {name}\n".encode())
    return whole.hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
