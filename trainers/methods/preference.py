"""What methods share that learn which of two answers is better: rows, tokens, and their trainers.

Log-probabilities are sums over the tokens of an answer, its end of text among them, given the
prompt. The reference of methods that have one is the base with the adapter switched off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.trainers.data import preferences
from arabench.trainers.data.chat import IGNORED
from arabench.trainers.data.sources import Place
from arabench.trainers.data.tokens import Encoded
from arabench.trainers.methods.method import Method
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase, Trainer
    from trl import DPOConfig, DPOTrainer

    from arabench.trainers.recipe.keys import Keys


class PairMethod(Method):
    """Methods that learn from a prompt with a chosen and a rejected answer."""

    loss_unit = "a pair"
    prefers = True

    def check(self, recipe: Keys) -> None:
        """Refuse other rows than pairs, and what is there for single texts only.

        Raises:
            ValueError: in words.
        """
        refuse_what_is_of_texts(recipe)
        data = recipe.data
        if not data.chosen_field and (data.names_fields or data.response_field):
            raise ValueError(
                f"method {recipe.method} learns from pairs: name data.prompt_field, "
                "data.chosen_field and data.rejected_field, or no field"
            )

    def resolve(self, section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
        """`preferences.resolve_pairs`."""
        return preferences.resolve_pairs(section, places)

    def row(
        self, source: Mapping[str, Any], section: DataSection, end_of_text: str
    ) -> dict[str, Any] | None:
        """`preferences.pair_row`."""
        return preferences.pair_row(source, section, end_of_text)

    def encode(
        self,
        rows: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        file: Path | None = None,
    ) -> Encoded:
        """`preferences.encode_pairs`."""
        return preferences.encode_pairs(rows, tokenizer, max_length, file)

    def arguments_class(self) -> type[DPOConfig]:
        """TRL's settings of pairs."""
        from trl import DPOConfig

        return DPOConfig  # type: ignore[no-any-return]

    def settings(self, recipe: Keys) -> dict[str, Any]:
        """Rows have their length already; lora.dropout is as the recipe says."""
        return {"max_length": None, "disable_dropout": False}


def refuse_what_is_of_texts(recipe: Keys) -> None:
    """Refuse settings that are for single texts and responses.

    Raises:
        ValueError: in words.
    """
    method = recipe.method
    if recipe.training.packing:
        raise ValueError(f"training.packing is for methods of texts, not {method}: set it to false")
    if recipe.data.validation:
        raise ValueError(
            f"data.validation measures the loss of a text, which method {method} has not: set it "
            "to 0, and measure the adapter with arabench eval"
        )


def with_reference(kind: type[Trainer]) -> type[Trainer]:
    """A trainer of TRL on rows that are tokens, which says how long its reference took.

    Args:
        kind: `trl.DPOTrainer` or `trl.KTOTrainer`.
    """

    class WithReference(kind):  # type: ignore[misc]
        reference_seconds = 0.0

        def _prepare_dataset(self, dataset: Dataset, *arguments: object) -> Dataset:
            return dataset  # TRL would make tokens of texts

        def compute_ref_log_probs(
            self, model: torch.nn.Module, inputs: dict[str, torch.Tensor]
        ) -> tuple[torch.Tensor, torch.Tensor]:
            started = time.monotonic()
            found: tuple[torch.Tensor, torch.Tensor] = super().compute_ref_log_probs(model, inputs)
            self.reference_seconds += time.monotonic() - started
            return found

    return WithReference


@dataclass(frozen=True)
class PairLogProbs:
    """What the model says of the answers of a batch; tensors of one number a pair.

    Attributes:
        chosen, rejected: log-probabilities of the answers in nats, summed over tokens.
        chosen_tokens, rejected_tokens: of how many tokens.
    """

    chosen: torch.Tensor
    rejected: torch.Tensor
    chosen_tokens: torch.Tensor
    rejected_tokens: torch.Tensor

    @property
    def chosen_mean(self) -> torch.Tensor:
        """Log-probability per token of the chosen answers, in nats."""
        return self.chosen / self.chosen_tokens

    @property
    def rejected_mean(self) -> torch.Tensor:
        """Log-probability per token of the rejected answers, in nats."""
        return self.rejected / self.rejected_tokens


@dataclass(frozen=True)
class PairLoss:
    """What a method makes of log-probabilities; tensors of one number a pair.

    Attributes:
        losses: whose mean is minimized.
        margins: reward of the chosen answer less that of the rejected one.
    """

    losses: torch.Tensor
    margins: torch.Tensor


def smoothed(logits: torch.Tensor, smoothing: float) -> torch.Tensor:
    """-log sigmoid of the logits, of which a share is taken to have the wrong sign."""
    import torch.nn.functional as functional

    right, wrong = -functional.logsigmoid(logits), -functional.logsigmoid(-logits)
    return (1 - smoothing) * right + smoothing * wrong


def without_reference(loss_of: Callable[[PairLogProbs], PairLoss]) -> type[DPOTrainer]:
    """TRL's trainer of pairs with another loss, which needs no reference.

    The head is computed in chunks, as there: full logits are never held. A loss is a mean over
    pairs, so that it does not depend on how a step is split into passes.

    Args:
        loss_of: the loss of each pair.
    """
    from trl import DPOTrainer

    class WithoutReference(DPOTrainer):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            self.rewards: list[tuple[float, float]] = []
            super().__init__(*arguments, **named)

        def _prepare_dataset(self, dataset: Dataset, *arguments: object) -> Dataset:
            return dataset  # TRL would make tokens of texts

        def compute_loss(
            self,
            model: torch.nn.Module,
            inputs: dict[str, torch.Tensor],
            return_outputs: bool = False,
            num_items_in_batch: torch.Tensor | None = None,
        ) -> Any:
            answers = inputs["completion_mask"]
            outputs = model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                labels=inputs["input_ids"].masked_fill(answers == 0, IGNORED),
                use_cache=False,
                fused_lm_head=True,
            )
            pairs = PairLogProbs(
                *outputs.log_probs.float().sum(dim=1).chunk(2), *answers.sum(dim=1).chunk(2)
            )
            found = loss_of(pairs)
            margins = found.margins.detach()
            self.rewards.append((float(margins.mean()), float((margins > 0).float().mean())))
            loss = found.losses.mean()
            return (loss, outputs) if return_outputs else loss

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            prefix = "" if self.model.training else "eval_"
            for place, name in enumerate(("rewards/margins", "rewards/accuracies")):
                if self.rewards:
                    values = [both[place] for both in self.rewards]
                    logs[f"{prefix}{name}"] = sum(values) / len(values)
            self.rewards.clear()
            super().log(logs, start_time)

    return WithoutReference
