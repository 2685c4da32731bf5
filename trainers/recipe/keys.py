"""The keys of a recipe: what a method reads of the run that it is part of."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from arabench.files.settings import Section
from arabench.trainers.recipe.losses import (
    CpoSection,
    DpoSection,
    IpoSection,
    KtoSection,
    OrpoSection,
    SimpoSection,
)
from arabench.trainers.recipe.sections import (
    BaseSection,
    DataSection,
    LoraSection,
    QuantizationSection,
    TrainingSection,
)

#: Sections that belong to the method of their name.
OWN: Final = ("dpo", "ipo", "kto", "cpo", "simpo", "orpo")


class Keys(Section):
    """A training run; `Recipe` is that of a method that is known."""

    method: str = "sft"
    """The loss. A section of its name holds its own settings, and no other does."""
    output_dir: str = Field(min_length=1)
    """Gets adapter/, recipe.yaml, run.json, losses.jsonl, losses.png."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: CUDA where there is one."""
    base: BaseSection
    data: DataSection
    quantization: QuantizationSection = QuantizationSection()
    lora: LoraSection = LoraSection()
    training: TrainingSection = TrainingSection()
    dpo: DpoSection | None = None
    ipo: IpoSection | None = None
    kto: KtoSection | None = None
    cpo: CpoSection | None = None
    simpo: SimpoSection | None = None
    orpo: OrpoSection | None = None

    @model_serializer(mode="wrap")
    def _without_others(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = write(self)
        return {key: value for key, value in content.items()
                if key not in OWN or value is not None}  # fmt: skip
