"""A whole recipe: everything that decides a training run."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from arabench.files.settings import Section
from arabench.trainers.recipe.sections import (
    BaseSection,
    DataSection,
    LoraSection,
    QuantizationSection,
    TrainingSection,
)


def _known_method(value: Any) -> Any:
    # Here, for methods know the sections of a recipe, whose package holds this file.
    from arabench.trainers.methods.table import METHODS

    known = list(METHODS)
    if value not in known:
        *others, last = [repr(name) for name in known]
        raise ValueError(f"Input should be {', '.join(others)}{' or ' if others else ''}{last}")
    return value


class Recipe(Section):
    """A whole training run."""

    method: Annotated[str, BeforeValidator(_known_method)] = "sft"
    """Supervised fine-tuning."""
    output_dir: str = Field(min_length=1)
    """Gets adapter/, recipe.yaml, run.json, losses.jsonl, losses.png."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: CUDA where there is one."""
    base: BaseSection
    data: DataSection
    quantization: QuantizationSection = QuantizationSection()
    lora: LoraSection = LoraSection()
    training: TrainingSection = TrainingSection()

    @model_validator(mode="after")
    def _patience_measures(self) -> Recipe:
        if self.training.patience and not self.data.validation:
            raise ValueError(
                f"training.patience ({self.training.patience}) waits for the loss on held-out "
                "rows, and data.validation holds none out: set it to a share such as 0.02"
            )
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything but where the output goes."""
        content = self.model_dump(mode="json", exclude={"output_dir"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
