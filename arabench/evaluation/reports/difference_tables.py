"""A report of differences as text: Markdown, LaTeX, CSV, JSON, and a terminal's table."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

from arabench import __version__
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.differences import LEVEL, Difference, Differences, count
from arabench.evaluation.reports.rounding import NOTHING, Estimate, p_words, rounded
from arabench.evaluation.reports.runs import one_line
from arabench.evaluation.reports.summary import markdown_text

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Largest change that is written in per cent, as a share.
_PER_CENT_UP_TO: Final = 9.995
#: Columns of a terminal from which on both models' scores fit beside their difference.
_WIDE: Final = 100
#: Columns of a terminal from which on names of metrics stand on one line.
_WIDER: Final = 150
#: Longest part of a metric's name (perplexity) and of what was found (difference).
_PART: Final = 10
#: What LaTeX reads as something else, and how it is written; other characters are left.
_LATEX: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "_": r"\_", "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip
#: First characters that a spreadsheet reads as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLOURS: Final = {"better": "green", "worse": "red"}


def change_words(row: Difference) -> tuple[str, str]:
    """The difference and its interval, signed: in per cent of the base's value, or in units.

    A perplexity can be a million times as high, of which per cents say little: `x1,532`.
    """
    if row.relative and row.difference.value > _PER_CENT_UP_TO:
        times = rounded(Estimate(*(1 + end for end in astuple(row.difference))))
        return f"x{times.value}", f"x{times.low} to x{times.high}" if times.interval else ""
    words = rounded(
        row.difference.scaled(100.0) if row.relative else row.difference,
        signed=True,
        unit=" %" if row.relative else "",
    )
    return words.value, words.interval


def method(report: Differences) -> str:
    """How the numbers came about, in one paragraph."""
    return (
        "Differences are paired by item, with 95 % intervals: relative for bits, perplexities and "
        "tax (model / base - 1), absolute for BLEU, chrF++, F1, exact match and accuracy (model - "
        "base). p-values are two-sided and corrected for "
        f"{report.tests} tests (Holm); a difference is called better or worse where the corrected "
        f"one is at most {LEVEL:g}. Bootstrap-t with {report.draws:,} draws, which can give no "
        f"corrected p below {2 * report.tests / (report.draws + 1):.2g}."
    )


def summary(report: Differences) -> list[str]:
    """A line a run: how many scores are better, worse, and not shown to differ."""
    lines = []
    for run in report.runs:
        counted = count(report.of(run))
        words = [f"{number} {found}" for found, number in counted.items() if number]
        lines.append(f"{run.name} against {report.base.name}: {', '.join(words) or 'no row'}")
    return lines


def markdown(report: Differences) -> str:
    """Valid Markdown (GFM tables): a table a run, then what was not compared."""
    lines = [f"# Differences from {markdown_text(report.base.name)}", "", method(report), ""]
    lines += [f"- {markdown_text(line)}" for line in summary(report)] + [""]
    if report.notes:
        lines += ["**Read with care:**", "", *[f"- {markdown_text(n)}" for n in report.notes], ""]
    head = ("task", "metric", "items", report.base.name, "{}", "difference", "95 % interval", "p",
            "found")  # fmt: skip
    for run in report.runs:
        if rows := report.of(run):
            names = [markdown_text(name.format(run.name) if name == "{}" else name)
                     for name in head]  # fmt: skip
            lines += [
                f"## {markdown_text(run.name)}",
                "",
                f"| {' | '.join(names)} |",
                "|---|---|" + "---:|" * 4 + "---|---:|---|",
                *[f"| {' | '.join(map(markdown_text, _cells(row)))} |" for row in rows],
                "",
            ]
    if report.left_out:
        lines += ["## Not compared", "", "| model | task | reason |", "|---|---|---|"]
        for one in report.left_out:
            cells = (one.run, one.task, one.reason)
            lines.append(f"| {' | '.join(map(markdown_text, cells))} |")
        lines.append("")
    return "\n".join(lines)


def latex(report: Differences) -> str:
    """A booktabs table a run, to be read by `\\input`; what it needs stands at the top."""
    parts = [
        "% arabench compare. Needs \\usepackage{booktabs}; Arabic in names needs XeLaTeX or",
        "% LuaLaTeX with a font that has it.",
    ]
    for run in report.runs:
        rows = report.of(run)
        if not rows:
            continue
        parts += [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{latex_text(run.name)} against {latex_text(report.base.name)}. "
            f"{latex_text(method(report))}}}",
            "\\begin{tabular}{llrrrrlrl}",
            "\\toprule",
            f"Task & Metric & Items & {latex_text(report.base.name)} & {latex_text(run.name)} & "
            "Difference & 95\\,\\% interval & $p$ & Found \\\\",
            "\\midrule",
        ]
        metric = rows[0].metric
        for row in rows:
            if row.metric != metric:
                parts.append("\\addlinespace")
                metric = row.metric
            parts.append(" & ".join(_latex_number(cell) for cell in _cells(row)) + r" \\")
        parts += ["\\bottomrule", "\\end{tabular}", "\\end{table}", ""]
    notes = [*report.notes, *[f"{one.run}: {one.reason}" for one in report.left_out]]
    parts += [f"% {one_line(note)}" for note in notes]
    return "\n".join(parts).rstrip("\n") + "\n"


def latex_text(text: str) -> str:
    """Text on one line that LaTeX sets as it is."""
    return "".join(_LATEX.get(letter, letter) for letter in one_line(text))


def comma_separated(report: Differences) -> str:
    """CSV (RFC 4180) with every digit; what could not be had is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    records = [_record(report, row) for row in report.rows]
    writer.writerow(records[0])
    for record in records:
        writer.writerow([_cell(value) for value in record.values()])
    return stream.getvalue()


def json_text(report: Differences) -> str:
    """JSON with every digit; what could not be had is null."""
    content = {
        "arabench": __version__,
        "base": report.base.name,
        "runs": [
            {
                "name": run.name,
                "results": str(run.evaluation.path),
                "trained": run.trained,
                "settings": run.evaluation.settings,
            }
            for run in (report.base, *report.runs)
        ],
        "confidence": 1 - LEVEL,
        "draws": report.draws,
        "tests": report.tests,
        "rows": [_record(report, row) for row in report.rows],
        "not_compared": [
            {"run": one.run, "task": one.task, "reason": one.reason} for one in report.left_out
        ],
        "notes": list(report.notes),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"


#: Format -> what writes it.
FORMATS: Final[Mapping[str, Callable[[Differences], str]]] = {
    "markdown": markdown,
    "latex": latex,
    "csv": comma_separated,
    "json": json_text,
}


def terminal(report: Differences, width: int) -> list[RenderableType]:
    """A table a run for rich, with fewer columns where the terminal is narrow.

    Args:
        report: what is shown.
        width: of the terminal, in columns.
    """
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for run in report.runs:
        rows = report.of(run)
        if not rows:
            continue
        title = Text(f"{run.name} against {report.base.name}", style="bold")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, expand=False)
        wide = width >= _WIDE
        longest = min(max(len(one_line(row.task)) for row in rows), width // 3)
        part = max(len(row.metric) for row in rows) if width >= _WIDER else _PART
        table.add_column(Text("task"), overflow="fold", min_width=longest)
        table.add_column(Text("metric"), overflow="fold", min_width=part)
        if wide:
            table.add_column(Text("items"), justify="right", no_wrap=True)
            most = max(10, width // 10)
            for name in (report.base.name, run.name):
                table.add_column(Text(_clipped(name, most)), justify="right", overflow="fold")
        table.add_column(Text("difference"), justify="right", no_wrap=True)
        if wide:
            table.add_column(Text("95 % interval"), no_wrap=True)
            table.add_column(Text("p"), justify="right", no_wrap=True)
        table.add_column(Text("found"), overflow="fold", min_width=_PART if wide else None)
        for row in rows:
            task, metric, *rest = _cells(row)
            cells = (in_parts(task, longest), in_parts(metric, part), *rest)
            shown = cells if wide else (cells[0], cells[1], cells[5], cells[8])
            style = _COLOURS.get(row.found, "")
            texts = [Text(cell) for cell in shown[:-1]]
            table.add_row(*texts, Text(shown[-1], style=style))
        parts += [table, Text()]
    parts += [Text(f"{one.run}: not compared: {one.reason}") for one in report.left_out]
    parts += [Text(note, style="bold") for note in report.notes]
    return [*parts, Text(method(report))]


def in_parts(name: str, most: int) -> str:
    """A name over lines of at most `most` characters where it can be parted after `_`."""
    lines = [""]
    for part in re.split(r"(?<=_)", name):
        if lines[-1] and len(lines[-1]) + len(part) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _cells(row: Difference) -> tuple[str, ...]:
    """What people read of a row, rounded."""
    change, interval = change_words(row)
    return (
        one_line(row.task),
        row.metric,
        str(row.items),
        rounded(row.base).value,
        rounded(row.other).value,
        change if row.found != "not measured" else NOTHING,
        interval,
        p_words(row.corrected),
        row.found,
    )


def _record(report: Differences, row: Difference) -> dict[str, Any]:
    """What programs read of a row."""
    return {
        "base": report.base.name,
        "run": row.run,
        "task": one_line(row.task),
        "variety": row.variety,
        "metric": row.metric,
        "unit": SCORES[row.metric].unit,
        "higher_is_better": SCORES[row.metric].higher_is_better,
        "items": row.items,
        **_numbers("base", row.base),
        **_numbers("run", row.other),
        **_numbers("difference", row.difference),
        "difference_is": "relative" if row.relative else "absolute",
        "p_value": _finite(row.p_value),
        "p_value_corrected": _finite(row.corrected),
        "found": row.found,
    }


def _numbers(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {
        f"{name}_value": _finite(estimate.value),
        f"{name}_low": _finite(estimate.low),
        f"{name}_high": _finite(estimate.high),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cell(value: str | float | None) -> str:
    """A cell that a spreadsheet does not run."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return repr(value)


def _latex_number(cell: str) -> str:
    """A cell whose numbers have a minus sign and no space before per cent."""
    text = latex_text(cell)
    if cell[:1] in "+-<" and cell[1:2] in " 0123456789.":
        text = text.replace(r"\textless{}", "$<$")
        text = text.replace("-", "$-$")
    return text.replace(" \\%", "\\,\\%")


def _clipped(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
