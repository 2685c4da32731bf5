"""lm-eval's task manager and model, over our tasks only and around a model in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from arabench.resources import tasks_dir

if TYPE_CHECKING:
    import torch
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def task_manager(metadata: Mapping[str, Any]) -> TaskManager:
    """lm-eval's task manager over our folder only: built in milliseconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager(
        include_path=str(tasks_dir()), include_defaults=False, metadata=dict(metadata)
    )


def language_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> HFLM:
    """lm-eval's `HFLM` around a loaded model, with log-probabilities summed in float32.

    Logits of virtual tokens (prompt and p-tuning) are cut off, and weights are not tied anew:
    an adapter may have saved an embedding and a head that differ.
    """
    from lm_eval.models.huggingface import HFLM

    class MeasuredLM(HFLM):  # type: ignore[misc]
        raises_arabench_errors = True
        cuts_virtual_tokens = True

        def _model_call(self, inps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            # (B, virtual + T, vocabulary)
            logits: torch.Tensor = super()._model_call(inps, *args, **kwargs)
            return logits[:, -inps.shape[1] :]

    with _without_tying(model):
        return MeasuredLM(
            pretrained=model, tokenizer=tokenizer, batch_size=batch_size, softmax_dtype="float32"
        )


@contextlib.contextmanager
def _without_tying(model: PreTrainedModel) -> Iterator[None]:
    model.__dict__["tie_weights"] = lambda *args, **kwargs: None
    try:
        yield
    finally:
        del model.__dict__["tie_weights"]
