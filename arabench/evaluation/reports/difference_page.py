"""A report of differences as one HTML page that loads nothing and runs one script of its own.

Results come from other machines and other people: all of them is text, escaped by jinja2. The
policy of the page forbids everything that is not in it, and every script but the one here.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import groupby
from typing import Final

from markupsafe import Markup, escape

from arabench import __version__
from arabench.audit.page import render
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.changed_samples import (
    Change,
    changed_samples,
    shown_metrics,
    task_order,
)
from arabench.evaluation.reports.difference_charts import (
    CURVE_HEIGHT,
    CURVE_WIDTH,
    bar_charts,
    forests,
    forgetting_matrix,
    is_drawn,
    noise_curves,
)
from arabench.evaluation.reports.difference_tables import change_words, method
from arabench.evaluation.reports.differences import Difference, Differences, count
from arabench.evaluation.reports.rounding import Estimate, p_words, rounded
from arabench.varieties import NAMES

#: Colours of the layout: the base is grey, runs take the others in turn.
_BASE_COLOUR: Final = 5
_COLOURS: Final = (1, 2, 3, 4, 6)
#: Joiners have no shape and belong to words; all else without one is named.
_JOINERS: Final = "\u200c\u200d"
_KEPT: Final = "\n\t"
#: Kind of a change -> its short name in the page, and its words.
_KINDS: Final = {
    "right to wrong": ("lost", "right → wrong"),
    "wrong to right": ("won", "wrong → right"),
}


def page(report: Differences, most_samples: int) -> str:
    """The page.

    Args:
        report: what is shown.
        most_samples: samples a task and run; 0 for none.

    Raises:
        UsageError: samples are gone since the results were read.
        DataError: a file is damaged.
    """
    script = files("arabench.evaluation.reports").joinpath("browser.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    drawn = bar_charts(report)
    changes = _changes(report, most_samples)
    tasks = list(dict.fromkeys(change.task for change in changes))
    return render(
        "differences.html.j2",
        f"Differences from {report.base.name}",
        {"arabench": __version__, "date": date.today().isoformat()},
        package="arabench.evaluation.reports",
        report=report,
        models=[report.base, *report.runs],
        colours=[_BASE_COLOUR, *(_COLOURS[n % len(_COLOURS)] for n in range(len(report.runs)))],
        counts=[(run, count(report.of(run))) for run in report.runs],
        tables=[(run, _by_metric(report.of(run))) for run in report.runs if report.of(run)],
        forests=forests(report.rows),
        charts=[chart for chart in drawn if chart.metric != "dialect_tax"],
        tax=[chart for chart in drawn if chart.metric == "dialect_tax"],
        curves=noise_curves(report),
        curve_size=(CURVE_WIDTH, CURVE_HEIGHT),
        matrix=forgetting_matrix(report),
        names=NAMES,
        changes=changes,
        changed_tasks=tasks,
        run_numbers={run.name: number for number, run in enumerate(report.runs)},
        most_samples=most_samples,
        method=method(report),
        script=Markup(script),  # noqa: S704 - a file of this package, allowed by its digest
        digest=digest,
        change_words=change_words,
        rounded=rounded,
        p_words=p_words,
        kind_of=kind_of,
        values_of=values_of,
        shown=shown,
        breakable=breakable,
    )


def shown(text: str) -> str:
    """Text in which nothing is hidden: what has no shape stands as its code point."""
    return "".join(
        f"⟦U+{ord(letter):04X}⟧"
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co")
        and letter not in _JOINERS + _KEPT
        else letter
        for letter in text
    )


def kind_of(change: Change) -> tuple[str, str]:
    """(class, words) of a change: what it did to the score, not to the number."""
    if change.flip:
        return _KINDS[change.kind]
    risen = change.kind == "higher"
    better = risen == SCORES[change.metric].higher_is_better
    return ("better", "better score") if better else ("worse", "worse score")


def values_of(change: Change) -> str:
    """Both values of a change that is no flip, with their unit."""
    if change.flip:
        return ""
    score = SCORES[change.metric]
    bits = score.likelihood and score.width == 2 and score.unit != "ratio"
    words = [rounded(Estimate(value)).value for value in (change.before, change.after)]
    return f"{'bits' if bits else change.metric} {words[0]} → {words[1]}"


@dataclass(frozen=True)
class _Part:
    """Rows of one metric; folded where another part says the same, or a chart does."""

    metric: str
    rows: tuple[Difference, ...]
    folded: bool

    @property
    def words(self) -> str:
        counted = [f"{number} {found}" for found, number in count(self.rows).items() if number]
        return ", ".join(counted)


def breakable(text: str) -> Markup:
    """A name, escaped, that breaks after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))


def _by_metric(rows: Iterable[Difference]) -> list[_Part]:
    return [
        _Part(metric, tuple(found), not is_drawn(metric))
        for metric, found in groupby(rows, key=lambda row: row.metric)
    ]


def _changes(report: Differences, most: int) -> list[Change]:
    """Of all runs, tasks of a family together; flips of a task before its other changes."""
    found: list[Change] = []
    if not most:
        return found
    tasks = report.base.evaluation.tasks
    for run in report.runs:
        compared: Sequence[str] = list(dict.fromkeys(row.task for row in report.of(run)))
        compared = [name for name in compared if tasks[name].scores and shown_metrics(tasks[name])]
        found += changed_samples(report.base, run, compared, most)
    ordered = sorted(tasks, key=lambda name: task_order(name, tasks))
    order = {name: place for place, name in enumerate(ordered)}
    return sorted(found, key=lambda change: (not change.flip, order[change.task]))
