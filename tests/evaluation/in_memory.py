"""Whole tasks by our evaluator, with results and samples as `simple_evaluate` gives them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from arabench.evaluation.harness.answers import MemoryStore
from arabench.evaluation.harness.assemble import assemble_results, select_tasks
from arabench.evaluation.harness.evaluator import Prompting, TaskRun, load_task


def measure_in_memory(
    manager: TaskManager, lm: LM, names: Sequence[str], prompting: Prompting, window: int
) -> dict[str, Any]:
    """Measure tasks in windows of so many documents."""
    started = time.time()
    selection = select_tasks(manager, names)
    outcomes, samples, store = {}, {}, MemoryStore()
    for name in selection.tasks:
        run = TaskRun(load_task(manager, name, prompting), lm, prompting)
        samples[name] = [row for part in run.windows(window) for row in run.ask(part, store)]
        for row in samples[name]:
            run.add(row)
        outcomes[name] = run.outcome()
    results = assemble_results(manager, lm, selection, outcomes, prompting, started)
    return {**results, "samples": samples}
