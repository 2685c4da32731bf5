"""Moved to `arabench.evaluation.data.source`. These names stay."""

from arabench.evaluation.data.source import (
    ENGLISH,
    HUB_PREFIX,
    Source,
    code_of,
    known_codes,
)

__all__ = [
    "ENGLISH",
    "HUB_PREFIX",
    "Source",
    "code_of",
    "known_codes",
]
