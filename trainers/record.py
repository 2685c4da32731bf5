"""What a run leaves behind besides the adapter: loss log, plot, environment, hashes."""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from arabench.files.atomic import atomic_writer

_PACKAGES = ("arabench", "torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


def environment() -> dict[str, Any]:
    """Versions and hardware that can change the numbers of a run."""
    import torch

    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "packages": versions,
    }


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    with atomic_writer(str(path)) as stream:
        stream.write(json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8"))


def read_losses(path: Path) -> list[dict[str, Any]]:
    """Rows of a loss log; a last line cut by a kill is left out."""
    rows = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
    return rows


def loss_logger(path: Path, on_step: Any = None) -> Any:
    """A trainer callback that appends one row per optimizer step to `path`.

    Rows: step, loss (nats per token), grad_norm, learning_rate, seconds since the start of
    this process's training, peak GPU bytes or resident bytes. When a run resumes, rows
    after the checkpoint are dropped first, so that every step stands once.
    """
    import psutil
    import torch
    from transformers import TrainerCallback

    class LossLogger(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.started = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.started = time.monotonic()
            kept = [row for row in read_losses(path) if row["step"] <= state.global_step]
            with atomic_writer(str(path)) as stream:
                stream.writelines(f"{json.dumps(row)}\n".encode() for row in kept)

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any
        ) -> None:
            if not logs or "loss" not in logs:
                return
            row = {
                "step": state.global_step,
                "loss": float(logs["loss"]),
                "grad_norm": float(logs.get("grad_norm", float("nan"))),
                "learning_rate": float(logs["learning_rate"]),
                "seconds": round(time.monotonic() - self.started, 3),
                "rss_bytes": psutil.Process().memory_info().rss,
                "gpu_peak_bytes": torch.cuda.max_memory_allocated()
                if torch.cuda.is_available()
                else 0,
            }
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            if on_step is not None:
                on_step(row["step"], row["loss"])

    return LossLogger()


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
        axis.plot(steps, [row[key] / unit for row in rows], linewidth=1.2, marker=marker)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("optimizer step")
        axis.grid(alpha=0.3)
    with atomic_writer(str(path)) as stream:
        figure.savefig(stream, format="png", dpi=110)
    plt.close(figure)
