"""Hugging Face datasets: a function for `Dataset.map(..., batched=True)`.

    from arabench.engines.hf_datasets import normalize_examples

    clean = dataset.map(normalize_examples("llm"), batched=True, num_proc=4)

With `dataset.with_format("arrow")` the text stays in Arrow buffers, which is faster than
the default format, where datasets makes a Python string of every row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from arabench.engines.worker import as_options, engine_for, normalize_table, normalize_texts
from arabench.errors import UsageError, did_you_mean
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options

if TYPE_CHECKING:
    import pyarrow as pa


def normalize_examples(options: Options | str = "llm", text_field: str = "text") -> ExampleMap:
    """A function from a batch of examples to the batch with `text_field` normalized.

    Works on `Dataset`, `DatasetDict` and `IterableDataset`, in the default and in the
    "arrow" format. Every other column, and null, is kept.

    Args:
        options: normalization options, or the name of a preset.
        text_field: column of the text.

    Raises:
        UsageError: unknown preset.
    """
    chosen = as_options(options)
    return ExampleMap(chosen, text_field, Normalizer(chosen).signature)


@dataclasses.dataclass(frozen=True)
class ExampleMap:
    """The function `normalize_examples` makes.

    datasets names the cached result of a map after a hash of the pickled function. This one
    holds nothing but its settings, so the hash is the same in every process and after use,
    and changes with `signature`, that is when the rules or the Unicode version do.
    """

    options: Options
    text_field: str
    signature: str

    def __call__(
        self, examples: Mapping[str, Sequence[str | None]] | pa.Table
    ) -> dict[str, list[str | None]] | pa.Table:
        """A dict with the normalized column, or the whole table for a `pyarrow.Table`.

        Raises:
            UsageError: no such column, it holds no text, or `map` was called without
                `batched=True` or in a format other than the default and "arrow".
            DataError: an Arrow value is not UTF-8.
        """
        import pyarrow as pa

        engine = engine_for(self.options)
        if isinstance(examples, pa.Table):
            return normalize_table(examples, self.text_field, engine)
        return {self.text_field: normalize_texts(self._texts(examples), engine)}

    def _texts(self, examples: object) -> Sequence[str | None]:
        if not isinstance(examples, Mapping):
            # Of pandas and polars frames datasets would keep only what is returned.
            raise UsageError(
                f"examples came as {type(examples).__name__}. Use the default format or "
                "dataset.with_format('arrow'), and map without input_columns."
            )
        if self.text_field not in examples:
            raise UsageError(
                f"the dataset has no column {self.text_field!r}. "
                f"{did_you_mean(self.text_field, list(examples))} Choose one with text_field."
            )
        texts: Sequence[str | None] = examples[self.text_field]
        if isinstance(texts, str) or texts is None:
            raise UsageError("examples came one by one. Use dataset.map(..., batched=True).")
        for text in texts:
            if text is not None and not isinstance(text, str):
                raise UsageError(
                    f"column {self.text_field!r} holds {type(text).__name__}, not text. "
                    "Choose a text column with text_field."
                )
        return texts
