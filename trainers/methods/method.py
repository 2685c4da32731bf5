"""The contract of a training method: what is its own in a run that holds for all.

A method is one file with one class, its formula and its paper, and one line in
arabench/trainers/methods/table.py. Base, adapter, machine, folder and record are the run's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.trainers.data import shapes, tokens
from arabench.trainers.data.sources import Place
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments

    from arabench.trainers.recipe.keys import Keys


class Method:
    """One loss. Every hook has a default: that of rows of tokens and labels, as TRL trains them.

    Attributes:
        loss_unit: of the loss, as it is printed behind a number.
        prefers: it learns which of two answers is better: what it learned is told by the margin of
            rewards on the same rows, not by the loss.
    """

    loss_unit: str = "nats per token"
    prefers: bool = False

    def check(self, recipe: Keys) -> None:
        """Refuse what a recipe says that this method cannot do, before anything is read.

        Raises:
            ValueError: in words, which a message begins with.
        """
        for key in ("chosen_field", "label_field"):
            if getattr(recipe.data, key):
                raise ValueError(
                    f"data.{key} says which answers are better, which method {recipe.method} does "
                    "not learn: set it to null, or choose a method of preferences (dpo, kto, ...)"
                )

    def resolve(self, section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
        """The section with its fields named, and in words what was told from the columns.

        Raises:
            UsageError: the columns say nothing, or more than one thing.
            DataError: a file cannot be read.
        """
        return shapes.resolve(section, places)

    def notes(self, recipe: Keys) -> tuple[str, ...]:
        """What a user should know of the method in this run before the first step, in words."""
        return ()

    def arrange(self, rows: Dataset, recipe: Keys) -> Dataset:
        """Rows in the order, with the columns, that the trainer wants; the default: as they are.

        Raises:
            DataError: there are too few.
        """
        return rows

    def row(
        self, source: Mapping[str, Any], section: DataSection, end_of_text: str
    ) -> dict[str, Any] | None:
        """The training row of a row that was read: its fields as they are named in the data.

        Args:
            source: field -> text or null, or what is in the field of conversations; other types
                were refused before.
            section: the recipe's `data`, with its fields named.
            end_of_text: of the tokenizer.

        Returns:
            None where there is no text in it; such rows are left out and counted.

        Raises:
            DataError: no conversation, in words that go behind the number of the row.
        """
        texts = {field: source.get(field) for field in section.fields}
        if any(text is None or not text.strip() for text in texts.values()):
            return None
        return {field: str(text) for field, text in texts.items()}

    def encode(
        self,
        rows: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        file: Path | None = None,
    ) -> tokens.Encoded:
        """Rows as tokens: `tokens.encode`, for texts, prompts and responses, or conversations.

        Args:
            rows: of what `row` made.
            tokenizer: of the base.
            max_length: tokens of a row.
            file: gets the tokens, which are then mapped from it; None to hold them in memory.

        Raises:
            UsageError: there are conversations, and no chat template.
            DataError: no row is left, or the chat template does not suit a conversation.
        """
        return tokens.encode(rows, tokenizer, max_length, file)

    def trainer_class(self, recipe: Keys) -> type[Trainer]:
        """Trainer that computes the recipe's loss, one of TRL's or a class derived from it."""
        from trl import SFTTrainer

        return SFTTrainer  # type: ignore[no-any-return]

    def arguments_class(self) -> type[TrainingArguments]:
        """Settings that the trainer takes, also those of all trainers."""
        from trl import SFTConfig

        return SFTConfig  # type: ignore[no-any-return]

    def settings(self, recipe: Keys) -> dict[str, Any]:
        """Settings that are added to those of all methods, or replace them.

        The default: rows have their length already, and none is cut; packed ones are told apart
        by their positions.
        """
        return {"max_length": None, "padding_free": recipe.training.packing}
