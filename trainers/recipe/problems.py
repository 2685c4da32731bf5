"""What is wrong with a recipe, in words."""

from __future__ import annotations

from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError

from arabench.errors import did_you_mean
from arabench.trainers.recipe.schema import Recipe


def explain(error: ValidationError) -> str:
    """The first problem, in words, with the nearest valid key or the allowed values."""
    # A misspelt key also leaves its right name missing: say what was misspelt.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = [str(part) for part in first["loc"]]
    name = ".".join(where)
    if first["type"] == "extra_forbidden":
        allowed = _section_at(where[:-1]).model_fields
        return f"unknown key {name!r}. {did_you_mean(where[-1], allowed)}"
    if first["type"] == "missing":
        return f"key {name!r} is missing. It is required."
    if first["type"] == "model_type":
        allowed = _section_at(where).model_fields
        return f"{name!r} is a section with the keys {', '.join(allowed)}, not {first['input']!r}."
    given = f", not {first['input']!r}" if not isinstance(first["input"], dict) else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"{name + ': ' if name else ''}{message}{given}."


def _section_at(where: list[str]) -> type[BaseModel]:
    model: type[BaseModel] = Recipe
    for part in where:
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)] if get_origin(annotation) else [annotation]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return model
