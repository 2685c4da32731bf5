"""Whether a model can answer at all: what fits into its context, and which tokens it knows.

Looked at before anything is measured (`check_task`, `Unasked`), and again with every request that
is asked (`look_at_room`), where what was cut is counted.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import UsageError
from arabench.evaluation.harness.documents import read_documents
from arabench.evaluation.harness.marks import MARK, Mark
from arabench.evaluation.harness.own_tokens import nothing_behind, read_texts
from arabench.evaluation.harness.settings import settings_of
from arabench.models import saved_tokenizers

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.models.huggingface import HFLM

#: Documents at either end of the order by length that are tried before a run.
_TRIED: Final = 4
_SHORTER: Final = (
    "--max-gen-tokens of `arabench eval`, --gen_kwargs max_gen_toks=N of lm_eval "
    "(max_new_tokens is overruled)"
)


def look_at_room(lm: HFLM, requests: Sequence[Instance]) -> None:
    """Note which prompts the context does not hold; refuse answers that it never holds.

    Args:
        lm: lm-eval's model of transformers, with a tokenizer that puts nothing behind a prompt.
        requests: marked ones of one kind: prompts with choices, or prompts to be gone on with.

    Raises:
        UsageError: as many new tokens as the context has, a continuation longer than it, or ids
            that the model has no row for.
    """
    if not requests:
        return
    answers = requests[0].request_type == "generate_until"
    kind = "an answer of" if answers else "a choice of"
    context: int = lm.max_length
    prompts = list(dict.fromkeys(request.args[0] for request in requests))
    lengths = {}
    for prompt, tokens in zip(prompts, _prompt_tokens(lm, prompts), strict=True):
        check_ids(lm, tokens)
        lengths[prompt] = len(tokens)
    for request, wanted in zip(requests, _tokens_wanted(lm, requests, answers), strict=True):
        if wanted >= context + (not answers):
            raise UsageError(
                f"task {request.task_name!r} asks for {kind} {wanted} tokens, and the model's "
                f"context holds {context}. Shorten answers: {_SHORTER}."
            )
        room = context - wanted + (not answers)
        mark: Mark = getattr(request, MARK)
        mark.cut, mark.over = lengths[request.args[0]] > room, lengths[request.args[0]] - room


def refuse_if_all_cut(lm: HFLM, requests: Sequence[Instance]) -> None:
    """Refuse a task no prompt of which fits: cut on the left, it has lost its shots or question.

    Args:
        lm: the model.
        requests: of one task, after `look_at_room`.
    """
    marks: list[Mark] = [getattr(request, MARK) for request in requests]
    if not marks or not all(mark.cut for mark in marks):
        return
    least = min(mark.over for mark in marks)
    answers = requests[0].request_type == "generate_until"
    raise UsageError(
        f"every prompt of task {requests[0].task_name!r}, with its shots, is longer than the "
        f"model's context of {lm.max_length} tokens holds beside "
        f"{'the answer' if answers else 'a choice'} (the shortest by {least:,}). "
        + (f"Allow shorter answers ({_SHORTER}), give" if answers else "Give")
        + " fewer shots (--num_fewshot of lm_eval), or leave the task out."
    )


def check_ids(lm: HFLM, tokens: Sequence[int]) -> None:
    """Refuse ids that the model has no row for (`arabench.models.saved_tokenizers`).

    Raises:
        UsageError: names the largest id.
    """
    saved_tokenizers.check_ids(lm.model, tokens)


class Unasked:
    """Requests of whole tasks that no model was asked yet.

    lm-eval builds the requests of every task before it asks a model for the first kind of them, so
    the first call can look at them all. Requests that were dropped are forgotten.
    """

    def __init__(self) -> None:
        self._requests: list[weakref.ref[Instance]] = []

    def add(self, requests: Sequence[Instance]) -> None:
        """Of one task, all of them."""
        self._requests = [one for one in self._requests if one() is not None]
        self._requests += map(weakref.ref, requests)

    def check(self, lm: HFLM) -> None:
        """Refuse, once, what cannot be measured on a model.

        Raises:
            UsageError: says which task, and why.
        """
        requests = [one for ref in self._requests if (one := ref()) is not None]
        self._requests = []
        by_task: dict[tuple[str, str], list[Instance]] = {}
        for request in requests:
            kind = request.request_type
            if kind != "loglikelihood_rolling":
                by_task.setdefault((str(request.task_name), kind), []).append(request)
        # Whole texts are read without what a tokenizer puts around them.
        with nothing_behind(lm.tokenizer) if by_task else contextlib.nullcontext():
            for of_one in by_task.values():
                look_at_room(lm, of_one)
                if lm.world_size == 1:  # one process of several has a share of the documents
                    refuse_if_all_cut(lm, of_one)
        for request in requests:
            if request.request_type != "loglikelihood_rolling":
                getattr(request, MARK).looked_at = True


@contextlib.contextmanager
def extremes(task: ConfigurableTask, documents: int) -> Iterator[None]:
    """A task whose next window is its shortest and longest documents; left as it was found.

    Args:
        task: one of ours, loaded.
        documents: how many of its documents will be asked.
    """
    sizes = [_characters(one) for one in read_documents(task.eval_docs, range(documents))]
    order = sorted(range(documents), key=sizes.__getitem__)
    random = getattr(getattr(task, "sampler", None), "rnd", None)
    state = None if random is None else random.getstate()
    window = task.window
    task.window = sorted({*order[:_TRIED], *order[-_TRIED:]})
    try:
        yield
    finally:
        task.window, task._instances = window, None
        if random is not None:
            random.setstate(state)


def check_task(lm: HFLM, requests: Sequence[Instance]) -> None:
    """Refuse a task that cannot be measured, by some of its requests (see `extremes`).

    Raises:
        UsageError: says why.
    """
    if settings_of(lm)["backend"] != "transformers":  # what it can do is its own affair
        check = getattr(lm, "check_requests", None)
        if check is not None:
            check(requests)
        return
    if requests[0].request_type == "loglikelihood_rolling":
        for reading in read_texts(lm.tokenizer, [request.args[0] for request in requests]):
            check_ids(lm, reading.tokens)
        return
    with nothing_behind(lm.tokenizer):
        look_at_room(lm, requests)
    refuse_if_all_cut(lm, requests)


def _prompt_tokens(lm: HFLM, prompts: Sequence[str]) -> list[list[int]]:
    """Ids of prompts; our own model makes them in one batch."""
    encode_all = getattr(lm, "encode_all", None)
    found: list[list[int]] = (
        encode_all(prompts) if encode_all else [lm.tok_encode(prompt) for prompt in prompts]
    )
    return found


def _characters(document: Mapping[str, Any]) -> int:
    """Code points of every text in a document."""
    total = 0
    for value in document.values():
        for text in value if isinstance(value, list) else [value]:
            total += len(text) if isinstance(text, str) else 0
    return total


def _tokens_wanted(lm: HFLM, requests: Sequence[Instance], answers: bool) -> list[int]:
    """Tokens that each request asks for: of an answer at most, or of the choice that it holds."""
    if answers:
        settings = [request.args[1] for request in requests]
        return [_whole_number(one.get("max_gen_toks", lm.max_gen_toks)) for one in settings]
    choices = list(dict.fromkeys(request.args[1] for request in requests))
    readings = read_texts(lm.tokenizer, choices)
    for reading in readings:
        check_ids(lm, reading.tokens)
    sizes = {choice: len(found.tokens) for choice, found in zip(choices, readings, strict=True)}
    return [sizes[request.args[1]] for request in requests]


def _whole_number(value: object) -> int:
    if not str(value).isdigit() or int(str(value)) < 1:
        raise UsageError(f"max_gen_toks is {value!r}; allowed is a whole number of 1 or more.")
    return int(str(value))
