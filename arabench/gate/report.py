"""The decision as Markdown for people and JUnit XML for CI."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from arabench.evaluation.scores import SCORES
from arabench.gate.compare import Comparison, Row

_SIGNS = {"pass": "pass", "fail": "**FAIL**", "info": "-"}


def markdown(comparison: Comparison) -> str:
    """Decision, reasons, and a table of every deciding row, then of the others."""
    policy = comparison.policy
    failed = [row for row in comparison.rows if row.verdict == "fail"]
    lines = [
        f"# Gate: {'PASS' if comparison.passed else 'STOP'}",
        "",
        f"Candidate `{_code(comparison.candidate.model)}` against baseline "
        f"`{_code(comparison.baseline.model)}`; paired bootstrap over items, "
        f"{policy.draws} draws, seed {policy.seed}, one-sided confidence {policy.confidence:.0%}.",
        "",
    ]
    if failed:
        lines += ["Stopped by:", "", *[f"- {describe(row)}" for row in failed], ""]
    for title, rows in (
        ("Rows that decide", [row for row in comparison.rows if row.verdict != "info"]),
        ("Reported only", [row for row in comparison.rows if row.verdict == "info"]),
    ):
        if rows:
            lines += [f"## {title}", "", *_table(rows), ""]
    lines += [
        "Degradation is relative for bits, perplexities and tax (candidate / baseline - 1) and "
        "absolute for BLEU, chrF++, F1, exact match and accuracy (baseline - candidate); negative "
        "is better. The interval holds both one-sided bounds.",
        "",
    ]
    return "\n".join(lines)


def _table(rows: list[Row]) -> list[str]:
    head = "| metric | task | items | baseline | candidate | degradation | interval | margin | test | verdict |"
    lines = [head, "|" + "---|" * 10]
    for row in rows:
        lines.append(
            f"| {row.metric} | {row.task} | {row.items} | {row.baseline:.4g} | {row.candidate:.4g} "
            f"| {_amount(row, row.degradation)} | {_amount(row, row.low)} to {_amount(row, row.high)} "
            f"| {'' if row.margin is None else _amount(row, row.margin)} | {row.rule} "
            f"| {_SIGNS[row.verdict]} |"
        )
    return lines


def _amount(row: Row, value: float) -> str:
    if SCORES[row.metric].higher_is_better:
        return f"{value:+.3f}"
    return f"{value:+.2%}"


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")


def describe(row: Row) -> str:
    """One sentence on a row."""
    return (
        f"{row.metric} of {row.task}: {row.baseline:.4g} -> {row.candidate:.4g}, degradation "
        f"{_amount(row, row.degradation)} ({_amount(row, row.low)} to {_amount(row, row.high)}), "
        f"allowed {_amount(row, row.margin or 0.0)} ({row.rule})"
    )


def junit(comparison: Comparison) -> str:
    """JUnit XML: one test case per deciding row."""
    deciding = [row for row in comparison.rows if row.verdict != "info"]
    failures = sum(row.verdict == "fail" for row in deciding)
    suite = Element(
        "testsuite", name="arabench gate", tests=str(len(deciding)), failures=str(failures),
        errors="0", skipped="0",
    )  # fmt: skip
    for row in deciding:
        case = SubElement(suite, "testcase", classname=row.task, name=row.metric, time="0")
        if row.verdict == "fail":
            SubElement(case, "failure", message=describe(row)).text = describe(row)
        else:
            SubElement(case, "system-out").text = describe(row)
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"
