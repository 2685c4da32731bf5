"""The classes behind our task YAML: lm-eval's, with checks and a record of how it was run.

Imported by `arabench.evaluation.tasks` on first access: lm-eval is heavy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from arabench.errors import ArabenchError, DataError
from arabench.evaluation.harness import backends
from arabench.evaluation.harness.conditions import RUN_KEY
from arabench.evaluation.harness.settings import template_digest
from arabench.evaluation.metrics.table import SCORES

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask

log = logging.getLogger(__name__)


def task_classes() -> dict[str, type]:
    """`ArabenchTask`, `RollingTask` and `PromptsTask`."""
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask

    class ArabenchTask(ConfigurableTask):  # type: ignore[misc]
        """A YAML task whose requests are checked and whose run is recorded."""

        def __init__(self, config: dict[str, Any]) -> None:
            # lm-eval hands over the YAML with the `class` key that led here.
            super().__init__(config={key: value for key, value in config.items() if key != "class"})
            self._run: dict[str, str] = {}
            self._notes: list[str] = []

        def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
            if not callable(self.config.custom_dataset):
                super().download(dataset_kwargs, **kwargs)
                return
            # As lm-eval does, without its advice on --metadata, which comes once a task.
            self.dataset = self.config.custom_dataset(
                **(self.config.metadata or {}), **(self.config.dataset_kwargs or {})
            )

        def build_all_requests(self, **kwargs: Any) -> None:
            super().build_all_requests(**kwargs)
            _check_requests(self, kwargs)
            backends.mark(self._instances)
            self._run = _conditions(kwargs)

        def apply_filters(self) -> Any:
            found, notes = _record(self._instances)
            self._run, self._notes = {**self._run, **found}, notes
            for note in notes:
                log.warning("%s: %s", self.config.task, note)
            return super().apply_filters()

        def dump_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().dump_config()
            metadata = dict(config.get("metadata") or {})
            # Asked of the objects that counted, and not of the file that names them.
            metadata["signatures"] = {
                name: SCORES[name].signature if name in SCORES else written
                for name, written in (metadata.get("signatures") or {}).items()
            }
            metadata[RUN_KEY] = {"settings": self._run, "notes": self._notes}
            return {**config, "metadata": metadata}

    class RollingTask(ArabenchTask):
        """Log-likelihood of every string in `doc["texts"]`, or of `doc["text"]`."""

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

    return {
        "ArabenchTask": ArabenchTask,
        "RollingTask": RollingTask,
        "PromptsTask": PromptsTask,
    }


def _conditions(kwargs: dict[str, Any]) -> dict[str, str]:
    """What of a run lm-eval tells its tasks."""
    template: Callable[..., str] | None = kwargs.get("chat_template")
    shown = "none"
    if kwargs.get("apply_chat_template") and template is not None:
        # By what it writes: a tokenizer may hold several templates.
        shown = template_digest(template([{"role": "user", "content": "س"}]))
    system = kwargs.get("system_instruction")
    limit = kwargs.get("limit")
    return {
        "chat_template": shown,
        "system_prompt": template_digest(system) if system else "none",
        "multiturn": str(shown != "none" and bool(kwargs.get("fewshot_as_multiturn"))),
        "limit": str(limit) if limit else "none",
        "samples": "all" if kwargs.get("samples") is None else "chosen",
    }


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
    docs = task.eval_docs
    places = sorted(set(samples)) if samples else range(len(docs))
    found: dict[int, dict[str, Any] | None] = {}

    def document(number: int) -> dict[str, Any] | None:
        if number not in found:
            found[number] = docs[places[number]] if number < len(places) else None
        return found[number]

    return document


def _stop(message: str) -> None:
    error: ArabenchError = DataError(message)
    raise SystemExit(f"arabench: error: {error}") from error


def _record(instances: list[Instance]) -> tuple[dict[str, str], list[str]]:
    """(settings, notes) of the requests that were answered."""
    marks = [getattr(instance, backends.MARK) for instance in instances]
    asked = [mark for mark in marks if mark.settings is not None]
    settings: dict[str, str] = dict(asked[0].settings or {}) if asked else {}
    settings["answered"] = (
        "by the model"
        if len(asked) == len(marks)
        else f"{len(marks) - len(asked)} of {len(marks)} requests by a cache"
    )
    notes = []
    tokens, unknown = sum(mark.tokens for mark in marks), sum(mark.unread.tokens for mark in marks)
    characters = sum(mark.unread.characters for mark in marks)
    # Compared by the gate: a tokenizer that reads less makes any model look better.
    settings["characters_not_read"] = str(characters)
    if characters:
        notes.append(
            f"the tokenizer does not read {characters:,} characters ({unknown:,} of {tokens:,} "
            "tokens are <unk>; others became nothing), which cost the model next to nothing: its "
            "bits are too low, and compare with no other tokenizer's"
        )
    cut = sum(mark.cut for mark in marks)
    if cut:
        notes.append(
            f"{cut:,} of {len(marks):,} prompts are longer than the model's context and were cut "
            "on the left"
        )
    return settings, notes
