"""Write the one-task YAML files and metric lists of the suites under tasks/.

    python tools/make_task_yaml.py          # rewrite
    python tools/make_task_yaml.py --check  # exit 1 if a file differs

lm-eval wants one small file per task, and every metric list twice (value and standard
error). The files are committed; this keeps them uniform.
"""

from __future__ import annotations

import sys
from pathlib import Path

from arabench.evaluation.aggregations import identifier
from arabench.evaluation.noise import KINDS, NOISE_VERSION
from arabench.evaluation.scores import NOISE_RATES, SCORES
from arabench.varieties import DIALECTS, NAMES, VARIETIES

TASKS = Path(__file__).resolve().parent.parent / "tasks"
FUNCTIONS = "!function arabench.evaluation.tasks"
AGGREGATIONS = "!function arabench.evaluation.aggregations"
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
VERSION = "2.0"


def metrics(*names: str) -> str:
    """`metric_list` and the `metadata` with the version and every metric's signature."""
    lines = ["metric_list:"]
    for name in names:
        direction = str(SCORES[name].higher_is_better).lower()
        for suffix in ("", "_stderr"):
            lines += [
                f"  - metric: {name}{suffix}",
                f"    aggregation: {AGGREGATIONS}.{identifier(name)}{suffix}",
                f"    higher_is_better: {direction if not suffix else 'false'}",
            ]
    lines += ["metadata:", f"  version: {VERSION}", "  signatures:"]
    lines += [f'    "{name}": "{SCORES[name].signature}"' for name in names]
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Relative path -> content."""
    out: dict[str, str] = {}
    out["arabench_dialects/_lm_template"] = f"""\
# Language modelling: log-likelihood of held-out sentences, over their own tokens.
class: {FUNCTIONS}.RollingTask
output_type: loglikelihood_rolling
num_fewshot: 0
custom_dataset: {FUNCTIONS}.lm_data
test_split: test
doc_to_text: ""
doc_to_target: text
process_results: {FUNCTIONS}.score_lm
""" + metrics("bits_per_char", "bits_per_byte", "word_perplexity", "byte_perplexity")
    out["arabench_dialects/_tax_template"] = f"""\
# Dialect tax: bits of a sentence over bits of its MSA rendering.
class: {FUNCTIONS}.RollingTask
output_type: loglikelihood_rolling
num_fewshot: 0
custom_dataset: {FUNCTIONS}.tax_data
test_split: test
doc_to_text: ""
doc_to_target: id
process_results: {FUNCTIONS}.score_tax
""" + metrics("dialect_tax")
    out["arabench_dialects/_mt_template"] = f"""\
# Translation: three packaged examples, one line of greedy output.
class: {FUNCTIONS}.ArabenchTask
output_type: generate_until
custom_dataset: {FUNCTIONS}.translation_data
test_split: test
fewshot_split: train
fewshot_config:
  sampler: first_n
num_fewshot: 3
doc_to_text: {FUNCTIONS}.translation_prompt
doc_to_target: target
target_delimiter: " "
generation_kwargs:
  until: ["\\n"]
  do_sample: false
  max_gen_toks: 256
process_results: {FUNCTIONS}.score_translation
""" + metrics("bleu", "chrf++")
    out["arabench_dialects/_rc_template"] = f"""\
# Reading comprehension: one packaged example, one line of greedy output.
class: {FUNCTIONS}.ArabenchTask
output_type: generate_until
custom_dataset: {FUNCTIONS}.reading_data
test_split: test
fewshot_split: train
fewshot_config:
  sampler: first_n
  doc_to_target: "{{{{answers[0]}}}}"
num_fewshot: 1
doc_to_text: {FUNCTIONS}.reading_prompt
doc_to_target: "{{{{answers[0]}}}}"
target_delimiter: " "
generation_kwargs:
  until: ["\\n"]
  do_sample: false
  max_gen_toks: 64
process_results: {FUNCTIONS}.score_reading
""" + metrics("f1", "exact_match")
    groups: dict[str, list[str]] = {"lm": [], "tax": [], "mt": [], "rc": []}

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
    for variety in DIALECTS:
        task("tax", variety, variety, f"tax {NAMES[variety]}")
        task("mt", f"{variety}_msa", variety, f"{NAMES[variety]} to MSA", "  target: msa\n")
    for variety in VARIETIES:
        task("mt", f"{variety}_en", variety, f"{NAMES[variety]} to English", "  target: en\n")
    for kind, names in groups.items():
        out[f"arabench_dialects/arabench_{kind}.yaml"] = group(f"arabench_{kind}", names)
    out["arabench_dialects/arabench_dialects.yaml"] = group(
        "arabench_dialects", [f"arabench_{kind}" for kind in groups]
    )

    mc_body = f"""\
class: {FUNCTIONS}.ArabenchTask
output_type: multiple_choice
test_split: test
doc_to_text: {FUNCTIONS}.choice_prompt
doc_to_choice: {FUNCTIONS}.choice_letters
doc_to_target: answer
target_delimiter: " "
process_results: {FUNCTIONS}.score_choice
"""
    out["arabench_mmlu/_mmlu_template"] = (
        "# Four-choice questions; the letter with the highest log-likelihood counts.\n"
        + f"custom_dataset: {FUNCTIONS}.mmlu_data\n"
        + mc_body
        + metrics("acc")
    )
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

    out["arabench_robustness/_lm_template"] = (
        f"""\
# Language modelling of noisy MSA: bits over the code points of the clean text.
class: {FUNCTIONS}.RollingTask
output_type: loglikelihood_rolling
num_fewshot: 0
custom_dataset: {FUNCTIONS}.noisy_lm_data
test_split: test
doc_to_text: ""
doc_to_target: id
process_results: {FUNCTIONS}.score_noisy_lm
"""
        + metrics("noise_cost", *[f"bits_per_char@{rate}" for rate in NOISE_RATES])
        + f"  noise_version: {NOISE_VERSION}\n"
    )
    out["arabench_robustness/_mc_template"] = (
        f"""\
# Multiple choice with noisy questions and clean choices.
class: {FUNCTIONS}.PromptsTask
output_type: multiple_choice
num_fewshot: 0
custom_dataset: {FUNCTIONS}.noisy_mc_data
test_split: test
doc_to_text: {FUNCTIONS}.choice_prompt
doc_to_choice: {FUNCTIONS}.choice_letters
doc_to_target: answer
target_delimiter: " "
process_results: {FUNCTIONS}.score_noisy_mc
"""
        + metrics("noise_acc", *[f"acc@{rate}" for rate in NOISE_RATES])
        + f"  noise_version: {NOISE_VERSION}\n"
    )
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
    return out


def group(name: str, members: list[str]) -> str:
    """A group without aggregation: lm-eval's groups can only average, and bits must be summed."""
    listed = "\n".join(f"  - {member}" for member in members)
    return f"group: {name}\ntask:\n{listed}\nmetadata:\n  version: {VERSION}\n"


def main() -> int:
    """Write or check."""
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
