"""The names that task YAML points at, ours and that of users.

The functions live in `arabench.evaluation.families`, the classes in
`arabench.evaluation.harness.task_classes`; a YAML of yours may name them here or there.
Classes are built on first access, so that importing this module does not import lm-eval.
"""

from __future__ import annotations

import functools

from arabench.evaluation.families.choice import (
    choice_letters,
    choice_letters_arabic,
    choice_prompt,
    choice_prompt_arabic,
    choice_prompt_text,
    choice_texts,
    mmlu_data,
    mmlu_files_data,
    mmlu_hub_data,
    mmlu_text_data,
    score_choice,
    score_choice_text,
)
from arabench.evaluation.families.dialect_identification import (
    did_choices,
    did_data,
    did_prompt,
    score_did,
)
from arabench.evaluation.families.dialect_tax import score_tax, tax_data
from arabench.evaluation.families.family import source_of
from arabench.evaluation.families.language_modelling import lm_data, score_lm
from arabench.evaluation.families.next_word import next_word_data, score_next_word
from arabench.evaluation.families.reading import reading_data, reading_prompt, score_reading
from arabench.evaluation.families.robustness import (
    noisy_lm_data,
    noisy_mc_data,
    score_noisy_lm,
    score_noisy_mc,
)
from arabench.evaluation.families.translation import (
    score_translation,
    translation_data,
    translation_prompt,
)
from arabench.evaluation.metrics.likelihood import bits

__all__ = [
    "bits",
    "choice_letters",
    "choice_letters_arabic",
    "choice_prompt",
    "choice_prompt_arabic",
    "choice_prompt_text",
    "choice_texts",
    "did_choices",
    "did_data",
    "did_prompt",
    "lm_data",
    "mmlu_data",
    "mmlu_files_data",
    "mmlu_hub_data",
    "mmlu_text_data",
    "next_word_data",
    "noisy_lm_data",
    "noisy_mc_data",
    "reading_data",
    "reading_prompt",
    "score_choice",
    "score_choice_text",
    "score_did",
    "score_lm",
    "score_next_word",
    "score_noisy_lm",
    "score_noisy_mc",
    "score_reading",
    "score_tax",
    "score_translation",
    "source_of",
    "tax_data",
    "translation_data",
    "translation_prompt",
]


@functools.cache
def _task_classes() -> dict[str, type]:
    from arabench.evaluation.harness.task_classes import task_classes

    return task_classes()


def __getattr__(name: str) -> type:
    if name in {"ArabenchTask", "RollingTask", "PromptsTask", "NextWordTask"}:
        return _task_classes()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
