"""The loss log as a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from arabench.files.atomic import atomic_writer


def plot_losses(rows: list[dict[str, Any]], path: Path) -> None:
    """Loss, gradient norm, learning rate and memory over steps, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    steps = [row["step"] for row in rows]
    memory_key = "gpu_peak_bytes" if any(row["gpu_peak_bytes"] for row in rows) else "rss_bytes"
    panels = [
        ("loss", "loss (nats per token)", 1.0),
        ("grad_norm", "gradient norm before clipping", 1.0),
        ("learning_rate", "learning rate", 1.0),
        (memory_key, "peak GPU memory (GiB)" if "gpu" in memory_key else "RAM (GiB)", 2.0**30),
    ]
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), constrained_layout=True)
    marker = "o" if len(steps) < 2 else None  # a line through one point is invisible
    for axis, (key, title, unit) in zip(axes.flat, panels, strict=True):
        values = [math.nan if row[key] is None else row[key] / unit for row in rows]  # a gap
        axis.plot(steps, values, linewidth=1.2, marker=marker)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("optimizer step")
        axis.grid(alpha=0.3)
    with atomic_writer(str(path)) as stream:
        figure.savefig(stream, format="png", dpi=110)
    plt.close(figure)
