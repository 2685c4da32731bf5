"""What commands do to rows: one file or folder a step.

    from arabench.corpus.steps import NormalizeStep, normalize_files

A new step is one file here, with a subclass of `arabench.corpus.step.Step`, and one line in
`STEPS`. Steps do not import each other.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

#: Module below this folder -> what it hands out: its steps, their options, what runs them on files.
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "normalize": ("NormalizeStep", "normalize_files"),
    "sentences": ("SentenceOptions", "SentenceStep", "sentence_files"),
    "script": (
        "CandidatesStep",
        "ScriptConversion",
        "ScriptStep",
        "convert_files",
        "list_candidates",
    ),
    "tokenize": ("DetokenizeStep", "TokenizeStep", "detokenize_files", "tokenize_files"),
    "dialect.fields": ("DialectOptions",),
    "dialect.labels": ("DialectStep", "dialect_files"),
    "dialect.tags": ("TagDialectStep", "tag_files"),
    "filters.filter_options": ("FilterOptions",),
    "filters.verdicts": ("FilterStep", "filter_files"),
    "dedup.duplicates": ("DedupOptions", "DedupStep", "dedup_files"),
}
_PLACES: Final = {name: module for module, names in STEPS.items() for name in names}

__all__: list[str] = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    # On first use: a command loads its own step and none of the others.
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
