"""Write what is uniform in the YAML of the suites under tasks/.

    python tools/make_task_yaml.py          # rewrite
    python tools/make_task_yaml.py --check  # exit 1 if a file differs
    python tools/make_task_yaml.py --count  # how many tasks the suites hold

lm-eval wants one small file per task, and every metric list twice (value and standard
error). Templates (`_lm_template`, ...) are written by hand down to a marked line; from there on,
and in the leaves and groups, the files are written here, from the table of task families.
"""

from __future__ import annotations

import sys
from pathlib import Path

from arabench.evaluation.families.family import Template
from arabench.evaluation.families.table import FAMILIES
from arabench.evaluation.harness.aggregations import identifier
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.perturbations.table import KINDS
from arabench.varieties import DIALECTS, NAMES, VARIETIES

TASKS = Path(__file__).resolve().parent.parent / "tasks"
FUNCTIONS = "!function arabench.evaluation.tasks"
AGGREGATIONS = "!function arabench.evaluation.aggregations"
#: Line of a template under which this tool writes.
MARK = "# The rest is written by tools/make_task_yaml.py.\n"
SUBJECTS = {
    "arabic_language": "Arabic language",
    "biology": "biology",
    "computing": "computing",
    "economics": "economics",
    "general_knowledge": "general knowledge",
    "geography": "geography",
    "history": "history",
    "literature": "literature",
    "mathematics": "mathematics",
    "physics": "physics",
}
#: Rises with every change of a prompt, a scorer or a request.
VERSION = "2.1"


def template(chosen: Template) -> str:
    """The template as it stands, with its metrics and metadata written anew."""
    path = TASKS / chosen.path
    by_hand, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"{path} lacks the line {MARK.strip()!r}")
    lines = ["metric_list:"]
    for name in chosen.metrics:
        direction = str(SCORES[name].higher_is_better).lower()
        for suffix in ("", "_stderr"):
            lines += [
                f"  - metric: {name}{suffix}",
                f"    aggregation: {AGGREGATIONS}.{identifier(name)}{suffix}",
                f"    higher_is_better: {direction if not suffix else 'false'}",
            ]
    lines += ["metadata:", f"  version: {VERSION}", "  signatures:"]
    lines += [f'    "{name}": "{SCORES[name].signature}"' for name in chosen.metrics]
    lines += [f"  {key}: {value}" for key, value in chosen.extra]
    return by_hand + mark + "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Relative path -> content."""
    out = {chosen.path: template(chosen) for family in FAMILIES for chosen in family.templates}
    dialects(out)
    questions(out)
    robustness(out)
    return out


def dialects(out: dict[str, str]) -> None:
    """Leaves and groups of arabench_dialects."""
    groups: dict[str, list[str]] = {"lm": [], "tax": [], "mt": [], "rc": [], "next": []}

    def task(kind: str, name: str, variety: str, alias: str, extra: str = "") -> None:
        full = f"arabench_{kind}_{name}"
        groups[kind].append(full)
        out[f"arabench_dialects/{kind}/{full}.yaml"] = (
            f"include: ../_{kind}_template\ntask: {full}\ntask_alias: {alias}\n"
            f"dataset_kwargs:\n  variety: {variety}\n{extra}"
        )

    for variety in VARIETIES:
        task("lm", variety, variety, f"lm {NAMES[variety]}")
        task("rc", variety, variety, f"reading {NAMES[variety]}")
        task("next", variety, variety, f"next word {NAMES[variety]}")
    for variety in DIALECTS:
        task("tax", variety, variety, f"tax {NAMES[variety]}")
        task("mt", f"{variety}_msa", variety, f"{NAMES[variety]} to MSA", "  target: msa\n")
    for variety in VARIETIES:
        task("mt", f"{variety}_en", variety, f"{NAMES[variety]} to English", "  target: en\n")
    out["arabench_dialects/arabench_did.yaml"] = "include: _did_template\ntask: arabench_did\n"
    for kind, names in groups.items():
        out[f"arabench_dialects/arabench_{kind}.yaml"] = group(f"arabench_{kind}", names)
    out["arabench_dialects/arabench_dialects.yaml"] = group(
        "arabench_dialects", [f"arabench_{kind}" for kind in groups if kind != "next"]
    )


def questions(out: dict[str, str]) -> None:
    """Leaves and groups of arabench_mmlu."""
    names = []
    for subject, alias in SUBJECTS.items():
        names.append(f"arabench_mmlu_{subject}")
        out[f"arabench_mmlu/subjects/{names[-1]}.yaml"] = (
            f"include: ../_mmlu_template\ntask: {names[-1]}\ntask_alias: {alias}\n"
            f"dataset_kwargs:\n  subject: {subject}\n"
        )
    out["arabench_mmlu/arabench_mmlu.yaml"] = group("arabench_mmlu", names)
    out["arabench_mmlu/arabench_mmlu_all.yaml"] = (
        "# All packaged questions as one task, with one interval.\n"
        "include: _mmlu_template\ntask: arabench_mmlu_all\n"
    )
    for way in ("arabic_letters", "text"):
        out[f"arabench_mmlu/arabench_mmlu_{way}.yaml"] = (
            f"include: _mmlu_{way}_template\ntask: arabench_mmlu_{way}\n"
        )
    out["arabench_mmlu/arabench_mmlu_ways.yaml"] = group(
        "arabench_mmlu_ways",
        ["arabench_mmlu_all", "arabench_mmlu_arabic_letters", "arabench_mmlu_text"],
    )
    out["arabench_mmlu/arabench_mmlu_files.yaml"] = (
        "# Questions of a local folder or hub data set named by --metadata arabench_data.\n"
        "include: _mmlu_template\ntask: arabench_mmlu_files\n"
        f"custom_dataset: {FUNCTIONS}.mmlu_files_data\n"
    )
    out["arabench_mmlu/arabench_mmlu_arabicmmlu.yaml"] = (
        "# ArabicMMLU (Koto et al. 2024) by its hub name.\n"
        "include: _mmlu_template\ntask: arabench_mmlu_arabicmmlu\n"
        f"custom_dataset: {FUNCTIONS}.mmlu_hub_data\n"
        "dataset_kwargs:\n  hub: MBZUAI/ArabicMMLU\n  hub_config: All\n"
    )


def robustness(out: dict[str, str]) -> None:
    """Leaves and groups of arabench_robustness."""
    robust: dict[str, list[str]] = {"lm": [], "mc": []}
    for kind in KINDS:
        for part in robust:
            full = f"arabench_robust_{part}_{kind}"
            robust[part].append(full)
            out[f"arabench_robustness/{part}/{full}.yaml"] = (
                f"include: ../_{part}_template\ntask: {full}\n"
                f"task_alias: {part} {kind}\ndataset_kwargs:\n  kind: {kind}\n"
            )
    for part, members in robust.items():
        out[f"arabench_robustness/arabench_robust_{part}.yaml"] = group(
            f"arabench_robust_{part}", members
        )
    out["arabench_robustness/arabench_robustness.yaml"] = group(
        "arabench_robustness", [f"arabench_robust_{part}" for part in robust]
    )


def group(name: str, members: list[str]) -> str:
    """A group without aggregation: lm-eval's groups can only average, and bits must be summed."""
    listed = "\n".join(f"  - {member}" for member in members)
    return f"group: {name}\ntask:\n{listed}\nmetadata:\n  version: {VERSION}\n"


def main() -> int:
    """Write, check or count."""
    if "--count" in sys.argv:
        print(sum(content.startswith("include: ") for content in files().values()))
        return 0
    check = "--check" in sys.argv
    stale = []
    for name, content in files().items():
        path = TASKS / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
    print(f"{len(stale)} files {'differ' if check else 'written'}: {', '.join(stale)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
