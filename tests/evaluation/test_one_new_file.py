"""A task family and a perturbation are one new file and one line in a table each."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

from arabench.evaluation.families import table as families
from arabench.evaluation.perturbations import table as perturbations
from arabench.evaluation.reports import summary
from tests.evaluation import dummy_family

ROOT = Path(__file__).resolve().parents[2]
BY_HAND = """\
class: !function arabench.evaluation.tasks.ArabenchTask
output_type: generate_until
custom_dataset: !function tests.evaluation.dummy_family.dummy_data
test_split: test
doc_to_text: !function tests.evaluation.dummy_family.dummy_prompt
doc_to_target: answer
generation_kwargs:
  until: ["\\n"]
  do_sample: false
  max_gen_toks: 4
process_results: !function tests.evaluation.dummy_family.score_dummy
"""


@pytest.fixture
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_task_yaml", ROOT / "tools/make_task_yaml.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_family_is_one_file_and_one_line(
    generator: ModuleType, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="needs the extra arabench[eval]")
    from lm_eval.tasks import TaskManager

    from arabench.evaluation.harness.evaluator import Prompting
    from arabench.evaluation.harness.output import write_results
    from arabench.evaluation.harness.run import language_model
    from arabench.evaluation.runner.results import load_evaluation
    from arabench.models.bases import BaseRequest, load_base
    from tests.evaluation.in_memory import measure_in_memory

    monkeypatch.setattr(families, "FAMILIES", (*families.FAMILIES, dummy_family.FAMILY))
    monkeypatch.setattr(summary, "COLUMNS", (*summary.COLUMNS, *dummy_family.FAMILY.columns))
    # The template by hand; the tool writes metrics and metadata under it.
    folder = tmp_path / "tasks" / "dummy"
    folder.mkdir(parents=True)
    (folder / "_dummy_template").write_text(BY_HAND + generator.MARK, encoding="utf-8")
    monkeypatch.setattr(generator, "TASKS", tmp_path / "tasks")
    (template,) = dummy_family.FAMILY.templates
    (folder / "_dummy_template").write_text(generator.template(template), encoding="utf-8")
    (folder / "arabench_dummy_egy.yaml").write_text(
        "include: _dummy_template\ntask: arabench_dummy_egy\ndataset_kwargs:\n  variety: egy\n",
        encoding="utf-8",
    )
    base = load_base(BaseRequest(str(tiny_base), device="cpu", dtype="float32"))
    manager = TaskManager(include_path=str(tmp_path / "tasks"), include_defaults=False, metadata={})
    lm = language_model(base.model, base.tokenizer, 2)
    results = measure_in_memory(manager, lm, ["arabench_dummy_egy"], Prompting(), 1)
    evaluation = load_evaluation(write_results(tmp_path / "out", {**results, "model_name": "m"}))
    (cell,) = summary.cells(evaluation)
    assert (cell.heading, cell.variety, cell.items) == ("dummy", "egy", 2)
    assert "| EGY |" in summary.markdown_table([evaluation])


def test_a_perturbation_is_one_file_and_one_line(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(text: str, rate: float, rng: random.Random) -> str:
        return "".join(letter * 2 if rng.random() < rate else letter for letter in text)

    monkeypatch.setitem(perturbations.KINDS, "doubled", change)
    clean = "كان امتحان الرياضيات أصعب مما توقعنا"
    assert perturbations.perturb(clean, "doubled", 0) == clean
    assert len(perturbations.perturb(clean, "doubled", 0.5)) > len(clean)
    assert perturbations.perturb(clean, "doubled", 1) == "".join(2 * letter for letter in clean)
    made = generator.files()
    for part in ("lm", "mc"):
        leaf = made[f"arabench_robustness/{part}/arabench_robust_{part}_doubled.yaml"]
        assert "kind: doubled" in leaf
        assert (
            f"arabench_robust_{part}_doubled"
            in made[f"arabench_robustness/arabench_robust_{part}.yaml"]
        )
