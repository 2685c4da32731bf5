"""Several processes over one run: each asks whole windows, the first keeps everything.

`torchrun --nproc_per_node N` starts them and says in the environment which one each is. All load
the model; windows of documents are dealt out in turn, and their rows come back to the first
process, which alone writes logs, progress and results. A window holds no more than the share of a
process. It is the same requests whoever asks it, so that the numbers are those of one process;
where windows are smaller than one process would have them, batches move their last bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from arabench.errors import ArabenchError, UsageError
from arabench.evaluation.harness.answers import AnswerStore
from arabench.evaluation.harness.evaluator import TaskRun

Shared = TypeVar("Shared")
#: Set by `accelerate launch` in every process that it starts.
_OF_ACCELERATE: Final = "ACCELERATE_MIXED_PRECISION"


@dataclass(frozen=True)
class Team:
    """The processes of a run.

    Attributes:
        rank: of this process; 0 is the first.
        size: how many there are.
        local_rank, local_size: among those of this machine.
        note: what is to be said of how they were started, empty if nothing is.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    note: str = ""

    @property
    def first(self) -> bool:
        """Whether this process keeps results."""
        return self.rank == 0

    def device(self, wanted: str) -> str:
        """The device of this process: of several on a machine with GPUs, each has one of its own.

        Raises:
            UsageError: there are more processes than GPUs.
        """
        from arabench.models.devices import pick_device

        if self.size == 1 or pick_device(wanted) != "cuda":
            return wanted
        import torch

        if self.local_size > torch.cuda.device_count():
            raise UsageError(
                f"{self.local_size} processes were started on {torch.cuda.device_count()} GPUs. "
                "Start as many as there are GPUs (--nproc_per_node), or give --device cpu."
            )
        return f"cuda:{self.local_rank}"

    def threads(self, wanted: int | None) -> int | None:
        """Threads of this process: the machine's are shared out unless a number is asked for."""
        if wanted is not None or self.size == 1:
            return wanted
        from arabench.models.devices import pick_threads

        return max(1, pick_threads(None).count // self.local_size)

    def share(self, make: Callable[[], Shared]) -> Shared:
        """In the first process: make something, and tell the others."""
        return self.lead(make, lambda made: made)

    def lead(self, make: Callable[[], Shared], part: Callable[[Shared], object]) -> Shared:
        """In the first process: make something, and tell the others a part of it.

        An error is told too, and raised in all of them.
        """
        if self.size == 1:
            return make()
        try:
            made = make()
        except Exception as error:
            _spread([None, str(error)])
            raise
        _spread([part(made), None])
        return made

    def follow(self, kind: type[Shared]) -> Shared:
        """In the others: what the first process tells.

        Args:
            kind: of what it tells.

        Raises:
            ArabenchError: it tells of an error, or of something else.
        """
        found: list[Any] = [None, None]
        _spread(found)
        if found[1] is not None:
            raise ArabenchError(found[1])
        if not isinstance(found[0], kind):
            raise ArabenchError("the processes of this run are not at the same place.")
        return found[0]

    def window(self, most: int, documents: int) -> int:
        """Documents of a window, so that every process has a share of a task."""
        return max(1, min(most, -(-documents // self.size))) if self.size > 1 else most

    def groups(self, windows: Iterable[range]) -> Iterator[list[range]]:
        """Windows that are asked at the same time."""
        rest = iter(windows)
        while group := list(islice(rest, self.size)):
            yield group

    def ask(self, run: TaskRun, group: list[range], store: AnswerStore) -> list[dict[str, Any]]:
        """Rows of all windows of a group, in order; empty in all processes but the first.

        Raises:
            ArabenchError: a document, a prompt or the model is at fault, in any process.
        """
        if self.size == 1:
            return run.ask(group[0], store)
        mine: dict[str, Any] = {"rows": [], "tallies": None, "error": None}
        try:
            for number, window in enumerate(group):
                if number == self.rank:
                    mine["rows"] = run.ask(window, store)
                else:
                    run.pass_over(window)
            mine["tallies"] = None if self.first else run.hand_over()
        except Exception as error:
            mine["error"] = str(error) if isinstance(error, ArabenchError) else repr(error)[:300]
        parts = _gather(mine, self.size)
        wrong = next((part["error"] for part in parts if part["error"]), None)
        if wrong is not None:
            raise ArabenchError(wrong)
        if not self.first:
            return []
        for part in parts[1:]:
            run.take_over(part["tallies"])
        return [row for part in parts for row in part["rows"]]


#: One process alone.
ALONE: Final = Team()


def join_team(environment: Mapping[str, str] | None = None) -> Team:
    """The processes that this one was started with; they find each other here.

    Raises:
        UsageError: the environment is not what a launcher writes.
    """
    given = os.environ if environment is None else environment
    try:
        numbers = [
            int(given.get(name, default))
            for name, default in (
                ("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"),
            )
        ]  # fmt: skip
    except ValueError as error:
        raise UsageError(
            f"RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE must be whole numbers: {error}."
        ) from error
    rank, size, local_rank, local_size = numbers
    if size <= 1:
        return Team(note=_ONE_ONLY if _OF_ACCELERATE in given else "")
    import torch.distributed

    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    return Team(rank, size, local_rank, local_size)


_ONE_ONLY: Final = (
    "accelerate launch has started one process (with --cpu it starts no more, whatever "
    "--num_processes says): start several with "
    "`torchrun --nproc_per_node N -m arabench.cli eval ...`"
)


def _spread(found: list[Any]) -> None:
    import torch.distributed

    torch.distributed.broadcast_object_list(found, src=0)


def _gather(mine: object, size: int) -> list[dict[str, Any]]:
    """What every process hands over, in all of them: an error must reach the last one."""
    import torch.distributed

    parts: list[Any] = [None] * size
    torch.distributed.all_gather_object(parts, mine)
    return parts
