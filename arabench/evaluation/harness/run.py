"""lm-eval's task manager and model, over our tasks only and around a model in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from arabench.evaluation.harness.measured_lm import language_model
from arabench.resources import tasks_dir

__all__ = ["language_model", "task_manager"]

if TYPE_CHECKING:
    from lm_eval.tasks import TaskManager


def task_manager(metadata: Mapping[str, Any]) -> TaskManager:
    """lm-eval's task manager over our folder only: built in milliseconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager(
        include_path=str(tasks_dir()), include_defaults=False, metadata=dict(metadata)
    )
