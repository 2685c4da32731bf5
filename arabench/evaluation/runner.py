"""`arabench eval`: lm-eval's Python API with only our tasks, base and adapters in one process.

Differences from calling `lm_eval` once per adapter: the base is loaded once, lm-eval's
task index is not built, weights are accepted as safetensors only, and an adapter that
does not change the model's logits is refused. The output has lm-eval's format, so
`arabench gate` reads either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from arabench import __version__
from arabench.checkpoints import (
    AdapterInfo,
    check_same_base,
    inspect_adapter,
    inspect_base,
    is_local,
    weights_sha256,
)
from arabench.corpus.files import atomic_writer
from arabench.devices import disable_cpu_repacking, nf4, pick_device
from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.source import HUB_PREFIX, check_folder
from arabench.evaluation.tasks import source_of
from arabench.resources import tasks_dir

BASE: Final = "base"
#: Largest absolute logit difference below which an adapter counts as doing nothing: far
#: under one bfloat16 step of a typical logit, far above float32 noise of one run.
DEAD_LOGITS: Final = 1e-6
#: Texts on which an adapter must show an effect.
PROBES: Final = (
    "كيف حالك اليوم؟",
    "إزيك عامل إيه النهارده؟",
    "شلونك اليوم؟",
    "شو أخبارك؟",
    "واش راك لاباس؟",
)
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
    seed: int = 1234


def evaluate(request: Request, say: Callable[[str], None]) -> dict[str, Path]:
    """Evaluate base and adapters; returns name -> folder with results and samples.

    Raises:
        UsageError: unknown task, no such model, adapter of another base, or an adapter
            that changes nothing.
    """
    data = source_of(request.metadata).data  # refuses wrong keys before anything is loaded
    if data is not None and not data.startswith(HUB_PREFIX):
        check_folder(data)
    manager = task_manager(request.metadata)
    _check_names(request, manager)
    if Path(request.output).exists() and not Path(request.output).is_dir():
        raise UsageError(f"output {request.output!r} is a file. Choose a folder.")
    adapters = {name: inspect_adapter(path) for name, path in request.adapters.items()}
    if is_local(request.model):
        info = inspect_base(
            request.model,
            allow_pickle=request.allow_pickle,
            allow_remote_code=request.trust_remote_code,
        )
        for adapter in adapters.values():
            check_same_base(adapter, info)
    model, tokenizer = _load_base(request)
    # PEFT turns a name into attributes, so some names break it ("keys") or lose weights ("lora_1").
    slots = {name: f"slot{number}" for number, name in enumerate(adapters)}
    effects: dict[str, float] = {}
    for name, adapter in adapters.items():
        model = _attach(model, slots[name], adapter)
        effects[name] = effect = _check_live(model, tokenizer, slots[name], name, adapter)
        say(f"adapter {name}: live, largest logit change {effect:.3g} on {len(PROBES)} probes")
    folders = {}
    for name in [BASE, *adapters]:
        say(f"evaluating {name}")
        results = _run(request, manager, model, tokenizer, slots.get(name))
        results["arabench"] = _provenance(request, name, adapters.get(name), effects.get(name))
        results["model_name"] = name
        folders[name] = write_results(Path(request.output) / name, results)
    return folders


def task_manager(metadata: Mapping[str, Any]) -> Any:
    """lm-eval's task manager over our folder only: built in milliseconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager(
        include_path=str(tasks_dir()), include_defaults=False, metadata=dict(metadata)
    )


def _check_names(request: Request, manager: Any) -> None:
    if not request.tasks:
        raise UsageError(f"no task given. Allowed: {', '.join(sorted(manager.all_tasks))}.")
    for task in request.tasks:
        if task not in manager.all_tasks:
            raise UsageError(f"task {task!r} is not known. {did_you_mean(task, manager.all_tasks)}")
    for name in request.adapters:
        if name == BASE or not name.replace("-", "").replace("_", "").isalnum():
            raise UsageError(
                f"adapter name {name!r} is not allowed: use letters, digits, - and _, "
                "and not 'base'."
            )


def _load_base(request: Request) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = pick_device(request.device)
    dtype: Any = "auto" if request.dtype == "auto" else getattr(torch, request.dtype)
    compute = "float32" if device == "cpu" else "bfloat16"
    # Only when asked for: an explicit None would undo what a quantized folder says of itself.
    quantization = {"quantization_config": nf4(compute)} if request.bits == 4 else {}
    name = request.model
    if is_local(name):
        name = str(Path(name).expanduser())
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=request.trust_remote_code)
        model = AutoModelForCausalLM.from_pretrained(
            name, dtype=dtype, device_map={"": device},
            use_safetensors=None if request.allow_pickle else True,
            trust_remote_code=request.trust_remote_code, **quantization,
        )  # fmt: skip
    except Exception as error:  # whatever the libraries make of a broken folder
        raise UsageError(
            f"model {request.model!r} could not be loaded: {type(error).__name__}: "
            f"{str(error)[:400]}"
        ) from error
    disable_cpu_repacking(model)
    model.eval()
    return model, tokenizer


def _attach(model: Any, slot: str, adapter: AdapterInfo) -> Any:
    from peft import PeftModel

    try:
        if isinstance(model, PeftModel):
            model.load_adapter(str(adapter.path), adapter_name=slot)
        else:
            model = PeftModel.from_pretrained(model, str(adapter.path), adapter_name=slot)
    except Exception as error:  # wrong shapes, missing modules, damaged weights
        raise UsageError(
            f"adapter {adapter.path} does not fit this base model: {type(error).__name__}: "
            f"{str(error)[:300]}"
        ) from error
    model.eval()
    return model


def _check_live(model: Any, tokenizer: Any, slot: str, name: str, adapter: AdapterInfo) -> float:
    """Largest absolute logit change by the adapter on the probes; refuse one that does nothing."""
    import torch

    largest = 0.0
    with torch.no_grad():
        for text in PROBES:
            ids = torch.tensor([tokenizer(text)["input_ids"]], device=model.device)  # (1, T)
            model.set_adapter(slot)
            with_adapter = model(input_ids=ids).logits  # (1, T, vocab)
            with model.disable_adapter():
                without = model(input_ids=ids).logits
            largest = max(largest, float((with_adapter.float() - without.float()).abs().max()))
    if not largest > DEAD_LOGITS:
        raise UsageError(
            f"adapter {name!r} ({adapter.path}) does not change the model's output "
            f"(largest logit change {largest:.1e}). It is untrained, or was made for other modules."
        )
    return largest


def _run(
    request: Request, manager: Any, model: Any, tokenizer: Any, slot: str | None
) -> dict[str, Any]:
    """Evaluate the adapter in `slot`, or the bare base for None."""
    import contextlib

    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    if slot:
        model.set_adapter(slot)
    bare = slot is None and request.adapters
    disabled = model.disable_adapter() if bare else contextlib.nullcontext()
    with disabled:
        lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=request.batch_size)
        results: dict[str, Any] = simple_evaluate(
            model=lm,
            tasks=list(dict.fromkeys(request.tasks)),
            task_manager=manager,
            limit=request.limit,
            log_samples=True,
            bootstrap_iters=0,
            gen_kwargs={"max_gen_toks": request.max_gen_tokens} if request.max_gen_tokens else None,
            random_seed=request.seed,
            numpy_random_seed=request.seed,
            torch_random_seed=request.seed,
            fewshot_random_seed=request.seed,
        )
    return results


def _provenance(
    request: Request, name: str, adapter: AdapterInfo | None, effect: float | None
) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "version": __version__,
        "name": name,
        "base": request.model,
        "bits": request.bits,
        "dtype": request.dtype,
        "adapter": str(adapter.path) if adapter else None,
        "adapter_sha256": weights_sha256((adapter.weights,)) if adapter else None,
        "largest_logit_change": effect,
        "packages": {package: version(package) for package in _PACKAGES},
        "metadata": dict(request.metadata),
    }


def write_results(folder: Path, results: dict[str, Any]) -> Path:
    """Write lm-eval's result structure as lm-eval names it; returns the folder.

    The results file is written last, so that a folder with one is complete.
    """
    from lm_eval.utils import handle_non_serializable

    stamp = datetime.now().isoformat().replace(":", "-")
    samples = results.pop("samples", {})
    for task, rows in samples.items():
        with atomic_writer(str(folder / f"samples_{task}_{stamp}.jsonl")) as stream:
            for row in rows:
                text = json.dumps(row, default=handle_non_serializable, ensure_ascii=False)
                stream.write(text.encode("utf-8") + b"\n")
    with atomic_writer(str(folder / f"results_{stamp}.json")) as stream:
        text = json.dumps(results, default=handle_non_serializable, ensure_ascii=False, indent=1)
        stream.write(text.encode("utf-8"))
    return folder
