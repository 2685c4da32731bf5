"""The loss log as a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from arabench.files.atomic import atomic_writer


def plot_losses(rows: list[dict[str, Any]], path: Path, unit: str = "nats per token") -> None:
    """Loss, gradient norm, learning rate and memory over steps, as PNG.

    Methods of preferences have the margin of rewards too, and its accuracy where there are pairs.

    Args:
        rows: of the loss log.
        path: of the picture.
        unit: of the loss.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    steps = [row["step"] for row in rows]
    memory_key = "gpu_peak_bytes" if any(row["gpu_peak_bytes"] for row in rows) else "rss_bytes"
    panels = [
        ("loss", f"loss ({unit})", 1.0),
        ("grad_norm", "gradient norm before clipping", 1.0),
        ("learning_rate", "learning rate", 1.0),
        (memory_key, "peak GPU memory (GiB)" if "gpu" in memory_key else "RAM (GiB)", 2.0**30),
    ]
    panels += [
        (key, title, 1.0)
        for key, title in (
            ("reward_margin", "margin of rewards"),
            ("reward_accuracy", "share of pairs with a positive margin"),
        )
        if any(row.get(key) is not None for row in rows)
    ]
    columns = math.ceil(len(panels) / 2)
    figure, axes = plt.subplots(2, columns, figsize=(4.5 * columns, 6), constrained_layout=True)
    marker = "o" if len(steps) < 2 else None  # a line through one point is invisible
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (key, title, scale) in zip(axes.flat, panels, strict=False):
        read = [row.get(key) for row in rows]
        values = [math.nan if value is None else value / scale for value in read]  # a gap
        axis.plot(steps, values, linewidth=1.2, marker=marker)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("optimizer step")
        axis.grid(alpha=0.3)
    with atomic_writer(str(path)) as stream:
        figure.savefig(stream, format="png", dpi=110)
    plt.close(figure)
