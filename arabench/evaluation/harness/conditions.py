"""Conditions of a run that change scores and that no task configuration shows.

They travel in the documents that lm-eval logs, so that the gate can refuse to compare
two evaluations made under different ones.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

log = logging.getLogger(__name__)

#: Column of the logged documents; absent when there is nothing to say.
COLUMN = "conditions"
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
    return "; ".join(found)


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
