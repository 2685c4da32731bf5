"""`arabench eval`: base and adapters in one process, over our tasks only.

Differences from calling `lm_eval` once per adapter: the base is loaded once, lm-eval's task
index is not built, weights are accepted as safetensors only, an adapter that does not change the
model's logits is refused, and a run that was killed goes on where it stopped. The output has
lm-eval's format, so `arabench gate` reads either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench import __version__
from arabench.errors import ArabenchError
from arabench.evaluation.data.source import HUB_PREFIX, check_folder
from arabench.evaluation.families.family import source_of
from arabench.evaluation.harness.answers import AnswerStore
from arabench.evaluation.harness.assemble import assemble_results, select_tasks
from arabench.evaluation.harness.chat import choose_template
from arabench.evaluation.harness.conditions import RUN_KEY
from arabench.evaluation.harness.evaluator import Model, Prompting
from arabench.evaluation.harness.output import write_results_file
from arabench.evaluation.harness.run import language_model, task_manager
from arabench.evaluation.runner import identity
from arabench.evaluation.runner.cache import AnswerCache
from arabench.evaluation.runner.earlier import check_output, find_earlier
from arabench.evaluation.runner.measuring import (
    Plan,
    Silent,
    TaskShelf,
    Watcher,
    check_tasks,
    failures_in_words,
    measure_tasks,
)
from arabench.evaluation.runner.progress import Progress, RunAnswers, refuse_other
from arabench.evaluation.runner.request import BASE, Request, check_names
from arabench.files.environment import package_versions
from arabench.files.locks import hold_folder
from arabench.models.adapters import PROBES, Bench, Effect, mismatch_with
from arabench.models.bases import BaseRequest
from arabench.models.checkpoints import (
    AdapterInfo,
    BaseInfo,
    check_same_base,
    inspect_adapter,
    inspect_base,
    is_local,
)
from arabench.models.devices import pick_device, pick_precision, use_threads

if TYPE_CHECKING:
    from arabench.models.devices import Threads

LOCK_NAME: Final = ".arabench-eval.lock"
_PACKAGES: Final = ("lm_eval", "sacrebleu", "torch", "transformers", "peft")
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
    info: BaseInfo | None
    say: Callable[[str], None]
    watcher: Watcher

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

    Raises:
        UsageError: unknown task, no such model, an output folder that holds a run of something
            else or is in use, an adapter of another base, or one that changes nothing.
        UnfinishedError: some tasks failed; the others have results.
    """
    data = source_of(request.metadata).data  # refuses wrong keys before anything is loaded
    if data is not None and not data.startswith(HUB_PREFIX):
        check_folder(data)
    manager = task_manager(request.metadata)
    check_names(request, manager.all_tasks)
    check_output(Path(request.output))
    adapters = {name: inspect_adapter(path) for name, path in request.adapters.items()}
    selection = select_tasks(manager, request.tasks)
    plan = Plan(manager, selection, _prompting(request), request.window)
    job = _Job(request, plan, adapters, _inspect(request, adapters), say, watcher or Silent())
    with hold_folder(job.output, LOCK_NAME, "output", "evaluates into it"):
        try:
            return _evaluate(job)
        except KeyboardInterrupt:
            say("what was measured is kept: the same command goes on from there")
            raise


def _prompting(request: Request) -> Prompting:
    return Prompting(
        limit=request.limit,
        max_gen_tokens=request.max_gen_tokens,
        seed=request.seed,
        system_prompt=request.system_prompt,
        chat_template=bool(request.chat_template),
        multiturn=request.multiturn,
    )


def _evaluate(job: _Job) -> dict[str, Path]:
    names = [BASE, *job.adapters]
    earlier = {name: find_earlier(job.output, name) for name in names}
    threads = use_threads(job.request.threads or _threads_of(earlier.values()))
    identities = _identities(job, threads.count)
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
    if todo:
        _measure(job, todo, threads, identities)
    return folders


def _threads_of(earlier: Any) -> int | None:
    """Threads of a run that is gone on with: another number moves the last bits."""
    counts = [run.identity.get("threads", "") for run in earlier if run is not None]
    return next((int(count) for count in counts if count.isdigit()), None)


def _identities(job: _Job, threads: int) -> dict[str, identity.RunIdentity]:
    """Of base and adapters, all but their tokenizers."""
    request = job.request
    device = pick_device(request.device)
    dtype = pick_precision(request.dtype, device).dtype
    base, config = identity.base_digests(request.model)
    options = {key: value for key, value in request.metadata.items() if key != "arabench_data"}
    options |= {"limit": request.limit, "max_gen_tokens": request.max_gen_tokens}
    data = identity.data_sha256(source_of(request.metadata).data)
    found = {}
    for name in (BASE, *job.adapters):
        adapter, adapter_config = identity.adapter_digests(job.adapters.get(name))
        model = identity.ModelIdentity(
            base=base,
            config=config,
            tokenizer="",
            adapter=adapter,
            adapter_config=adapter_config,
            dtype=dtype,
            bits=str(request.bits),
            device=identity.device_in_words(device),
            threads=str(threads) if device == "cpu" else identity.NONE,
            batch=f"{request.batch_size} together, windows of {job.plan.window}",
            seed=str(request.seed),
            chat=_chat_in_words(request),
            packages=identity.packages_in_words(request.bits != 16),
        )
        found[name] = identity.RunIdentity(
            model=model,
            scores=identity.scores_in_words(),
            tasks=",".join(job.plan.selection.tasks),
            templates=identity.templates_sha256(),
            data=data,
            options=identity.options_in_words(options),
        )
    return found


def _chat_in_words(request: Request) -> str:
    if not request.chat_template and request.system_prompt is None:
        return identity.NONE
    return identity.options_in_words(
        {
            "template": request.chat_template,
            "arguments": dict(request.chat_template_args),
            "system": request.system_prompt,
            "multiturn": request.multiturn,
        }
    )


def _measure(
    job: _Job, todo: list[str], threads: Threads, identities: Mapping[str, identity.RunIdentity]
) -> None:
    """Load the base and measure what is not done.

    Raises:
        UnfinishedError: some tasks failed.
    """
    request, say = job.request, job.say
    bench = Bench(
        BaseRequest(
            request.model, request.device, request.dtype, request.bits,
            request.allow_pickle, request.trust_remote_code,
        )
    )  # fmt: skip
    say(f"{bench.device}: {bench.dtype} ({bench.why}); {threads.count} threads ({threads.reason})")
    if bench.note:
        say(bench.note)
    model_type = job.info.model_type if job.info else str(bench.model.config.model_type)
    effects = {
        name: _try_adapter(bench, name, adapter, request.model, model_type, say)
        for name, adapter in job.adapters.items()
        if name in todo
    }
    shelf = TaskShelf(job.plan)
    check_tasks(job.plan, shelf, _language_model(request, bench))
    failed: dict[str, dict[str, str]] = {}
    written: dict[str, Path] = {}
    for name in todo:
        say(f"evaluating {name}")
        if name in job.adapters:
            bench.attach(job.adapters[name], name)
        whole = identities[name].loaded(request.model, bench.tokenizer)
        facts = _provenance(request, name, job.adapters.get(name), effects.get(name)) | {
            "device": bench.device,
            "dtype_used": bench.dtype,
            "dtype_reason": bench.why,
            "threads": threads.count,
        }
        failed[name] = _measure_one(job, name, bench, shelf, whole, facts)
        if any((job.output / name).glob("results*.json")):
            written[name] = job.output / name
        if name in job.adapters:
            bench.detach()
    wrong = {
        f"{task} ({name})" if len(todo) > 1 else task: why
        for name, tasks in failed.items()
        for task, why in tasks.items()
    }
    if wrong:
        of = len(todo) * len(job.plan.selection.tasks)
        raise UnfinishedError(failures_in_words(wrong, of, job.output), written)


def _language_model(request: Request, bench: Bench) -> Model:
    if isinstance(request.chat_template, str):
        choose_template(bench.tokenizer, request.chat_template)
    lm = language_model(bench.model, bench.tokenizer, request.batch_size)
    lm.chat_template_args = dict(request.chat_template_args)
    return lm


def _measure_one(
    job: _Job,
    name: str,
    bench: Bench,
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
        lm = _language_model(job.request, bench)
        failed = measure_tasks(job.plan, lm, folder, progress, store, shelf, job.watcher)
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


def _inspect(request: Request, adapters: Mapping[str, AdapterInfo]) -> BaseInfo | None:
    """What a local base's folder says, None for a hub name."""
    if not is_local(request.model):
        return None
    info = inspect_base(
        request.model,
        allow_pickle=request.allow_pickle,
        allow_remote_code=request.trust_remote_code,
    )
    for adapter in adapters.values():
        check_same_base(adapter, info)
    return info


def _try_adapter(
    bench: Bench,
    name: str,
    adapter: AdapterInfo,
    base: str,
    model_type: str,
    say: Callable[[str], None],
) -> Effect:
    """Put it on and off before anything is measured: what is wrong is said within seconds."""
    effect = bench.attach(adapter, name)
    reloaded = bench.detach()
    live = f"largest logit change {effect.logits:.3g} on {len(PROBES)} probes"
    if effect.resolved:
        say(f"adapter {name}: live, {live}")
    else:
        say(
            f"adapter {name}: its change of the weights is too small for {bench.dtype} to show "
            f"({live}); --dtype float32 would show it"
        )
    if reloaded:
        say(f"adapter {name} changes the base as it loads: the base is loaded again after it")
    if said := mismatch_with(adapter, base, model_type):
        say(f"adapter {name}: {said}")
    return effect


def _notes(results: Mapping[str, Any]) -> list[str]:
    """Notes that the tasks left, each with its task."""
    return [
        f"{task}: {note}"
        for task, config in results["configs"].items()
        for note in config.get("metadata", {}).get(RUN_KEY, {}).get("notes", [])
    ]


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
