"""The import hook that lets plain lm_eval find the tasks: cheap, inert, harmless."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOOK = ROOT / "packaging" / "_arabench_lm_eval.py"
TASKS = str(ROOT / "tasks")
#: lm-eval's own 14,000 tasks take 5-11 s to index; most tests here do without.
SKIP_BUILT_IN = """
import lm_eval, lm_eval.tasks._index as index
from pathlib import Path
own, scan = Path(lm_eval.__file__).parent, index.TaskIndex._iter_yaml_files
index.TaskIndex._iter_yaml_files = staticmethod(
    lambda root: iter(()) if root.is_relative_to(own) else scan(root))
"""
TASK = "task: {}\ndataset_path: none\noutput_type: generate_until\n"

needs_lm_eval = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="needs the extra arabench[eval]"
)
needs_pth = pytest.mark.skipif(
    not Path(sysconfig.get_path("purelib"), "arabench_lm_eval.pth").exists(),
    reason="arabench is not installed in this environment (pip install -e .)",
)


def _fresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_arabench_lm_eval_under_test", HOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    return _fresh()


def _python(code: str, folder: Path, *path: Path, **environment: str) -> str:
    """Standard output of a new interpreter outside the checkout, with the checkout's hook."""
    search = os.pathsep.join(map(str, [*path, HOOK.parent]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- at interpreter start ------------------------------------------------------------------------


def test_start_costs_little_beside_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    def fastest(repeats: int, action: Callable[[], object]) -> float:
        took = []
        for _ in range(repeats):
            start = time.perf_counter()
            action()
            took.append(time.perf_counter() - start)
        return min(took)  # other processes on the machine can only add

    def start_hook() -> None:
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        _fresh().install()

    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    # Some 0.7 ms against 11 ms; that nothing else is imported is tested below.
    assert fastest(51, start_hook) < 0.25 * fastest(11, lambda: subprocess.run(bare, check=True))


def test_installs_once(hook: ModuleType) -> None:
    before = len(sys.meta_path)
    hook.install()
    hook.install()
    assert len(sys.meta_path) == before + 1


@needs_pth
def test_start_imports_nothing(tmp_path: Path) -> None:
    code = "import sys; print(sorted(m for m in sys.modules if 'lm_eval' in m or 'arabench' in m))"
    # An editable install of the package itself may leave a finder; the package is not imported.
    assert _python(code, tmp_path) == "['_arabench_lm_eval']"


def test_other_imports_pass_by(hook: ModuleType) -> None:
    finder = hook.TaskFolderFinder()
    for name in ("json", "lm_eval", "lm_eval.tasks", "arabench"):
        assert finder.find_spec(name) is None


def test_absent_lm_eval_is_still_absent(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    hook.install()
    for name in [name for name in sys.modules if name.split(".")[0] == "lm_eval"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ImportError, match="lm_eval"):
        importlib.import_module("lm_eval.tasks.manager")


# --- what it does to a manager ------------------------------------------------------------------


def _manager_module() -> Any:
    class TaskManager:
        def __init__(
            self,
            verbosity: str | None = None,
            include_path: Any = None,
            include_defaults: bool = True,
            metadata: Any = None,
        ) -> None:
            self.given = (verbosity, include_path, include_defaults, metadata)

    module: Any = types.ModuleType("lm_eval.tasks.manager")
    module.TaskManager = TaskManager
    return module


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {}, [TASKS]),
        ((), {"include_path": "mine"}, [TASKS, "mine"]),  # later folders override earlier ones
        ((), {"include_path": Path("mine")}, [TASKS, Path("mine")]),
        ((), {"include_path": ["mine", "yours"]}, [TASKS, "mine", "yours"]),
        ((), {"include_path": [TASKS]}, [TASKS]),
        (("INFO", ("mine",)), {"metadata": {"a": 1}}, [TASKS, "mine"]),
        ((), {"include_path": "mine", "include_defaults": False}, "mine"),
        ((), {"include_defaults": False}, None),
        ((None, None, False), {}, None),
    ],
)
def test_include_path(
    hook: ModuleType, args: tuple[Any, ...], kwargs: dict[str, Any], expected: Any
) -> None:
    module = _manager_module()
    hook.add_task_folder(module)
    given = module.TaskManager(*args, **kwargs).given
    assert given[1] == expected
    assert given[0] == (args[0] if args else None)
    assert given[3] == kwargs.get("metadata")


def test_wrong_arguments_fail_as_before(hook: ModuleType) -> None:
    module = _manager_module()
    hook.add_task_folder(module)
    with pytest.raises(TypeError, match="unexpected keyword argument 'no_such'"):
        module.TaskManager(no_such=1)


def test_manager_of_another_shape_is_left_alone(hook: ModuleType) -> None:
    module: Any = types.ModuleType("lm_eval.tasks.manager")
    module.TaskManager = type("TaskManager", (), {"__init__": lambda self, folders=None: None})
    before = module.TaskManager.__init__
    hook.add_task_folder(module)
    assert module.TaskManager.__init__ is before


ENTRY_POINT_READERS = [
    "from importlib.metadata import entry_points",
    "def scan():\n    from importlib.metadata import entry_points\n    return entry_points()",
    "import importlib.metadata\nclass Index:\n    @staticmethod\n    def scan():\n"
    "        return [e for e in importlib.metadata.entry_points(group='lm_eval.tasks')]",
]


@pytest.mark.parametrize("source", ENTRY_POINT_READERS)
def test_steps_aside_where_lm_eval_reads_entry_points(hook: ModuleType, source: str) -> None:
    module = _manager_module()
    exec(source, vars(module))  # noqa: S102  # a stand-in for a later lm-eval
    before = module.TaskManager.__init__
    hook.add_task_folder(module)
    assert module.TaskManager.__init__ is before


# --- with lm-eval itself ------------------------------------------------------------------------


@needs_lm_eval
@needs_pth
def test_plain_lm_eval_finds_the_tasks_and_the_user_overrides_them(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.mkdir()
    (own / "a.yaml").write_text(TASK.format("arabench_lm_egy"), encoding="utf-8")
    # The one test that indexes lm-eval's own tasks.
    code = (
        "from lm_eval.tasks import TaskManager\n"
        "manager = TaskManager(include_path='mine')\n"
        "print('arabench_dialects' in manager.all_groups, 'arc_easy' in manager.all_subtasks)\n"
        "print(manager.task_index['arabench_lm_egy'].yaml_path)\n"
        "print(manager.task_index['arabench_lm_msa'].yaml_path)"
    )
    found, overridden, ours = _python(code, tmp_path).splitlines()
    assert found == "True True"
    assert overridden == "mine/a.yaml"
    assert ours == f"{TASKS}/arabench_dialects/lm/arabench_lm_msa.yaml"


@needs_lm_eval
@needs_pth
@pytest.mark.parametrize(
    ("switch", "found"), [("0", False), (" OFF ", False), ("1", True), ("", True)]
)
def test_switch(tmp_path: Path, switch: str, found: bool) -> None:
    code = SKIP_BUILT_IN + "print('arabench_dialects' in lm_eval.tasks.TaskManager().all_groups)"
    assert _python(code, tmp_path, ARABENCH_LM_EVAL=switch) == str(found)


@needs_lm_eval
@needs_pth
@pytest.mark.parametrize("error", ["RuntimeError('broken')", "SystemExit(3)", "ImportError('no')"])
def test_broken_arabench_does_not_break_lm_eval(tmp_path: Path, error: str) -> None:
    shadow, own = tmp_path / "shadow" / "arabench", tmp_path / "mine"
    for folder in (shadow, own):
        folder.mkdir(parents=True)
    (shadow / "__init__.py").write_text(f"raise {error}\n", encoding="utf-8")
    (own / "a.yaml").write_text(TASK.format("my_task"), encoding="utf-8")
    code = SKIP_BUILT_IN + (
        "manager = lm_eval.tasks.TaskManager\n"
        "print(manager(include_path='mine').all_tasks)\n"
        "print(manager(include_path='mine', include_defaults=False).all_tasks)"
    )
    output = _python(code, tmp_path, shadow.parent)
    assert output.splitlines() == ["['my_task']", "['my_task']"]
