"""What was found, as a table per task and as one line of JSON per item."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from arabench.evaluation.contamination.options import LEVELS, Options
from arabench.evaluation.contamination.search import Finding
from arabench.evaluation.reports.summary import markdown_text
from arabench.statistics.proportions import wilson_interval

_HEADINGS: Final = (
    "task", "items", "exact", "n-gram", "near", "Arabizi", "contaminated", "share [95 %]",
    "too short",
)  # fmt: skip


def table(findings: Sequence[Finding], options: Options) -> str:
    """A Markdown table: a row per task, and one for all where there are several.

    An item counts in the column of every level that it reaches; the share is of items with any.
    """
    lines = [f"| {' | '.join(_HEADINGS)} |", "|" + "---|" * len(_HEADINGS)]
    tasks = [
        (name, list(found)) for name, found in groupby(findings, key=lambda one: one.item.task)
    ]
    lines += [_row(markdown_text(name), found) for name, found in tasks]
    if len(tasks) > 1:
        lines.append(_row("**all**", findings))
    return "\n".join([*lines, "", f"Signature: {options.signature}", ""])


def share(findings: Sequence[Finding]) -> float:
    """Share of items that are contaminated at any level; 0 of none."""
    return sum(bool(found.hits) for found in findings) / max(len(findings), 1)


def worst_share(findings: Sequence[Finding]) -> tuple[str, float]:
    """(task, share) of the task with the greatest share of contaminated items."""
    tasks = groupby(findings, key=lambda one: one.item.task)
    return max(((name, share(list(found))) for name, found in tasks), key=lambda pair: pair[1])


def json_lines(findings: Iterable[Finding]) -> str:
    """One JSON object per contaminated item, in the order of the items."""
    rows = (_record(found) for found in findings if found.hits)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _row(name: str, findings: Sequence[Finding]) -> str:
    counts = [sum(level in found.hits for found in findings) for level in LEVELS]
    any_level = sum(bool(found.hits) for found in findings)
    low, high = wilson_interval(any_level / len(findings), len(findings))
    shown = f"{100 * any_level / len(findings):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    untold = sum(not found.told for found in findings)
    cells = [name, len(findings), *counts, any_level, shown, untold]
    return f"| {' | '.join(map(str, cells))} |"


def _record(found: Finding) -> dict[str, Any]:
    level = next(iter(found.hits))
    hit = found.hits[level]
    return {
        "task": found.item.task,
        "id": found.item.name,
        "level": level,
        "score": round(hit.score, 4),
        "part": hit.part,
        "answer": hit.answer,
        "file": hit.file,
        "row": hit.row,
        "excerpt": hit.excerpt.encode("utf-8", "replace").decode("utf-8"),
        "scores": {name: round(one.score, 4) for name, one in found.hits.items()},
    }
