"""Odds ratio preference optimization: SFT on the chosen answer, and odds against the rejected one.

For a prompt x with a chosen answer y and a rejected one z, with mean log-probabilities per token

    a = log p(y|x) / |y|,  b = log p(z|x) / |z|,
    m = a - log(1 - exp a) - b + log(1 - exp b),
    L = - a - beta * log sigmoid(m),

the mean over pairs (Hong et al. 2024, arXiv 2403.07691, eqs. 4, 6 and 7, whose lambda is beta
here). |y| counts tokens. The log-odds a - log(1 - exp a), times beta, are the reward of an answer.
The cross-entropy is that of the answer alone, as in the paper; TRL's experimental trainer takes the
prompt's tokens into it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from arabench.trainers.methods.preference import (
    PairLogProbs,
    PairLoss,
    PairMethod,
    smoothed,
    without_reference,
)
from arabench.trainers.recipe.losses import OrpoSection

if TYPE_CHECKING:
    import torch
    from trl import DPOTrainer

    from arabench.trainers.recipe.keys import Keys


def orpo_loss(pairs: PairLogProbs, own: OrpoSection) -> PairLoss:
    """The loss of each pair, and its margin."""
    margins = log_odds(pairs.chosen_mean) - log_odds(pairs.rejected_mean)
    losses = own.beta * smoothed(margins, 0.0) - pairs.chosen_mean
    return PairLoss(losses, own.beta * margins)


def log_odds(log_probability: torch.Tensor) -> torch.Tensor:
    """log(p / (1 - p)), also of p so near to 1 or 0 that one of the two rounds away."""
    import torch

    # 1 - p of float32 is never below its spacing at 1: the odds of a sure answer stay finite.
    some = log_probability.clamp(max=-torch.finfo(log_probability.dtype).eps)
    return some - torch.log(-torch.expm1(some))


class OddsRatioPreferenceOptimization(PairMethod):
    """Pairs, without a reference."""

    def trainer_class(self, recipe: Keys) -> type[DPOTrainer]:
        """TRL's trainer of pairs with this loss."""
        return without_reference(functools.partial(orpo_loss, own=recipe.orpo or OrpoSection()))
