"""The lowest versions that pyproject.toml allows, as pip constraints.

    python tools/check/lowest.py > lowest.txt; pip install -c lowest.txt .
    python tools/check/lowest.py eval train > lowest.txt; pip install -c lowest.txt .[eval,train]

`pip install` prints what it cannot satisfy: then the range is not honest. CI does the first.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def lowest(extras: Sequence[str] = ()) -> list[str]:
    """`name==version` for every dependency of the base install and of these extras."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    listed = list(project["dependencies"])
    for extra in extras:
        if extra not in project["optional-dependencies"]:
            raise SystemExit(
                f"no extra {extra!r}; allowed: {', '.join(project['optional-dependencies'])}"
            )
        listed += project["optional-dependencies"][extra]
    pins: dict[str, str] = {}
    for line in listed:
        found = re.match(r"([\w.-]+)(?:\[[\w,]+\])?\s*>=\s*([\w.]+)", line)
        if found is None:
            raise SystemExit(f"{PROJECT.name}: {line!r} names no lowest version")
        pins[found[1]] = found[2] if found[2].count(".") > 1 else f"{found[2]}.0"
    return [f"{name}=={version}" for name, version in pins.items()]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(sys.argv[1:])) + "\n")
