"""Reports of differences: tables in every format, the page, the samples that changed."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arabench.errors import DataError
from arabench.evaluation.reports.changed_samples import (
    LONGEST_TEXT,
    Change,
    changed_samples,
    compare_words,
)
from arabench.evaluation.reports.difference_charts import (
    bar_charts,
    forests,
    forgetting_matrix,
    noise_curves,
)
from arabench.evaluation.reports.difference_page import kind_of, page, shown, values_of
from arabench.evaluation.reports.difference_tables import (
    FORMATS,
    change_words,
    in_parts,
    latex_text,
    summary,
    terminal,
)
from arabench.evaluation.reports.differences import Differences, find_differences
from arabench.evaluation.reports.runs import Run, choose, load_runs
from tests.gate.synthetic import Task, evaluation, lm_task, pair_of_bits, samples_file, write
from tests.pages.checker import parsed

CHARS, OURS, THEIRS = pair_of_bits(40, 0.1, seed=1)
HOSTILE = (
    "<script>alert(1)</script>", "a|b", "$x_{1}$", "\\input{/etc/passwd}", "=1+1",
    "\u202eevil\u2066", "%&#~^{}\"'`", "x" * 10_000, "نموذج | عربي", "{{ 7*7 }}", "",
)  # fmt: skip


def report(name: str = "one", task: str = "arabench_lm_egy", trained: str | None = None,
           ) -> Differences:  # fmt: skip
    answers = [(f"{n:02}", (float(n % 2), 1.0)) for n in range(20)]
    wrong = [(f"{n:02}", (0.0, 1.0)) for n in range(20)]
    first = [lm_task("egy", OURS, CHARS, name=task), Task("arabench_mmlu", {"acc": answers})]
    second = [lm_task("egy", THEIRS, CHARS, name=task), Task("arabench_mmlu", {"acc": wrong})]
    return find_differences(
        Run("base", evaluation(first, "base")), [Run(name, evaluation(second, name), trained)]
    )


# --- tables --------------------------------------------------------------------------------------


def test_csv_and_json_hold_every_digit_and_no_nan() -> None:
    found = report()
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](found))))
    content = json.loads(FORMATS["json"](found), parse_constant=pytest.fail)
    for written in (rows, content["rows"]):
        assert [one["metric"] for one in written] == ["bits_per_char", "acc"]
        for one, row in zip(written, found.rows, strict=True):
            assert float(one["difference_value"]) == row.difference.value
            assert float(one["p_value_corrected"]) == row.corrected
            assert one["found"] == row.found
    assert content["tests"] == 2
    assert [run["name"] for run in content["runs"]] == ["base", "one"]


def test_what_could_not_be_had_is_empty_or_null() -> None:
    one = find_differences(
        Run("base", evaluation([lm_task("egy", [3], [2])])),
        [Run("one", evaluation([lm_task("egy", [4], [2])]))],
    )
    (row,) = csv.DictReader(io.StringIO(FORMATS["csv"](one)))
    assert (row["difference_low"], row["p_value"], row["found"]) == ("", "", "too few items")
    (row,) = json.loads(FORMATS["json"](one))["rows"]
    assert (row["difference_low"], row["p_value"]) == (None, None)
    for form in FORMATS.values():
        assert not re.search(r"\bnan\b|\binf\b", form(one), re.IGNORECASE)


def test_markdown_has_a_table_of_one_width() -> None:
    text = FORMATS["markdown"](report())
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert {line.count("|") for line in table} == {10}
    assert "| worse |" in table[2]
    assert "- one against base: 2 worse" in text


def test_latex_is_a_booktabs_table() -> None:
    text = FORMATS["latex"](report())
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}") == 1
    columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)
    assert columns is not None
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(columns[1])}
    assert "arabench\\_lm\\_egy & bits\\_per\\_char & 40" in text
    assert "$-$0.5" in text  # an accuracy that fell, with a minus sign
    assert "-" not in re.sub(r"\$-\$|%.*|\\caption.*", "", rows[-1])
    assert_balanced(text)


def assert_balanced(text: str) -> None:
    """Braces close and no special character stands bare, comments aside."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    bare = re.sub(r"\\[\\{}$&#_%~^]", "", body)
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"[#_~^]|(?<!\\)%", bare)
    assert bare.count("$") % 2 == 0


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_stay_text_in_every_format(hostile: str, tmp_path: Path) -> None:
    write(tmp_path / "a", [lm_task("egy", OURS, CHARS)], model="base")
    write(tmp_path / "b", [lm_task("egy", THEIRS, CHARS)], model=hostile)
    base, others = choose(load_runs([str(tmp_path / "a"), str(tmp_path / "b")]), None)
    found = find_differences(base, others)
    # A task's name is a file's too, so it cannot be set in a folder: most of these are none.
    row = replace(found.rows[0], task=hostile)
    found = replace(found, rows=(row,), notes=(hostile,))
    texts = {name: form(found) for name, form in FORMATS.items()}
    for text in texts.values():
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text) or name_is_quoted(text)
    table = [line for line in texts["markdown"].splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {10}
    assert "<script>" not in texts["markdown"]
    assert_balanced(texts["latex"])
    (cells,) = csv.DictReader(io.StringIO(texts["csv"]))
    assert not cells["task"].startswith(("=", "+", "-", "@"))
    assert json.loads(texts["json"])["rows"][0]["metric"] == "bits_per_char"
    html = parsed(page(replace(found, rows=()), 0))
    assert len(html.all("script")) == 0
    assert len(page(found, 0)) < 120_000


def name_is_quoted(text: str) -> bool:
    """JSON writes notes as they are; it is for programs."""
    return text.startswith("{")


@pytest.mark.parametrize("width", [40, 70, 100, 160])
def test_a_terminal_is_never_written_beyond(width: int) -> None:
    from rich.cells import cell_len
    from rich.console import Console

    found = report(name="نموذج عربي طويل الاسم جداً بلا نهاية", task="arabench_lm_" + "x" * 60)
    console = Console(width=width, file=io.StringIO(), markup=False, highlight=False)
    for part in terminal(found, width):
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(cell_len, text.splitlines())) <= width
    assert "worse" in text
    assert ("95 % interval" in text.split("Differences are")[0]) == (width >= 100)


@pytest.mark.parametrize("width", [70, 100, 120, 160])
def test_names_of_metrics_are_parted_between_words_only(width: int) -> None:
    from rich.console import Console

    rows = [replace(report().rows[0], metric="token_perplexity")]
    found = replace(report(), rows=tuple(rows))
    console = Console(width=width, file=io.StringIO(), markup=False, highlight=False)
    for part in terminal(found, width):
        console.print(part)
    words = console.file.getvalue().split()  # type: ignore[attr-defined]
    whole = "token_perplexity" in words
    assert whole == (width == 160)
    assert whole or {"token_", "perplexity"} <= set(words)


def test_parts_of_names() -> None:
    assert in_parts("arabench_robust_lm_keyboard", 16) == "arabench_robust_\nlm_keyboard"
    assert in_parts("bits_per_char", 20) == "bits_per_char"
    assert in_parts("chrf++", 3) == "chrf++"  # nowhere to part it


def test_a_perplexity_that_explodes_is_told_as_a_factor() -> None:
    rows = [[(f"{n}", (bits + n, 10.0)) for n in range(9)] for bits in (20.0, 120.0)]
    found = find_differences(
        Run("base", evaluation([Task("t", {"word_perplexity": rows[0]})])),
        [Run("one", evaluation([Task("t", {"word_perplexity": rows[1]})]))],
    )
    assert change_words(found.rows[0])[0] == "x1,024"
    assert "x1,024" in FORMATS["markdown"](found)


def test_summary_counts_what_is_there() -> None:
    assert summary(report()) == ["one against base: 2 worse"]


def test_latex_text_of_every_special_character() -> None:
    assert latex_text('a\\b{c}$&#_%~^<>|"\n\u202e') == (
        r"a\textbackslash{}b\{c\}\$\&\#\_\%\textasciitilde{}\textasciicircum{}"
        r"\textless{}\textgreater{}\textbar{}\textquotedbl{}"
    )


# --- charts --------------------------------------------------------------------------------------


def test_bars_begin_at_the_origin_and_hold_their_interval() -> None:
    found = report()
    bits, acc = bar_charts(found)
    assert (bits.metric, acc.metric) == ("bits_per_char", "acc")
    for chart in (bits, acc):
        for _, bars in chart.groups:
            for bar in bars:
                assert 0 <= bar.low <= bar.x + bar.width + 1e-9
                assert bar.x + bar.width <= bar.high + 1e-9 <= 100 + 1e-6
    row = found.rows[0]
    first, second = bits.groups[0][1]
    assert second.width / first.width == pytest.approx(row.other.value / row.base.value, rel=1e-3)


def test_a_tax_below_one_lies_left_of_the_origin() -> None:
    def task(factor: float) -> Task:
        rows = [(f"{n:02}", (bits * factor, bits)) for n, bits in enumerate(OURS)]
        return Task("arabench_tax_egy", {"dialect_tax": rows}, variety="egy")

    found = find_differences(
        Run("base", evaluation([task(1.2)])), [Run("one", evaluation([task(0.9)]))]
    )
    (chart,) = bar_charts(found)
    ((_, (above, below)),) = chart.groups
    assert above.x == pytest.approx(chart.origin)
    assert below.x + below.width == pytest.approx(chart.origin, abs=0.02)


def test_a_forest_shares_its_scale_within_run_and_metric() -> None:
    found = report()
    drawn = forests(found.rows)
    bits = drawn["one", "arabench_lm_egy", "bits_per_char"]
    assert 50 < bits.low < bits.x < bits.high == pytest.approx(98)
    acc = drawn["one", "arabench_mmlu", "acc"]
    assert acc.low == pytest.approx(2)
    assert acc.high < 50


def noisy(factor: float) -> Task:
    values = {
        f"bits_per_char@{rate}": [
            (f"{n:02}", (bits * (factor + rate), chars))
            for n, (bits, chars) in enumerate(zip(OURS, CHARS, strict=True))
        ]
        for rate in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    }
    return Task("arabench_robust_lm_spacing", values)


def test_noise_curves_have_a_point_a_rate_and_lower_is_lower() -> None:
    found = find_differences(
        Run("base", evaluation([noisy(1.0)])), [Run("one", evaluation([noisy(1.2)]))]
    )
    assert bar_charts(found) == []
    (chart,) = noise_curves(found)
    assert [label for _, label in chart.x_ticks] == ["0%", "10%", "20%", "30%", "40%", "50%"]
    points = [
        [tuple(map(float, point.split(","))) for point in curve.points.split()]
        for curve in chart.curves
    ]
    assert [len(line) for line in points] == [6, 6]
    for (x, y), (other_x, other_y) in zip(*points, strict=True):
        assert x == other_x
        assert y > other_y  # SVG counts from the top: more bits stand higher
    heights = [y for _, y in points[0]]
    assert heights == sorted(heights, reverse=True)


def test_the_forgetting_matrix_has_a_row_a_run_in_the_order_of_what_it_learned() -> None:
    names = ("msa", "egy", "glf")

    def tasks(*factors: float) -> list[Task]:
        return [lm_task(v, OURS * f, CHARS) for v, f in zip(names, factors, strict=False)]

    factors = 1 + np.random.default_rng(3).normal(0, 0.001, 40)
    nothing = lm_task("glf", OURS * factors, CHARS)
    found = find_differences(
        Run("base", evaluation(tasks(1, 1, 1))),
        [
            Run("none", evaluation(tasks(1.01, 1.05, 1.3))),
            Run("gulf", evaluation(tasks(1.2, 1.0, 0.8)), "glf"),
            Run("egypt", evaluation([*tasks(1.2, 0.98), nothing]), "egy"),
        ],
    )  # fmt: skip
    matrix = forgetting_matrix(found)
    assert matrix is not None
    assert matrix.varieties == names
    assert [run.name for run, _ in matrix.rows] == ["egypt", "gulf", "none"]
    shades = {
        run.name: [cell.shade if cell else "" for cell in cells] for run, cells in matrix.rows
    }
    assert shades == {
        "egypt": ["w3", "b1", "n"], "gulf": ["w3", "n", "b3"], "none": ["w1", "w2", "w3"],
    }  # fmt: skip
    assert [cell.own for cell in matrix.rows[0][1] if cell] == [False, True, False]
    assert matrix.rows[1][1][2] is not None
    assert matrix.rows[1][1][2].words == "-20.0"


# --- samples -------------------------------------------------------------------------------------


def saved(folder: Path, name: str, right: Sequence[int], texts: Sequence[str]) -> Path:
    choices = ["نعم", "لا"]
    questions = [
        {
            "doc": {"question": f"سؤال {n}؟", "choices": choices, "answer": 0},
            "filtered_resps": [["-1.0", "False"], ["-2.0", "False"]] if one
            else [[-2.0, False], [-1.0, False]],
        }
        for n, one in enumerate(right)
    ]  # fmt: skip
    written = [
        {"doc": {"source": f"مصدر {n}"}, "target": "هدف", "filtered_resps": [text]}
        for n, text in enumerate(texts)
    ]
    scores = [(f"{n}", (min(len(text), 9) / 10, 1.0)) for n, text in enumerate(texts)]
    return write(
        folder / name,
        [
            lm_task("egy", OURS * (1 + len(name) / 10), CHARS),
            Task("arabench_mmlu", {"acc": [(f"{n}", (float(x), 1.0)) for n, x in enumerate(right)]},
                 each=questions),
            Task("arabench_rc_egy", {"f1": scores}, variety="egy", each=written),
        ],
        model=name,
    )  # fmt: skip


TEXTS = ["كتب الولد الدرس", "نص", "لا شيء"]


def two(folder: Path, before: Sequence[int] = (1, 1, 0, 0), after: Sequence[int] = (1, 0, 1, 0),
        texts: Sequence[str] = ("كتب البنت الدرس", "نص", "")) -> tuple[Run, list[Run]]:  # fmt: skip
    places = [
        str(saved(folder, "base", before, TEXTS)), str(saved(folder, "egypt", after, texts)),
    ]  # fmt: skip
    return choose(load_runs(places), "base")


def of(folder: Path, task: str, most: int = 9, **options: Any) -> list[Change]:
    base, (run,) = two(folder, **options)
    return changed_samples(base, run, [task], most)


def test_flips_come_first_and_name_what_was_chosen(tmp_path: Path) -> None:
    lost, won = of(tmp_path, "arabench_mmlu")
    assert (lost.number, lost.kind, lost.answers) == (1, "right to wrong", ("نعم", "لا"))
    assert (won.number, won.kind, won.answers) == (2, "wrong to right", ("لا", "نعم"))
    assert lost.target == "نعم"
    assert ("question", "سؤال 1؟") in lost.asked
    assert lost.words == (("gone", "نعم"), ("new", "لا"))
    assert [kind_of(one)[0] for one in (lost, won)] == ["lost", "won"]
    assert values_of(lost) == ""


def test_answers_are_laid_beside_each_other_word_by_word(tmp_path: Path) -> None:
    (change,) = of(tmp_path, "arabench_rc_egy")
    assert (change.number, change.answers, change.kind) == (2, ("لا شيء", ""), "lower")
    assert kind_of(change) == ("worse", "worse score")
    assert values_of(change) == "f1 0.600 → 0.00"
    assert compare_words("كتب الولد الدرس", "كتب البنت الدرس الآن") == (
        ("same", "كتب"), ("gone", "الولد"), ("new", "البنت"), ("same", "الدرس"), ("new", "الآن"),
    )  # fmt: skip
    assert compare_words("a  b", "a b") == (("same", "a b"),)
    assert compare_words("", "") == ()


def test_texts_that_are_only_scored_are_ranked_by_their_bits(tmp_path: Path) -> None:
    changes = of(tmp_path, "arabench_lm_egy", most=5)
    assert [change.number for change in changes] == list(np.argsort(-OURS, kind="stable")[:5])
    first = changes[0]
    assert (first.before, first.after) == pytest.approx((OURS.max() * 1.4, OURS.max() * 1.5))
    assert first.answers is None
    assert (kind_of(first)[0], values_of(first)[:5]) == ("worse", "bits ")


def test_no_more_samples_than_asked_for(tmp_path: Path) -> None:
    assert len(of(tmp_path, "arabench_lm_egy", most=3)) == 3


def test_long_texts_are_cut_and_odd_samples_stand(tmp_path: Path) -> None:
    base, (run,) = two(tmp_path)
    file = samples_file(tmp_path / "egypt", "arabench_rc_egy")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row, value in zip(rows, (None, {"x": 1}, ["y" * 5000]), strict=True):
        row["filtered_resps"] = value
        row["f1"]["sums"] = [0.05, 1.0]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    changes = {one.number: one for one in changed_samples(base, run, ["arabench_rc_egy"], 9)}
    assert changes[0].answers is None
    assert changes[1].answers is None
    assert changes[2].answers is not None
    assert len(changes[2].answers[1]) == LONGEST_TEXT


def test_samples_that_change_while_they_are_read_are_named(tmp_path: Path) -> None:
    base, (run,) = two(tmp_path)
    samples_file(tmp_path / "egypt", "arabench_rc_egy").write_text('{"doc_id": 0}\n')
    with pytest.raises(DataError, match="changed while it was read"):
        changed_samples(base, run, ["arabench_rc_egy"], 9)


# --- page ----------------------------------------------------------------------------------------


def test_the_page_has_one_script_and_its_policy_allows_no_other(tmp_path: Path) -> None:
    base, others = two(tmp_path)
    html = page(find_differences(base, others), 5)
    found = parsed(html)
    (script,) = found.all("script")
    assert "querySelectorAll" in script.text
    (policy,) = [
        meta.attributes["content"] for meta in found.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    ]  # fmt: skip
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert policy.count("script-src") == 1
    assert "'; base-uri 'none'; form-action 'none'" in policy
    assert not re.search(r"https?://|url\(|@import|<link|<iframe|<object", html)


def test_the_page_holds_the_numbers_and_the_samples(tmp_path: Path) -> None:
    base, others = two(tmp_path)
    found = parsed(page(find_differences(base, others), 5))
    articles = found.all("article")
    assert [one.attributes["data-kind"] for one in articles][:2] == ["lost", "won"]
    assert sum("flip" in one.attributes["class"] for one in articles) == 2
    assert {one.attributes["data-task"] for one in articles} == {"0", "1", "2"}
    assert [one.text for one in found.all("del")][:1] == ["نعم"]
    assert "+7.1" in found.text  # 1.5 over 1.4
    options = [one.text for one in found.all("option")]
    assert {"arabench_mmlu", "arabench_rc_egy", "egypt"} <= set(options)
    labels = [one for one in found.all("svg") if not one.attributes.get("aria-label")]
    assert not labels


def test_a_page_without_samples_has_no_script(tmp_path: Path) -> None:
    base, others = two(tmp_path)
    found = parsed(page(find_differences(base, others), 0))
    assert not found.all("script")
    assert not found.all("article")


def test_texts_of_results_stay_text_on_the_page(tmp_path: Path) -> None:
    attack = "</dd><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>"
    base, others = two(tmp_path, texts=(TEXTS[0], attack, ""))
    html = page(find_differences(base, others), 9)
    found = parsed(html)
    assert len(found.all("script")) == 1
    assert not found.all("img")
    assert "\u202e" not in html
    assert "⟦U+202E⟧" in html


def test_hidden_characters_are_shown_and_joiners_stay() -> None:
    assert shown("a\u202eb\u0000\u200c\u200d\n\tc\u2066") == (
        "a⟦U+202E⟧b⟦U+0000⟧\u200c\u200d\n\tc⟦U+2066⟧"
    )
    assert not math.isnan(len(shown("\ud800")))
