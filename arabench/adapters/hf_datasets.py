"""Hugging Face datasets: moved to `arabench.engines.hf_datasets`, which new programs import."""

from __future__ import annotations

from arabench.engines.hf_datasets import (
    ExampleMap,
    normalize_examples,
)

__all__ = ["ExampleMap", "normalize_examples"]
