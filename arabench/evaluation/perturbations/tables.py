"""The tables of tables.toml: keyboards, confusions, chat spellings."""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Any


@functools.cache
def tables() -> dict[str, Any]:
    """Section -> content."""
    folder = files("arabench.evaluation.perturbations")
    return tomllib.loads(folder.joinpath("tables.toml").read_text(encoding="utf-8"))
