"""Multiple choice four ways: letters Latin or Arabic, the answer's text, its text per length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.data.questions import ARABIC_LETTERS, CHOICE_LETTERS, load_questions
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

FAMILY: Final = Family(
    "choice",
    (
        Template("arabench_mmlu/_mmlu_template", ("acc",)),
        Template("arabench_mmlu/_mmlu_arabic_letters_template", ("acc",)),
        Template("arabench_mmlu/_mmlu_text_template", ("acc", "acc_norm", "acc_bytes")),
    ),
)


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


@plain_errors
def mmlu_text_data(**metadata: Any) -> Splits:
    """As `mmlu_data`, for the task that asks for the likelihood of the choices' own text."""
    found = mmlu_data(**metadata)
    for row in found["test"]:
        if not all(choice.strip() for choice in row["choices"]):
            raise DataError(
                f"question {row['id']!r} has an empty choice, whose text has no likelihood. Mend "
                "the data, or measure it by letters only."
            )
    return found


def choice_prompt(doc: Document) -> str:
    """Question and lettered choices; the model continues with a letter.

    Latin letters name the choices: one token in every tokenizer we know.
    """
    return _lettered(doc, CHOICE_LETTERS)


def choice_prompt_arabic(doc: Document) -> str:
    """As `choice_prompt`, with the letters of Arabic exam papers."""
    return _lettered(doc, ARABIC_LETTERS)


def choice_prompt_text(doc: Document) -> str:
    """The question alone; the model continues with the text of a choice, none of which it saw."""
    return f"السؤال: {doc['question']}\nالجواب:"


def _lettered(doc: Document, letters: Sequence[str]) -> str:
    lines = [f"{letter}. {choice}" for letter, choice in zip(letters, doc["choices"], strict=False)]
    return "\n".join([f"السؤال: {doc['question']}", *lines, "الجواب:"])


def choice_letters(doc: Document) -> list[str]:
    """Latin letters that name the choices."""
    return list(CHOICE_LETTERS[: len(doc["choices"])])


def choice_letters_arabic(doc: Document) -> list[str]:
    """Arabic letters that name the choices.

    A tokenizer may cut one into several tokens; its likelihood is that of them all.
    """
    return list(ARABIC_LETTERS[: len(doc["choices"])])


def choice_texts(doc: Document) -> list[str]:
    """The choices' own texts, without white space around them."""
    return [choice.strip() for choice in doc["choices"]]


def score_choice(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Document]:
    """1 when the right letter has the highest log-likelihood; ties go to the first."""
    return with_stderr({"acc": sample(doc["item"], [correct(results, doc["answer"]), 1])})


def score_choice_text(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Document]:
    """As `score_choice`, of texts: their log-likelihood as it is, per code point and per byte."""
    lengths = {"acc": None, "acc_norm": code_points(doc), "acc_bytes": utf8_bytes(doc)}
    return with_stderr(
        {
            name: sample(doc["item"], [correct(results, doc["answer"], sizes), 1])
            for name, sizes in lengths.items()
        }
    )


def code_points(doc: Document) -> list[int]:
    """Of each choice's text, diacritics among them, as lm-eval's acc_norm counts."""
    return [len(text) for text in choice_texts(doc)]


def utf8_bytes(doc: Document) -> list[int]:
    """Of each choice's text, as lm-eval's acc_bytes counts."""
    return [len(text.encode("utf-8")) for text in choice_texts(doc)]
