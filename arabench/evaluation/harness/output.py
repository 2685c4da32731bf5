"""Results and samples in lm-eval's own form, so that the gate reads either command's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from arabench.files.atomic import atomic_writer


def write_results(folder: Path, results: dict[str, Any]) -> Path:
    """Write lm-eval's result structure as lm-eval names it; returns the folder.

    The results file is written last, so that a folder with one is complete.
    """
    stamp = datetime.now().isoformat().replace(":", "-")
    samples = results.pop("samples", {})
    for task, rows in samples.items():
        with atomic_writer(str(folder / f"samples_{task}_{stamp}.jsonl")) as stream:
            stream.writelines(map(sample_line, rows))
    return write_results_file(folder, results, stamp)


def write_results_file(folder: Path, results: dict[str, Any], stamp: str) -> Path:
    """Write the results file alone, whose samples are there; returns the folder.

    A number that there is none of (NaN) or that has no bound is null: the file is JSON as of
    RFC 8259, which knows neither.

    Args:
        folder: of one model's results.
        results: without samples.
        stamp: date and time in which the names of its samples end.
    """
    from lm_eval.utils import handle_non_serializable

    with atomic_writer(str(folder / f"results_{stamp}.json")) as stream:
        text = json.dumps(
            strict(results), default=handle_non_serializable, ensure_ascii=False, indent=1,
            allow_nan=False,
        )  # fmt: skip
        stream.write(text.encode("utf-8"))
    return folder


def strict(value: object) -> object:
    """The same mappings and sequences, null for floats that are no finite numbers."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: strict(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [strict(one) for one in value]
    return value


def sample_line(row: dict[str, Any]) -> bytes:
    """A sample's row as a line of JSON."""
    from lm_eval.utils import handle_non_serializable

    text = json.dumps(row, default=handle_non_serializable, ensure_ascii=False)
    try:
        return text.encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(row, default=handle_non_serializable).encode("ascii") + b"\n"
