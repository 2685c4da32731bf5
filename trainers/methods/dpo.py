"""Direct preference optimization: the chosen answer becomes likelier than the rejected one.

For a prompt x with a chosen answer y and a rejected one z, and the base without adapter as
reference r,

    m = beta * (log p(y|x) - log r(y|x) - log p(z|x) + log r(z|x)),
    L = - log sigmoid(m),

the mean over pairs (Rafailov et al. 2023, arXiv 2305.18290, eq. 7). beta * (log p - log r) is the
reward of an answer, m the margin. With `label_smoothing` e, the share of pairs that are the wrong
way round (robust DPO: Ray Chowdhury et al. 2024, arXiv 2403.00409),

    L = (- (1 - e) * log sigmoid(m) + e * log sigmoid(-m)) / (1 - 2 e).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arabench.trainers.methods.preference import PairMethod, with_reference
from arabench.trainers.recipe.losses import DpoSection

if TYPE_CHECKING:
    from transformers import Trainer

    from arabench.trainers.recipe.keys import Keys


class DirectPreferenceOptimization(PairMethod):
    """Pairs, against the bare base."""

    def trainer_class(self, recipe: Keys) -> type[Trainer]:
        """TRL's, on tokens of ours."""
        from trl import DPOTrainer

        return with_reference(DPOTrainer)

    def settings(self, recipe: Keys) -> dict[str, Any]:
        """The loss; what the base says is computed once, before the first step."""
        own = recipe.dpo or DpoSection()
        return {
            **super().settings(recipe),
            "loss_type": ["robust"] if own.label_smoothing else ["sigmoid"],
            "beta": own.beta,
            "label_smoothing": own.label_smoothing,
            "precompute_ref_log_probs": True,
        }
