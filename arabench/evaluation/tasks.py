"""What the YAML of the task suites points at.

Three kinds of functions: `*_data` build data sets (lm-eval calls them with every
`--metadata` key and model argument), `score_*` turn model outputs into the sums of
`arabench.evaluation.scores` (which `arabench.evaluation.aggregations` turns into
numbers), and task classes build and record the requests; they are built on
first access, so that importing this module does not import lm-eval.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from arabench.errors import ArabenchError, DataError, UsageError
from arabench.evaluation import prompts
from arabench.evaluation.answers import exact_match, token_f1
from arabench.evaluation.conditions import COLUMN, conditions_of
from arabench.evaluation.noise import perturb
from arabench.evaluation.parallel import codes_for, load_parallel
from arabench.evaluation.questions import Question, load_questions
from arabench.evaluation.reading import load_reading
from arabench.evaluation.scores import NOISE_RATES, sample
from arabench.evaluation.source import ENGLISH, Source

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Splits = dict[str, Any]

#: Questions per subject in the multiple-choice robustness tasks: 6 rates x 4 choices
#: are scored for each.
NOISE_QUESTIONS_PER_SUBJECT = 5


def _plain_errors(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Under lm-eval's own command an error of the user's ends with one message."""

    @functools.wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except ArabenchError as error:
            raise SystemExit(f"arabench: error: {error}") from error

    return wrapper


def source_of(metadata: Mapping[str, Any]) -> Source:
    """The data source named by `arabench_*` keys; unknown ones are refused."""
    chosen = {key: value for key, value in metadata.items() if key.startswith("arabench_")}
    allowed = {
        "arabench_data",
        "arabench_config",
        "arabench_split",
        "arabench_columns",
        "arabench_codes",
    }
    unknown = sorted(set(chosen) - allowed)
    if unknown:
        from arabench.errors import did_you_mean

        raise UsageError(
            f"--metadata key {unknown[0]!r} is not known. {did_you_mean(unknown[0], allowed)}"
        )
    return Source.from_metadata(**chosen)


def _dataset(rows: Sequence[Mapping[str, Any]], what: str, conditions: str = "") -> Any:
    if not rows:
        raise DataError(f"the data holds nothing to evaluate for {what}.")
    import datasets

    extra = {COLUMN: conditions} if conditions else {}
    return datasets.Dataset.from_list([{**row, **extra} for row in rows])


# --- data ------------------------------------------------------------------------------------


@_plain_errors
def lm_data(variety: str, **metadata: Any) -> Splits:
    """Sentences of one variety: {id, item, code, text}."""
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    codes = codes_for(variety, items, source)
    rows = [
        {"id": f"{item.item}/{code}", "item": item.item, "code": code, "text": item.texts[code]}
        for item in items
        for code in codes
        if code in item.texts
    ]
    return {"test": _dataset(rows, variety, conditions_of(metadata))}


@_plain_errors
def tax_data(variety: str, **metadata: Any) -> Splits:
    """Sentences with their MSA renderings: {id, item, code, texts: [variety, MSA]}."""
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    codes = codes_for(variety, items, source)
    reference = codes_for("msa", items, Source(source.data))[0]
    rows = [
        {
            "id": f"{item.item}/{code}",
            "item": item.item,
            "code": code,
            "texts": [item.texts[code], item.texts[reference]],
        }
        for item in items
        for code in codes
        if code in item.texts and reference in item.texts
    ]
    return {"test": _dataset(rows, f"{variety} beside MSA", conditions_of(metadata))}


@_plain_errors
def translation_data(variety: str, target: str, **metadata: Any) -> Splits:
    """Pairs from a variety to MSA or English. Examples in the prompt are always packaged ones."""
    source = source_of(metadata)
    test = [item for item in load_parallel(source) if item.split == "test"]
    shots = [item for item in load_parallel(Source()) if item.split == "train"]

    def rows(items: Sequence[Any], chosen: Source) -> list[dict[str, Any]]:
        codes = codes_for(variety, items, chosen)
        to = ENGLISH if target == ENGLISH else codes_for(target, items, Source(chosen.data))[0]
        return [
            {
                "id": f"{item.item}/{code}",
                "item": item.item,
                "code": code,
                "variety": variety,
                "target_code": target,
                "source": item.texts[code],
                "target": item.texts[to],
            }
            for item in items
            for code in codes
            if code in item.texts and to in item.texts
        ]

    return {
        "test": _dataset(
            rows(test, source),
            f"translation from {variety} to {target}",
            conditions_of(metadata, sacrebleu=True),
        ),
        "train": _dataset(rows(shots, Source()), "prompt examples"),
    }


@_plain_errors
def reading_data(variety: str, **metadata: Any) -> Splits:
    """Questions on passages in one variety: {id, item, code, context, question, answers}."""
    from arabench.varieties import variety_of

    source = source_of(metadata)

    def rows(chosen: Source, split: str) -> list[dict[str, Any]]:
        return [
            {
                "id": f"{entry.item}/{entry.code}/{number}",
                "item": entry.item,
                "code": entry.code,
                "context": entry.context,
                "question": entry.question,
                "answers": list(entry.answers),
            }
            for number, entry in enumerate(load_reading(chosen))
            if entry.split == split and variety_of(entry.code) == variety
        ]

    return {
        "test": _dataset(
            rows(source, "test"),
            f"reading comprehension in {variety}",
            conditions_of(metadata),
        ),
        "train": _dataset(rows(Source(), "train"), "prompt examples"),
    }


def _question_row(question: Question) -> dict[str, Any]:
    return {
        "id": question.item,
        "item": question.item,
        "subject": question.subject,
        "question": question.question,
        "choices": list(question.choices),
        "answer": question.answer,
    }


@_plain_errors
def mmlu_data(subject: str | None = None, **metadata: Any) -> Splits:
    """Multiple-choice questions: packaged, or all of a local folder or hub data set."""
    source = source_of(metadata)
    rows = [
        _question_row(question)
        for question in load_questions(source)
        if question.split != "dev" and subject in (None, question.subject)
    ]
    return {
        "test": _dataset(
            rows, f"subject {subject}" if subject else "multiple choice", conditions_of(metadata)
        )
    }


@_plain_errors
def mmlu_files_data(**metadata: Any) -> Splits:
    """As `mmlu_data`, for the task that needs `arabench_data` named."""
    if not metadata.get("arabench_data"):
        raise UsageError(
            "this task reads your own questions: name them with "
            '--metadata \'{"arabench_data": "FOLDER or hub:OWNER/NAME"}\'.'
        )
    return mmlu_data(**metadata)


@_plain_errors
def mmlu_hub_data(hub: str, hub_config: str, **metadata: Any) -> Splits:
    """Multiple-choice questions of a hub data set named in the YAML."""
    return mmlu_data(**{"arabench_data": f"hub:{hub}", "arabench_config": hub_config, **metadata})


@_plain_errors
def noisy_lm_data(kind: str, **metadata: Any) -> Splits:
    """MSA sentences at every noise rate: {id, item, text, texts: [rate 0, ...]}."""
    source = source_of(metadata)
    items = [item for item in load_parallel(source) if item.split == "test"]
    code = codes_for("msa", items, Source(source.data))[0]
    rows = [
        {
            "id": item.item,
            "item": item.item,
            "text": item.texts[code],
            "texts": [perturb(item.texts[code], kind, rate) for rate in NOISE_RATES],
        }
        for item in items
        if code in item.texts
    ]
    return {"test": _dataset(rows, "noisy language modelling", conditions_of(metadata))}


@_plain_errors
def noisy_mc_data(kind: str, **metadata: Any) -> Splits:
    """Questions at every noise rate; the choices stay clean."""
    taken: dict[str, int] = {}
    rows = []
    for question in load_questions(source_of(metadata)):
        if question.split == "dev":
            continue
        taken[question.subject] = taken.get(question.subject, 0) + 1
        if taken[question.subject] > NOISE_QUESTIONS_PER_SUBJECT:
            continue
        texts = [perturb(question.question, kind, rate) for rate in NOISE_RATES]
        rows.append({**_question_row(question), "questions": texts})
    return {"test": _dataset(rows, "noisy multiple choice", conditions_of(metadata))}


# --- prompts -----------------------------------------------------------------------------------


def translation_prompt(doc: dict[str, Any]) -> str:
    """Prompt of a translation document."""
    return prompts.translation(doc)


def reading_prompt(doc: dict[str, Any]) -> str:
    """Prompt of a reading-comprehension document."""
    return prompts.reading(doc)


def choice_prompt(doc: dict[str, Any]) -> str:
    """Prompt of a multiple-choice document."""
    return prompts.multiple_choice(doc["question"], doc["choices"])


def choice_letters(doc: dict[str, Any]) -> list[str]:
    """Letters that name the choices."""
    return list(prompts.LETTERS[: len(doc["choices"])])


# --- sums per document ---------------------------------------------------------------------------


def _with_stderr(values: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {**values, **{f"{name}_stderr": value for name, value in values.items()}}


def bits(log_likelihood: float) -> float:
    """Bits of a natural-log likelihood."""
    return -float(log_likelihood) / math.log(2)


def score_lm(doc: dict[str, Any], results: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Bits of the text over its code points, UTF-8 bytes and words."""
    text, spent, item = doc["text"], bits(results[0]), doc["item"]
    size = len(text.encode("utf-8"))
    return _with_stderr(
        {
            "bits_per_char": sample(item, [spent, len(text)]),
            "bits_per_byte": sample(item, [spent, size]),
            "word_perplexity": sample(item, [spent, len(text.split())]),
            "byte_perplexity": sample(item, [spent, size]),
        }
    )


def score_tax(doc: dict[str, Any], results: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Bits of the sentence and bits of its MSA rendering."""
    return _with_stderr({"dialect_tax": sample(doc["item"], [bits(value) for value in results])})


def score_translation(doc: dict[str, Any], results: Sequence[str]) -> dict[str, dict[str, Any]]:
    """N-gram counts of BLEU and chrF++ for one sentence."""
    from arabench.evaluation.metrics.translation_counts import bleu, chrf, counts

    answer, target = results[0].strip(), doc["target"]
    return _with_stderr(
        {
            "bleu": sample(doc["item"], counts(bleu(), answer, target)),
            "chrf++": sample(doc["item"], counts(chrf(), answer, target)),
        }
    )


def score_reading(doc: dict[str, Any], results: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Token F1 and exact match of the first line of the answer."""
    answer = results[0].strip()
    return _with_stderr(
        {
            "f1": sample(doc["item"], [token_f1(answer, doc["answers"]), 1]),
            "exact_match": sample(doc["item"], [exact_match(answer, doc["answers"]), 1]),
        }
    )


def _correct(results: Sequence[tuple[float, bool]], answer: int) -> float:
    likelihoods = [value for value, _ in results]
    return float(likelihoods.index(max(likelihoods)) == answer)


def score_choice(
    doc: dict[str, Any], results: Sequence[tuple[float, bool]]
) -> dict[str, dict[str, Any]]:
    """1 when the right letter has the highest log-likelihood; ties go to the first."""
    return _with_stderr({"acc": sample(doc["item"], [_correct(results, doc["answer"]), 1])})


def score_noisy_lm(doc: dict[str, Any], results: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Bits at each rate over the code points of the clean text, and the area of the curve."""
    spent = [bits(value) for value in results]
    curve = {
        f"bits_per_char@{rate}": sample(doc["item"], [value, len(doc["text"])])
        for rate, value in zip(NOISE_RATES, spent, strict=True)
    }
    return _with_stderr({**curve, "noise_cost": sample(doc["item"], spent)})


def score_noisy_mc(
    doc: dict[str, Any], results: Sequence[tuple[float, bool]]
) -> dict[str, dict[str, Any]]:
    """Right or wrong at each rate, and the area of the curve."""
    width = len(doc["choices"])
    right = [
        _correct(results[index * width : (index + 1) * width], doc["answer"])
        for index in range(len(NOISE_RATES))
    ]
    curve = {
        f"acc@{rate}": sample(doc["item"], [value, 1])
        for rate, value in zip(NOISE_RATES, right, strict=True)
    }
    return _with_stderr({**curve, "noise_acc": sample(doc["item"], [*right, 1])})


# --- task classes --------------------------------------------------------------------------------


@functools.cache
def _task_classes() -> dict[str, type]:
    from arabench.evaluation.harness.task_classes import task_classes

    return task_classes()


def __getattr__(name: str) -> Any:
    if name in {"ArabenchTask", "RollingTask", "PromptsTask"}:
        return _task_classes()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
