"""Fill the README's command help from the commands themselves.

    python tools/make_readme.py            # rewrite
    python tools/make_readme.py --check    # exit 1 if the README is stale

Sections between `<!-- help:all -->` and `<!-- /help -->` are generated. The outputs in
the first screen are pasted from a demo run by `--outputs DEMO_DIR`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from arabench.cli.main import COMMANDS

README = Path(__file__).resolve().parent.parent / "README.md"
START, END = "<!-- help:all -->", "<!-- /help -->"


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


def main() -> int:
    """Write or check."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2] if END in rest else rest
    fresh = before + generated() + after
    if fresh == text:
        print("README help is up to date")
        return 0
    if "--check" in sys.argv:
        print("README help is stale: run python tools/make_readme.py")
        return 1
    README.write_text(fresh, encoding="utf-8")
    print("README help rewritten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
