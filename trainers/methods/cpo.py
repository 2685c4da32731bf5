"""Contrastive preference optimization: DPO against a reference that says nothing, beside SFT.

For a prompt x with a chosen answer y and a rejected one z,

    m = beta * (log p(y|x) - log p(z|x)),
    L = - log sigmoid(m) - w * log p(y|x) / |y|,

the mean over pairs (Xu et al. 2024, arXiv 2401.08417, eq. 3 with its cross-entropy; per token as
its authors' code has the second term). w is `nll_weight`, |y| counts tokens. With `label_smoothing`
e, the first term is - (1 - e) * log sigmoid(m) - e * log sigmoid(-m). beta * log p is the reward of
an answer.
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
from arabench.trainers.recipe.losses import CpoSection

if TYPE_CHECKING:
    from trl import DPOTrainer

    from arabench.trainers.recipe.keys import Keys


def cpo_loss(pairs: PairLogProbs, own: CpoSection) -> PairLoss:
    """The loss of each pair, and its margin."""
    margins = own.beta * (pairs.chosen - pairs.rejected)
    losses = smoothed(margins, own.label_smoothing) - own.nll_weight * pairs.chosen_mean
    return PairLoss(losses, margins)


class ContrastivePreferenceOptimization(PairMethod):
    """Pairs, without a reference."""

    def trainer_class(self, recipe: Keys) -> type[DPOTrainer]:
        """TRL's trainer of pairs with this loss."""
        return without_reference(functools.partial(cpo_loss, own=recipe.cpo or CpoSection()))
