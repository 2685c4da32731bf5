"""lm-eval's tasks, asked window by window: its numbers and its records, in constant memory.

`lm_eval.simple_evaluate` builds all requests of all tasks, asks them, and keeps every sample to
the end. Here one task after the other is loaded, its documents are taken in windows, and of a
window nothing stays but sums. Prompts, requests, filters and scores come from the same task
objects; rows and results have the same form (`tests/evaluation/test_evaluator.py` compares them).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from arabench.errors import ArabenchError, DataError
from arabench.evaluation.harness.answers import AnswerCounts, AnswerStore, answer_requests
from arabench.evaluation.harness.collecting import Collected
from arabench.evaluation.harness.documents import indented
from arabench.evaluation.harness.room import check_task, extremes
from arabench.evaluation.harness.run_record import RunRecord

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager

#: What of lm-eval passes through the hands of those that import nothing of it.
Model: TypeAlias = "LM"
LoadedTask: TypeAlias = "ConfigurableTask"
Tasks: TypeAlias = "TaskManager"

#: Documents that are asked together. A run goes on behind the last whole window.
WINDOW: Final = 256


@dataclass(frozen=True)
class Prompting:
    """How documents are chosen and become prompts.

    Attributes:
        limit: documents per task, None for all.
        max_gen_tokens: cap of generated answers, None for each task's own.
        seed: of few-shot sampling and of whatever a model draws.
        system_prompt: put before everything, None for nothing.
        chat_template: whether prompts are written by the tokenizer's template.
        multiturn: whether shots are turns of their own in it.
        pseudo: whether likelihoods are pseudo-likelihoods, of an encoder.
    """

    limit: int | None = None
    max_gen_tokens: int | None = None
    seed: int = 1234
    system_prompt: str | None = None
    chat_template: bool = False
    multiturn: bool = True
    pseudo: bool = False

    def count(self, documents: int) -> int:
        """How many of a task's documents are asked."""
        return documents if self.limit is None else min(self.limit, documents)


def load_task(manager: TaskManager, name: str, prompting: Prompting) -> ConfigurableTask:
    """A task, set up as `simple_evaluate` does.

    Raises:
        ArabenchError: its data is missing or broken.
    """
    try:
        task: ConfigurableTask = manager.load([name])["tasks"][name]
    except SystemExit as stop:
        raise error_of(stop) from stop
    if task.get_config("output_type") == "generate_until" and prompting.max_gen_tokens:
        task.set_config(
            key="generation_kwargs", value={"max_gen_toks": prompting.max_gen_tokens}, update=True
        )
    if task.get_config("num_fewshot") is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=prompting.seed)
    if prompting.pseudo:
        task.measure_pseudo()
    return task


def error_of(stop: SystemExit) -> ArabenchError:
    """The error behind an exit by which a task speaks for itself under lm-eval's own command."""
    if isinstance(stop.__cause__, ArabenchError):
        return stop.__cause__
    return DataError(str(stop.code).removeprefix("arabench: error: "))


@dataclass
class TaskRun:
    """One task on one model.

    Attributes:
        name: of the task.
        documents: how many of them are asked.
        collected: values of the metrics so far.
        counts: where answers came from so far.
        digest: SHA-256 over documents, prompts and targets so far.
    """

    task: ConfigurableTask
    lm: LM
    prompting: Prompting
    collected: Collected = field(default_factory=Collected)
    counts: AnswerCounts = field(default_factory=AnswerCounts)

    def __post_init__(self) -> None:
        self.name: str = self.task.task_name
        self.documents = self.prompting.count(len(self.task.eval_docs))
        self._data = hashlib.sha256()
        fit = getattr(self.lm, "fit_task", None)
        if fit is not None:  # a probe learns from the task's train split
            fit(self.task)

    def windows(self, size: int = WINDOW, start: int = 0) -> Iterator[range]:
        """Places of the documents of each window, from a document on where one begins."""
        for place in range(start, self.documents, size):
            yield range(place, min(place + size, self.documents))

    def check(self) -> None:
        """Refuse, before anything is measured, what cannot be: by some of its documents.

        Raises:
            ArabenchError: data, template or model are at fault, or the context is too short.
        """
        try:
            with extremes(self.task, self.documents):
                self._build()
                check_task(self.lm, self.task.instances)
        except SystemExit as stop:
            raise error_of(stop) from stop

    def ask(self, window: range, store: AnswerStore) -> list[dict[str, Any]]:
        """Rows of the sample log for a window of documents.

        Raises:
            ArabenchError: a document, a prompt or the model is at fault.
        """
        self._seed(window.start)
        self.task.window = window
        try:
            self._build()
            counts = answer_requests(self.lm, self.task.instances, store)
            self.task.apply_filters()
            rows = list(self._rows())
        except SystemExit as stop:
            raise error_of(stop) from stop
        finally:
            self.task._instances = None
        self.counts.model += counts.model
        self.counts.known += counts.known
        self.counts.cached += counts.cached
        return rows

    def pass_over(self, window: range) -> None:
        """Draw the shots of a window that another process asks, so that those behind it agree."""
        if self.task.config.num_fewshot:
            self.task.window = window
            self._build()
            self.task._instances = None

    def hand_over(self) -> dict[str, Any]:
        """What was counted since the last time, for the process that keeps results."""
        found = {"record": self.task.record.to_json(), "counts": dataclasses.asdict(self.counts)}
        self.task.record, self.counts = RunRecord(), AnswerCounts()
        return found

    def take_over(self, found: dict[str, Any]) -> None:
        """Add what another process counted."""
        self.task.record = RunRecord.total([self.task.record, RunRecord.from_json(found["record"])])
        for name, count in found["counts"].items():
            setattr(self.counts, name, getattr(self.counts, name) + count)

    def add(self, row: dict[str, Any]) -> None:
        """Count a row: one just made, or one read back from the log of a run that was killed."""
        self.collected.add(row)
        hashes = [row["doc_hash"], row["prompt_hash"], row["target_hash"]]
        self._data.update((" ".join(hashes) + "\n").encode("ascii"))

    def state(self) -> dict[str, Any]:
        """What a run that goes on must know besides the rows: counts and random states."""
        version, inner, rest = self.task.sampler.rnd.getstate()
        return {
            "record": self.task.record.to_json(),
            "counts": dataclasses.asdict(self.counts),
            "shots": [version, list(inner), rest] if self.task.config.num_fewshot else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on behind the window after which `state` was asked for."""
        self.task.record = RunRecord.from_json(state["record"])
        self.counts = AnswerCounts(**state["counts"])
        if state["shots"]:
            version, inner, rest = state["shots"]
            self.task.sampler.rnd.setstate((version, tuple(inner), rest))

    def outcome(self) -> dict[str, Any]:
        """The task's part of lm-eval's results, ready to be written as JSON."""
        from lm_eval.utils import handle_non_serializable

        config = dict(self.task.dump_config())
        metrics, samples = self._metrics()
        found = {
            "metrics": {
                "name": self.name,
                "alias": config.get("task_alias", self.name),
                "sample_len": samples,
                **metrics,
            },
            "config": config,
            "version": self.task.VERSION,
            "num_fewshot": config.get("num_fewshot", 0),
            "higher_is_better": self.task.higher_is_better(),
            "samples": {"original": len(self.task.eval_docs), "effective": samples},
            "data_sha256": self._data.hexdigest(),
            "answers": dataclasses.asdict(self.counts),
        }
        read: dict[str, Any] = json.loads(json.dumps(found, default=handle_non_serializable))
        return read

    def _seed(self, place: int) -> None:
        """Whatever draws in this window draws the same, whether the run began here or not."""
        import torch

        text = f"{self.prompting.seed}:{self.name}:{place}"
        seed = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:4], "big")
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def _build(self) -> None:
        from unittest import mock

        from lm_eval.api import task as tasks

        # A bar of its own for every window would tear ours.
        with mock.patch.object(tasks, "tqdm", lambda documents, **_: documents):
            self._build_all_requests()

    def _build_all_requests(self) -> None:
        asked = self.prompting
        template = getattr(self.lm, "apply_chat_template", None)
        self.task.build_all_requests(
            limit=asked.limit,
            samples=None,
            rank=0,
            world_size=1,
            cache_requests=False,
            rewrite_requests_cache=False,
            system_instruction=asked.system_prompt,
            apply_chat_template=asked.chat_template,
            fewshot_as_multiturn=asked.multiturn,
            chat_template=template if asked.chat_template else None,
            tokenizer_name=getattr(self.lm, "tokenizer_name", "") if asked.chat_template else "",
        )

    def _rows(self) -> Iterator[dict[str, Any]]:
        """One per filter and document, as lm-eval logs them."""
        requests: dict[int, list[Instance]] = {}
        for instance in self.task.instances:
            requests.setdefault(instance.doc_id, []).append(instance)
        for of_one in requests.values():
            of_one.sort(key=lambda request: request.idx)
        for name in self.task.instances[0].filtered_resps:
            for place, document in self.task.doc_iterator():
                yield self._row(place, document, requests[place], name)

    def _row(
        self, place: int, document: dict[str, Any], requests: Sequence[Instance], name: str
    ) -> dict[str, Any]:
        from lm_eval.utils import hash_string

        answers = [request.filtered_resps[name] for request in requests]
        metrics = self.task.process_results(document, answers)
        target = self.task.doc_to_target(document)
        shown = indented(requests[0].doc)
        return {
            "doc_id": place,
            "doc": document,
            "target": target,
            "arguments": [request.args for request in requests],
            "resps": [request.resps for request in requests],
            "filtered_resps": answers,
            "filter": name,
            "metrics": list(metrics),
            "doc_hash": hash_string(shown),
            "prompt_hash": hash_string(requests[0].arguments[0]),
            "target_hash": hash_string(str(target)),
            **metrics,
        }

    def _metrics(self) -> tuple[dict[str, Any], int]:
        """Values by `metric,filter`, and the number of samples."""
        found: dict[str, Any] = {}
        samples = 0
        for (metric, name), values in self.collected.values.items():
            found[f"{metric},{name}"] = self.task.aggregation()[metric](values)
            found[f"{metric}_stderr,{name}"] = "N/A"  # ours are metrics of their own, below
            samples = max(samples, len(values))
        return found, samples
