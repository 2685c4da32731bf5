"""Multiple choice: the letter with the highest log-likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.errors import UsageError
from arabench.evaluation.data.questions import CHOICE_LETTERS, load_questions
from arabench.evaluation.families.family import (
    Document,
    Family,
    Splits,
    Template,
    dataset,
    plain_errors,
    source_of,
    with_stderr,
)
from arabench.evaluation.harness.conditions import conditions_of
from arabench.evaluation.metrics.choice import correct
from arabench.evaluation.metrics.score import sample

FAMILY: Final = Family("choice", (Template("arabench_mmlu/_mmlu_template", ("acc",)),))


@plain_errors
def mmlu_data(subject: str | None = None, **metadata: Any) -> Splits:
    """Multiple-choice questions: packaged, or all of a local folder or hub data set."""
    source = source_of(metadata)
    rows = [
        question.document()
        for question in load_questions(source)
        if question.split != "dev" and subject in (None, question.subject)
    ]
    return {
        "test": dataset(
            rows, f"subject {subject}" if subject else "multiple choice", conditions_of(metadata)
        )
    }


@plain_errors
def mmlu_files_data(**metadata: Any) -> Splits:
    """As `mmlu_data`, for the task that needs `arabench_data` named."""
    if not metadata.get("arabench_data"):
        raise UsageError(
            "this task reads your own questions: name them with "
            '--metadata \'{"arabench_data": "FOLDER or hub:OWNER/NAME"}\'.'
        )
    return mmlu_data(**metadata)


@plain_errors
def mmlu_hub_data(hub: str, hub_config: str, **metadata: Any) -> Splits:
    """Multiple-choice questions of a hub data set named in the YAML."""
    return mmlu_data(**{"arabench_data": f"hub:{hub}", "arabench_config": hub_config, **metadata})


def choice_prompt(doc: Document) -> str:
    """Question and lettered choices; the model continues with a letter.

    Latin letters name the choices: one token in every tokenizer we know.
    """
    lettered = zip(CHOICE_LETTERS, doc["choices"], strict=False)
    lines = [f"{letter}. {choice}" for letter, choice in lettered]
    return "\n".join([f"السؤال: {doc['question']}", *lines, "الجواب:"])


def choice_letters(doc: Document) -> list[str]:
    """Letters that name the choices."""
    return list(CHOICE_LETTERS[: len(doc["choices"])])


def score_choice(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Document]:
    """1 when the right letter has the highest log-likelihood; ties go to the first."""
    return with_stderr({"acc": sample(doc["item"], [correct(results, doc["answer"]), 1])})
