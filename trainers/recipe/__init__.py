"""The recipe: everything that decides a training run, as strict YAML.

An unknown key is an error with the nearest valid one; values are checked when it is read.
"""

from arabench.files.settings import Section
from arabench.trainers.recipe.reading import dump_recipe, load_recipe
from arabench.trainers.recipe.schema import Recipe
from arabench.trainers.recipe.sections import (
    ALL_LINEAR,
    CHAT,
    BaseSection,
    DataSection,
    LoraSection,
    QuantizationSection,
    TrainingSection,
)

__all__ = [
    "ALL_LINEAR",
    "CHAT",
    "BaseSection",
    "DataSection",
    "LoraSection",
    "QuantizationSection",
    "Recipe",
    "Section",
    "TrainingSection",
    "dump_recipe",
    "load_recipe",
]
