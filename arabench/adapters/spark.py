"""Spark: moved to `arabench.engines.spark`, which new programs import."""

from __future__ import annotations

from arabench.engines.spark import (
    PartitionMap,
    normalize_dataframe,
    normalize_partitions,
)

__all__ = ["PartitionMap", "normalize_dataframe", "normalize_partitions"]
