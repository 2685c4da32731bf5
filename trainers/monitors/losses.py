"""The loss log: one row per optimizer step."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import ArabenchError
from arabench.files.atomic import atomic_writer
from arabench.trainers.monitors.rewards import rewards_of

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

#: What a row may lack: an overflown norm, and whatever a checkpoint does not keep.
_EMPTY: Final = dict.fromkeys(("grad_norm", "seconds", "rss_bytes", "gpu_peak_bytes"))
_KEYS: Final = ("step", "loss", "grad_norm", "learning_rate", "seconds", "rss_bytes",
                "gpu_peak_bytes")  # fmt: skip
#: What rows of methods of preferences have too.
_REWARDS: Final = ("reward_margin", "reward_accuracy")


def read_losses(path: Path) -> list[dict[str, Any]]:
    """Rows of a loss log; damaged lines, such as a last one cut by a kill, are left out."""
    if not path.exists():
        return []
    return _whole(map(_parsed, path.read_text(encoding="utf-8", errors="replace").splitlines()))


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _whole(rows: Iterable[object]) -> list[dict[str, Any]]:
    """Rows that name a step and hold its loss and rate, by step; of several of a step the last."""
    found = {
        row["step"]: {**_EMPTY, **rewards_of(row), **row}
        for row in rows
        if isinstance(row, dict)
        and type(row.get("step")) is int
        and all(_is_number(row.get(key)) for key in ("loss", "learning_rate"))
        and all(row.get(key) is None or _is_number(row[key]) for key in _EMPTY)
    }
    return [found[step] for step in sorted(found)]


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and math.isfinite(value)  # type: ignore[arg-type]


def check_finite(logs: dict[str, Any], step: int, *, scaled: bool) -> None:
    """Refuse a loss or gradient norm that is no finite number.

    Args:
        logs: `loss` and `grad_norm` of a step.
        step: its number.
        scaled: the gradients are scaled (float16 on a GPU): a norm that overflows is how the
            scale is found, and such a step changes nothing.

    Raises:
        ArabenchError: naming the step.
    """
    for key, name in (("loss", "loss"), ("grad_norm", "gradient norm")):
        value = float(logs.get(key, 0.0))
        if not math.isfinite(value) and not (scaled and key == "grad_norm"):
            raise diverged(f"in step {step} the {name} is {value}")


def diverged(what: str) -> ArabenchError:
    """The error for a run whose numbers are no numbers any more, and what to do."""
    return ArabenchError(
        f"this run diverged: {what}. No adapter was written; checkpoints and losses of the steps "
        "before are kept. Lower training.learning_rate (or raise training.warmup_steps), look at "
        "the data, and start over with --overwrite."
    )


def loss_logger(path: Path, on_step: Callable[[int, float], None] | None = None) -> TrainerCallback:
    """A trainer callback that appends one row per optimizer step to `path`.

    Rows: step, loss (in nats per token, or as the method has it), grad_norm (null where it
    overflowed and the step was left out), learning_rate, seconds since the start of this process's
    training, peak GPU bytes, resident bytes, of methods of preferences also reward_margin and
    reward_accuracy. When a run resumes, rows after the checkpoint are dropped first, and rows that
    are lost or damaged are written again from the checkpoint, without time and memory, so that
    every step stands once.

    The callback raises `ArabenchError` at the first step that is no number.
    """
    import psutil
    import torch
    from transformers import TrainerCallback

    class LossLogger(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.started = 0.0

        def on_train_begin(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            **kwargs: Any,
        ) -> None:
            self.started = time.monotonic()
            rows = _whole([*state.log_history, *read_losses(path)])
            kept = [
                {key: row[key] for key in (*_KEYS, *_REWARDS) if key in row}
                for row in rows
                if row["step"] <= state.global_step
            ]
            with atomic_writer(str(path)) as stream:
                stream.writelines(f"{json.dumps(row)}\n".encode() for row in kept)

        def on_log(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            logs: dict[str, Any] | None = None,
            **kwargs: Any,
        ) -> None:
            if not logs or "loss" not in logs:
                return
            check_finite(logs, state.global_step, scaled=args.fp16)
            norm = float(logs.get("grad_norm", math.nan))
            row = {
                "step": state.global_step,
                "loss": float(logs["loss"]),
                "grad_norm": norm if math.isfinite(norm) else None,
                "learning_rate": float(logs["learning_rate"]),
                "seconds": round(time.monotonic() - self.started, 3),
                "rss_bytes": psutil.Process().memory_info().rss,
                "gpu_peak_bytes": torch.cuda.max_memory_allocated()
                if torch.cuda.is_available()
                else 0,
                **rewards_of(logs),
            }
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            if on_step is not None:
                on_step(row["step"], row["loss"])

    return LossLogger()
