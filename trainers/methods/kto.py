"""Kahneman-Tversky optimization: good answers become likelier, bad ones less likely; no pairs.

For a prompt x with an answer y that is good or bad, and the base without adapter as reference r,

    a = log p(y|x) - log r(y|x),
    k = max(0, mean over the rows of a forward pass of log p(y'|x) - log r(y'|x)),
    L = w+ * (1 - sigmoid(beta * (a - k)))  for a good y,
    L = w- * (1 - sigmoid(beta * (k - a)))  for a bad one,

the mean over rows (Ethayarajh et al. 2024, arXiv 2402.01306, eq. 7). w+ and w- are
`desirable_weight` and `undesirable_weight`; y' is the answer of the row before in the same pass (of
the last, for the first row), so that k estimates how far the adapter has gone from the base;
nothing is learned through it. beta * a is the reward of an answer.

k is of one forward pass, so the loss depends on how a step is split: `batch_size` 8 with
`gradient_accumulation` 1 is not 1 with 8, and of one row k would be its own reward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.errors import DataError
from arabench.trainers.data import preferences
from arabench.trainers.data.sources import Place
from arabench.trainers.data.tokens import Encoded
from arabench.trainers.methods.method import Method
from arabench.trainers.methods.preference import refuse_what_is_of_texts, with_reference
from arabench.trainers.recipe.losses import KtoSection
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase, Trainer
    from trl import KTOConfig

    from arabench.trainers.recipe.keys import Keys


class KahnemanTverskyOptimization(Method):
    """Answers that are good or bad, against the bare base."""

    loss_unit = "a row"
    prefers = True

    def check(self, recipe: Keys) -> None:
        """Refuse other rows than labelled answers, and passes of one row.

        Raises:
            ValueError: in words.
        """
        refuse_what_is_of_texts(recipe)
        data, training = recipe.data, recipe.training
        if not data.label_field and (data.names_fields or data.response_field):
            raise ValueError(
                "method kto learns from answers with a label: name data.prompt_field, "
                "data.response_field and data.label_field, or no field"
            )
        if training.batch_size < 2:
            raise ValueError(
                "method kto compares the rows of a forward pass, and training.batch_size is "
                f"{training.batch_size}: set it to 2 or more, and lower "
                "training.gradient_accumulation"
            )

    def notes(self, recipe: Keys) -> tuple[str, ...]:
        """What the loss depends on."""
        training = recipe.training
        if training.gradient_accumulation == 1:
            return ()
        return (
            f"kto: how far the adapter is from the base is estimated in each forward pass, from "
            f"{training.batch_size} rows, not from the "
            f"{training.batch_size * training.gradient_accumulation} of a step: another batch_size "
            "is another loss",
        )

    def resolve(self, section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
        """`preferences.resolve_labelled`."""
        return preferences.resolve_labelled(section, places)

    def row(
        self, source: Mapping[str, Any], section: DataSection, end_of_text: str
    ) -> dict[str, Any] | None:
        """`preferences.labelled_row`."""
        return preferences.labelled_row(source, section, end_of_text)

    def encode(
        self,
        rows: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        file: Path | None = None,
    ) -> Encoded:
        """`preferences.encode_labelled`."""
        return preferences.encode_labelled(rows, tokenizer, max_length, file)

    def arrange(self, rows: Dataset, recipe: Keys) -> Dataset:
        """Rows shuffled, for they are read in order, each with the answer of the one before.

        A row that would be alone in its pass is left out.

        Raises:
            DataError: there are fewer than two rows.
        """
        if len(rows) < 2:
            raise DataError("method kto compares rows, and there is one. Add rows.")
        size = recipe.training.batch_size
        shuffled = rows.shuffle(seed=recipe.training.seed)
        if len(shuffled) % size == 1:
            shuffled = shuffled.select(range(len(shuffled) - 1))
        return shuffled.map(_with_answers_before, batched=True, batch_size=size)

    def trainer_class(self, recipe: Keys) -> type[Trainer]:
        """TRL's, on tokens of ours."""
        from trl import KTOTrainer

        return with_reference(KTOTrainer)

    def arguments_class(self) -> type[KTOConfig]:
        """TRL's settings of it."""
        from trl import KTOConfig

        return KTOConfig  # type: ignore[no-any-return]

    def settings(self, recipe: Keys) -> dict[str, Any]:
        """The loss; what the base says is computed once, before the first step."""
        own = recipe.kto or KtoSection()
        return {
            "loss_type": "kto",
            "beta": own.beta,
            "desirable_weight": own.desirable_weight,
            "undesirable_weight": own.undesirable_weight,
            "max_length": recipe.training.max_length,  # of a prompt with an answer not its own
            "disable_dropout": False,
            "train_sampling_strategy": "sequential",
            "precompute_ref_log_probs": True,
        }


def _with_answers_before(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    answers = batch["completion_ids"]
    return {**batch, "KL_completion_ids": [answers[-1], *answers[:-1]]}
