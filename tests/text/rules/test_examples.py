"""The examples of rules are run: each rule shows what it changes and what it leaves alone."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import typing
from types import ModuleType

import pytest

from arabench.text import rules
from arabench.text.rules.rule import Rule

MODULES = [
    importlib.import_module(f"{rules.__name__}.{module.name}")
    for module in pkgutil.iter_modules(rules.__path__)
]
#: Of the modules above the rules.
OTHERS = [
    importlib.import_module(f"arabench.text.{name}")
    for name in ("hashes", "normalizer", "sentences")
]
#: Functions that make rules out of what they are given.
_MAKERS = {"char_map", "substitution", "scanner", "entity_rules"}


def _rule_functions() -> list[tuple[ModuleType, str]]:
    return [
        (module, name)
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and name not in _MAKERS
        and typing.get_type_hints(function).get("return") in (Rule, list[Rule])
    ]


@pytest.mark.parametrize("module", [*MODULES, *OTHERS], ids=lambda module: module.__name__)
def test_examples_are_right(module: ModuleType) -> None:
    failed, _ = doctest.testmod(module)
    assert failed == 0


@pytest.mark.parametrize(("module", "name"), _rule_functions(), ids=lambda value: str(value))
def test_a_rule_shows_what_it_changes_and_what_it_leaves_alone(
    module: ModuleType, name: str
) -> None:
    pairs = []
    for example in doctest.DocTestParser().get_examples(getattr(module, name).__doc__):
        (statement,) = ast.parse(example.source).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            given = statement.value.args[-1]
            assert isinstance(given, ast.Constant)
            pairs.append((given.value, ast.literal_eval(example.want.strip())))
    assert any(given != after for given, after in pairs), "no example of what it changes"
    assert any(given == after for given, after in pairs), "no example of what it leaves alone"


def test_every_family_has_rules() -> None:
    assert len(_rule_functions()) >= 50
