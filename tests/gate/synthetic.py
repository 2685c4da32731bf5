"""Evaluation folders with the files and keys of lm-eval 0.4.13, written from given sums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from arabench.evaluation.metrics.score import Sums, by_item, sample
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.runner.results import Evaluation, TaskResult
from arabench.statistics.resampling import Array

STAMP = "2026-11-21T07-30-38.335740"
Json = dict[str, Any]
#: metric -> (item, sums) of each sample.
Values = Mapping[str, Sequence[tuple[str, Sequence[float]]]]


@dataclass
class Task:
    """One task of an evaluation.

    Attributes:
        config, row: keys to replace in the task's configuration and in its first sample.
        each: keys to replace in each sample, in order.
    """

    name: str
    values: Values
    variety: str | None = None
    shots: int = 0
    version: float = 1.0
    generation: Json | None = None
    signatures: dict[str, str] = field(default_factory=dict)
    config: Json = field(default_factory=dict)
    row: Json = field(default_factory=dict)
    each: Sequence[Json] = ()

    def metadata(self) -> Json:
        known = {metric: SCORES[metric].signature for metric in self.values if metric in SCORES}
        return {"version": self.version, "signatures": {**known, **self.signatures}}

    def rows(self) -> list[Json]:
        """Samples as lm-eval logs them."""
        count = max(map(len, self.values.values()))
        rows = [self._row(index) for index in range(count)]
        rows[0].update(self.row)
        for row, keys in zip(rows, self.each, strict=False):
            row.update(keys)
        return rows

    def _row(self, index: int) -> Json:
        text = f"{self.name} {index}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        values = {
            name: sample(*rows[index]) for name, rows in self.values.items() if index < len(rows)
        }
        return {
            "doc_id": index,
            "doc": {"id": f"{index}", "text": text},
            "target": text,
            "arguments": {"gen_args_0": {"arg_0": text}},
            "resps": [["-1.0"]],
            "filtered_resps": ["-1.0"],
            "filter": "none",
            "metrics": [*values, *[f"{name}_stderr" for name in values]],
            "doc_hash": digest,
            "prompt_hash": digest,
            "target_hash": digest,
            **values,
            **{f"{name}_stderr": value for name, value in values.items()},
        }


def lm_task(variety: str, bits: Iterable[float], chars: Iterable[float], **changes: Any) -> Task:
    """`arabench_lm_VARIETY` with one sample per item."""
    pairs = list(zip(bits, chars, strict=True))
    values = {"bits_per_char": [(f"item-{i:03}", pair) for i, pair in enumerate(pairs)]}
    return Task(
        **{"name": f"arabench_lm_{variety}", "values": values, "variety": variety, **changes}
    )


def write(
    folder: Path, tasks: Sequence[Task], *, model: str = "m", stamp: str = STAMP, **replaced: Any
) -> Path:
    """Write results_STAMP.json and samples_TASK_STAMP.jsonl; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        "results": {task.name: {"name": task.name, "alias": task.name} for task in tasks},
        "configs": {
            task.name: {
                "task": task.name,
                "dataset_kwargs": {"variety": task.variety} if task.variety else {},
                "description": "",
                "generation_kwargs": task.generation,
                "metadata": task.metadata(),
                **task.config,
            }
            for task in tasks
        },
        "versions": {task.name: task.version for task in tasks},
        "n-shot": {task.name: task.shots for task in tasks},
        "config": {"model": "hf", "model_args": {"pretrained": model}},
        "lm_eval_version": "0.4.13",
        "model_name": model,
        **replaced,
    }
    (folder / f"results_{stamp}.json").write_text(json.dumps(results), encoding="utf-8")
    for task in tasks:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in task.rows()]
        samples_file(folder, task.name, stamp).write_text("".join(lines), encoding="utf-8")
    return folder


def samples_file(folder: Path, task: str, stamp: str = STAMP) -> Path:
    return folder / f"samples_{task}_{stamp}.jsonl"


def lengths(count: int, seed: int = 0) -> Array:
    """Characters of `count` sentences."""
    return np.random.default_rng(seed).integers(20, 120, count).astype(np.float64)


def pair_of_bits(
    count: int, ratio: float, seed: int, noise: float = 0.08
) -> tuple[Array, Array, Array]:
    """Characters, bits of a baseline, and bits of a candidate worse by `ratio` in expectation.

    Items differ in difficulty, which both models share; `noise` is the candidate's own.
    """
    rng = np.random.default_rng(seed)
    chars = lengths(count, seed)
    baseline = chars * rng.gamma(30, 1 / 10, count)
    candidate = baseline * (1 + ratio) * rng.normal(1, noise, count)
    return chars, baseline, candidate


def evaluation(
    tasks: Sequence[Task], model: str = "m", settings: Mapping[str, str] | None = None
) -> Evaluation:
    """The same without files, for simulations."""
    return Evaluation(
        Path(model),
        model,
        {
            task.name: TaskResult(
                task.name,
                task.variety,
                "1.0",
                task.metadata()["signatures"],
                "{}",
                "hash",
                max(map(len, task.values.values())),
                {name: _sums(rows) for name, rows in task.values.items()},
            )
            for task in tasks
        },
        dict(settings or {}),
    )


def _sums(rows: Sequence[tuple[str, Sequence[float]]]) -> Sums:
    return by_item(sample(item, sums) for item, sums in rows)
