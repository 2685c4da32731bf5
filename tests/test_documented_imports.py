"""What README and docs tell readers to import is there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def imports() -> list[tuple[str, str, str]]:
    """(page, module, name) of every import from the package in a block of Python."""
    found = []
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("arabench"):
                    found += [(page.name, str(node.module), alias.name) for alias in node.names]
    return found


def test_there_are_some() -> None:
    modules = {module for _, module, _ in imports()}
    assert {"arabench.dialect", "arabench.morph.tokenizer", "arabench.engines.spark"} <= modules


@pytest.mark.parametrize(("page", "module", "name"), imports())
def test_documented_names_are_there(page: str, module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


@pytest.mark.parametrize("name", ["Identification", "Identifier", "identify", "identify_column"])
def test_the_dialect_room_hands_out_what_it_lists(name: str) -> None:
    import arabench.dialect
    from arabench.dialect import identification

    assert name in arabench.dialect.__all__
    assert getattr(arabench.dialect, name) is getattr(identification, name)
