"""Where options, presets and the reference engine were; their names stay importable from here.

They are in `arabench.text.options`, `arabench.text.presets` and `arabench.text.normalizer`.
"""

from __future__ import annotations

from arabench.text.normalizer import Normalizer, is_idempotent, rules_for
from arabench.text.options import (
    RULES_VERSION,
    Options,
    option_docs,
    option_hints,
    option_values,
)
from arabench.text.presets import options_from, presets

__all__ = [
    "RULES_VERSION",
    "Normalizer",
    "Options",
    "is_idempotent",
    "option_docs",
    "option_hints",
    "option_values",
    "options_from",
    "presets",
    "rules_for",
]
