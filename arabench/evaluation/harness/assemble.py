"""lm-eval's result structure, put together from tasks that were measured one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arabench.evaluation.harness.evaluator import Prompting
from arabench.files.environment import package_versions

if TYPE_CHECKING:
    from lm_eval.api.group import Group
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager


@dataclass(frozen=True)
class Selection:
    """What a list of task and group names stands for.

    Attributes:
        tasks: names of tasks, each once, in the order in which they come.
        groups: name -> names of what is in it, inner groups behind outer ones.
    """

    tasks: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]


def outcome_of(results: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What `TaskRun.outcome` gave of a task, out of results that hold it."""
    return {
        "metrics": results["results"][name],
        "config": results["configs"][name],
        "version": results["versions"][name],
        "num_fewshot": results["n-shot"][name],
        "higher_is_better": results["higher_is_better"][name],
        "samples": results["n-samples"][name],
    }


def select_tasks(manager: TaskManager, names: Sequence[str]) -> Selection:
    """Tasks behind names of tasks and groups; no data is read."""
    tasks: dict[str, None] = {}
    groups: dict[str, tuple[str, ...]] = {}

    def visit(name: str) -> None:
        if name not in manager.all_groups:
            tasks[name] = None
            return
        entry = manager.task_index[name]
        members = _group_config(entry.yaml_path)["task"]
        groups[name] = tuple(str(member) for member in members)
        for member in groups[name]:
            visit(member)

    for name in names:
        visit(name)
    return Selection(tuple(tasks), groups)


def _group_config(path: object) -> dict[str, Any]:
    from lm_eval.tasks._yaml_loader import load_yaml

    found: dict[str, Any] = load_yaml(str(path), resolve_func=False)
    return found


@dataclass(frozen=True)
class _Leaf:
    """A task as a group sees it."""

    task_name: str


def assemble_results(
    manager: TaskManager,
    lm: LM,
    selection: Selection,
    outcomes: Mapping[str, Mapping[str, Any]],
    prompting: Prompting,
    started: float,
) -> dict[str, Any]:
    """lm-eval's results of the tasks that were measured.

    Args:
        manager: that knows the groups.
        lm: the model.
        selection: what was asked for.
        outcomes: of each task that is done, by name, from `TaskRun.outcome`.
        prompting: how the documents were asked.
        started: seconds since the epoch.
    """
    results = task_results(manager, selection, outcomes)
    results["config"] = _config(lm, prompting)
    results["git_hash"] = None
    results["date"] = started
    versions = package_versions(("transformers", "lm_eval"))
    results["transformers_version"] = versions["transformers"]
    results["lm_eval_version"] = versions["lm_eval"]
    results.update(_tokenizer_facts(lm))
    return results


def task_results(
    manager: TaskManager, selection: Selection, outcomes: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The part of lm-eval's results that is of tasks and groups.

    Args:
        manager: that knows the groups.
        selection: what was asked for.
        outcomes: of each task that is done, by name, from `TaskRun.outcome`.
    """
    from lm_eval.evaluator_utils import EvalAcc, aggregate_groups

    done = [name for name in selection.tasks if name in outcomes]
    found = EvalAcc(groups=_groups(manager, selection))
    for name in done:
        outcome = outcomes[name]
        found.metrics[name] = dict(outcome["metrics"])
        found.configs[name] = outcome["config"]
        found.versions[name] = outcome["version"]
        found.num_fewshot[name] = outcome["num_fewshot"]
        found.higher_is_better[name] = outcome["higher_is_better"]
        found.n_samples[name] = outcome["samples"]
    return dict(aggregate_groups(found)._to_eval_results())


def _groups(manager: TaskManager, selection: Selection) -> dict[str, Group]:
    from lm_eval.api.group import Group

    fields = ("group_alias", "aggregate_metric_list", "metadata")
    groups: dict[str, Group] = {}
    for name in selection.groups:
        config = _group_config(manager.task_index[name].yaml_path)
        kept = {key: config[key] for key in fields if key in config}
        kept["metadata"] = {**(kept.get("metadata") or {}), **(manager.metadata or {})}
        groups[name] = Group.from_config({"group": name, "task": [], **kept})
    for name, members in selection.groups.items():
        for member in members:
            groups[name].add(groups[member] if member in groups else _Leaf(member))
    return groups


def _config(lm: LM, prompting: Prompting) -> dict[str, Any]:
    named = getattr(getattr(lm, "config", None), "_name_or_path", None)
    described = lm.get_model_info() if hasattr(lm, "get_model_info") else {}
    seeds = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
    cap = prompting.max_gen_tokens
    return {
        "model": named if named is not None else type(lm).__name__,
        "model_args": None,
        **described,
        "batch_size": getattr(lm, "batch_size", None),
        "batch_sizes": list(getattr(lm, "batch_sizes", {}).values()),
        "device": None,
        "use_cache": None,
        "limit": prompting.limit,
        "bootstrap_iters": 0,
        "gen_kwargs": {"max_gen_toks": cap} if cap else None,
        **dict.fromkeys(seeds, prompting.seed),
    }


def _tokenizer_facts(lm: LM) -> dict[str, Any]:
    tokenizer = getattr(lm, "tokenizer", None)
    if tokenizer is None:
        return {}
    return {
        f"tokenizer_{kind}_token": [
            getattr(tokenizer, f"{kind}_token"),
            str(getattr(tokenizer, f"{kind}_token_id")),
        ]
        for kind in ("pad", "eos", "bos")
    } | {
        "eot_token_id": getattr(lm, "eot_token_id", None),
        "max_length": getattr(lm, "max_length", None),
    }
