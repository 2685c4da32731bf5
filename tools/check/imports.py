"""Import direction: a room may import only from the rooms below it.

    python tools/check/imports.py    # exit 1 and a line per violation

Also: no heavy library at module level anywhere in the package.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Room -> rooms it may import from (itself is always allowed). Top-level modules of
#: arabench are rooms of one file.
#: Ground floor: importable from anywhere above it.
GROUND = {"files", "statistics", "models"}
FOUNDATION = {"errors", "resources", "varieties", "chars", "__init__", *GROUND}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "resources": set(),
    "varieties": set(),
    "chars": set(),
    "__init__": set(),
    "files": {"errors"},
    "statistics": {"errors"},
    "models": {"errors", "files"},
    "camel_data": {"errors"},
    "text": FOUNDATION,
    "morph": FOUNDATION | {"text", "camel_data"},
    "dialect": FOUNDATION | {"text", "camel_data"},
    "script": FOUNDATION | {"text"},
    "corpus": FOUNDATION | {"text", "morph", "dialect", "script"},
    "audit": FOUNDATION | {"text", "morph", "dialect", "corpus"},
    "engines": FOUNDATION | {"text", "corpus", "evaluation"},
    "adapters": {"engines"},  # the former name of engines
    "evaluation": FOUNDATION | {"text", "morph", "dialect", "script", "corpus", "audit"},
    "trainers": FOUNDATION | {"text", "dialect", "corpus", "audit", "evaluation"},
    "subwords": FOUNDATION | {"text", "morph", "corpus", "audit", "evaluation"},
    "gate": FOUNDATION | {"evaluation", "corpus"},
}
ALLOWED["demo"] = set(ALLOWED) - {"morph", "dialect"}
ALLOWED["cli"] = {*ALLOWED, "demo"}

#: Former places of moved modules, which hand on names of rooms above.
FORMER = {"arabench/text/transliteration.py"}

HEAVY = {
    "torch", "transformers", "lm_eval", "camel_tools", "trl", "peft", "bitsandbytes", "datasets",
    "sentence_transformers", "sacrebleu", "matplotlib", "tokenizers", "pyarabic", "accelerate",
    "ray", "pyspark", "datatrove",
}  # fmt: skip


def modules() -> Iterator[tuple[str, Path]]:
    """(room, file) of every module of the package."""
    for path in sorted((ROOT / "arabench").rglob("*.py")):
        inside = path.relative_to(ROOT / "arabench")
        yield (inside.parts[0] if len(inside.parts) > 1 else inside.stem), path
    for path in sorted((ROOT / "trainers").rglob("*.py")):
        yield "trainers", path


def imported(node: ast.AST) -> list[str]:
    """Full names that an import statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def module_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run on import, without those under TYPE_CHECKING."""
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


def violations() -> list[str]:
    """One line per import that goes the wrong way."""
    found = []
    for room, path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT)
        if where.as_posix() in FORMER:
            continue
        if room not in ALLOWED:
            found.append(f"{where}: room {room!r} is not in the plan of tools/check/imports.py")
            continue
        for node in ast.walk(tree):
            for name in imported(node):
                parts = name.split(".")
                if parts[0] != "arabench" or len(parts) < 2 or parts[1] == "__version__":
                    continue
                if parts[1] != room and parts[1] not in ALLOWED[room]:
                    found.append(f"{where}:{node.lineno}: {room} may not import {name}")
        for node in module_level(tree):
            for name in imported(node):
                if name.split(".")[0] in HEAVY:
                    found.append(f"{where}:{node.lineno}: {name} at module level")
    return found


if __name__ == "__main__":
    problems = violations()
    print("\n".join(problems) or f"import direction holds in {len(list(modules()))} modules")
    sys.exit(1 if problems else 0)
