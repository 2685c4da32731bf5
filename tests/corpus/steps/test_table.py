"""The table of steps: complete, and all that it names is there."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from arabench.corpus import steps
from arabench.corpus.step import Step

ROOT = Path(steps.__file__).parent


def modules() -> list[str]:
    """Every module of the folder, by its name in the table."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted(ROOT.rglob("*.py"))
        if path.name != "__init__.py"
    ]


@pytest.mark.parametrize("module", modules())
def test_every_step_and_what_runs_it_stands_in_the_table(module: str) -> None:
    found = importlib.import_module(f"{steps.__name__}.{module}")
    own = {
        name
        for name, value in vars(found).items()
        if getattr(value, "__module__", None) == found.__name__ and not name.startswith("_")
    }
    classes = {
        name
        for name in own
        if inspect.isclass(getattr(found, name)) and issubclass(getattr(found, name), Step)
    }
    commands = {name for name in own if name.endswith("_files") or name == "list_candidates"}
    assert (classes | commands) <= set(steps.STEPS.get(module, ()))


@pytest.mark.parametrize("name", steps.__all__)
def test_every_name_of_the_table_is_handed_out(name: str) -> None:
    assert getattr(steps, name).__name__ == name


def test_names_that_the_table_lacks_are_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'UpperStep'"):
        steps.UpperStep  # noqa: B018


def test_one_step_loads_no_other() -> None:
    code = (
        "import sys; from arabench.corpus.steps import NormalizeStep; "
        "print(sorted(name for name in sys.modules if name.startswith('arabench.corpus.steps.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['arabench.corpus.steps.normalize']"
