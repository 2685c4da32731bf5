"""One HTML page about a demo run: gate decisions, table, charts, what it does not show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from arabench import __version__
from arabench.audit.page import render
from arabench.demo.charts import Chart, Estimate, bar_chart, line_chart
from arabench.evaluation.families.table import COLUMNS
from arabench.evaluation.reports.summary import Cell, cells, format_number, markdown_table
from arabench.evaluation.runner.results import load_evaluation
from arabench.files.atomic import write_text_atomically
from arabench.varieties import NAMES, VARIETIES

#: What is measured, in the order of the page -> number of its colour in the layout.
_COLOURS: Final = {"base": 5, "adapter": 1, "damaged": 6}
#: What each candidate is, and what the gate ought to do with it.
_CANDIDATES: Final = {
    "adapter": "Trained on Egyptian text: it must get through.",
    "damaged": "The same adapter with its updates turned round: it must be stopped.",
}
#: Exit status of the gate -> kind of its decision; any other decides nothing.
_KINDS: Final = {0: "pass", 1: "stop"}


@dataclass(frozen=True)
class Decision:
    """What the gate said of a candidate.

    Attributes:
        name: folder of its results.
        candidate: what it is.
        verdict: the gate's own word, such as PASS.
        kind: pass, stop or open; the colour of the verdict.
        status: exit status of the command.
        reasons: what the gate names as the cause, a sentence each.
        report: its whole report, Markdown.
    """

    name: str
    candidate: str
    verdict: str
    kind: str
    status: int
    reasons: list[str]
    report: str


def write_report(
    folder: Path, data: str | None, codes: dict[str, int], seconds: dict[str, float]
) -> None:
    """Write report.html and table.md into `folder`.

    Args:
        folder: of the demo, with its results and the gate's reports.
        data: folder of the real text, None for the packaged one.
        codes: candidate -> exit status of the gate.
        seconds: step -> time it took; steps that were done before are not in it.
    """
    evaluations = [
        replace(load_evaluation(folder / "results" / name), model=name) for name in _COLOURS
    ]
    table = {evaluation.model: cells(evaluation) for evaluation in evaluations}
    write_text_atomically(folder / "table.md", markdown_table(evaluations))
    decisions = [
        decision_of(name, code, (folder / f"gate-{name}.md").read_text(encoding="utf-8"))
        for name, code in codes.items()
    ]
    write_text_atomically(
        folder / "report.html",
        report_page(
            decisions, table, _losses(folder), _normalized(folder), seconds, data is not None
        ),
    )


def report_page(
    decisions: Sequence[Decision],
    table: Mapping[str, Sequence[Cell]],
    losses: Mapping[str, Sequence[float]],
    normalized: Sequence[tuple[str, str]],
    seconds: Mapping[str, float],
    real_data: bool,
) -> str:
    """The page.

    Args:
        decisions: of the gate.
        table: model -> its cells.
        losses: what was trained -> loss of every optimizer step (nats per token).
        normalized: lines before and after.
        seconds: step -> time it took.
        real_data: whether the text is real text, not the packaged one.
    """
    charts = [
        _bars(table, "bits_per_char", "Bits per character (lower is better)"),
        _bars(table, "dialect_tax", "Dialect tax: bits over bits of the MSA rendering"),
    ]
    return render(
        "report.html.j2",
        "arabench demo",
        {"arabench": __version__, "date": date.today().isoformat()},
        package="arabench.demo",
        decisions=decisions,
        headings=[column.heading for column in COLUMNS],
        models=[(name, _grid(found)) for name, found in table.items()],
        names=NAMES,
        charts=[chart for chart in charts if chart is not None],
        loss_chart=line_chart("Training loss (nats per token) by optimizer step", losses),
        colours={**_COLOURS, **dict(zip(losses, _COLOURS.values(), strict=False))},
        normalized=normalized,
        seconds={name: f"{value:.0f}" for name, value in seconds.items()},
        real_data=real_data,
    )


def decision_of(name: str, status: int, report: str) -> Decision:
    """What a report of the gate says, whatever verdicts the gate has."""
    lines = report.splitlines()
    heading = next((line for line in lines if line.strip()), "").lstrip("# ").strip()
    verdict = heading.partition("Gate:")[2].strip() or heading or f"status {status}"
    reasons = []
    for line in lines:
        if line.startswith("## "):
            break
        if line.startswith("- "):
            reasons.append(line[2:])
    kind = _KINDS.get(status, "open")
    return Decision(name, _CANDIDATES.get(name, ""), verdict, kind, status, reasons, report)


def _grid(found: Sequence[Cell]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows of (variety, [(value, interval)]) in column order."""
    rows = []
    for variety in VARIETIES:
        by_heading = {cell.heading: cell for cell in found if cell.variety == variety}
        row = []
        for heading in (column.heading for column in COLUMNS):
            cell = by_heading.get(heading)
            row.append(
                (
                    format_number(cell.value),
                    f"{format_number(cell.low)} to {format_number(cell.high)}",
                )
                if cell
                else ("", "")
            )
        rows.append((variety, row))
    return rows


def _bars(table: Mapping[str, Sequence[Cell]], metric: str, title: str) -> Chart | None:
    found: dict[str, dict[str, Estimate]] = {
        name: {
            cell.variety.upper(): (cell.value, cell.low, cell.high)
            for cell in of_model
            if cell.metric == metric
        }
        for name, of_model in table.items()
    }
    measured = {variety for of_model in found.values() for variety in of_model}
    groups = [variety.upper() for variety in VARIETIES if variety.upper() in measured]
    return bar_chart(title, groups, found)


def _losses(folder: Path) -> dict[str, list[float]]:
    base = json.loads((folder / "base-losses.json").read_text(encoding="utf-8"))
    lines = (folder / "run" / "losses.jsonl").read_text(encoding="utf-8").splitlines()
    return {"base on MSA": base, "adapter on EGY": [json.loads(line)["loss"] for line in lines]}


def _normalized(folder: Path) -> list[tuple[str, str]]:
    """A few lines that the normalizer changed, before and after."""
    pairs = []
    for variety in ("msa", "egy"):
        before = (folder / "raw" / f"{variety}.jsonl").read_text(encoding="utf-8").splitlines()
        after = (folder / "clean" / f"{variety}.jsonl").read_text(encoding="utf-8").splitlines()
        for left, right in zip(before, after, strict=True):
            old, new = json.loads(left)["text"], json.loads(right)["text"]
            if old != new and len(old) < 200:
                pairs.append((old, new))
                if len(pairs) % 3 == 0:
                    break
    return pairs
