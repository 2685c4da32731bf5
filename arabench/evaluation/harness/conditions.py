"""Conditions of a run that change scores and that no task configuration shows.

They travel in the documents that lm-eval logs, so that the gate can refuse to compare
two evaluations made under different ones.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from arabench.files.records import read_json_object

log = logging.getLogger(__name__)

#: Column of the logged documents; absent when there is nothing to say.
COLUMN = "conditions"
#: The two matrices by the names that families give them.
_HEAD = ("lm_head.weight", "embed_out.weight")
_EMBEDDING = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight")
#: Key of a task's metadata, in results, under which the run is recorded: what the model was set
#: to, and notes on the numbers.
RUN_KEY = "arabench_run"


def conditions_of(metadata: Mapping[str, Any], sacrebleu: bool = False) -> str:
    """Conditions as one line of text, empty in the ordinary case.

    Args:
        metadata: what lm-eval hands to a data function: model arguments included.
        sacrebleu: whether the task's scores are counted by sacreBLEU.
    """
    found = [f"sacrebleu {version('sacrebleu')}"] if sacrebleu else []
    if metadata.get("peft") and metadata.get("pretrained"):
        sizes = vocabulary_cut(
            str(metadata["pretrained"]),
            str(metadata.get("tokenizer") or metadata["pretrained"]),
            str(metadata.get("revision") or "main"),
        )
        if sizes:
            found.append(f"vocabulary cut from {sizes[0]} to {sizes[1]} by lm-eval's peft=")
    if metadata.get("pretrained") and head_replaced(str(metadata["pretrained"])):
        found.append("head replaced by the embedding by lm-eval")
    return "; ".join(found)


@functools.cache
def head_replaced(pretrained: str) -> bool:
    """Whether lm-eval will measure another head than the folder holds.

    A folder may say that head and embedding are tied and hold both, differing (a head that was
    trained apart). transformers loads both as they are; lm-eval 0.4.13 then ties them, and the
    head is lost. `arabench eval` does not tie.
    """
    folder = Path(pretrained).expanduser()
    try:
        from safetensors import safe_open

        config = read_json_object(folder / "config.json")
        if not config.get("tie_word_embeddings", True):
            return False
        found: dict[str, Path] = {}
        for file in folder.glob("*.safetensors"):
            with safe_open(str(file), "pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 - not a dict
                    if key.endswith((*_HEAD, *_EMBEDDING)):
                        found[key] = file
        if sorted(key.endswith(_HEAD) for key in found) != [False, True]:
            return False
        both = []
        for key, file in found.items():
            with safe_open(str(file), "pt") as tensors:
                both.append(tensors.get_tensor(key))
        if both[0].shape == both[1].shape and bool((both[0] == both[1]).all()):
            return False
    except Exception:  # no such folder, a hub name, a broken file: the loader says what is wrong
        return False
    log.warning(
        "lm-eval replaces the head of %s by its embedding, because its configuration calls them "
        "tied although they differ: its numbers are those of another model. Use `arabench eval`, "
        "or set tie_word_embeddings to false in config.json.",
        pretrained,
    )
    return True


@functools.cache
def vocabulary_cut(pretrained: str, tokenizer: str, revision: str) -> tuple[int, int] | None:
    """(size of the model, size of the tokenizer) when lm-eval will cut the vocabulary.

    With `peft=`, lm-eval 0.4.13 resizes the embeddings to the tokenizer whenever the
    sizes differ. Qwen2 pads its vocabulary, so its output distribution is cut and the
    adapter gets probability for nothing that the base, evaluated without `peft=`, spends
    on padding. `arabench eval` does not cut.
    """
    try:
        from transformers import AutoConfig, AutoTokenizer

        config = AutoConfig.from_pretrained(pretrained, revision=revision, trust_remote_code=False)
        inner = getattr(config, "text_config", None) or config
        ours = len(
            AutoTokenizer.from_pretrained(tokenizer, revision=revision, trust_remote_code=False)
        )
    except Exception:  # the model loader reports what is wrong with it
        return None
    if inner.vocab_size <= ours:
        return None  # tokens were added for the adapter: the resize is meant
    log.warning(
        "lm-eval cuts the vocabulary of %s from %d to %d because peft= is given: its numbers do "
        "not compare with those of the base. Use `arabench eval`, which does not cut.",
        pretrained,
        inner.vocab_size,
        ours,
    )
    return inner.vocab_size, ours
