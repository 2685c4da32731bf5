"""Recipes as YAML: read, overridden by dotted keys, and written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from arabench.errors import UsageError
from arabench.files.settings import read_mapping, validate
from arabench.trainers.recipe.schema import Recipe


def load_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read and check a recipe.

    Args:
        path: YAML file.
        overrides: dotted keys to values, as `--set training.max_steps=50`.

    Raises:
        UsageError: file missing, no YAML, unknown key, wrong type or value.
    """
    content = read_mapping(path, "recipe", Recipe)
    if not content:
        raise UsageError(f"recipe {str(path)!r} must hold keys and values, like `output_dir: out`.")
    for key, value in (overrides or {}).items():
        _set(content, key, value)
    return validate(Recipe, content, f"recipe {str(path)!r}")


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML, every default written out."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), allow_unicode=True, sort_keys=False)


def _set(content: dict[str, Any], dotted: str, value: Any) -> None:
    *sections, last = dotted.split(".")
    place = content
    for section in sections:
        if place.get(section) is None:
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            raise UsageError(f"cannot set {dotted!r}: {section!r} is a value, not a section.")
    place[last] = value
