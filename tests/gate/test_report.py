"""Reports: right numbers, and no name that breaks Markdown or XML."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest

from arabench.gate.compare import Comparison, compare
from arabench.gate.policy import Policy
from arabench.gate.report import describe, junit, markdown, summary
from tests.gate.synthetic import Task, evaluation, lm_task

CHARS = np.full(40, 50.0)
BITS = np.linspace(80, 240, 40)
HOSTILE = "a|b`c\n# d\r<script>alert(1)</script>*e*\u2028[x](y)\x00\x1b\ufffe&"


def comparison(model: str = "mine", task: str | None = None, **policy: object) -> Comparison:
    """EGY 10 % better, MSA 10 % worse, accuracy equal; exact match without a rule."""

    def tasks(egy: float, msa: float, right: int) -> list[Task]:
        names = task or "mmlu"
        values = [(f"{i}", (float(i % 2), 1)) for i in range(20)]
        exact = [(f"{i}", (float(i < right), 1)) for i in range(20)]
        return [
            lm_task("egy", BITS * egy, CHARS),
            lm_task("msa", BITS * msa, CHARS),
            Task(names, {"acc": values, "exact_match": exact}),
        ]

    return compare(
        evaluation(tasks(1, 1, 10), "base"),
        evaluation(tasks(0.9, 1.1, 5), model),
        Policy.model_validate({"draws": 500, **policy}),
    )


def tables(report: str) -> list[list[str]]:
    """Cells of every table line, as a GitHub-flavoured Markdown reader splits them."""
    lines = [line for line in report.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_markdown_holds_the_decision_and_its_numbers() -> None:
    report = markdown(comparison())
    assert report.startswith("# Gate: STOP\n")
    assert "Candidate `mine` against baseline `base`" in report
    assert "500 draws" in report
    assert "confidence 95%" in report
    rows = {(cells[0], cells[1]): cells for cells in tables(report)}
    assert rows["bits_per_char", "arabench_lm_egy"][2:] == [
        "40", "3.2", "2.88", "-10.00%", "-10.00% to -10.00%", "+2.00%",
        "shown not worse than margin", "pass",
    ]  # fmt: skip
    assert rows["bits_per_char", "arabench_lm_msa"][5] == "+10.00%"
    assert rows["bits_per_char", "arabench_lm_msa"][-1] == "**FAIL**"
    assert rows["acc", "mmlu"][3:6] == ["0.5", "0.5", "0.000"]
    assert rows["exact_match", "mmlu"][3:6] == ["0.5", "0.25", "+0.250"]
    assert rows["exact_match", "mmlu"][7:] == ["", "reported", "-"]
    stopped = report.split("Stopped by:")[1].split("##")[0]
    assert stopped.count("\n- ") == 1
    assert "arabench_lm_msa: 3.2 -> 3.52, degradation +10.00%" in stopped


def test_markdown_of_a_pass_names_no_reason() -> None:
    report = markdown(comparison(varieties=["egy"]))
    assert report.startswith("# Gate: PASS\n")
    assert "Stopped by" not in report


def undecided(**policy: object) -> Comparison:
    """Too few items, 0 on both sides, and an interval about the margin; accuracy passes."""
    chars = np.full(30, 50.0)
    noise = np.tile([0.92, 1.08], 15)

    def tasks(mine: bool) -> list[Task]:
        bits = BITS[:30] * (noise if mine else 1)
        return [
            lm_task("egy", bits, chars),
            lm_task("msa", BITS[:5] * (1.01 if mine else 1), CHARS[:5]),
            Task("empty", {"acc": [(f"{i}", (0.0, 1)) for i in range(30)]}),
            Task("mmlu", {"acc": [(f"{i}", (float(i % 2), 1)) for i in range(30)]}),
        ]

    return compare(
        evaluation(tasks(False), "base"),
        evaluation(tasks(True), "mine"),
        Policy.model_validate({"draws": 500, **policy}),
    )


def test_undecided_rows_are_shown_with_their_reasons() -> None:
    report = markdown(undecided())
    assert report.startswith("# Gate: UNDECIDED\n")
    reasons = report.split("\nUndecided:\n")[1].split("##")[0]
    assert reasons.count("\n- ") == 3
    assert "undecided: 5 items, the policy asks for 10" in reasons
    assert "undecided: 0 on both sides, which shows nothing" in reasons
    assert re.search(
        r"undecided on 30 items: the interval .* to \+\d\.\d\d% reaches beyond \+2\.00%; about "
        r"[\d,]+ items would settle it",
        reasons,
    )
    cells = {(row[0], row[1]): row[-1] for row in tables(report)}
    assert cells["bits_per_char", "arabench_lm_egy"] == "**undecided**"
    assert cells["acc", "mmlu"] == "pass"
    assert summary(undecided()) == "UNDECIDED (1 of 4 deciding rows pass, 3 undecided)"
    assert summary(comparison()) == "STOP (2 of 3 deciding rows pass)"


def test_undecided_rows_that_do_not_block_say_so() -> None:
    report = markdown(undecided(undecided="pass"))
    assert report.startswith("# Gate: PASS\n")
    assert "Undecided (which does not block, by the policy):" in report


def test_undecided_rows_are_red_in_junit_where_they_block() -> None:
    for policy, kind in (("block", "failure"), ("pass", "skipped")):
        suite = fromstring(junit(undecided(undecided=policy)))[0]  # noqa: S314
        marks = suite.findall(f"testcase/{kind}")
        assert suite.get({"failure": "failures", "skipped": "skipped"}[kind]) == "3"
        assert len(marks) == 3
        assert {mark.get("type") for mark in marks} == {"undecided"}
        assert any("0 on both sides" in (mark.text or "") for mark in marks)


def test_an_undecided_row_that_could_not_be_measured() -> None:
    nan = float("nan")
    broken = replace(comparison().rows[0], verdict="undecided", cause="interval", low=nan, high=nan)
    assert "could not be measured" in describe(broken)
    wide = replace(broken, low=0.0, high=float("inf"))
    assert describe(wide).endswith("the interval 0.00% to no upper bound reaches beyond +2.00%")


@pytest.mark.parametrize(
    ("metric", "low", "high", "shown"),
    [
        ("bits_per_char", -1.0, float("inf"), "no lower bound to no upper bound"),
        ("bits_per_char", float("-inf"), 0.1, "no lower bound to +10.00%"),
        ("bits_per_char", -0.00001, 0.00001, "0.00% to 0.00%"),
        ("bits_per_char", -0.0001, 0.0001, "-0.01% to +0.01%"),
        ("word_perplexity", -0.5, 1e6, "-50.00% to x1e+06"),
        ("acc", -0.0004, 0.0, "0.000 to 0.000"),
        ("acc", -0.0, -0.0006, "0.000 to -0.001"),
        ("acc", float("-inf"), float("inf"), "no lower bound to no upper bound"),
        ("bleu", -1.0, 10.0, "-1.000 to +10.000"),
    ],
)
def test_bounds_in_words(metric: str, low: float, high: float, shown: str) -> None:
    found = comparison()
    row = replace(found.rows[0], metric=metric, low=low, high=high)
    assert f"({shown})" in describe(row)
    assert f"| {shown} |" in markdown(replace(found, rows=(row,)))


def test_an_infinite_perplexity_is_named_so() -> None:
    row = replace(comparison().rows[0], metric="word_perplexity", degradation=float("inf"))
    assert "degradation infinite (" in describe(row)


@pytest.mark.parametrize(("confidence", "shown"), [(0.975, "97.5%"), (0.995, "99.5%")])
def test_confidence_is_not_rounded(confidence: float, shown: str) -> None:
    assert f"confidence {shown}" in markdown(comparison(confidence=confidence, draws=2000))


@pytest.mark.parametrize("name", [HOSTILE, "`", "``", " ", "\n", "\u202eevil", "نموذج"])
def test_names_cannot_break_markdown(name: str) -> None:
    plain, hostile = markdown(comparison()), markdown(comparison(model=name, task=name + "z"))
    assert len(hostile.splitlines()) == len(plain.splitlines())
    assert [len(cells) for cells in tables(hostile)] == [10] * len(tables(plain))
    code = hostile.splitlines()[2]
    assert code.startswith("Candidate `")
    assert code.count("`") == 4
    assert "``" not in code
    outside = re.sub(r"`[^`]*`", "", hostile)
    assert "<" not in outside.replace("->", "")
    assert "\u202e" not in hostile


def test_junit_counts_and_text() -> None:
    found = comparison()
    root = fromstring(junit(found))  # noqa: S314
    suite = root[0]
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "0",
    }  # fmt: skip
    cases = {(case.get("classname"), case.get("name")): case for case in suite}
    assert len(cases) == 3
    failure = cases["arabench_lm_msa", "bits_per_char"].find("failure")
    assert isinstance(failure, Element)
    assert failure.get("message") == failure.text == describe(found.rows[0])
    passing = cases["arabench_lm_egy", "bits_per_char"]
    assert passing.find("failure") is None
    assert (passing.findtext("system-out") or "").startswith("bits_per_char of arabench_lm_egy")


@pytest.mark.parametrize("name", [HOSTILE, "\x01\x0b\x7f", "\"&<>'", "\ud800", "]]>", "\uffff"])
def test_junit_is_xml_whatever_a_task_is_called(name: str) -> None:
    text = junit(comparison(task=name))
    case = fromstring(text.encode("utf-8")).findall(".//testcase")[-1]  # noqa: S314
    assert len((case.get("classname") or "").replace("\n", " ")) == len(name)


def test_undefined_numbers_can_be_shown() -> None:
    found = comparison()
    broken = replace(found.rows[0], low=float("nan"), high=float("inf"), candidate=float("inf"))
    report = markdown(replace(found, rows=(broken, *found.rows[1:])))
    assert "+nan% to no upper bound" in report


def test_a_perplexity_that_explodes_is_shown_as_a_factor() -> None:
    found = comparison()
    broken = replace(found.rows[0], high=242_999.0)
    assert "x2.43e+05" in markdown(replace(found, rows=(broken,)))
