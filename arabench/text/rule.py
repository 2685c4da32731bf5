"""Where `arabench.text.rules.rule` was; its names stay importable from here."""

from __future__ import annotations

from arabench.text.rules.rule import (
    Edit,
    Rule,
    ScanRule,
    char_map,
    replay,
    scanner,
    substitution,
)

__all__ = ["Edit", "Rule", "ScanRule", "char_map", "replay", "scanner", "substitution"]
