"""Reading evaluations: the folder that `lm_eval --output_path DIR --log_samples` or `arabench eval` wrote."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arabench.errors import DataError, UsageError
from arabench.evaluation.scores import SCORES, Sums, by_item


@dataclass(frozen=True)
class TaskResult:
    """Samples of one task.

    Attributes:
        name: task name.
        variety: variety code, or None for tasks that have none.
        version, signatures: from the task's metadata.
        settings: further settings that change a score (shots, generation).
        data_hash: over documents and prompts, in order.
        scores: metric name -> sums by item.
        samples: number of samples.
    """

    name: str
    variety: str | None
    version: str
    signatures: dict[str, str]
    settings: str
    data_hash: str
    samples: int
    scores: dict[str, Sums] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """One model's results."""

    path: Path
    model: str
    tasks: dict[str, TaskResult]


def load_evaluation(path: str | Path) -> Evaluation:
    """Read the newest results file below `path` and the samples written with it.

    Raises:
        UsageError: no results there, or no samples, or none of our tasks.
        DataError: a file is damaged.
    """
    results_file = _newest_results(Path(path))
    results = _read_object(results_file)
    stamp = results_file.stem.removeprefix("results_")
    configs = results.get("configs")
    if not isinstance(configs, dict):
        raise DataError(f"{results_file} has no task configurations: it is no lm-eval result.")
    tasks = {}
    for name, config in configs.items():
        metadata = config.get("metadata") or {}
        if "signatures" not in metadata:
            continue  # not a task of ours
        samples_file = results_file.with_name(f"samples_{name}_{stamp}.jsonl")
        if not samples_file.exists():
            raise UsageError(
                f"{results_file.parent} has no samples of task {name!r}. "
                "Run lm_eval with --log_samples, or use `arabench eval`."
            )
        tasks[name] = _read_task(name, config, metadata, results, samples_file)
    if not tasks:
        raise UsageError(
            f"{results_file} holds no arabench task (it has {', '.join(list(configs)[:5])}). "
            "Run `lm_eval --tasks arabench_dialects`."
        )
    return Evaluation(results_file, str(results.get("model_name") or results_file.parent.name), tasks)


def _newest_results(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(f"evaluation {str(path)!r} does not exist. Give a results folder or file.")
    found = [*path.glob("results*.json"), *path.glob("*/results*.json")]
    if not found:
        raise UsageError(
            f"{path} holds no results*.json. Give the folder named by --output_path or -o."
        )
    return max(found, key=lambda file: (file.name, file.stat().st_mtime))


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold a JSON object.")
    return content


def _read_task(
    name: str, config: dict[str, Any], metadata: dict[str, Any], results: dict[str, Any], path: Path
) -> TaskResult:
    values: dict[str, list[dict[str, Any]]] = {}
    hashes: list[str] = []
    seen: set[int] = set()
    with path.open(encoding="utf-8", errors="strict") as stream:
        try:
            for number, line in enumerate(stream, 1):
                row = json.loads(line)
                if row["doc_id"] in seen:
                    continue  # one row per filter; the values are the same
                seen.add(row["doc_id"])
                hashes.append(f"{row['doc_id']}:{row['doc_hash']}:{row['prompt_hash']}")
                for metric in metadata["signatures"]:
                    if metric in row:
                        values.setdefault(metric, []).append(
                            _checked(row[metric], metric, f"{path}:{number}")
                        )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{path}:{len(hashes) + 1} is damaged: {error!r}.") from error
    if not hashes:
        raise DataError(f"{path} is empty.")
    settings = {
        "num_fewshot": (results.get("n-shot") or {}).get(name),
        "generation": config.get("generation_kwargs"),
        "description": config.get("description"),
    }
    return TaskResult(
        name=name,
        variety=(config.get("dataset_kwargs") or {}).get("variety"),
        version=str(metadata.get("version")),
        signatures={str(key): str(value) for key, value in metadata["signatures"].items()},
        settings=json.dumps(settings, sort_keys=True),
        data_hash=hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest(),
        samples=len(hashes),
        scores={metric: by_item(rows) for metric, rows in values.items() if metric in SCORES},
    )


def _checked(value: Any, metric: str, where: str) -> dict[str, Any]:
    width = SCORES[metric].width if metric in SCORES else None
    sums = value.get("sums") if isinstance(value, dict) else None
    if (
        not isinstance(sums, list)
        or (width is not None and len(sums) != width)
        or not all(isinstance(number, int | float) and math.isfinite(number) for number in sums)
    ):
        raise DataError(f"{where}: {metric} is not {width} finite sums: {str(value)[:120]}.")
    return {"item": str(value.get("item")), "sums": sums}
