"""Where the files that travel with the package are, in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path


def _beside_or_inside(name: str) -> Path:
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def tasks_dir() -> Path:
    """Folder of the lm-eval task suites."""
    return _beside_or_inside("tasks")


def trainers_dir() -> Path:
    """Folder of the trainer package and its recipes."""
    return _beside_or_inside("trainers")
