"""Let plain `lm_eval` find the arabench tasks.

lm-eval 0.4 has no entry points for tasks. This module is imported at interpreter
start by `arabench_lm_eval.pth`; it only registers an import finder, which waits for
`lm_eval.tasks.manager` and then makes `TaskManager` scan the arabench task folder
in addition to the folders it was asked to scan. It

* imports nothing but `sys` until lm-eval's task manager is imported;
* never raises: a failure here must not break somebody's lm_eval;
* does nothing when lm-eval itself reads entry points (it then finds our folder
  through the `lm_eval.tasks` entry point);
* is switched off by the environment variable ARABENCH_LM_EVAL=0.
"""

import sys

TARGET = "lm_eval.tasks.manager"
SWITCH = "ARABENCH_LM_EVAL"


def install():
    """Register the finder once per interpreter."""
    if not any(isinstance(finder, TaskFolderFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, TaskFolderFinder())


class TaskFolderFinder:
    """Meta path finder that patches `TaskManager` when its module is first loaded."""

    def find_spec(self, name, path=None, target=None):
        if name != TARGET:
            return None
        try:
            sys.meta_path.remove(self)
        except ValueError:
            pass
        import os

        if os.environ.get(SWITCH, "").strip().lower() in {"0", "false", "off", "no"}:
            return None
        try:
            from importlib.util import find_spec

            spec = find_spec(name)
            if spec is not None and spec.loader is not None:
                _patch_after_load(spec.loader)
            return spec
        except Exception:
            return None


def _patch_after_load(loader):
    original = loader.exec_module

    def exec_module(module):
        original(module)
        try:
            add_task_folder(module)
        except Exception:
            pass

    loader.exec_module = exec_module


def add_task_folder(manager_module):
    """Wrap `TaskManager.__init__` so that our folder joins `include_path`.

    Ours goes first: folders that the user includes override it, as they override
    lm-eval's own. A manager built with `include_defaults=False` asked for nothing
    but its own folders and is left alone.
    """
    if reads_task_entry_points(manager_module):
        return
    import functools
    import inspect

    cls = manager_module.TaskManager
    original = cls.__init__
    signature = inspect.signature(original)
    if "include_path" not in signature.parameters:
        return

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        try:
            bound = signature.bind(self, *args, **kwargs)
            if bound.arguments.get("include_defaults", True):
                from arabench.resources import tasks_dir

                given = bound.arguments.get("include_path")
                if not given:
                    given = []
                elif not isinstance(given, (list, tuple)):
                    given = [given]
                folder = str(tasks_dir())
                if folder not in [str(entry) for entry in given]:
                    bound.arguments["include_path"] = [folder, *given]
            args, kwargs = bound.args[1:], bound.kwargs
        except (Exception, SystemExit):
            pass
        original(self, *args, **kwargs)

    cls.__init__ = __init__


def reads_task_entry_points(manager_module):
    """Whether this lm-eval discovers task folders through entry points by itself."""
    modules = [manager_module] + [
        sys.modules[name]
        for name in ("lm_eval.tasks._index", "lm_eval.tasks")
        if name in sys.modules
    ]
    return any(_mentions_entry_points(vars(module)) for module in modules)


def _mentions_entry_points(namespace):
    pending = []
    for value in namespace.values():
        if callable(value) and getattr(value, "__name__", "") == "entry_points":
            return True
        members = vars(value).values() if isinstance(value, type) else (value,)
        for member in members:
            function = getattr(member, "__func__", member)
            code = getattr(function, "__code__", None)
            if code is not None and str(function.__module__).startswith("lm_eval.tasks"):
                pending.append(code)
    while pending:
        code = pending.pop()
        if "entry_points" in code.co_names:
            return True
        pending += [const for const in code.co_consts if hasattr(const, "co_names")]
    return False
