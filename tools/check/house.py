"""The shape of the house, a few lines a rule.

    python tools/check/house.py    # exit 1 and a line per violation

1. No circle between files: what two files need of each other belongs in a third.
2. Nothing outside evaluation/harness/ imports lm_eval.
3. Task families, perturbations, training methods, gate criteria and corpus steps do not import
   their siblings: what one needs of another goes through the room's table.
4. No `module._name` of another file.
5. No file over 400 lines outside compiled/.
6. Every folder says what it is in the docstring of its __init__.py.
7. `Any` is not a type at a seam: public signatures name what they take and return. Free-form
   records (`dict[str, Any]`, `Mapping[str, Any]` and lists of them) may.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400
#: Rooms whose files are siblings, and the files in them that all may import.
SIBLINGS: dict[str, set[str]] = {
    "arabench.evaluation.families": {"family"},
    "arabench.evaluation.perturbations": {"tables"},
    "arabench.trainers.methods": {"method", "preference"},
    "arabench.gate.criteria": {"criterion"},
    "arabench.corpus.steps": {"step"},
}
#: Files that see all siblings: the visible table.
TABLE = "table"
#: Records of JSON or YAML, whose values are of any type by nature.
RECORD = re.compile(r"\b(?:dict|Mapping|MutableMapping)\[str, (?:list\[)?Any\]?\]")


@dataclass
class Module:
    """A file of the package.

    Attributes:
        name: dotted, as it is imported.
        imports: dotted names it imports when it is loaded.
        later: those it imports inside functions.
    """

    name: str
    path: Path
    tree: ast.Module
    lines: int
    imports: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)


def modules() -> dict[str, Module]:
    """Dotted name -> module, of arabench/ and of trainers/, which is imported as its part."""
    found = {}
    for folder, prefix in (
        (ROOT / "arabench", "arabench"),
        (ROOT / "trainers", "arabench.trainers"),
    ):
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder).with_suffix("")
            parts = [part for part in inside.parts if part != "__init__"]
            name = ".".join([prefix, *parts])
            text = path.read_text(encoding="utf-8")
            found[name] = Module(name, path, ast.parse(text), text.count("\n"))
    for module in found.values():
        _read_imports(module, found)
    return found


def _read_imports(module: Module, known: dict[str, Module]) -> None:
    loaded = set(_module_level(module.tree))
    for node in ast.walk(module.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [
                full if (full := f"{node.module}.{alias.name}") in known else node.module
                for alias in node.names
            ]
        for name in names:
            (module.imports if node in loaded else module.later).add(name)


def _module_level(tree: ast.Module) -> Iterator[ast.stmt]:
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        for name in ("body", "orelse", "handlers", "finalbody"):
            pending += [child for child in getattr(node, name, []) if isinstance(child, ast.stmt)]


def circles(found: dict[str, Module]) -> list[str]:
    """Files that import each other in a loop, also inside functions."""
    graph = {
        name: {other for other in module.imports | module.later if other in found and other != name}
        for name, module in found.items()
    }
    problems = []
    for group in _components(graph):
        if len(group) > 1:
            problems.append(f"circle: {' <-> '.join(sorted(group))}")
    return problems


def _components(graph: dict[str, set[str]]) -> list[set[str]]:
    """Strongly connected components (Tarjan 1972), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    result = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, children = work[-1]
            child = next(children, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group: set[str] = set()
                    while node not in group:
                        group.add(stack.pop())
                    result.append(group)
            elif child not in index:
                index[child] = low[child] = len(index)
                stack.append(child)
                work.append((child, iter(sorted(graph[child]))))
            elif child in stack:
                low[node] = min(low[node], index[child])
    return result


def harness_alone(found: dict[str, Module]) -> list[str]:
    """Files outside evaluation/harness/ that import lm_eval."""
    return [
        f"{_where(module)}: imports {name}; only arabench/evaluation/harness/ may"
        for module in found.values()
        for name in sorted(module.imports | module.later)
        if name.split(".")[0] == "lm_eval"
        and not module.name.startswith("arabench.evaluation.harness")
    ]


def siblings(found: dict[str, Module]) -> list[str]:
    """Imports between files that should know each other only through a table."""
    problems = []
    for room, shared in SIBLINGS.items():
        for module in found.values():
            if not module.name.startswith(f"{room}."):
                continue
            own = module.name.removeprefix(f"{room}.").split(".")[0]
            if own == TABLE or own in shared:
                continue
            for name in sorted(module.imports | module.later):
                other = name.removeprefix(f"{room}.").split(".")[0]
                if name.startswith(f"{room}.") and other not in {own, TABLE, *shared}:
                    problems.append(f"{_where(module)}: imports its sibling {name}")
    return problems


def private_names(found: dict[str, Module]) -> list[str]:
    """`module._name` and `from module import _name` across files."""
    problems = []
    for module in found.values():
        named = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("arabench"):
                for alias in node.names:
                    if alias.name.startswith("_") and not alias.name.startswith("__"):
                        problems.append(f"{_where(module)}:{node.lineno}: imports {alias.name}")
                    elif f"{node.module}.{alias.name}" in found:
                        named.add(alias.asname or alias.name)
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in named
                and node.attr.startswith("_")
                and not node.attr.startswith("__")
            ):
                shown = f"{node.value.id}.{node.attr}"
                problems.append(f"{_where(module)}:{node.lineno}: uses {shown} of another file")
    return problems


def long_files(found: dict[str, Module]) -> list[str]:
    """Files over the limit, compiled ones aside."""
    return [
        f"{_where(module)}: {module.lines} lines; {MAX_LINES} are allowed"
        for module in found.values()
        if module.lines > MAX_LINES and "compiled" not in module.path.parts
    ]


def silent_folders(found: dict[str, Module]) -> list[str]:
    """Folders whose __init__.py does not say what they are."""
    return [
        f"{_where(module)}: has no docstring"
        for module in found.values()
        if module.path.name == "__init__.py" and not ast.get_docstring(module.tree)
    ]


def open_seams(found: dict[str, Module]) -> list[str]:
    """Public functions and methods whose signature says `Any`."""
    return [
        f"{_where(module)}:{function.lineno}: {function.name}({name}: {shown})"
        for module in found.values()
        for function in _public_functions(module.tree)
        for name, shown in _annotations(function)
        if re.search(r"\bAny\b", RECORD.sub("", shown))
    ]


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("_"):
                yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and (
                    method.name == "__init__" or not method.name.startswith("_")
                ):
                    yield method


def _annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if argument.annotation is not None:
            yield argument.arg, ast.unparse(argument.annotation)
    if function.returns is not None:
        yield "return", ast.unparse(function.returns)


def _where(module: Module) -> str:
    return str(module.path.relative_to(ROOT))


RULES = (circles, harness_alone, siblings, private_names, long_files, silent_folders, open_seams)


def main() -> int:
    """Print what is against a rule."""
    found = modules()
    problems = [problem for rule in RULES for problem in rule(found)]
    print("\n".join(problems) or f"the house holds: {len(found)} files, {len(RULES)} rules")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
