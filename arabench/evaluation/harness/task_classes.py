"""The classes behind our task YAML: lm-eval's, with checks and a record of how it was run.

Imported by `arabench.evaluation.tasks` on first access: lm-eval is heavy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from arabench.errors import ArabenchError, DataError
from arabench.evaluation.contamination.exclusion import leave_out
from arabench.evaluation.data.source import watch_fallbacks
from arabench.evaluation.harness import backends
from arabench.evaluation.harness.chat import Chat, OnlyThinking, Template, chat_of
from arabench.evaluation.harness.conditions import RUN_KEY
from arabench.evaluation.harness.documents import read_documents
from arabench.evaluation.harness.own_tokens import Likelihood
from arabench.evaluation.harness.pseudo_tasks import refuse_without_order, rename_metrics
from arabench.evaluation.harness.run_record import DATA, RunRecord, gather
from arabench.evaluation.harness.settings import template_digest
from arabench.evaluation.metrics.pseudo import pseudo_values
from arabench.evaluation.metrics.score import without_sums
from arabench.evaluation.metrics.table import SCORES

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

log = logging.getLogger(__name__)


def task_classes() -> dict[str, type]:
    """`ArabenchTask`, `RollingTask`, `PromptsTask` and `NextWordTask`."""
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask

    class ArabenchTask(ConfigurableTask):  # type: ignore[misc]
        """A YAML task whose requests are checked and whose run is recorded.

        Attributes:
            record: of the requests that were answered.
            window: places of the documents that are asked next; None for all of them.
        """

        def __init__(self, config: dict[str, Any]) -> None:
            # lm-eval hands over the YAML with the `class` key that led here.
            super().__init__(config={key: value for key, value in config.items() if key != "class"})
            self.record = RunRecord()
            self.window: Sequence[int] | None = None
            self._held: tuple[Sequence[int], list[dict[str, Any]]] = ((), [])
            self._pseudo = False
            self._conditions: dict[str, str] = {}
            self._chat: Chat | None = None
            self._process, self._processes = 0, 1

        def measure_pseudo(self) -> None:
            """From here on likelihoods are an encoder's pseudo-likelihoods, and are named so.

            Raises:
                UsageError: the task asks for what an encoder does not give.
            """
            refuse_without_order(self.config.task, self.OUTPUT_TYPE, self.in_order)
            self._pseudo = True
            rename_metrics(self)

        in_order = False
        #: Where packaged data stand in for what the given data do not hold.
        _stand_ins: tuple[str, ...] = ()

        def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
            if not callable(self.config.custom_dataset):
                super().download(dataset_kwargs, **kwargs)
                return
            # As lm-eval does, without its advice on --metadata, which comes once a task.
            metadata = self.config.metadata or {}
            with watch_fallbacks() as stand_ins:
                found = self.config.custom_dataset(**metadata, **(self.config.dataset_kwargs or {}))
            self._stand_ins = tuple(dict.fromkeys(stand_ins))
            try:
                found = leave_out(found, self.config.test_split, self.config.task, metadata)
            except ArabenchError as error:
                raise SystemExit(f"arabench: error: {error}") from error
            self.dataset = found

        def build_all_requests(self, **kwargs: Any) -> None:
            _check_samples(self, kwargs.get("samples"))
            self._process, self._processes = kwargs.get("rank", 0), kwargs.get("world_size", 1)
            self._chat = None
            if kwargs.get("apply_chat_template") and kwargs.get("chat_template") is not None:
                self._chat = _ask(kwargs["chat_template"])
                kwargs["chat_template"] = self._chat.prompt if self._answers else self._chat.before
            super().build_all_requests(**kwargs)
            _check_requests(self, kwargs)
            _check_metrics(self)
            backends.mark(self._instances, self._chat, whole=self.window is None)
            self._conditions = _conditions(kwargs, self._chat)
            if self.window is None:
                self.record = RunRecord()

        @property
        def _answers(self) -> bool:
            return bool(self.OUTPUT_TYPE == "generate_until")

        def construct_requests(self, doc: dict[str, Any], ctx: Any, **kwargs: Any) -> Any:
            found = super().construct_requests(doc, ctx, **kwargs)
            if self._answers and self._chat is not None:
                prompt, settings = found.arguments
                found.arguments = (prompt, {**settings, "until": self._chat.until(settings)})
            return found

        def doc_iterator(self, **kwargs: Any) -> Iterator[tuple[int, dict[str, Any]]]:
            if self.window is None:
                yield from super().doc_iterator(**kwargs)
                return
            for place, document in self.window_documents().items():
                yield place, {**document}

        def window_documents(self) -> dict[int, dict[str, Any]]:
            """Documents of the window by place, read once for prompts, checks and scores."""
            window = self.window or ()
            if self._held[0] != window:
                self._held = window, list(read_documents(self.eval_docs, window))
            return dict(zip(window, self._held[1], strict=True))

        def apply_filters(self) -> Any:
            filtered = super().apply_filters()
            if self._answers and self._chat is not None:
                for instance in self._instances:
                    instance.filtered_resps = {
                        name: self._chat.answer(text)
                        for name, text in instance.filtered_resps.items()
                    }
            self.record.add(self._instances)
            if self.window is None:  # `arabench eval` says them when the last window is done
                self.record = gather(self.record, self._processes)
                for note in self.record.to_notes() if self._process == 0 else ():
                    log.warning("%s: %s", self.config.task, note)
            return filtered

        def process_results(self, doc: dict[str, Any], results: Any) -> Any:
            values = super().process_results(doc, results)
            if self._pseudo:
                values = pseudo_values(values, results)
            if self._answers and any(isinstance(answer, OnlyThinking) for answer in results):
                return {name: without_sums(value) for name, value in values.items()}
            return values

        def dump_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().dump_config()
            metadata = dict(config.get("metadata") or {})
            # Asked of the objects that counted, and not of the file that names them.
            metadata["signatures"] = {
                name: SCORES[name].signature if name in SCORES else written
                for name, written in (metadata.get("signatures") or {}).items()
            }
            metadata[RUN_KEY] = {
                "settings": {
                    **self._conditions,
                    **_data_setting(metadata, self._stand_ins),
                    **self.record.to_settings(),
                },
                "notes": [*self._stand_ins, *self.record.to_notes()],
            }
            return {**config, "metadata": metadata}

    class RollingTask(ArabenchTask):
        """Log-likelihood of every string in `doc["texts"]`, or of `doc["text"]`."""

        def fewshot_context(self, doc: dict[str, Any], *args: Any, **kwargs: Any) -> str:
            # A text has no prompt, and lm-eval would compile an empty template for each.
            return ""

        def construct_requests(self, doc: dict[str, Any], ctx: Any, **kwargs: Any) -> list[Any]:
            kwargs.pop("apply_chat_template", None)
            kwargs.pop("chat_template", None)
            return [
                Instance("loglikelihood_rolling", doc, (text,), index, **kwargs)
                for index, text in enumerate(doc.get("texts") or [doc["text"]])
            ]

    class PromptsTask(ArabenchTask):
        """Log-likelihood of every choice letter after every question in `doc["questions"]`.

        Each question becomes a prompt as the one question of an ordinary task does: with shots,
        system prompt and chat template where they are asked for.
        """

        def fewshot_context(self, doc: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            return [
                super(PromptsTask, self).fewshot_context({**doc, "question": text}, *args, **kwargs)
                for text in doc["questions"]
            ]

        def construct_requests(self, doc: dict[str, Any], ctx: Any, **kwargs: Any) -> list[Any]:
            template = kwargs.pop("apply_chat_template", False)
            kwargs.pop("chat_template", None)
            delimiter = "" if template else self.config.target_delimiter
            choices = self.doc_to_choice(doc)
            arguments = [(prompt, f"{delimiter}{letter}") for prompt in ctx for letter in choices]
            return [
                Instance("loglikelihood", doc, pair, index, **kwargs)
                for index, pair in enumerate(arguments)
            ]

    class NextWordTask(ArabenchTask):
        """Log-likelihood of every word of `doc["text"]` after the first, after the text before it.

        `doc["ends"]` are the places behind each word.
        """

        in_order = True

        def construct_requests(self, doc: dict[str, Any], ctx: Any, **kwargs: Any) -> list[Any]:
            kwargs.pop("apply_chat_template", None)
            kwargs.pop("chat_template", None)
            text = doc["text"]
            return [
                Instance("loglikelihood", doc, (text[:start], text[start:end]), index, **kwargs)
                for index, (start, end) in enumerate(pairwise(doc["ends"]))
            ]

    return {
        "ArabenchTask": ArabenchTask,
        "RollingTask": RollingTask,
        "PromptsTask": PromptsTask,
        "NextWordTask": NextWordTask,
    }


def _conditions(kwargs: dict[str, Any], chat: Chat | None) -> dict[str, str]:
    """What of a run lm-eval tells its tasks."""
    # By what it writes: a tokenizer may hold several templates.
    said = [{"role": "user", "content": "س"}]
    shown = "none" if chat is None else template_digest(str(chat.prompt(said)))
    system = kwargs.get("system_instruction")
    limit = kwargs.get("limit")
    return {
        "chat_template": shown,
        "system_prompt": template_digest(system) if system else "none",
        "multiturn": str(shown != "none" and bool(kwargs.get("fewshot_as_multiturn"))),
        "limit": str(limit) if limit else "none",
        "samples": "chosen" if kwargs.get("samples") else "all",
        **({} if chat is None else chat.settings()),
    }


def _data_setting(metadata: dict[str, Any], stand_ins: Sequence[str]) -> dict[str, str]:
    """Whose data was measured, where the run names some."""
    if metadata.get("arabench_data") is None:
        return {}
    return {DATA: "packaged" if stand_ins else "given"}


def _check_samples(task: ConfigurableTask, samples: list[int] | None) -> None:
    """lm-eval 0.4.13 asks chosen documents in the order of the data, and numbers them as given."""
    if not samples:
        return
    size = len(task.eval_docs)
    right = [number for number in range(size) if number in samples]
    if list(samples) != right:
        _stop(
            f"--samples of task {task.config.task!r} is {str(samples)[:80]}. Allowed are whole "
            f"numbers from 0 to {size - 1}, ascending and each once: lm-eval writes others under "
            f"wrong numbers.{f' Write {right}.' if 0 < len(right) <= 20 else ''}"
        )


#: What a model may answer to a request of each kind.
_ANSWERS: dict[str, Any] = {
    "loglikelihood": (-1.0, False),
    "loglikelihood_rolling": Likelihood(-1.0, 1),
    "generate_until": "نعم",
}


def _check_metrics(task: ConfigurableTask) -> None:
    """Scores that a task asks for and does not give would be missed after everything is measured.

    Raises:
        SystemExit: names them.
    """
    if not callable(task.config.process_results):
        return
    first = task.instances[0].doc_id
    answers = [
        _ANSWERS[instance.request_type] for instance in task.instances if instance.doc_id == first
    ]
    try:
        given = set(task.process_results(task.instances[0].doc, answers))
    except Exception:  # a score of somebody's own, which does not take such an answer
        return
    asked = {one["metric"] for one in task.config.metric_list or ()}
    if given != asked:
        wrong = ", ".join(sorted(asked ^ given))
        _stop(
            f"task {task.config.task!r}: metric_list of its YAML and what its scores give differ "
            f"in {wrong}. Its scores give {', '.join(sorted(given))}: list these, and no others."
        )


def _check_requests(task: ConfigurableTask, kwargs: dict[str, Any]) -> None:
    """lm-eval's request cache knows a task's name only: refuse requests of other data."""
    documents = _documents(task, kwargs.get("samples"))
    for instance in task.instances:
        document = documents(instance.doc_id)
        other = document is None or document != instance.doc
        if document is not None and instance.request_type == "loglikelihood_rolling":
            texts = document.get("texts") or [document.get("text")]
            other = other or instance.args[0] not in texts
        if other:
            _stop(
                f"the requests of task {task.config.task!r} are not those of its data: document "
                f"{instance.doc_id} differs. --cache_requests keeps requests under the task's name "
                "alone, and these were built from other data. Run with --cache_requests delete."
            )
        if not instance.args[0]:
            _stop(
                f"task {task.config.task!r}: document {instance.doc_id} has an empty text or "
                "prompt. Mend the data."
            )


def _documents(
    task: ConfigurableTask, samples: list[int] | None
) -> Callable[[int], dict[str, Any] | None]:
    """Document by the number that lm-eval gives it: counted among the chosen ones."""
    if task.window is not None:
        of_window: dict[int, dict[str, Any]] = task.window_documents()
        return of_window.get
    docs = task.eval_docs
    places = sorted(set(samples)) if samples else range(len(docs))
    found: dict[int, dict[str, Any] | None] = {}

    def document(number: int) -> dict[str, Any] | None:
        if number not in found:
            found[number] = docs[places[number]] if number < len(places) else None
        return found[number]

    return document


def _ask(template: Template) -> Chat:
    try:
        return chat_of(template)
    except ArabenchError as error:
        if getattr(getattr(template, "__self__", None), "raises_arabench_errors", False):
            raise
        raise SystemExit(f"arabench: error: {error}") from error


def _stop(message: str) -> None:
    error: ArabenchError = DataError(message)
    raise SystemExit(f"arabench: error: {error}") from error
