"""Ray: moved to `arabench.engines.ray_data`, which new programs import."""

from __future__ import annotations

from arabench.engines.ray_data import (
    normalize_dataset,
    run_with_ray,
)

__all__ = ["normalize_dataset", "run_with_ray"]
