"""What of an evaluation item may stand in training text: its parts, and its answer beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arabench.errors import UsageError, nearest_of


@dataclass(frozen=True)
class Part:
    """A text of an item that is looked for by itself.

    Attributes:
        name: what it is: sentence, question, passage, source, target.
        text: as the task holds it.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Item:
    """A document of a task.

    Attributes:
        task: its name.
        name: the document's `id`.
        parts: any of them in training text makes the item contaminated.
        answer: looked for beside a part that was found; empty where there is none.
    """

    task: str
    name: str
    parts: tuple[Part, ...]
    answer: str = ""


def item_of(task: str, document: Mapping[str, Any]) -> Item:
    """The parts of a document, by its fields.

    Raises:
        UsageError: it has none of the fields that tasks of ours have.
    """
    name = str(document.get("id", ""))
    if "context" in document and "question" in document:
        parts = (Part("passage", document["context"]), Part("question", document["question"]))
        return Item(task, name, parts, document["answers"][0])
    if "question" in document:
        answer = document["choices"][document["answer"]]
        return Item(task, name, (Part("question", document["question"]),), answer)
    if "source" in document:
        parts = (Part("source", document["source"]), Part("target", document["target"]))
        return Item(task, name, parts)
    if "text" in document:
        return Item(task, name, (Part("sentence", document["text"]),))
    if "texts" in document:
        sentence, reference = document["texts"]
        return Item(task, name, (Part("sentence", sentence), Part("MSA sentence", reference)))
    raise UsageError(
        f"task {task!r} has documents with the fields {', '.join(document)}: nothing that can be "
        "looked for. Name tasks of ours (arabench eval --list-tasks)."
    )


def load_items(tasks: Sequence[str], metadata: Mapping[str, Any]) -> list[Item]:
    """Every document that tasks and groups measure, as `arabench eval` reads them.

    Args:
        tasks: names of tasks and groups; a task that comes twice is taken once.
        metadata: data options, as lm-eval's --metadata.

    Raises:
        UsageError: an unknown name, or a wrong data option.
        DataError: data is missing or broken.
    """
    from arabench.evaluation.harness.assemble import select_tasks
    from arabench.evaluation.harness.evaluator import Prompting, load_task
    from arabench.evaluation.harness.run import task_manager

    manager = task_manager(metadata)
    for name in tasks:
        if name not in manager.all_tasks:
            nearest = nearest_of(name, manager.all_tasks, "arabench eval --list-tasks")
            raise UsageError(f"task {name!r} is not known. {nearest}")
    if not tasks:
        raise UsageError(f"no task given. Allowed: {', '.join(sorted(manager.all_tasks))}.")
    return [
        item_of(name, document)
        for name in select_tasks(manager, tasks).tasks
        for document in load_task(manager, name, Prompting()).eval_docs
    ]
