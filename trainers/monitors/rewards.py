"""Rewards of preferred and other answers, as trainers log them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def rewards_of(logs: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """`reward_margin` and `reward_accuracy` of what a trainer logged, as far as they are there.

    The margin is the mean reward of chosen (or good) answers less that of rejected (or bad) ones,
    the accuracy the share of pairs in which it is positive. Rewards are as the method defines them.
    KTO has no pairs, so no accuracy, and in a step with rows of one label no margin.

    Args:
        logs: what a callback gets.
        prefix: of the keys, `eval_` where the model was not in training.
    """
    found: dict[str, float] = {}
    chosen, rejected = (logs.get(f"{prefix}rewards/{side}") for side in ("chosen", "rejected"))
    margin = logs.get(f"{prefix}rewards/margins")
    if margin is None and chosen is not None and rejected is not None:
        margin = chosen - rejected
    if margin is not None:
        found["reward_margin"] = float(margin)
    accuracy = logs.get(f"{prefix}rewards/accuracies")
    if accuracy is not None:
        found["reward_accuracy"] = float(accuracy)
    return found
