"""Recipe and policy in the README are real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from arabench.gate.policy import DEFAULT_RULES, Rule, load_policy
from arabench.resources import trainers_dir
from arabench.trainers.recipe import load_recipe

README = Path(__file__).resolve().parent.parent / "README.md"


@pytest.fixture
def blocks(tmp_path: Path) -> dict[str, Path]:
    """YAML blocks of the README as files, by the name in their first line."""
    found = {}
    for text in re.findall(r"^```yaml\n(.*?)^```$", README.read_text("utf-8"), re.S | re.M):
        name = re.match(r"# (\w+)\.yaml", text)
        assert name is not None, text[:60]
        path = tmp_path / f"{name[1]}.yaml"
        path.write_text(text, encoding="utf-8")
        found[name[1]] = path
    return found


def test_the_recipe_is_that_of_the_paper(blocks: dict[str, Path]) -> None:
    packaged = load_recipe(trainers_dir() / "recipes" / "qwen2_1_5b_paper.yaml")
    assert load_recipe(blocks["recipe"]) == packaged


def test_every_section_of_the_recipe_has_a_sentence(blocks: dict[str, Path]) -> None:
    lines = blocks["recipe"].read_text(encoding="utf-8").splitlines()
    sections = [number for number, line in enumerate(lines) if re.match(r"\w+:", line)]
    unexplained = [lines[n] for n in sections if not lines[n - 1].startswith("# ")]
    assert unexplained == ["output_dir: runs/qwen2_1_5b_paper"]  # shares that of `method`


def test_the_policy_says_what_the_sentence_above_it_says(blocks: dict[str, Path]) -> None:
    policy = load_policy(blocks["gate"])
    assert policy.improve == ("egy",)
    assert policy.margins == {"msa": 0.05}
    bleu = Rule(margin=2.0, test="regression")
    assert policy.rules == {
        "bits_per_char": Rule(margin=0.02),
        "bleu": bleu,
        "f1": DEFAULT_RULES["f1"],
        "acc": DEFAULT_RULES["acc"],
    }
    assert bleu != DEFAULT_RULES["bleu"]
