"""A task's metrics under the names that they have of encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arabench.errors import UsageError
from arabench.evaluation.harness import aggregations
from arabench.evaluation.harness.aggregations import identifier
from arabench.evaluation.metrics.pseudo import pseudo_names
from arabench.evaluation.metrics.table import SCORES

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

_STDERR = "_stderr"


def rename_metrics(task: ConfigurableTask) -> None:
    """Give the task the metrics of an encoder, with their aggregations and signatures."""
    listed = [one["metric"] for one in task.config.metric_list or ()]
    names = pseudo_names([name for name in listed if not name.endswith(_STDERR)])
    made = []
    for name in names:
        for suffix in ("", _STDERR):
            better = SCORES[name].higher_is_better and not suffix
            aggregate = getattr(aggregations, identifier(name) + suffix)
            made.append(
                {"metric": name + suffix, "aggregation": aggregate, "higher_is_better": better}
            )
    task.config.metric_list = made
    task._aggregation_list = {one["metric"]: one["aggregation"] for one in made}
    task._higher_is_better = {one["metric"]: one["higher_is_better"] for one in made}
    metadata = dict(task.config.metadata or {})
    metadata["signatures"] = {name: SCORES[name].signature for name in names}
    task.config.metadata = metadata


def refuse_without_order(name: str, output_type: str, in_order: bool) -> None:
    """Refuse a task that an encoder cannot answer.

    Args:
        name: of the task.
        output_type: as lm-eval has it.
        in_order: whether it asks what comes next.

    Raises:
        UsageError: it asks for answers, or for next words.
    """
    if output_type != "generate_until" and not in_order:
        return
    asked = "what comes next" if in_order else "answers in its own words"
    raise UsageError(
        f"task {name!r} asks for {asked}, and an encoder fills in masks: leave it out. Encoders "
        "are measured by arabench_lm, arabench_tax, arabench_robustness and tasks of multiple "
        "choice (arabench_mmlu, arabench_mmlu_text)."
    )
