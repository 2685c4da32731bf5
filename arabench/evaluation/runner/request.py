"""What `arabench eval` is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from arabench.errors import UsageError, nearest_of
from arabench.evaluation.harness.evaluator import WINDOW
from arabench.models.masked import Masking

BASE: Final = "base"
_LIST_TASKS: Final = "arabench eval --list-tasks"
#: Characters of an adapter's name, which becomes a folder's.
LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class Request:
    """What to evaluate.

    Attributes:
        model: local folder or hub name of the base.
        adapters: name -> local folder.
        tasks: task or group names of ours.
        metadata: data options (`arabench_data`, ...), as lm-eval's --metadata.
        limit: documents per task, None for all.
        batch_size: requests that are computed together.
        device, dtype, bits: where and in what type the model is loaded; 4 bits are NF4.
        max_gen_tokens: cap of generated answers, None for each task's own.
        allow_pickle, trust_remote_code: whether a model may run code as it loads.
        threads: of torch; None for what this machine has free, or for as many as the run had that
            is gone on with.
        seed: of few-shot sampling and of whatever a model draws.
        cache: folder of answers that are kept across runs, None for none.
        chat_template: prompts as the tokenizer's template writes them; a name picks one of several.
        chat_template_args: what the template is handed besides messages.
        system_prompt: put before every prompt.
        multiturn: whether shots are turns of their own in a template.
        window: documents asked together; a run goes on behind the last whole window.
        model_type: `causal`; `mlm`: an encoder, by pseudo-likelihood; `probe`: a classifier on the
            mean embeddings of either.
        masking: what an encoder's pseudo-likelihood masks beside a token.
        backend: name of another of lm-eval's models that answers, None for our own.
        model_args: its arguments, as lm-eval takes them (`model=...,base_url=...`).
    """

    model: str
    adapters: Mapping[str, str]
    tasks: Sequence[str]
    output: str
    metadata: Mapping[str, Any]
    limit: int | None = None
    batch_size: int = 8
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    bits: Literal[4, 16] = 16
    max_gen_tokens: int | None = None
    allow_pickle: bool = False
    trust_remote_code: bool = False
    threads: int | None = None
    seed: int = 1234
    cache: str | None = None
    chat_template: bool | str = False
    chat_template_args: Mapping[str, Any] = field(default_factory=dict)
    system_prompt: str | None = None
    multiturn: bool = True
    window: int = WINDOW
    model_type: Literal["causal", "mlm", "probe"] = "causal"
    masking: Masking = "within-word"
    backend: str | None = None
    model_args: str = ""

    @property
    def kind(self) -> str:
        """What gives the answers, in words."""
        if self.backend is not None:
            return f"backend {self.backend}"
        if self.model_type == "mlm":
            return f"pseudo, masking {self.masking}"
        return self.model_type


def check_choices(request: Request) -> None:
    """Refuse what contradicts itself.

    Raises:
        UsageError: says what is given, and what goes together.
    """
    if request.backend is not None:
        given = {
            "--adapter": request.adapters,
            "--bits 4": request.bits == 4,
            "--model-type": request.model_type != "causal",
            "--cache": request.cache,
            "--chat-template NAME": isinstance(request.chat_template, str),
            "--chat-template-args": request.chat_template_args,
        }
        for name in (name for name, there in given.items() if there):
            raise UsageError(
                f"{name} does not go with --backend: {request.backend} loads its model itself, and "
                "what is behind an address may change. Say it in --model-args if the backend has "
                "such an argument."
            )
    if request.model_type != "causal":
        given = {
            "--chat-template": request.chat_template,
            "--system-prompt": request.system_prompt is not None,
            "--max-gen-tokens": request.max_gen_tokens is not None,
        }
        for name in (name for name, there in given.items() if there):
            raise UsageError(
                f"{name} does not go with --model-type {request.model_type}, which is given plain "
                "texts and answers nothing in its own words. Leave it out."
            )


def check_names(request: Request, known: Collection[str]) -> None:
    """Refuse unknown tasks, and adapters' names that make no folder.

    Raises:
        UsageError: says which, and what is allowed.
    """
    if not request.tasks:
        raise UsageError(
            f"no task given. There are {len(known)} tasks and groups; `{_LIST_TASKS}` names them."
        )
    for task in request.tasks:
        if task not in known:
            raise UsageError(f"task {task!r} is not known. {nearest_of(task, known, _LIST_TASKS)}")
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
