"""Messages and progress on standard error; quiet progress when it is not a terminal."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds to wait for the store of a launcher.
_STORE_PATIENCE_S = 5


def say(message: str) -> None:
    """One line for the user, on standard error: standard output is for data."""
    sys.stderr.write(f"arabench: {message}\n")
    sys.stderr.flush()


class _Said(logging.Handler):
    """Writes warnings of ours as `say` does."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def say_warnings() -> None:
    """From here on, warnings of ours begin as every other message does."""
    log = logging.getLogger("arabench")
    if not any(isinstance(handler, _Said) for handler in log.handlers):
        log.addHandler(_Said(logging.WARNING))


def is_first_to_say(message: str) -> bool:
    """Whether no other process of this run (`torchrun`) has said the same.

    Asked of the store that the launcher keeps. Where there is none that answers, everybody speaks.
    """
    try:
        from torch.distributed import TCPStore  # type: ignore[attr-defined] # not in its stubs

        store = TCPStore(
            os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False,
            timeout=timedelta(seconds=_STORE_PATIENCE_S), wait_for_workers=False,
        )  # fmt: skip
        place = f"arabench/said/{hashlib.sha256(message.encode('utf-8', 'replace')).hexdigest()}"
        return bool(store.add(place, 1) == 1)
    except (ImportError, KeyError, ValueError, RuntimeError):
        return True


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
def step_progress(label: str, total_steps: int | None) -> Iterator[Callable[[int, float], None]]:
    """Progress over optimizer steps with the loss; a line every tenth when not a terminal.

    Where the number of steps is not known, a line every ten.
    """
    if not sys.stderr.isatty():
        every = 10 if total_steps is None else max(1, total_steps // 10)
        of_all = "" if total_steps is None else f"/{total_steps}"

        def report(step: int, loss: float) -> None:
            if step % every == 0 or step == total_steps:
                say(f"{label}: step {step}{of_all}, loss {loss:.4f}")

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


@contextlib.contextmanager
def document_progress() -> Iterator[DocumentProgress | None]:
    """Progress over the documents of an evaluation; None when standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield DocumentProgress(progress)


class DocumentProgress:
    """Two bars: the documents of the task in hand, and those of all tasks and models."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._all = progress.add_task("all documents", total=None)
        self._one = progress.add_task("", total=None, visible=False)

    def plan(self, documents: int) -> None:
        """So many documents are asked in all."""
        self._progress.update(self._all, total=documents)

    def begin(self, task: str, documents: int, done: int) -> None:
        """A task begins, or goes on behind `done` documents."""
        self._progress.reset(self._one, description=task, total=documents, completed=done)
        self._progress.update(self._one, visible=done < documents)
        self._progress.advance(self._all, done)

    def advance(self, documents: int) -> None:
        """Some more documents of it are done."""
        self._progress.advance(self._one, documents)
        self._progress.advance(self._all, documents)
