"""Named sets of options, as presets.toml has them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from arabench.errors import UsageError, did_you_mean
from arabench.text.options import DEFAULTS, DETAILS, Options


@functools.cache
def presets() -> dict[str, dict[str, Any]]:
    """All presets as in presets.toml: option values and a `description`."""
    text = files("arabench.text").joinpath("presets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def options_from(
    preset: str = "none", overrides: Mapping[str, str | int | float] | None = None
) -> Options:
    """Options of a preset with some fields replaced.

    Raises:
        UsageError: unknown preset, option or value, or a contradiction.
    """
    known = presets()
    if preset not in known:
        raise UsageError(f"preset {preset!r} is not known. {did_you_mean(preset, known)}")
    values = {key: value for key, value in known[preset].items() if key != "description"}
    for key, value in (overrides or {}).items():
        if key not in DEFAULTS:
            raise UsageError(f"option {key!r} is not known. {did_you_mean(key, DEFAULTS)}")
        values[key] = value
    if values.get("alif") == "unify" or values.get("hamza", "keep") != "keep":
        values.setdefault("mark_order", "canonical")
    for key, (main, needed) in DETAILS.items():
        # An override that turns a rule off takes the preset's details of it along.
        if key not in (overrides or {}) and values.get(main) not in needed:
            values.pop(key, None)
    return Options(**values)
