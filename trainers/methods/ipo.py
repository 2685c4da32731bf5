"""Identity preference optimization: the gap between the answers is pulled to a given width.

For a prompt x with a chosen answer y and a rejected one z, and the base without adapter as
reference r,

    h = (log p(y|x) - log r(y|x)) / |y| - (log p(z|x) - log r(z|x)) / |z|,
    L = (h - 1 / (2 beta))^2,

the mean over pairs (Azar et al. 2023, arXiv 2310.12036, eq. 17, whose tau is beta here). Per token,
as the paper's authors computed it; |y| counts tokens. The loss of a base is (1 / (2 beta))^2. It
has a minimum at a finite gap, where DPO's falls for ever. Rewards are those of DPO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arabench.trainers.methods.preference import PairMethod, with_reference
from arabench.trainers.recipe.losses import IpoSection

if TYPE_CHECKING:
    from transformers import Trainer

    from arabench.trainers.recipe.keys import Keys


class IdentityPreferenceOptimization(PairMethod):
    """Pairs, against the bare base."""

    def trainer_class(self, recipe: Keys) -> type[Trainer]:
        """TRL's, on tokens of ours."""
        from trl import DPOTrainer

        return with_reference(DPOTrainer)

    def settings(self, recipe: Keys) -> dict[str, Any]:
        """The loss; what the base says is computed once, before the first step."""
        own = recipe.ipo or IpoSection()
        return {
            **super().settings(recipe),
            "loss_type": ["ipo"],
            "beta": own.beta,
            "precompute_ref_log_probs": True,
        }
