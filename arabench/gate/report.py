"""The decision as Markdown for people and JUnit XML for CI."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.summary import markdown_text
from arabench.gate.compare import Comparison, Row

#: Characters that XML 1.0 cannot hold, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEADINGS: Final = (
    "metric", "task", "items", "baseline", "candidate", "degradation", "interval", "margin",
    "test", "verdict",
)  # fmt: skip
_SIGNS: Final = {"pass": "pass", "fail": "**FAIL**", "undecided": "**undecided**", "info": "-"}
#: The word a decision is known by.
WORDS: Final = {"pass": "PASS", "stop": "STOP", "undecided": "UNDECIDED"}


def markdown(comparison: Comparison) -> str:
    """Decision, reasons, and a table of every deciding row, then of the others."""
    policy = comparison.policy
    lines = [
        f"# Gate: {WORDS[comparison.decision]}",
        "",
        f"Candidate `{_code(comparison.candidate.model)}` against baseline "
        f"`{_code(comparison.baseline.model)}`; paired items, one-sided confidence "
        f"{100 * policy.confidence:.6g}%, bootstrap-t with {comparison.draws} draws, "
        f"seed {policy.seed}.",
        "",
    ]
    for title, verdict in (("Stopped by:", "fail"), (_undecided_title(comparison), "undecided")):
        rows = [row for row in comparison.rows if row.verdict == verdict]
        if rows:
            lines += [title, "", *[f"- {describe(_shown(row))}" for row in rows], ""]
    for title, rows in (
        ("Rows that decide", [row for row in comparison.rows if row.verdict != "info"]),
        ("Reported only", [row for row in comparison.rows if row.verdict == "info"]),
    ):
        if rows:
            lines += [f"## {title}", "", *_table(rows), ""]
    lines += [
        "Degradation is relative for bits, perplexities and tax (candidate / baseline - 1) and "
        "absolute for BLEU, chrF++, F1, exact match and accuracy (baseline - candidate); negative "
        "is better. The interval holds both one-sided bounds; the lower one is for all deciding "
        "rows together (Holm).",
        "",
    ]
    return "\n".join(lines)


def summary(comparison: Comparison) -> str:
    """The decision in one line."""
    counted = Counter(row.verdict for row in comparison.rows if row.verdict != "info")
    still = f", {counted['undecided']} undecided" if counted["undecided"] else ""
    return (
        f"{WORDS[comparison.decision]} ({counted['pass']} of {counted.total()} deciding rows "
        f"pass{still})"
    )


def _undecided_title(comparison: Comparison) -> str:
    if not comparison.undecided_blocks:
        return "Undecided (which does not block, by the policy):"
    allowed = comparison.policy.undecided == "pass"
    return f"Undecided{' (which blocks, for no row passes)' if allowed else ''}:"


def _table(rows: list[Row]) -> list[str]:
    return [
        _line(_HEADINGS),
        "|" + "---|" * len(_HEADINGS),
        *[_line(_fields(_shown(row))) for row in rows],
    ]


def _line(fields: Sequence[str]) -> str:
    return f"| {' | '.join(fields)} |"


def _fields(row: Row) -> Sequence[str]:
    return (
        row.metric,
        row.task,
        str(row.items),
        f"{row.baseline:.4g}",
        f"{row.candidate:.4g}",
        _amount(row, row.degradation),
        _interval(row),
        "" if row.margin is None else _amount(row, row.margin),
        row.rule,
        _SIGNS[row.verdict],
    )


def _shown(row: Row) -> Row:
    """The row with a task name that cannot break Markdown."""
    return replace(row, task=markdown_text(row.task))


def _amount(row: Row, value: float) -> str:
    if SCORES[row.metric].higher_is_better:
        return _signed(value, "+.3f")
    if value == math.inf:
        return "infinite"
    if value > 9.995:  # a perplexity can be a million times as high; percents say little then
        return f"x{1 + value:.3g}"
    return _signed(value, "+.2%")


def _signed(value: float, form: str) -> str:
    """Nothing is neither worse nor better: 0 and what rounds to it have no sign."""
    text = format(value, form)
    return text[1:] if not text.strip("+-0.%") else text


def _interval(row: Row) -> str:
    """Both bounds. No bits or perplexity can fall by 100 % or more: that bounds nothing."""
    relative = not SCORES[row.metric].higher_is_better
    open_below = row.low == -math.inf or (relative and row.low <= -1)
    low = "no lower bound" if open_below else _amount(row, row.low)
    high = "no upper bound" if row.high == math.inf else _amount(row, row.high)
    return f"{low} to {high}"


def _code(text: str) -> str:
    """What stands between two backticks: one line, none of its own, not empty."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line.replace("`", "'").strip() or "unnamed"


def describe(row: Row) -> str:
    """One sentence on a row."""
    return (
        f"{row.metric} of {row.task}: {row.baseline:.4g} -> {row.candidate:.4g}, degradation "
        f"{_amount(row, row.degradation)} ({_interval(row)}), "
        f"allowed {_amount(row, row.margin or 0.0)} ({row.rule})"
        f"{f'; {reason(row)}' if row.verdict == 'undecided' else ''}"
    )


def reason(row: Row) -> str:
    """Why a row is undecided, and how many items would settle it where that can be said."""
    if row.cause == "items":
        return f"undecided: {row.items} items, the policy asks for {row.needed_items}"
    if row.cause == "zero":
        return "undecided: 0 on both sides, which shows nothing"
    if math.isnan(row.low) or math.isnan(row.high):
        return "undecided: it could not be measured"
    wide = (
        f"undecided on {row.items} items: the interval {_interval(row)} "
        f"reaches beyond {_amount(row, row.margin or 0.0)}"
    )
    if row.needed_items is None:
        return wide
    return f"{wide}; about {row.needed_items:,} items would settle it, if the difference stays"


def junit(comparison: Comparison) -> str:
    """JUnit XML: one test case per deciding row.

    An undecided row is a failure where it blocks, so that CI shows it red, and skipped else.
    """
    deciding = [row for row in comparison.rows if row.verdict != "info"]
    blocks = comparison.undecided_blocks
    counted = Counter(_kind(row, blocks=blocks) for row in deciding)
    suite = Element(
        "testsuite", name="arabench gate", tests=str(len(deciding)),
        failures=str(counted["failure"]), errors="0", skipped=str(counted["skipped"]),
    )  # fmt: skip
    for row in (replace(row, task=_NOT_XML.sub("?", row.task)) for row in deciding):
        case = SubElement(suite, "testcase", classname=row.task, name=row.metric, time="0")
        kind, text = _kind(row, blocks=blocks), describe(row)
        if kind == "system-out":
            SubElement(case, kind).text = text
        else:
            SubElement(case, kind, type=row.verdict, message=text).text = text
    return _document(suite)


def _kind(row: Row, *, blocks: bool) -> str:
    """The element that says in JUnit what became of a row."""
    if row.verdict == "undecided":
        return "failure" if blocks else "skipped"
    return "failure" if row.verdict == "fail" else "system-out"


def markdown_error(reason: str) -> str:
    """The report of a comparison that was refused."""
    return f"# Gate: no decision\n\n{markdown_text(reason)}\n"


def junit_error(reason: str) -> str:
    """JUnit XML of a comparison that was refused: one test case with an error."""
    suite = Element(
        "testsuite", name="arabench gate", tests="1", failures="0", errors="1", skipped="0"
    )
    case = SubElement(suite, "testcase", classname="arabench gate", name="comparison", time="0")
    text = _NOT_XML.sub("?", reason)
    SubElement(case, "error", message=text).text = text
    return _document(suite)


def _document(suite: Element) -> str:
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"
