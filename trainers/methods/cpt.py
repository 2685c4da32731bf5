"""Continued pre-training: the model goes on reading raw text, all of it, in full rows.

The texts, each with its end of text, are one sequence x_1 .. x_n, which is cut into rows of
`max_length` tokens; each row begins with the last token of the row before, so that every token but
the first is predicted once. The loss is the mean cross-entropy in nats per token,

    L = - 1/n * sum over i of log p(x_i | x_s .. x_{i-1}),

where s begins the row, over all tokens of an optimizer step together (Gururangan et al. 2020, arXiv
2004.10964). What differs from `sft` on texts: rows are full, whatever the texts' lengths, and a
text sees the end of the one before in its row, behind an end of text (as in Brown et al. 2020,
arXiv 2005.14165, 2.2), while `sft` keeps texts apart.
"""

from __future__ import annotations

import array
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.errors import DataError
from arabench.trainers.data.arrow import BATCH_ROWS, RowFile
from arabench.trainers.data.sources import Place
from arabench.trainers.data.tokens import Encoded, ended_once, nothing_kept
from arabench.trainers.methods.method import Method
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from arabench.trainers.recipe.keys import Keys


class ContinuedPretraining(Method):
    """Whole texts, one behind the other."""

    def check(self, recipe: Keys) -> None:
        """Refuse prompts and conversations, and packing of what is full.

        Raises:
            ValueError: in words.
        """
        super().check(recipe)
        for key in ("prompt_field", "messages_field"):
            if getattr(recipe.data, key):
                raise ValueError(
                    f"method cpt reads raw text, and data.{key} is set: name data.text_field, or "
                    "use method sft"
                )
        if recipe.training.packing:
            raise ValueError(
                "rows of method cpt are full without training.packing: set it to false, or use "
                "method sft, which packs texts and keeps them apart"
            )

    def resolve(self, section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
        """The field `text` where none is named."""
        return section.model_copy(update={"text_field": section.text_field or "text"}), ""

    def row(
        self, source: Mapping[str, Any], section: DataSection, end_of_text: str
    ) -> dict[str, Any] | None:
        """A `text` with its end; None where there is none."""
        text = source.get(section.fields[-1]) or ""
        return {"text": text + end_of_text} if text.strip() else None

    def encode(
        self,
        rows: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        file: Path | None = None,
    ) -> Encoded:
        """Texts as one sequence, cut into full rows; the last holds what is left.

        Args:
            rows: of what `row` made.
            tokenizer: of the base.
            max_length: tokens of a row.
            file: gets the tokens, which are then mapped from it; None to hold them in memory.

        Raises:
            DataError: the tokenizer keeps nothing of any text.
        """
        vanished = longest = 0
        nothing = nothing_kept(tokenizer)
        digest = hashlib.sha256()
        held: list[int] = []
        with RowFile(file) as kept:

            def add(piece: list[int]) -> None:
                nonlocal longest
                kept.add({"input_ids": piece, "labels": piece})
                digest.update(array.array("q", [len(piece), *piece]).tobytes())
                longest = max(longest, len(piece))

            for start in range(0, len(rows), BATCH_ROWS):
                encoded: Any = tokenizer(text=rows[start : start + BATCH_ROWS]["text"])
                for ids in encoded["input_ids"]:
                    tokens = ended_once(ids, tokenizer.eos_token_id)
                    if tuple(tokens) in nothing:
                        vanished += 1
                        continue
                    held += tokens
                    at = 0
                    while len(held) - at > max_length:
                        add(held[at : at + max_length])
                        at += max_length - 1
                    held = held[at:]
            if len(held) > 1:
                add(held)
            if not kept.count:
                raise DataError(
                    f"none of {len(rows):,} rows can be learned: the tokenizer keeps nothing of "
                    "their text. Check the data, and that the tokenizer belongs to the model."
                )
            dataset = kept.finish()
        joined = len(rows) - vanished
        return Encoded(
            dataset=dataset, sha256=digest.hexdigest(), longest=longest, texts_divided=0,
            responses_shortened=0, left_out=0, vanished=vanished, pairs=False,
            said=(f"{joined:,} texts are one sequence, cut into {len(dataset):,} rows of up to "
                  f"{max_length:,} tokens",),
        )  # fmt: skip
