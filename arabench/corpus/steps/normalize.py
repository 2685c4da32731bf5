"""Normalize files: the step behind `arabench normalize`."""

from __future__ import annotations

from collections.abc import Callable

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import TextStep
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer


class NormalizeStep(TextStep):
    """Rewrites the text of every row; keeps all other fields."""

    engine: BatchNormalizer

    def __init__(self, normalizer: Normalizer, text_field: str = "text") -> None:
        super().__init__(BatchNormalizer(normalizer), text_field)

    @property
    def signature(self) -> str:
        """Options, rule version and Unicode version."""
        return self.engine.reference.signature


def normalize_files(
    inputs: AnyInputs,
    output: str,
    normalizer: Normalizer,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Summary:
    """Rewrite the text field of every row of every input; see `run_files`."""
    io = io or IoOptions()
    return run_files(inputs, output, NormalizeStep(normalizer, io.text_field), io, on_bytes)
