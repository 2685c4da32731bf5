"""Recipes as YAML: read, overridden by dotted keys, and written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from arabench.errors import UsageError
from arabench.trainers.recipe.problems import explain
from arabench.trainers.recipe.schema import Recipe


def load_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read and check a recipe.

    Args:
        path: YAML file.
        overrides: dotted keys to values, as `--set training.max_steps=50`.

    Raises:
        UsageError: file missing, no YAML, unknown key, wrong type or value.
    """
    file = Path(path)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"recipe {str(path)!r} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {str(path)!r} cannot be read: {error}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"recipe {str(path)!r} is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"recipe {str(path)!r} must hold keys and values, like `output_dir: out`.")
    for key, value in (overrides or {}).items():
        _set(content, key, value)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"recipe {str(path)!r}: {explain(error)}") from error


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
