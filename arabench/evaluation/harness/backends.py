"""Requests of our tasks on their way through lm-eval's models.

lm-eval hands a task no model, and a model no task. Our tasks mark their requests; the methods
of the model classes, wrapped once per process when such a task builds its requests, see the mark
and do two things that lm-eval 0.4.13 does not: they write down what the model is set to, and
they count a text's own tokens only (`own_tokens`). Requests of other tasks, in the same call,
go through the original method untouched.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import ArabenchError, UsageError
from arabench.evaluation.harness.chat import Chat, marks_kept
from arabench.evaluation.harness.marks import MARK, Mark
from arabench.evaluation.harness.own_tokens import (
    Likelihood,
    nothing_behind,
    prefix_of,
    read_texts,
)
from arabench.evaluation.harness.room import Unasked, check_ids, look_at_room
from arabench.evaluation.harness.settings import settings_of, warn_of
from arabench.models.adapters import check_keys
from arabench.models.checkpoints import inspect_adapter
from arabench.models.saved_tokenizers import check_built

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.models.huggingface import HFLM

_METHODS: Final = ("loglikelihood", "loglikelihood_rolling", "generate_until")
_WRAPPED: Final = "_arabench_wrapped"
_CHECKED: Final = "_arabench_checked"
_BUILT: Final = "_arabench_tokenizer_checked"
#: Of tasks whose requests were all built, and which no model was asked for yet.
_UNASKED: Final = Unasked()


def mark(requests: Sequence[Instance], chat: Chat | None = None, whole: bool = True) -> None:
    """Mark requests as ours, and wrap the model classes that are loaded.

    Args:
        requests: of one task.
        chat: what wrote their prompts, if a chat template did.
        whole: whether they are all that the task asks.
    """
    for request in requests:
        setattr(request, MARK, Mark(chat=chat))
    if whole:
        _UNASKED.add(requests)
    from lm_eval.api.model import LM

    pending: list[type] = [LM]
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        for name in _METHODS:
            method = vars(cls).get(name)
            abstract = getattr(method, "__isabstractmethod__", False)
            if method is not None and not abstract and not hasattr(method, _WRAPPED):
                setattr(cls, name, _wrapped(name, method))


def _wrapped(name: str, method: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    @functools.wraps(method)
    def answer(lm: LM, requests: Sequence[Instance], *args: Any, **kwargs: Any) -> list[Any]:
        ours = [index for index, request in enumerate(requests) if hasattr(request, MARK)]
        if not ours:
            return method(lm, requests, *args, **kwargs)
        mine = set(ours)
        others = [index for index in range(len(requests)) if index not in mine]
        answers: list[Any] = [None] * len(requests)
        if others:
            rest = method(lm, [requests[index] for index in others], *args, **kwargs)
            for index, value in zip(others, rest, strict=True):
                answers[index] = value
        chosen = [requests[index] for index in ours]
        for index, value in zip(
            ours, _answer_ours(name, method, lm, chosen, *args, **kwargs), strict=True
        ):
            answers[index] = value
        return answers

    setattr(answer, _WRAPPED, True)
    return answer


def _answer_ours(
    name: str,
    method: Callable[..., list[Any]],
    lm: LM,
    requests: list[Instance],
    *args: Any,
    **kwargs: Any,
) -> list[Any]:
    try:
        settings = settings_of(lm)
        if getattr(requests[0], MARK).settings is None:
            warn_of(settings, getattr(getattr(lm, "device", None), "type", ""))
        for request in requests:
            getattr(request, MARK).settings = settings
        if settings["backend"] != "transformers":
            return method(lm, requests, *args, **kwargs)
        _check_tokenizer(lm)
        _check_virtual_tokens(lm)
        _check_adapter(lm)
        _UNASKED.check(lm)
        if name == "loglikelihood_rolling":
            return list(rolling(lm, requests, *args, **kwargs))
        with nothing_behind(lm.tokenizer), _marks_kept(lm, name, requests):
            look_at_room(lm, [one for one in requests if not getattr(one, MARK).looked_at])
            return method(lm, requests, *args, **kwargs)
    except ArabenchError as error:
        if getattr(lm, "raises_arabench_errors", False):
            raise
        # Under lm-eval's own command an error of the user's ends with one message.
        raise SystemExit(f"arabench: error: {error}") from error


def _marks_kept(
    lm: HFLM, name: str, requests: Sequence[Instance]
) -> contextlib.AbstractContextManager[None]:
    """Answers of a chat keep the marks by which thinking is told; others are as lm-eval's."""
    chats = name == "generate_until" and any(getattr(one, MARK).chat for one in requests)
    return marks_kept(lm) if chats else contextlib.nullcontext()


def _check_virtual_tokens(lm: HFLM) -> None:
    """lm-eval reads logits from the front, where prompt tuning has put its virtual tokens."""
    if getattr(lm, "cuts_virtual_tokens", False):
        return
    config = getattr(lm.model, "active_peft_config", None)
    virtual = getattr(config, "num_virtual_tokens", None)
    if virtual and getattr(config, "peft_type", None) != "PREFIX_TUNING":
        raise UsageError(
            "lm-eval's own command reads the logits of prompt and p-tuning adapters at the wrong "
            "places (the virtual tokens come first). Use `arabench eval`."
        )


def _check_tokenizer(lm: HFLM) -> None:
    """lm-eval's own command takes what AutoTokenizer builds: look once per model."""
    if getattr(lm, "reads_saved_tokenizers", False) or hasattr(lm, _BUILT):
        return
    check_built(lm.tokenizer)
    setattr(lm, _BUILT, True)


def _check_adapter(lm: HFLM) -> None:
    """PEFT warns of tensors that an adapter lacks, and lm-eval goes on: look once per model."""
    folder = getattr(lm, "peft", None)
    if not isinstance(folder, str) or not Path(folder).is_dir() or hasattr(lm, _CHECKED):
        return
    setattr(lm, _CHECKED, True)
    check_keys(lm.model, inspect_adapter(folder), lm.model.active_adapter)


def rolling(lm: HFLM, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[Likelihood]:
    """Natural-log likelihood of whole texts, over their own tokens only.

    The first token stands after the prefix. A text longer than the model's context is scored in
    lm-eval's disjoint windows: every token once, with as much before it as the context holds.

    Args:
        lm: lm-eval's model of transformers.
        requests: marked requests whose one argument is a text.
    """
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

    prefix = prefix_of(lm.tokenizer, getattr(lm, "custom_prefix_token_id", None)).token
    windows: list[tuple[None, list[int], list[int]]] = []
    counts: list[tuple[int, int]] = []
    readings = read_texts(lm.tokenizer, [request.args[0] for request in requests])
    for request, reading in zip(requests, readings, strict=True):
        tokens, own = reading.tokens, getattr(request, MARK)
        own.tokens, own.unread = len(tokens), reading.unread
        check_ids(lm, tokens if prefix is None else [prefix, *tokens])
        first, scored = (prefix, tokens) if prefix is not None else (tokens[:1], tokens[1:])
        if isinstance(first, list):
            first = first[0] if first else 0
        parts = [
            make_disjoint_window(window)
            for window in get_rolling_token_windows(
                token_list=scored, prefix_token=first, max_seq_len=lm.max_length, context_len=1
            )
        ]
        windows += [(None, context, continuation) for context, continuation in parts]
        counts.append((len(parts), len(scored)))
    scores = _score(lm, windows, disable_tqdm)
    totals: list[Likelihood] = []
    start = 0
    for request, (count, scored_tokens) in zip(requests, counts, strict=True):
        totals.append(Likelihood(sum(scores[start : start + count]), scored_tokens))
        start += count
        lm.cache_hook.add_partial("loglikelihood_rolling", request.args, totals[-1])
    return totals


def _score(
    lm: HFLM, windows: list[tuple[None, list[int], list[int]]], disable_tqdm: bool
) -> list[float]:
    """Log-likelihood of each window; every process of a distributed run makes as many calls."""
    padding = 0
    if lm.world_size > 1:
        import torch

        gathered = lm.all_gather(torch.tensor(len(windows), device=lm.device)).cpu().tolist()
        padding = max(gathered) - len(windows)
    if not windows and not padding:
        return []
    padded = windows + padding * (windows[:1] or [(None, [0], [0])])
    size = lm._detect_batch_size() if lm.batch_size == "auto" else None
    with _each_window_read(lm):
        answers = lm._loglikelihood_tokens(
            requests=padded, disable_tqdm=disable_tqdm, override_bs=size
        )
    return [score for score, _ in answers[: len(windows)]]


@contextlib.contextmanager
def _each_window_read(lm: HFLM) -> Iterator[None]:
    """Without lm-eval's cache of logits, which takes windows of the same tokens for one.

    Its key is context and continuation without the last token: two windows of a text that repeats
    itself can have the same one and be divided otherwise, and one gets the other's logits.
    """
    before = getattr(lm, "logits_cache", False)
    lm.logits_cache = False
    try:
        yield
    finally:
        lm.logits_cache = before
