"""The loss log: one row per optimizer step."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from arabench.files.atomic import atomic_writer


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
