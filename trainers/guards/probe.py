"""Whether a run learned anything: the same rows without and with the adapter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arabench.trainers.monitors.losses import diverged
from arabench.trainers.monitors.rewards import rewards_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import Trainer

#: Training rows on which it is measured what the adapter does.
PROBE_ROWS: Final = 16
#: An adapter that lowers the loss by less than this share learned nothing worth shipping.
MIN_RELATIVE_DROP: Final = 0.01
#: Nor one of a preference method that widens the margin of rewards by less: exp of a margin is the
#: odds of the chosen answer (Bradley and Terry 1952), which are to rise by one in a hundred.
MIN_MARGIN: Final = 0.01
#: Column of methods that learn from good and bad answers.
_LABEL: Final = "label"


@dataclass(frozen=True)
class Probe:
    """What the model does on the probed rows.

    Attributes:
        loss: mean of the method's loss over rows.
        margin: of rewards, as `monitors.rewards` has it; None where the method has none.
        accuracy: share of pairs whose margin is positive; None where there are no pairs.
    """

    loss: float
    margin: float | None = None
    accuracy: float | None = None


def learned(untrained: float, trained: float) -> bool:
    """Whether the loss without and with the adapter says that it lowers it noticeably."""
    return trained < untrained * (1 - MIN_RELATIVE_DROP)


def prefers(untrained: float, trained: float) -> bool:
    """Whether the margins without and with the adapter say that it widens it noticeably."""
    return trained - untrained >= MIN_MARGIN


def probe(trainer: Trainer) -> tuple[Probe, Probe]:
    """The first training rows without and with the adapter.

    The logged numbers come from different rows with dropout, and differ by chance; these
    come from the same rows without.

    Raises:
        ArabenchError: the last step made the adapter's numbers no numbers.
    """
    import torch

    rows = trainer.train_dataset
    probes = rows.select(probed(rows))

    def measure() -> Probe:
        trainer.log({})  # what was logged and not yet given out
        losses = [
            float(trainer.prediction_step(trainer.model, trainer.data_collator([row]), True)[0])
            for row in probes
        ]
        logs: dict[str, float] = {}
        trainer.log(logs)
        rewards = rewards_of(logs, "eval_")
        return Probe(
            sum(losses) / len(losses), rewards.get("reward_margin"), rewards.get("reward_accuracy")
        )

    trainer.model.eval()
    with torch.no_grad():
        trained = measure()
        with trainer.model.disable_adapter():
            untrained = measure()
    if not math.isfinite(trained.loss):
        raise diverged(f"after its last step the loss with the adapter is {trained.loss}")
    return untrained, trained


def probed(rows: Dataset) -> Sequence[int]:
    """The places of the first rows, as many of either label where rows have one."""
    if _LABEL not in rows.column_names:
        return range(min(PROBE_ROWS, len(rows)))
    labels = rows[_LABEL]
    sides = [[at for at, label in enumerate(labels) if label == side] for side in (True, False)]
    return sorted(at for side in sides for at in side[: PROBE_ROWS // 2])
