"""Whether a run learned anything: the same rows without and with the adapter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from arabench.trainers.monitors.losses import diverged

if TYPE_CHECKING:
    from transformers import Trainer

#: Training rows on which it is measured what the adapter does.
PROBE_ROWS: Final = 16
#: An adapter that lowers the loss by less than this share learned nothing worth shipping.
MIN_RELATIVE_DROP: Final = 0.01


def learned(untrained: float, trained: float) -> bool:
    """Whether the loss without and with the adapter says that it lowers it noticeably."""
    return trained < untrained * (1 - MIN_RELATIVE_DROP)


def probe_losses(trainer: Trainer) -> tuple[float, float]:
    """Mean loss on the first training rows without and with the adapter.

    The logged losses come from different rows with dropout, and differ by chance; these
    come from the same rows without.

    Raises:
        ArabenchError: the last step made the adapter's numbers no numbers.
    """
    import torch

    probes = trainer.train_dataset.select(range(min(PROBE_ROWS, len(trainer.train_dataset))))

    def mean_loss() -> float:
        losses = [
            float(trainer.prediction_step(trainer.model, trainer.data_collator([row]), True)[0])
            for row in probes
        ]
        return sum(losses) / len(losses)

    trainer.model.eval()
    with torch.no_grad():
        trained = mean_loss()
        with trainer.model.disable_adapter():
            untrained = mean_loss()
    if not math.isfinite(trained):
        raise diverged(f"after its last step the loss with the adapter is {trained}")
    return untrained, trained
