"""Answers of a model as they are kept: what was asked, as a digest, and what came back.

A request that was asked before, by any task of the same run or by an earlier run of the same
model, gets the answer that it got then, with all that the harness noted about it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from arabench.errors import DataError
from arabench.evaluation.harness.marks import MARK, Mark
from arabench.evaluation.harness.own_tokens import Likelihood, Unread
from arabench.evaluation.harness.settings import settings_of

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM

#: A likelihood, a likelihood with whether greedy decoding says the same, or a generated text.
Answer = float | tuple[float, bool] | str
#: What of a mark belongs to the run and not to the answer.
_OF_THE_RUN = {"settings", "chat", "cached"}
#: Key of a kept answer that came from an earlier run of the same model.
_CACHED = "cached"


class AnswerStore(Protocol):
    """Where answers are kept, by the digest of their request; values are JSON.

    Attributes:
        cached: answers found so far that an earlier run left.
    """

    @property
    def cached(self) -> int: ...

    def find(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Those of the answers that are known."""

    def keep(self, answers: Mapping[bytes, str]) -> None:
        """Answers that the model gave just now."""


@dataclass
class AnswerCounts:
    """Where the answers to a task's requests came from.

    Attributes:
        model: asked of the model.
        known: asked before, in this run or in one that filled the store.
        cached: of the distinct ones among these, those that an earlier run left in a cache.
    """

    model: int = 0
    known: int = 0
    cached: int = 0


@dataclass
class MemoryStore:
    """Answers in memory, for as long as it lives.

    Attributes:
        cached: none of them is of an earlier run.
    """

    answers: dict[bytes, str] = field(default_factory=dict)
    cached: int = 0

    def find(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Those of the answers that are known."""
        return {key: self.answers[key] for key in keys if key in self.answers}

    def keep(self, answers: Mapping[bytes, str]) -> None:
        """Answers that the model gave just now."""
        self.answers.update(answers)


def answer_requests(lm: LM, requests: Iterable[Instance], store: AnswerStore) -> AnswerCounts:
    """Give every request its answer, asking the model only what the store does not know.

    Equal requests are asked once. Requests that sample are always asked: each is another draw.

    Args:
        lm: lm-eval's model; called once per kind of request.
        requests: of our tasks, marked.
        store: of this model's answers and no other's.
    """
    kinds: dict[str, list[Instance]] = {}
    for request in requests:
        kinds.setdefault(request.request_type, []).append(request)
    counts, cached = AnswerCounts(), store.cached
    for kind, asked in kinds.items():
        draws = [request for request in asked if _is_drawn(request)]
        _ask(lm, kind, [request for request in draws for _ in range(request.repeats or 1)])
        rest = [request for request in asked if not _is_drawn(request)]
        fresh = _answer_kind(lm, kind, rest, store)
        counts.model += len(draws) + fresh
        counts.known += len(rest) - fresh
    counts.cached = store.cached - cached
    return counts


def _answer_kind(lm: LM, kind: str, requests: Sequence[Instance], store: AnswerStore) -> int:
    """Answer requests of one kind; returns how many were asked of the model."""
    keys = [_digest(request) for request in requests]
    known = store.find(list(dict.fromkeys(keys)))
    fresh: dict[bytes, Instance] = {}
    for key, request in zip(keys, requests, strict=True):
        if key not in known:
            fresh.setdefault(key, request)
    answers = _ask(lm, kind, list(fresh.values()))
    settings = None
    written: dict[bytes, str] = {}
    for (key, request), answer in zip(fresh.items(), answers, strict=True):
        settings = getattr(request, MARK).settings
        written[key] = _encode(answer, getattr(request, MARK))
    store.keep(written)
    if settings is None and requests:
        settings = settings_of(lm)
    for key, request in zip(keys, requests, strict=True):
        if fresh.get(key) is not request:
            answer = _decode(known.get(key) or written[key], getattr(request, MARK))
            getattr(request, MARK).settings = settings
            request.resps.append(answer)
    return len(fresh)


def _ask(lm: LM, kind: str, requests: list[Instance]) -> list[Answer]:
    if not requests:
        return []
    answers: list[Answer] = getattr(lm, kind)(requests, disable_tqdm=True)
    for request, answer in zip(requests, answers, strict=True):
        request.resps.append(answer)
    return answers


def _is_drawn(request: Instance) -> bool:
    """Whether another call may bring another answer."""
    settings = request.args[1] if request.request_type == "generate_until" else None
    return (request.repeats or 1) > 1 or bool(
        isinstance(settings, dict) and (settings.get("do_sample") or settings.get("temperature"))
    )


def _digest(request: Instance) -> bytes:
    """SHA-256 of the kind and the arguments; a chat's answers keep marks that others lose."""
    asked = [request.request_type, getattr(request, MARK).chat is not None, request.args]
    text = json.dumps(asked, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _encode(answer: Answer, mark: Mark) -> str:
    noted: dict[str, Any] = {}
    for name in (one.name for one in dataclasses.fields(mark) if one.name not in _OF_THE_RUN):
        value = getattr(mark, name)
        noted[name] = dataclasses.asdict(value) if isinstance(value, Unread) else value
    content: dict[str, Any] = {"mark": noted}
    if isinstance(answer, Likelihood):
        content |= {"likelihood": float(answer), "tokens": answer.tokens}
        content |= {} if answer.hits is None else {"hits": answer.hits}
    elif isinstance(answer, tuple):
        content |= {"likelihood": float(answer[0]), "greedy": bool(answer[1])}
    elif isinstance(answer, str):
        content["text"] = str(answer)
    else:
        content["likelihood"] = float(answer)
    return json.dumps(content)


def as_cached(text: str) -> str:
    """A kept answer with the remark that an earlier run of the same model gave it.

    It stays with the answer, so that a run that goes on later still says so.

    Raises:
        DataError: it is no such answer.
    """
    try:
        return json.dumps({**json.loads(text), _CACHED: True})
    except (ValueError, TypeError) as error:
        raise DataError(f"a kept answer is damaged: {text[:80]!r}.") from error


def _decode(text: str, mark: Mark) -> Answer:
    """The answer; what was noted about it goes to the mark.

    Raises:
        DataError: it is no such answer.
    """
    try:
        content = json.loads(text)
        for name, value in content["mark"].items():
            setattr(mark, name, Unread(**value) if name == "unread" else value)
        mark.cached = bool(content.get(_CACHED))
        if "text" in content:
            return str(content["text"])
        if "greedy" in content:
            return float(content["likelihood"]), bool(content["greedy"])
        if "tokens" in content:
            hits = content.get("hits")
            return Likelihood(
                content["likelihood"], int(content["tokens"]), None if hits is None else int(hits)
            )
        return float(content["likelihood"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"a kept answer is damaged: {text[:80]!r}.") from error
