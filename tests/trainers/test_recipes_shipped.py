"""Recipes that come with the package: each is one, and opens with what it is and its command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from arabench.cli.train import EXAMPLES
from arabench.resources import trainers_dir
from arabench.trainers.recipe import load_recipe

RECIPES = sorted((trainers_dir() / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("file", RECIPES, ids=[file.stem for file in RECIPES])
def test_a_shipped_recipe(file: Path) -> None:
    recipe = load_recipe(file)
    assert recipe.output_dir == f"runs/{file.stem}"
    first, blank, command, *_ = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert re.search(r"\(.*(GB GPU|no GPU needed)\)\.$", first), "how large a machine it is for"
    assert blank == "#"
    words = shlex.split(command.lstrip("# "), comments=True)
    assert words[:3] == ["arabench", "train", file.stem]
    settings = dict(pair.split("=", 1) for pair in words[4::2])
    assert set(words[3::2]) == {"--set"}
    assert load_recipe(file, settings).data.source == settings["data.source"]
    if recipe.method in {"dpo", "ipo", "kto", "cpo", "simpo", "orpo"}:
        assert recipe.lora.dropout == 0.0
        assert f"\n{recipe.method}:\n" in file.read_text(encoding="utf-8")


def test_every_kind_of_method_has_one() -> None:
    assert {load_recipe(file).method for file in RECIPES} >= {"sft", "cpt", "dpo", "ipo", "kto"}


def test_the_examples_of_the_command_are_recipes() -> None:
    named = re.findall(r"arabench train (\w+) --set", EXAMPLES)
    assert len(named) >= 2
    assert set(named) <= {file.stem for file in RECIPES}
