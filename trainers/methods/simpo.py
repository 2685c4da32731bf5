"""Simple preference optimization: the chosen answer becomes likelier per token, by a margin.

For a prompt x with a chosen answer y and a rejected one z,

    m = beta * (log p(y|x) / |y| - log p(z|x) / |z|),
    L = - log sigmoid(m - gamma) - w * log p(y|x) / |y|,

the mean over pairs (Meng et al. 2024, arXiv 2405.14734, eq. 6, where w, `nll_weight`, is 0). |y|
counts tokens. With `label_smoothing` e, the first term is - (1 - e) * log sigmoid(m - gamma) - e *
log sigmoid(gamma - m). beta * log p / |y| is the reward of an answer.
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
from arabench.trainers.recipe.losses import SimpoSection

if TYPE_CHECKING:
    from trl import DPOTrainer

    from arabench.trainers.recipe.keys import Keys


def simpo_loss(pairs: PairLogProbs, own: SimpoSection) -> PairLoss:
    """The loss of each pair, and its margin."""
    margins = own.beta * (pairs.chosen_mean - pairs.rejected_mean)
    losses = smoothed(margins - own.gamma, own.label_smoothing)
    return PairLoss(losses - own.nll_weight * pairs.chosen_mean, margins)


class SimplePreferenceOptimization(PairMethod):
    """Pairs, without a reference."""

    def trainer_class(self, recipe: Keys) -> type[DPOTrainer]:
        """TRL's trainer of pairs with this loss."""
        return without_reference(functools.partial(simpo_loss, own=recipe.simpo or SimpoSection()))
