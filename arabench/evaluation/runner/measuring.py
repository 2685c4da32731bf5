"""One model over all tasks of a run: what is done is kept, whatever happens to the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from arabench.errors import ArabenchError
from arabench.evaluation.harness.answers import AnswerStore, MemoryStore
from arabench.evaluation.harness.assemble import Selection
from arabench.evaluation.harness.evaluator import (
    LoadedTask,
    Model,
    Prompting,
    TaskRun,
    Tasks,
    load_task,
)
from arabench.evaluation.runner.log import OutputError, SampleLog
from arabench.evaluation.runner.processes import ALONE, Team
from arabench.evaluation.runner.progress import Begun, Progress

#: Documents of tasks that are held from the check before a run to their turn. What goes beyond is
#: loaded again, so that a run over large data holds one task at a time.
HELD_DOCUMENTS: Final = 20_000
#: Failed tasks that a message names with their reasons; results name all.
SHOWN_FAILURES: Final = 3


class Watcher(Protocol):
    """Who is told how far a run is."""

    def plan(self, documents: int) -> None:
        """So many documents are asked in all, of all models."""

    def begin(self, task: str, documents: int, done: int) -> None:
        """A task begins, or goes on behind `done` documents."""

    def advance(self, documents: int) -> None:
        """Some more documents of it are done."""


class Silent:
    """A watcher that says nothing."""

    def plan(self, documents: int) -> None:
        """Say nothing."""

    def begin(self, task: str, documents: int, done: int) -> None:
        """Say nothing."""

    def advance(self, documents: int) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Plan:
    """What is measured, and how.

    Attributes:
        manager: of lm-eval, over our tasks and the data chosen.
        selection: tasks and groups.
        prompting: how documents become prompts.
        window: documents asked together.
    """

    manager: Tasks
    selection: Selection
    prompting: Prompting
    window: int


class TaskShelf:
    """Tasks that were loaded to be checked, held for their turn as far as memory allows.

    Attributes:
        documents: that are asked of the tasks loaded so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.documents = 0
        self._plan = plan
        self._held: dict[str, LoadedTask] = {}

    def load_all(self, names: Iterable[str]) -> Iterator[LoadedTask]:
        """Every task once, each held if there is room.

        Raises:
            ArabenchError: the data of one is missing or broken.
        """
        for name in names:
            task = load_task(self._plan.manager, name, self._plan.prompting)
            self.documents += self._plan.prompting.count(len(task.eval_docs))
            if self.documents <= HELD_DOCUMENTS:
                self._held[name] = task
            yield task

    def take(self, name: str) -> LoadedTask:
        """A task for its run."""
        task = self._held.pop(name, None)
        return task or load_task(self._plan.manager, name, self._plan.prompting)


def check_tasks(plan: Plan, shelf: TaskShelf, lm: Model) -> None:
    """Load every task, and refuse the run where one of them cannot be measured.

    Raises:
        ArabenchError: says which task, and why.
    """
    for task in shelf.load_all(plan.selection.tasks):
        TaskRun(task, lm, plan.prompting).check()


def measure_tasks(
    plan: Plan,
    lm: Model,
    folder: Path,
    progress: Progress,
    store: AnswerStore,
    shelf: TaskShelf,
    watcher: Watcher,
    team: Team = ALONE,
) -> dict[str, str]:
    """Measure every task that is not done; what fails is left, and the others go on.

    In the other processes of a team `follow_tasks` runs meanwhile.

    Returns:
        failed task -> why.

    Raises:
        OutputError: logs or the record of the run cannot be written.
    """
    failed: dict[str, str] = {}
    done = progress.done()
    team.share(lambda: list(done))
    for name in plan.selection.tasks:
        if name in done:
            documents = int(done[name]["samples"]["effective"])
            watcher.begin(name, documents, documents)
            continue
        try:
            _measure_task(plan, name, lm, folder, progress, store, shelf, watcher, team)
        except OutputError:
            raise
        except ArabenchError as error:
            failed[name] = str(error)
        except Exception as error:  # of templates, models and data, which are other people's
            failed[name] = f"{type(error).__name__}: {str(error)[:300]}"
        progress.forget()
    return failed


def _measure_task(
    plan: Plan,
    name: str,
    lm: Model,
    folder: Path,
    progress: Progress,
    store: AnswerStore,
    shelf: TaskShelf,
    watcher: Watcher,
    team: Team,
) -> None:
    log = SampleLog(folder, name, progress.stamp)

    def begin() -> tuple[TaskRun, Begun]:
        run = TaskRun(shelf.take(name), lm, plan.prompting)
        begun = progress.begun(name)
        for row in log.resume(begun.bytes, begun.sha256):
            run.add(row)
        if begun.state is not None:
            run.restore(begun.state)
        return run, begun

    run, begun = team.lead(begin, lambda made: made[1])
    watcher.begin(name, run.documents, begun.documents)
    size = team.window(plan.window, run.documents)
    for group in team.groups(run.windows(size, begun.documents)):
        rows = team.ask(run, group, store)
        log.append(rows)
        for row in rows:
            run.add(row)
        progress.commit(name, Begun(group[-1].stop, *log.mark, run.state()))
        watcher.advance(sum(map(len, group)))
    outcome = run.outcome()
    log.finish()
    progress.finish(name, outcome)


def follow_tasks(plan: Plan, lm: Model, shelf: TaskShelf, team: Team) -> None:
    """Ask this process's windows of the tasks that the first process measures."""
    done = team.follow(list)
    store = MemoryStore()
    for name in plan.selection.tasks:
        if name in done:
            continue
        try:
            begun = team.follow(Begun)
        except ArabenchError:  # said by the first process
            continue
        run = TaskRun(shelf.take(name), lm, plan.prompting)
        if begun.state is not None:
            run.restore(begun.state)
            run.hand_over()  # counted by the first process already
        size = team.window(plan.window, run.documents)
        try:
            for group in team.groups(run.windows(size, begun.documents)):
                team.ask(run, group, store)
        except ArabenchError:  # said by the first process
            continue


def failures_in_words(failed: dict[str, str], of: int, where: Path) -> str:
    """What failed and what to do, in one message."""
    shown = "; ".join(f"{name}: {why}" for name, why in list(failed.items())[:SHOWN_FAILURES])
    more = len(failed) - SHOWN_FAILURES
    others = f"; and {more} more (arabench.failed in the results)" if more > 0 else ""
    return (
        f"{len(failed)} of {of} tasks could not be measured: {shown}{others}. The others are in "
        f"{where}. Mend that and give the same command again: only the rest is measured."
    )
