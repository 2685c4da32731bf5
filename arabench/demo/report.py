"""One HTML page about a demo run: table, plots, gate decisions, what it does not show."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from arabench import __version__
from arabench.corpus.files import write_text_atomically
from arabench.evaluation.results import load_evaluation
from arabench.evaluation.summary import COLUMNS, Cell, cells, format_number, markdown_table
from arabench.varieties import NAMES, VARIETIES

_COLOURS = {"base": "#8c8c8c", "adapter": "#1b7f5c", "damaged": "#b5322e"}


def write_report(
    folder: Path, data: str | None, codes: dict[str, int], seconds: dict[str, float]
) -> None:
    """Write report.html and table.md into `folder`."""
    import jinja2

    evaluations = [
        replace(load_evaluation(folder / "results" / name), model=name)
        for name in ("base", "adapter", "damaged")
    ]
    table = {evaluation.model: cells(evaluation) for evaluation in evaluations}
    write_text_atomically(folder / "table.md", markdown_table(evaluations))
    template = files("arabench.demo").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    html = environment.from_string(template).render(
        version=__version__,
        day=date.today().isoformat(),
        real_data=data is not None,
        headings=[heading for _, _, heading in COLUMNS],
        models=[(name, _grid(found)) for name, found in table.items()],
        names=NAMES,
        gates={name: (code, _gate_text(folder, name)) for name, code in codes.items()},
        bits_plot=_bars(table, "bits_per_char", "bits per character (lower is better)"),
        tax_plot=_bars(table, "dialect_tax", "dialect tax: bits over bits of the MSA rendering"),
        loss_plot=_losses(folder),
        seconds={name: f"{value:.0f}" for name, value in seconds.items()},
        normalized=_normalized(folder),
    )
    write_text_atomically(folder / "report.html", html)


def _grid(found: Sequence[Cell]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows of (variety, [(value, interval)]) in column order."""
    rows = []
    for variety in VARIETIES:
        by_heading = {cell.heading: cell for cell in found if cell.variety == variety}
        row = []
        for _, _, heading in COLUMNS:
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


def _gate_text(folder: Path, name: str) -> str:
    return (folder / f"gate-{name}.md").read_text(encoding="utf-8")


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


def _figure(draw: Any, width: float, height: float) -> str:
    """A matplotlib figure as a data URI."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(width, height), constrained_layout=True)
    draw(axis)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _bars(table: dict[str, list[Cell]], metric: str, title: str) -> str:
    def draw(axis: Any) -> None:
        width = 0.8 / len(table)
        for number, (name, found) in enumerate(table.items()):
            chosen = {cell.variety: cell for cell in found if cell.metric == metric}
            shown = [variety for variety in VARIETIES if variety in chosen]
            places = [VARIETIES.index(variety) + (number - 1) * width for variety in shown]
            values = [chosen[variety].value for variety in shown]
            errors = [
                [chosen[v].value - chosen[v].low for v in shown],
                [chosen[v].high - chosen[v].value for v in shown],
            ]
            axis.bar(
                places, values, width, yerr=errors, capsize=2, label=name, color=_COLOURS[name]
            )
        axis.set_xticks(range(len(VARIETIES)), [variety.upper() for variety in VARIETIES])
        axis.set_title(title, fontsize=10)
        axis.grid(axis="y", alpha=0.3)
        axis.legend(fontsize=8)

    return _figure(draw, 8, 3.2)


def _losses(folder: Path) -> str:
    base = json.loads((folder / "base-losses.json").read_text(encoding="utf-8"))
    lines = (folder / "run" / "losses.jsonl").read_text(encoding="utf-8").splitlines()
    adapter = [json.loads(line)["loss"] for line in lines]

    def draw(axis: Any) -> None:
        axis.plot(range(1, len(base) + 1), base, color=_COLOURS["base"], label="base on MSA")
        start = len(base)
        axis.plot(
            range(start + 1, start + len(adapter) + 1),
            adapter,
            color=_COLOURS["adapter"],
            label="adapter on EGY",
        )
        axis.set_xlabel("optimizer step")
        axis.set_ylabel("training loss (nats per token)")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)

    return _figure(draw, 8, 3.2)
