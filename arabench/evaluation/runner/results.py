"""Reading evaluations as `lm_eval --output_path DIR --log_samples` or `arabench eval` wrote them.

These files come from other machines and other people, so nothing in them is believed
before it is checked: a value that is not what a task of ours writes is refused by name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.harness.conditions import COLUMN, RUN_KEY
from arabench.evaluation.metrics.pseudo import PREFIX
from arabench.evaluation.metrics.score import Sums, by_item
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.runner.progress import unfinished_below
from arabench.files.records import read_json_object

#: What one sample can add to a sum. Counts and bits are never negative, but a rounded
#: log-likelihood can be a little above 0; no text has a trillion bits.
SMALLEST_SUM: Final = -1e-3
LARGEST_SUM: Final = 1e12
#: Metrics of tasks that score whole texts.
_OF_TEXTS: Final = tuple(
    name + metric
    for name in ("", PREFIX)
    for metric in ("bits_per_char", "dialect_tax", "noise_cost")
)
#: Metrics whose first sum is the bits of the same text.
_OF_ONE_TEXT: Final = (
    "bits_per_char",
    "bits_per_byte",
    "word_perplexity",
    "byte_perplexity",
    "token_perplexity",
)
#: Task version from which on results say what the model was set to.
FIRST_RECORDED: Final = 2.0
#: Characters of one setting or note of a run.
LONGEST_SETTING: Final = 2000


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
        conditions: what else the run was made under (see arabench.evaluation.conditions).
        run: what the model was set to when it answered this task (see `Evaluation.settings`).
        notes: what a reader of the numbers must know, such as a share of unknown letters.
    """

    name: str
    variety: str | None
    version: str
    signatures: dict[str, str]
    settings: str
    data_hash: str
    samples: int
    scores: dict[str, Sums] = field(default_factory=dict)
    conditions: str = ""
    run: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """One model's results.

    Attributes:
        settings: what moves numbers of every task: number type, prefix, context, quantisation,
            template, ... (name -> value in words). Two evaluations that differ in one of them
            do not compare.
        signature: of the run (`arabench.evaluation.runner.identity`); empty for what lm-eval's
            own command wrote, which does not know what it measured by content.
        adapter: that was measured, as the results name it; empty for a bare base.
    """

    path: Path
    model: str
    tasks: dict[str, TaskResult]
    settings: dict[str, str] = field(default_factory=dict)
    signature: str = ""
    adapter: str = ""

    def signature_of(self, task: str, metric: str) -> str:
        """Everything that fixes one number, in a line of `key:value` parts.

        The metric's own signature, the task's version and data, and the run's signature.
        """
        found = self.tasks[task]
        parts = [
            found.signatures[metric],
            f"task:{task}, {found.version}",
            f"documents:{found.data_hash[:12]}",
            self.signature,
        ]
        return "|".join(part for part in parts if part)


def load_evaluation(path: str | Path) -> Evaluation:
    """Read the results file at or below `path` and the samples written with it.

    Raises:
        UsageError: no results there or several, or no samples, or none of our tasks.
        DataError: a file is damaged.
    """
    results_file = _results_file(Path(path))
    results = read_json_object(results_file)
    configs = results.get("configs")
    if not isinstance(configs, dict):
        raise DataError(f"{results_file} has no task configurations: it is no lm-eval result.")
    tasks = {}
    for name, config in configs.items():
        where = f"{results_file}: task {name!r}:"
        if "signatures" not in _object(_object(config, where).get("metadata"), where):
            continue  # not a task of ours
        tasks[name] = _read_task(name, config, results, samples_file(results_file, name), where)
    if not tasks:
        raise UsageError(
            f"{results_file} holds no arabench task (it has {', '.join(list(configs)[:5])}). "
            "Run `lm_eval --tasks arabench_dialects`."
        )
    model = str(results.get("model_name") or results_file.parent.name)[:LONGEST_SETTING]
    return Evaluation(
        results_file,
        model.encode("utf-8", "replace").decode("utf-8"),
        tasks,
        _settings([task.run for task in tasks.values()]),
        _signature(results, results_file),
        _adapter(results),
    )


def _signature(results: dict[str, Any], path: Path) -> str:
    """The run's signature, as `arabench eval` wrote it."""
    found = _object(results.get("arabench"), f"{path}: arabench:").get("signature", "")
    if not isinstance(found, str) or len(found) > LONGEST_SETTING or not found.isprintable():
        raise DataError(f"{path}: its signature is {str(found)[:80]!r}. Evaluate again.")
    return found


def _adapter(results: dict[str, Any]) -> str:
    """The adapter that `arabench eval` or lm_eval (`peft=`) was given."""
    config = results.get("config")
    arguments = config.get("model_args") if isinstance(config, dict) else None
    if isinstance(arguments, str):
        arguments = dict(part.partition("=")[::2] for part in arguments.split(","))
    for record, key in ((results.get("arabench"), "adapter"), (arguments, "peft")):
        named = record.get(key) if isinstance(record, dict) else None
        if isinstance(named, str) and "\0" not in named:
            return named
    return ""


def _settings(runs: Sequence[dict[str, str]]) -> dict[str, str]:
    """Settings of all tasks; where tasks differ in one (a cache answered some), all values."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for key, value in run.items():
            found.setdefault(key, set()).add(value)
    return {key: " | ".join(sorted(values)) for key, values in sorted(found.items())}


def _results_file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(f"evaluation {str(path)!r} does not exist. Give a results folder or file.")
    found = _files(path, "results*.json") or _files(path, "*/results*.json")
    folders = sorted({str(file.parent) for file in found})
    if len(folders) > 1:
        raise UsageError(
            f"{path} holds results of several models: {', '.join(folders[:5])}. Name one of them."
        )
    if not found:
        if begun := unfinished_below(path):
            raise UsageError(
                f"{path} holds an unfinished run ({', '.join(begun[:5])}). Give the command that "
                "began it again: it goes on where it stopped."
            )
        raise UsageError(
            f"{path} holds no results*.json. Give the folder named by --output_path or -o."
        )
    if len(found) > 1:
        newest = max(found, key=lambda file: (file.name, file.stat().st_mtime))
        raise UsageError(
            f"{folders[0]} holds {len(found)} runs. Name the results file that is meant (the "
            f"newest is {newest.name}), or evaluate into a folder of its own."
        )
    return found[0]


def _files(folder: Path, pattern: str) -> list[Path]:
    return [file for file in folder.glob(pattern) if file.is_file()]


def samples_file(results_file: Path, task: str) -> Path:
    """The samples of a task that were written with a results file.

    Raises:
        UsageError: there are none.
    """
    stamp = results_file.stem.rpartition("_")[2]
    file = results_file.parent / f"samples_{task}_{stamp}.jsonl"
    try:
        exists = "/" not in task and file.is_file()
    except OSError:  # a name that no file can have
        exists = False
    if not exists:
        raise UsageError(
            f"{results_file.parent} has no samples of task {task[:200]!r}. "
            "Run lm_eval with --log_samples, or use `arabench eval`."
        )
    return file


def _object(value: Any, where: str) -> dict[str, Any]:
    """A JSON object; an absent one is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DataError(f"{where} {str(value)[:80]!r} stands where a JSON object belongs.")
    return value


def _read_task(
    name: str, config: dict[str, Any], results: dict[str, Any], path: Path, where: str
) -> TaskResult:
    metadata = _object(config.get("metadata"), where)
    signatures = _object(metadata["signatures"], where)
    hashes, values, conditions = _read_samples(
        path,
        [metric for metric in signatures if metric in SCORES],
        _is_recorded(str(metadata.get("version"))),
    )
    variety = _object(config.get("dataset_kwargs"), where).get("variety")
    if not isinstance(variety, str | None):
        raise DataError(f"{where} its variety is {str(variety)[:80]!r} and not a code.")
    run = _object(metadata.get(RUN_KEY), where)
    if _is_recorded(str(metadata.get("version"))) and not run.get("settings"):
        raise DataError(
            f"{where} it does not say what the model was set to. It was changed after it was "
            "written, or written by something else than arabench's task. Evaluate again."
        )
    settings = {
        "num_fewshot": _object(results.get("n-shot"), where).get(name),
        "generation": config.get("generation_kwargs"),
        "description": config.get("description"),
    }
    return TaskResult(
        name=name,
        variety=variety,
        version=str(metadata.get("version")),
        signatures={str(key): str(value) for key, value in signatures.items()},
        settings=json.dumps(settings, sort_keys=True),
        data_hash=_digest(hashes),
        samples=len(hashes),
        scores={metric: by_item(rows) for metric, rows in values.items()},
        conditions="; ".join(sorted(conditions)),
        run=_words(_object(run.get("settings"), where), where),
        notes=tuple(_words(dict(enumerate(_list(run.get("notes"), where))), where).values()),
    )


def _digest(hashes: list[str]) -> str:
    text = "\n".join(sorted(hashes))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_recorded(version: str) -> bool:
    """Whether tasks of that version record their settings."""
    try:
        return float(version) >= FIRST_RECORDED
    except ValueError:
        return True


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise DataError(f"{where} {str(value)[:80]!r} stands where a list belongs.")
    return value


def _words(content: dict[Any, Any], where: str) -> dict[str, str]:
    """Short texts by short keys, as our tasks write them."""
    for key, value in content.items():
        if not isinstance(value, str) or max(len(value), len(str(key))) > LONGEST_SETTING:
            raise DataError(f"{where} its run record holds {key!r}: {str(value)[:80]!r}.")
    return {str(key): value for key, value in content.items()}


def _read_samples(
    path: Path, metrics: list[str], recorded: bool
) -> tuple[list[str], dict[str, list[dict[str, Any]]], set[str]]:
    """Hashes of all documents, the values of each metric, and the conditions named."""
    values: dict[str, list[dict[str, Any]]] = {metric: [] for metric in metrics}
    hashes: list[str] = []
    seen: set[tuple[Any, Any]] = set()
    documents: set[Any] = set()
    conditions: set[str] = set()
    number = 0
    try:
        with path.open(encoding="utf-8", errors="strict") as stream:
            for number, line in enumerate(stream, 1):
                row = json.loads(line)
                key = (row["doc_id"], row.get("filter"))
                if key in seen:
                    raise DataError(f"{path}:{number} repeats document {key[0]!r}.")
                seen.add(key)
                if key[0] in documents:
                    continue  # one row per filter; the values are the same
                documents.add(key[0])
                _check_text(row, f"{path}:{number}", recorded)
                if COLUMN in _object(row.get("doc"), str(path)):
                    conditions.add(str(row["doc"][COLUMN]))
                hashes.append(f"{row['doc_id']}:{row['doc_hash']}:{row['prompt_hash']}")
                for metric in metrics:
                    values[metric].append(_checked(row.get(metric), metric, f"{path}:{number}"))
                _check_bits({name: found[-1] for name, found in values.items()}, f"{path}:{number}")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path}:{max(number, 1)} or the line after it is damaged: {str(error)[:200]}. "
            "Evaluate again."
        ) from error
    if not hashes:
        raise DataError(f"{path} is empty. Evaluate again.")
    return hashes, values, conditions


def _check_text(row: dict[str, Any], where: str, recorded: bool) -> None:
    """Refuse a likelihood of another text than the document's (lm-eval's --cache_requests)."""
    document, arguments = row.get("doc"), row.get("arguments")
    if not isinstance(document, dict):
        return
    texts = document.get("texts") or [document.get("text")]
    whole = [metric for metric in _OF_TEXTS if metric in row]
    # lm-eval writes {"gen_args_0": {"arg_0": TEXT}}, `arabench eval` [[TEXT]].
    requests = list(arguments.values()) if isinstance(arguments, dict) else arguments
    if not isinstance(requests, list) or not requests or texts == [None]:
        if recorded and whole:
            raise DataError(f"{where} does not hold the text that was scored. Evaluate again.")
        return
    for request in requests:
        values = list(request.values()) if isinstance(request, dict) else request
        if isinstance(values, list) and len(values) == 1 and values[0] not in texts:
            raise DataError(
                f"{where}: the text that was scored is not the document's. It was evaluated "
                "with requests of other data (--cache_requests). Evaluate again without."
            )


def _check_bits(values: dict[str, dict[str, Any]], where: str) -> None:
    """The bits of a text are the same whatever they are divided by."""
    found = {
        name: value["sums"][0]
        for name, value in values.items()
        if name.removeprefix(PREFIX) in _OF_ONE_TEXT
    }
    if len(set(found.values())) > 1:
        raise DataError(f"{where}: one text has several numbers of bits: {found}. Evaluate again.")


def _checked(value: Any, metric: str, where: str) -> dict[str, Any]:
    width = SCORES[metric].width
    item, sums = (value.get("item"), value.get("sums")) if isinstance(value, dict) else (None, None)
    if not (isinstance(sums, list) and len(sums) == width and all(map(_is_sum, sums))):
        raise DataError(
            f"{where}: {metric} must be {width} sums between 0 and {LARGEST_SUM:g}, "
            f"but is {str(value)[:120]}. Evaluate again."
        )
    if not isinstance(item, str | int):
        raise DataError(f"{where}: {metric} names no item: {str(value)[:120]}. Evaluate again.")
    return {"item": str(item), "sums": sums}


def _is_sum(value: Any) -> bool:
    """Whether a task of ours could have written `value`; not a number and infinity are not."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return SMALLEST_SUM <= value <= LARGEST_SUM
