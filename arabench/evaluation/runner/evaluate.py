"""`arabench eval`: lm-eval's Python API with only our tasks, base and adapters in one process.

Differences from calling `lm_eval` once per adapter: the base is loaded once, lm-eval's
task index is not built, weights are accepted as safetensors only, and an adapter that
does not change the model's logits is refused. The output has lm-eval's format, so
`arabench gate` reads either.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from arabench import __version__
from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.data.source import HUB_PREFIX, check_folder
from arabench.evaluation.families.family import source_of
from arabench.evaluation.harness.conditions import RUN_KEY
from arabench.evaluation.harness.output import write_results
from arabench.evaluation.harness.run import language_model, measure, task_manager
from arabench.files.environment import package_versions
from arabench.models.adapters import PROBES, Bench, Effect, mismatch_with
from arabench.models.bases import BaseRequest
from arabench.models.checkpoints import (
    AdapterInfo,
    BaseInfo,
    check_same_base,
    inspect_adapter,
    inspect_base,
    is_local,
    weights_sha256,
)
from arabench.models.devices import use_threads

BASE: Final = "base"
#: Characters of an adapter's name, which becomes a folder's.
LONGEST_NAME: Final = 100
_PACKAGES: Final = ("lm_eval", "sacrebleu", "torch", "transformers", "peft")


@dataclass(frozen=True)
class Request:
    """What to evaluate.

    Attributes:
        model: local folder or hub name of the base.
        adapters: name -> local folder.
        tasks: task or group names of ours.
        metadata: data options (`arabench_data`, ...), as lm-eval's --metadata.
        limit: documents per task, None for all.
        threads: of torch; None for what this machine has free.
    """

    model: str
    adapters: Mapping[str, str]
    tasks: Sequence[str]
    output: str
    metadata: Mapping[str, Any]
    limit: int | None = None
    batch_size: int = 8
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    bits: Literal[4, 16] = 16
    max_gen_tokens: int | None = None
    allow_pickle: bool = False
    trust_remote_code: bool = False
    threads: int | None = None
    seed: int = 1234


def evaluate(request: Request, say: Callable[[str], None]) -> dict[str, Path]:
    """Evaluate base and adapters; returns name -> folder with results and samples.

    The bare base is measured before an adapter touches it. Each adapter is put on, measured and
    taken off, and the base is loaded again where that did not bring its logits back.

    Raises:
        UsageError: unknown task, no such model, an output folder that holds another run, an
            adapter of another base, or one that changes nothing.
    """
    data = source_of(request.metadata).data  # refuses wrong keys before anything is loaded
    if data is not None and not data.startswith(HUB_PREFIX):
        check_folder(data)
    manager = task_manager(request.metadata)
    _check_names(request, manager.all_tasks)
    _check_output(Path(request.output))
    adapters = {name: inspect_adapter(path) for name, path in request.adapters.items()}
    info = _inspect(request, adapters)
    threads = use_threads(request.threads)
    bench = Bench(
        BaseRequest(
            request.model, request.device, request.dtype, request.bits,
            request.allow_pickle, request.trust_remote_code,
        )
    )  # fmt: skip
    say(f"{bench.device}: {bench.dtype} ({bench.why}); {threads.count} threads ({threads.reason})")
    model_type = info.model_type if info else str(bench.model.config.model_type)
    effects = {
        name: _try_adapter(bench, name, adapter, request.model, model_type, say)
        for name, adapter in adapters.items()
    }
    folders = {}
    for name in [BASE, *adapters]:
        say(f"evaluating {name}")
        if name in adapters:
            bench.attach(adapters[name], name)
        results = measure(
            language_model(bench.model, bench.tokenizer, request.batch_size),
            request.tasks, manager,
            limit=request.limit, max_gen_tokens=request.max_gen_tokens, seed=request.seed,
        )  # fmt: skip
        results["arabench"] = _provenance(request, name, adapters.get(name), effects.get(name))
        results["arabench"] |= {
            "device": bench.device,
            "dtype_used": bench.dtype,
            "dtype_reason": bench.why,
            "threads": threads.count,
        }
        results["model_name"] = name
        for note in _notes(results):
            say(f"{name}: {note}")
        folders[name] = write_results(Path(request.output) / name, results)
        if name in adapters:
            bench.detach()
    return folders


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


def _check_output(folder: Path) -> None:
    """One folder holds one run: a second would mix with it, and the gate not know which is meant.

    Raises:
        UsageError: it is a file, or holds results.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output {str(folder)!r} is a file. Choose a folder.")
    found = next((path for at in ("*/", "") for path in folder.glob(f"{at}results*.json")), None)
    if found is not None:
        raise UsageError(
            f"output {str(folder)!r} holds an earlier run ({found.relative_to(folder)}). Choose "
            "another folder, or remove this one."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"cannot write to output {str(folder)!r}: {error.strerror}.") from error


def _check_names(request: Request, known: Collection[str]) -> None:
    if not request.tasks:
        raise UsageError(f"no task given. Allowed: {', '.join(sorted(known))}.")
    for task in request.tasks:
        if task not in known:
            raise UsageError(f"task {task!r} is not known. {did_you_mean(task, known)}")
    for name in request.adapters:
        plain = name.replace("-", "").replace("_", "").isalnum()
        if name.casefold() == BASE or not plain or len(name) > LONGEST_NAME:
            raise UsageError(
                f"adapter name {name[:80]!r} is not allowed: use up to {LONGEST_NAME} letters, "
                "digits, - and _, and not 'base'."
            )
    if len({name.casefold() for name in request.adapters}) < len(request.adapters):
        raise UsageError(
            "two adapter names differ in capitals only, which some disks take for one folder."
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
        "adapter_sha256": weights_sha256((adapter.weights,)) if adapter else None,
        "largest_logit_change": effect.logits if effect else None,
        "packages": package_versions(_PACKAGES),
        "metadata": dict(request.metadata),
    }
