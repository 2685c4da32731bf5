"""Names that users import, or name in task YAML of their own, keep working where they were."""

from __future__ import annotations

import importlib

import pytest

#: Module as it was -> names, each with the module in which it lives now.
MOVED = {
    "scores": {
        "SCORES": "metrics.table",
        "Score": "metrics.score",
        "Sums": "metrics.score",
        "sample": "metrics.score",
        "by_item": "metrics.score",
        "point": "metrics.score",
        "interval": "metrics.intervals",
        "standard_error": "metrics.intervals",
        "bleu_from_sums": "metrics.ngrams",
        "NOISE_RATES": "metrics.noise_curves",
    },
    "results": dict.fromkeys(("Evaluation", "TaskResult", "load_evaluation"), "runner.results"),
    "runner": {
        "Request": "runner.evaluate",
        "evaluate": "runner.evaluate",
        "write_results": "harness.output",
    },
    "source": dict.fromkeys(("Source", "ENGLISH", "code_of", "known_codes"), "data.source"),
    "parallel": dict.fromkeys(("ParallelItem", "codes_for", "load_parallel"), "data.parallel"),
    "answers": dict.fromkeys(("answer_tokens", "exact_match", "token_f1"), "metrics.answers"),
    "noise": dict.fromkeys(("KINDS", "NOISE_VERSION", "perturb"), "perturbations.table"),
    "aggregations": dict.fromkeys(
        ("bits_per_char", "chrf_plus_plus_stderr"), "harness.aggregations"
    ),
    "tasks": {
        "lm_data": "families.language_modelling",
        "score_lm": "families.language_modelling",
        "tax_data": "families.dialect_tax",
        "score_tax": "families.dialect_tax",
        "translation_data": "families.translation",
        "translation_prompt": "families.translation",
        "score_translation": "families.translation",
        "reading_data": "families.reading",
        "reading_prompt": "families.reading",
        "score_reading": "families.reading",
        "mmlu_data": "families.choice",
        "mmlu_files_data": "families.choice",
        "mmlu_hub_data": "families.choice",
        "choice_prompt": "families.choice",
        "choice_letters": "families.choice",
        "score_choice": "families.choice",
        "choice_prompt_arabic": "families.choice",
        "choice_letters_arabic": "families.choice",
        "choice_prompt_text": "families.choice",
        "choice_texts": "families.choice",
        "mmlu_text_data": "families.choice",
        "score_choice_text": "families.choice",
        "noisy_lm_data": "families.robustness",
        "noisy_mc_data": "families.robustness",
        "score_noisy_lm": "families.robustness",
        "score_noisy_mc": "families.robustness",
        "source_of": "families.family",
    },
}


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [(old, name, new) for old, names in MOVED.items() for name, new in names.items()],
)
def test_a_name_is_the_same_object_in_both_places(old: str, name: str, new: str) -> None:
    before = getattr(importlib.import_module(f"arabench.evaluation.{old}"), name)
    after = getattr(importlib.import_module(f"arabench.evaluation.{new}"), name)
    assert before is after


def test_task_classes_are_built_on_first_access() -> None:
    pytest.importorskip("lm_eval", reason="needs the extra arabench[eval]")
    tasks = importlib.import_module("arabench.evaluation.tasks")
    assert tasks.RollingTask is tasks.RollingTask
    assert issubclass(tasks.RollingTask, tasks.ArabenchTask)
    with pytest.raises(AttributeError, match="no attribute 'NoTask'"):
        _ = tasks.NoTask
