"""datatrove: moved to `arabench.engines.datatrove_step`, which new programs import."""

from __future__ import annotations

from arabench.engines.datatrove_step import NormalizeDocuments

__all__ = ["NormalizeDocuments"]
