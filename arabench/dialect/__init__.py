"""Which variety of Arabic a text is written in, and the words that tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arabench.dialect.identification import (
        Identification,
        Identifier,
        identify,
        identify_column,
    )

__all__ = ["Identification", "Identifier", "identify", "identify_column"]


def __getattr__(name: str) -> Any:
    # On first use: readers of markers need neither the model nor numpy.
    if name in __all__:
        from arabench.dialect import identification

        return getattr(identification, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
