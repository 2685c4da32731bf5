"""The JSON file of `--report`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def check_report(path: str | None, inputs: Sequence[str], output: str) -> None:
    """Raise `UsageError` where a report would replace an input, the output or a folder."""
    from arabench.errors import UsageError

    if path is None:
        return
    if Path(path).is_dir():
        raise UsageError(f"--report {path!r} is a folder. Name a file in it.")
    place = Path(path).resolve()
    if any(Path(name).resolve() == place for name in (*inputs, output)):
        raise UsageError(f"--report {path!r} is also an input or the output. Choose another name.")


def write_report(path: str | None, findings: dict[str, Any]) -> None:
    """Write the findings, if a file was named."""
    from arabench.files.atomic import write_text_atomically

    if path is not None:
        text = json.dumps(findings, ensure_ascii=False, indent=2)
        write_text_atomically(path, text.encode("utf-8", "backslashreplace").decode() + "\n")
