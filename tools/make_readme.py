"""Fill the README's command help from the commands, its picture of the house from the folders.

    python tools/make_readme.py            # rewrite
    python tools/make_readme.py --check    # exit 1 if the README is stale

    python tools/make_readme.py --demo DIR # also paste the outputs of a finished `make demo`

What stands between `<!-- NAME -->` and `<!-- /NAME -->`, or in a console block after its
command, is generated (`echo ... | arabench ...` in every run); the rest is written by hand.
"""

from __future__ import annotations

import ast
import os
import platform
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

from arabench.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = Path(__file__).resolve().parent.parent / "README.md"
START, END = "<!-- help:all -->", "<!-- /help -->"
HOUSE, HOUSE_END = "<!-- house -->", "<!-- /house -->"
#: Where a folder of the package stands in the picture: the ground floor first.
FLOORS = (
    "files", "statistics", "models", "text", "script", "morph", "dialect", "corpus", "audit",
    "engines", "subwords", "evaluation", "gate", "demo", "cli",
)  # fmt: skip
#: Folders that only hand on names of others.
FORMER = {"adapters"}


def help_text(command: str) -> str:
    """`arabench COMMAND --help` at a fixed width."""
    return subprocess.run(
        [sys.executable, "-m", "arabench.cli", command, "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "96"},
    ).stdout.rstrip()


def generated() -> str:
    """The help section."""
    parts = []
    for command, summary in COMMANDS.items():
        parts.append(
            f"<details><summary><code>arabench {command}</code>: {summary}</summary>\n\n"
            f"```text\n{help_text(command)}\n```\n\n</details>\n"
        )
    return f"{START}\n\n" + "\n".join(parts) + f"\n{END}"


def house() -> str:
    """The folders of the package, each with what its docstring says it is."""
    package = ROOT / "arabench"
    found = {path.parent.name for path in package.glob("*/__init__.py")} - FORMER
    if found != set(FLOORS):
        raise SystemExit(f"tools/make_readme.py: FLOORS lacks or names {found ^ set(FLOORS)}")
    lines = ["arabench/"]
    for floor in FLOORS:
        lines += folder_lines(package / floor, 1)
    lines += folder_lines(ROOT / "trainers", 0)
    return "\n".join([HOUSE, "```", *lines, "```", HOUSE_END])


def folder_lines(folder: Path, depth: int) -> list[str]:
    """A line for a folder of modules and for each such folder in it."""
    init = folder / "__init__.py"
    if not init.exists():
        return []
    docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
    said = docstring.splitlines()[0].rstrip(".") if docstring else ""
    name = "  " * depth + folder.name + "/"
    lines = [f"{name:<22} {said}".rstrip()]
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        lines += folder_lines(inside, depth + 1)
    return lines


def with_house(text: str) -> str:
    """The README with the picture as the folders are today."""
    before, _, rest = text.partition(HOUSE)
    return before + house() + rest.partition(HOUSE_END)[2]


def echo_examples(text: str) -> str:
    """The README with what every `$ echo 'TEXT' | arabench ...` prints today."""
    for match in re.finditer(r"^\$ (echo '([^']*)' \| arabench (.*))$", text, re.MULTILINE):
        command, given, arguments = match.groups()
        done = subprocess.run(
            [sys.executable, "-m", "arabench.cli", *shlex.split(arguments)],
            check=True, capture_output=True, text=True, input=given + "\n",
        )  # fmt: skip
        text = paste(text, command, done.stdout.rstrip())
    return text


def lm_eval_output(demo: Path) -> str:
    """The Egyptian rows of lm_eval's table for the adapter, as lm_eval printed them."""
    log = next(demo.glob("logs/08-*.log")).read_text(encoding="utf-8").splitlines()
    table = [line for line in log if line.startswith("|")]
    shown, keep = table[:2], False
    for line in table[2:]:
        if not line.startswith("|   "):
            keep = "Egyptian" in line
        if keep:
            shown.append(line)
    return "\n".join(shown)


def train_output(demo: Path) -> str:
    """The last lines of the training log."""
    log = next(demo.glob("logs/05-*.log")).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in log if line.startswith("arabench: ")]
    return "\n".join(wanted[-4:]).replace(str(demo), "demo-out")


def gate_output(demo: Path) -> str:
    """What the gate prints for the adapter."""
    done = subprocess.run(
        [sys.executable, "-m", "arabench.cli", "gate", str(demo / "results/base"),
         str(demo / "results/adapter"), "--policy", str(demo / "gate.yaml"), "--quiet"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = (demo / "gate-adapter.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")][:3]
    return "\n".join([*table, done.stderr.rstrip()])


def paste(text: str, command: str, output: str) -> str:
    """Replace what follows `command` in its console block, up to the next command."""
    start = text.index("\n", text.index(f"$ {command}")) + 1
    end = min(place for mark in ("```", "$ ") if (place := text.find(mark, start)) >= 0)
    return text[:start] + output + "\n" + text[end:]


def with_demo(text: str, demo: Path) -> str:
    """The README with the outputs of a demo run."""
    text = paste(text, "lm_eval --tasks arabench_dialects", lm_eval_output(demo))
    text = paste(text, "arabench train recipe.yaml", train_output(demo))
    text = paste(text, "arabench gate results/base", gate_output(demo))
    before, _, rest = text.partition("<!-- machine -->")
    after = rest.partition("<!-- /machine -->")[2]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, no GPU, {date.today().isoformat()}"
    return f"{before}<!-- machine -->{machine}<!-- /machine -->{after}"


def main() -> int:
    """Write or check."""
    text = old = README.read_text(encoding="utf-8")
    if "--demo" in sys.argv:
        text = with_demo(text, Path(sys.argv[sys.argv.index("--demo") + 1]))
    before, _, rest = with_house(echo_examples(text)).partition(START)
    after = rest.partition(END)[2] if END in rest else rest
    fresh = before + generated() + after
    if fresh == old:
        print("README is up to date")
        return 0
    if "--check" in sys.argv:
        print("README is stale: run python tools/make_readme.py")
        return 1
    README.write_text(fresh, encoding="utf-8")
    print("README rewritten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
