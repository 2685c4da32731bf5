"""Our tasks under lm-eval's own evaluator, on a model of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM

from arabench.evaluation.harness.run import task_manager

LM, MC, NOISY = "arabench_lm_egy", "arabench_mmlu_physics", "arabench_robust_mc_spacing"
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def under_lm_eval(model: Any, tasks: list[str], **changes: Any) -> dict[str, Any]:
    settings = {"limit": 3, "bootstrap_iters": 0, "log_samples": True, **changes}
    metadata = settings.pop("metadata", {})
    found: dict[str, Any] = simple_evaluate(
        model=model, tasks=tasks, task_manager=task_manager(metadata), **settings
    )
    return found


def hf(folder: Path, **changes: Any) -> HFLM:
    return HFLM(
        **{"pretrained": str(folder), "device": "cpu", "batch_size": 4, "dtype": "float32"}
        | changes
    )


def settings_in(results: dict[str, Any], task: str) -> dict[str, str]:
    found: dict[str, str] = results["configs"][task]["metadata"]["arabench_run"]["settings"]
    return found
