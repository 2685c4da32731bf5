"""The lowest versions of the base install that pyproject.toml allows, as pip constraints.

    python tools/check/lowest.py > lowest.txt; pip install -c lowest.txt .

`pip install` prints what it cannot satisfy: then the range is not honest.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def lowest() -> list[str]:
    """`name==version` for every dependency of the base install."""
    listed = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    pins = []
    for line in listed:
        found = re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", line)
        if found is None:
            raise SystemExit(f"{PROJECT.name}: {line!r} names no lowest version")
        version = found[2] if found[2].count(".") > 1 else f"{found[2]}.0"
        pins.append(f"{found[1]}=={version}")
    return pins


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest()) + "\n")
