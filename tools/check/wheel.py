"""The wheel holds exactly the tracked files of the package, and nothing else.

python tools/check/wheel.py dist/arabench-*.whl
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = {"arabench_lm_eval.pth", "_arabench_lm_eval.py"}


def expected() -> set[str]:
    """Archive names that the tracked files of arabench/, trainers/ and tasks/ should have."""
    listed = subprocess.run(
        ["git", "ls-files", "arabench", "trainers", "tasks"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return {
        name if name.startswith("arabench/") else f"arabench/{name}" for name in listed
    } | PLUGIN


def main(wheel: str) -> int:
    """Compare and report."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    missing, extra = expected() - held, held - expected()
    for what, names in (("missing from", missing), ("untracked in", extra)):
        for name in sorted(names):
            print(f"{what} the wheel: {name}")
    if not missing and not extra:
        print(f"{Path(wheel).name}: {len(held)} files, all tracked")
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
