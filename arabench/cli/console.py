"""Messages and progress on standard error; quiet progress when it is not a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


def say(message: str) -> None:
    """One line for the user, on standard error: standard output is for data."""
    sys.stderr.write(f"arabench: {message}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def byte_progress(label: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar in bytes with rate and time left; yields the function that advances it."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total_bytes)
        yield lambda count: progress.advance(task, count)


@contextlib.contextmanager
def step_progress(label: str, total_steps: int) -> Iterator[Callable[[int, float], None]]:
    """Progress over optimizer steps with the loss; a line every tenth when not a terminal."""
    if not sys.stderr.isatty():
        every = max(1, total_steps // 10)

        def report(step: int, loss: float) -> None:
            if step % every == 0 or step == total_steps:
                say(f"{label}: step {step}/{total_steps}, loss {loss:.4f}")

        yield report
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total_steps, loss="-")
        yield lambda step, loss: progress.update(task, completed=step, loss=f"{loss:.4f}")
