"""`arabench eval`: base and adapters in one process, over our tasks only.

Differences from calling `lm_eval` once per adapter: the base is loaded once, lm-eval's task
index is not built, weights are accepted as safetensors only, an adapter that does not change the
model's logits is refused, and a run that was killed goes on where it stopped. The output has
lm-eval's format, so `arabench gate` reads either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench import __version__
from arabench.errors import ArabenchError
from arabench.evaluation.data.source import HUB_PREFIX, check_folder
from arabench.evaluation.families.family import source_of
from arabench.evaluation.harness.answers import AnswerStore
from arabench.evaluation.harness.assemble import assemble_results, select_tasks
from arabench.evaluation.harness.conditions import RUN_KEY
from arabench.evaluation.harness.evaluator import Prompting
from arabench.evaluation.harness.output import write_results_file
from arabench.evaluation.harness.run import task_manager
from arabench.evaluation.harness.run_record import gather_notes
from arabench.evaluation.runner import identity
from arabench.evaluation.runner.cache import AnswerCache
from arabench.evaluation.runner.earlier import check_output, find_earlier
from arabench.evaluation.runner.identities import identities_of
from arabench.evaluation.runner.measuring import (
    Plan,
    Silent,
    TaskShelf,
    Watcher,
    check_tasks,
    failures_in_words,
    follow_tasks,
    measure_tasks,
)
from arabench.evaluation.runner.processes import Team, join_team
from arabench.evaluation.runner.progress import Progress, RunAnswers, refuse_other
from arabench.evaluation.runner.request import BASE, Request, check_choices, check_names
from arabench.evaluation.runner.subjects import Subject, subject_of
from arabench.files.environment import package_versions
from arabench.files.locks import hold_folder
from arabench.models.adapters import Effect
from arabench.models.checkpoints import (
    AdapterInfo,
    check_same_base,
    inspect_adapter,
    inspect_base,
    is_local,
)
from arabench.models.devices import use_threads

if TYPE_CHECKING:
    from arabench.models.devices import Threads

LOCK_NAME: Final = ".arabench-eval.lock"
_PACKAGES: Final = ("lm_eval", "sacrebleu", "torch", "transformers", "peft")
_KEPT: Final = "What was measured is kept: the same command goes on from there."
#: The part of an identity that is known only once the tokenizer is loaded.
_LATE: Final = "tokenizer"


class UnfinishedError(ArabenchError):
    """Some tasks could not be measured.

    Attributes:
        folders: name -> folder of the models that have results of other tasks.
    """

    def __init__(self, message: str, folders: Mapping[str, Path]) -> None:
        super().__init__(message)
        self.folders = dict(folders)


@dataclass(frozen=True)
class _Job:
    """A request whose names and files were checked."""

    request: Request
    plan: Plan
    adapters: dict[str, AdapterInfo]
    say: Callable[[str], None]
    watcher: Watcher
    team: Team

    @property
    def output(self) -> Path:
        return Path(self.request.output)


def evaluate(
    request: Request, say: Callable[[str], None], watcher: Watcher | None = None
) -> dict[str, Path]:
    """Evaluate base and adapters; returns name -> folder with results and samples.

    The bare base is measured before an adapter touches it. Each adapter is put on, measured and
    taken off, and the base is loaded again where that did not bring its logits back. A run that
    was killed is gone on with behind its last whole window of documents, to the same numbers; one
    that is done is not measured again.

    Args:
        request: what to evaluate.
        say: takes messages.
        watcher: is told of tasks and documents.

    Returns:
        Nothing in the processes of a team (`arabench.evaluation.runner.processes`) but the first.

    Raises:
        UsageError: unknown task, no such model, an output folder that holds a run of something
            else or is in use, an adapter of another base, or one that changes nothing.
        UnfinishedError: some tasks failed; the others have results.
    """
    check_choices(request)
    data = source_of(request.metadata).data  # refuses wrong keys before anything is loaded
    if data is not None and not data.startswith(HUB_PREFIX):
        check_folder(data)
    manager = task_manager(request.metadata)
    check_names(request, manager.all_tasks)
    team = join_team()
    request = replace(request, device=team.device(request.device))
    adapters = {name: inspect_adapter(path) for name, path in request.adapters.items()}
    _inspect(request, adapters)
    plan = Plan(manager, select_tasks(manager, request.tasks), _prompting(request), request.window)
    job = _Job(request, plan, adapters, say, watcher or Silent(), team)
    if not team.first:
        _follow(job)
        return {}
    if team.note:
        say(team.note)
    check_output(job.output)
    with hold_folder(job.output, LOCK_NAME, "output", "evaluates into it"):
        try:
            return _evaluate(job)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(_KEPT) from stop


def _prompting(request: Request) -> Prompting:
    return Prompting(
        limit=request.limit,
        max_gen_tokens=request.max_gen_tokens,
        seed=request.seed,
        system_prompt=request.system_prompt,
        chat_template=bool(request.chat_template),
        multiturn=request.multiturn,
        pseudo=request.model_type == "mlm",
    )


def _evaluate(job: _Job) -> dict[str, Path]:
    names = [BASE, *job.adapters]
    earlier = {name: find_earlier(job.output, name) for name in names}
    wanted = job.request.threads or _threads_of(earlier.values())
    threads = use_threads(job.team.threads(wanted))
    identities = identities_of(
        job.request, job.adapters, job.plan.selection.tasks, threads.count, job.team.size
    )
    for name, run in earlier.items():
        if run is not None:
            known = {key: value for key, value in run.identity.items() if key != _LATE}
            now = {key: value for key, value in identities[name].flat().items() if key != _LATE}
            refuse_other(job.output / name, known, now)
    folders = {name: job.output / name for name in names}
    todo = [name for name in names if not (run := earlier[name]) or not run.finished]
    for name in names:
        if name not in todo:
            job.say(f"{name}: done before, in {folders[name]}; nothing is measured again")
    job.team.share(lambda: (todo, threads.count))
    if todo:
        _measure(job, todo, threads, identities)
    return folders


def _follow(job: _Job) -> None:
    """Another process of a team: load the same, and ask the windows that are its share."""
    todo, threads = job.team.follow(tuple)
    if not todo:
        return
    use_threads(threads)
    subject = subject_of(job.request)
    shelf = TaskShelf(job.plan)
    job.team.follow(dict)  # the first process has tried adapters and tasks
    for name in todo:
        if name in job.adapters:
            subject.attach(job.adapters[name], name)
        follow_tasks(job.plan, subject.language_model(), shelf, job.team)
        if name in job.adapters:
            subject.detach()


def _threads_of(earlier: Any) -> int | None:
    """Threads of a run that is gone on with: another number moves the last bits."""
    counts = [run.identity.get("threads", "") for run in earlier if run is not None]
    return next((int(count) for count in counts if count.isdigit()), None)


def _measure(
    job: _Job, todo: list[str], threads: Threads, identities: Mapping[str, identity.RunIdentity]
) -> None:
    """Load the base and measure what is not done.

    Raises:
        UnfinishedError: some tasks failed.
    """
    request, say = job.request, job.say
    subject = subject_of(request)
    first, *others = subject.notes()
    say(f"{first}; {threads.count} threads ({threads.reason})")
    for note in others:
        say(note)
    if job.team.size > 1:
        say(f"{job.team.size} processes share the documents of each task")
    shelf = TaskShelf(job.plan)
    effects = job.team.share(lambda: _try_all(job, todo, subject, shelf))
    failed: dict[str, dict[str, str]] = {}
    written: dict[str, Path] = {}
    for name in todo:
        say(f"evaluating {name}")
        if name in job.adapters:
            subject.attach(job.adapters[name], name)
        whole = subject.identify(identities[name])
        facts = _provenance(request, name, job.adapters.get(name), effects.get(name))
        facts |= {**subject.facts(), "threads": threads.count, "processes": job.team.size}
        failed[name] = _measure_one(job, name, subject, shelf, whole, facts)
        if any((job.output / name).glob("results*.json")):
            written[name] = job.output / name
        if name in job.adapters:
            subject.detach()
    wrong = {
        f"{task} ({name})" if len(todo) > 1 else task: why
        for name, tasks in failed.items()
        for task, why in tasks.items()
    }
    if wrong:
        of = len(todo) * len(job.plan.selection.tasks)
        raise UnfinishedError(failures_in_words(wrong, of, job.output), written)


def _try_all(job: _Job, todo: list[str], subject: Subject, shelf: TaskShelf) -> dict[str, Effect]:
    """Put every adapter on and off, and look at every task, before anything is measured."""
    effects = {
        name: subject.try_adapter(name, adapter, job.say)
        for name, adapter in job.adapters.items()
        if name in todo
    }
    check_tasks(job.plan, shelf, subject.language_model())
    return effects


def _measure_one(
    job: _Job,
    name: str,
    subject: Subject,
    shelf: TaskShelf,
    whole: identity.RunIdentity,
    facts: dict[str, Any],
) -> dict[str, str]:
    """Measure a model and write its results; returns failed task -> why."""
    started = time.time()
    folder = job.output / name
    progress = Progress(folder, whole.flat())
    cache: AnswerCache | None = None
    try:
        if before := progress.done():
            of = len(job.plan.selection.tasks)
            job.say(f"{name}: goes on; {len(before)} of {of} tasks are done")
        store: AnswerStore = progress
        if job.request.cache is not None:
            cache = AnswerCache(job.request.cache, whole.model.digest(), job.say)
            store = RunAnswers(progress, cache)
        lm = subject.language_model()
        failed = measure_tasks(job.plan, lm, folder, progress, store, shelf, job.watcher, job.team)
        outcomes = progress.done()
        if outcomes:
            results = assemble_results(
                job.plan.manager, lm, job.plan.selection, outcomes, job.plan.prompting, started
            )
            results["model_name"] = name
            results["arabench"] = {
                **facts,
                "identity": whole.flat(),
                "signature": identity.signature(whole.flat()),
                "data_sha256": {task: one["data_sha256"] for task, one in outcomes.items()},
                "answers": {task: one["answers"] for task, one in outcomes.items()},
                "failed": failed,
                **subject.learned(lm),
            }
            for note in _notes(results):
                job.say(f"{name}: {note}")
            write_results_file(folder, results, progress.stamp)
        if not failed:
            progress.remove()
        return failed
    finally:
        progress.close()
        if cache is not None:
            cache.close()


def _inspect(request: Request, adapters: Mapping[str, AdapterInfo]) -> None:
    """Refuse a local base that is not safe, and adapters of another one."""
    if request.backend is not None or not is_local(request.model):
        return
    info = inspect_base(
        request.model,
        allow_pickle=request.allow_pickle,
        allow_remote_code=request.trust_remote_code,
    )
    for adapter in adapters.values():
        check_same_base(adapter, info)


def _notes(results: Mapping[str, Any]) -> list[str]:
    """Notes that the tasks left, each with its tasks."""
    return gather_notes(
        {
            task: config.get("metadata", {}).get(RUN_KEY, {}).get("notes", [])
            for task, config in results["configs"].items()
        }
    )


def _provenance(
    request: Request, name: str, adapter: AdapterInfo | None, effect: Effect | None
) -> dict[str, Any]:
    return {
        "version": __version__,
        "name": name,
        "base": request.model,
        "bits": request.bits,
        "dtype": request.dtype,
        "adapter": str(adapter.path) if adapter else None,
        "adapter_sha256": identity.adapter_digests(adapter)[0] if adapter else None,
        "largest_logit_change": effect.logits if effect else None,
        "packages": package_versions(_PACKAGES),
        "metadata": dict(request.metadata),
    }
