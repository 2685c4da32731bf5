"""Every HTML page the package writes is whole, leads somewhere, and shows text as text."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import arabench
from arabench.audit.dialects import DialectMix
from arabench.audit.explain import explain_files
from arabench.audit.run import Audit, AuditOptions, audit_files
from arabench.demo.report import decision_of, report_page
from arabench.dialect import Identifier
from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.evaluation.families.table import COLUMNS
from arabench.evaluation.rating.answers import Answered
from arabench.evaluation.rating.page import sheet_page
from arabench.evaluation.rating.sheets import make_sheet
from arabench.evaluation.reports.difference_page import page as difference_page
from arabench.evaluation.reports.differences import find_differences
from arabench.evaluation.reports.runs import choose, load_runs
from arabench.evaluation.reports.summary import Cell
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from arabench.varieties import DIALECTS, VARIETIES
from tests.gate.synthetic import Task, lm_task, pair_of_bits, write
from tests.pages.checker import Page, parsed, problems_of

ATTACK = (
    """</p></li><script>alert(1)ـ</script><img src=x onerror="alert(2)">'"{{ 7*7 }}</style><a>"""
)
TEXTS = (
    f"نص عربي فيه علامات {ATTACK} وبعدها كلام",
    ATTACK,
    "اتصل على +20 100 123 4567 أو 050-123-4567 اليوم",
    "حسابي في البنك SA03 8000 0000 6080 1016 7519 شكرا",
    "راسلني على huda@example.com أو @huda_ali",
    "كتـــاب جميـــل جداً يا كلب",
    "سطر\u202e مقلوب\u202c هنا\u200f",
    "این یک متن فارسی است که برای آزمایش نوشته شده است و می گوید",
    "ana mesh 3aref a3mel eh bokra ya sa7by",
    "Ø§Ù„Ø³Ù„Ø§Ù… Ø¹Ù„ÙŠÙƒÙ…",
    "lone \ud800 surrogate",
    "",
)


def packaged() -> list[str]:
    items = load_parallel(Source())[:40]
    return [text for item in items for code, text in item.texts.items() if code != "en"]


def corpus(folder: Path, texts: Sequence[str]) -> str:
    path = folder / "corpus.jsonl"
    rows = [json.dumps({"text": text}) for text in texts]
    path.write_text("\n".join([*rows, '{"text": null}', '{"text": "\\u0643']) + "\n", "utf-8")
    return str(path)


def audit_page(folder: Path, texts: Sequence[str]) -> str:
    variety = DialectMix(Identifier())
    return audit_files([corpus(folder, texts)], AuditOptions(), variety=variety).to_html()


def explain_page(folder: Path, texts: Sequence[str]) -> str:
    return explain_files([corpus(folder, texts)], Normalizer(options_from("llm"))).to_html()


def cells_of(model: str, shift: float) -> list[Cell]:
    found = []
    for variety in VARIETIES:
        for column in COLUMNS:
            if variety in DIALECTS or "tax" not in column.task:
                numbers = (4 + shift, 3.9, 4.2 + shift, 40)
                found.append(Cell(model, variety, column.metric, column.heading, *numbers))
    return found


GATE = "# Gate: {}\n\nCandidate `x` against `y`.\n\n{}## Rows that decide\n\n| metric | task |\n"


def demo_page(_: Path, texts: Sequence[str]) -> str:
    decisions = [
        decision_of("adapter", 0, GATE.format("PASS", "")),
        decision_of("damaged", 1, GATE.format("STOP", f"Stopped by:\n\n- bits of {ATTACK}\n\n")),
        decision_of("other", 3, GATE.format("UNDECIDED", "")),
    ]
    table = {
        "base": cells_of("base", 0.0),
        "adapter": cells_of("adapter", -0.5),
        "damaged": [*cells_of("damaged", 2.0)[:-1]],
    }
    losses = {"base on MSA": [7.0, 6.5, 6.2], "adapter on EGY": [6.4, float("nan"), 6.1]}
    texts = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    pairs = list(zip(texts, texts, strict=True))
    return report_page(decisions, table, losses, pairs, {"train": 12.0}, False)


def comparison_page(folder: Path, texts: Sequence[str]) -> str:
    chars, ours, theirs = pair_of_bits(len(texts), 0.1, 4)
    texts = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    for name, bits, right in (("base", ours, 0), (f"م {texts[-1]} {ATTACK}", theirs, 1)):
        answers = [
            {"doc": {"question": text, "choices": [text, "لا"]}, "filtered_resps": [text[right:]]}
            for text in texts
        ]
        rows = [(f"{n}", (float(n % 2 == right), 1.0)) for n in range(len(texts))]
        reading = {"f1": rows, "exact_match": rows}
        write(
            folder / f"run-{right}",
            [lm_task("egy", bits, chars), lm_task("msa", bits, chars),
             Task("arabench_rc_egy", reading, variety="egy", each=answers)],
            model=name,
        )  # fmt: skip
    base, others = choose(load_runs([str(folder / "run-0"), str(folder / "run-1")]), None)
    return difference_page(find_differences(base, others), 50)


def rating_page(_: Path, texts: Sequence[str]) -> str:
    texts = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    task = "arabench_mt_egy_msa"
    found = [
        Answered(task, "egy", n, f"{n}", (("الجملة", text),), (text, f"{n} {text}"))
        for n, text in enumerate([*texts, *texts][: max(2, len(texts))])  # one is no sheet
    ]
    sheet = make_sheet({task: found}, ("one", "other"), len(found), 1, random.Random(1))
    return sheet_page(sheet)


#: Template -> what writes a page with it. Every template of the package stands here.
PAGES: dict[str, Callable[[Path, Sequence[str]], str]] = {
    "audit/audit.html.j2": audit_page,
    "audit/explain.html.j2": explain_page,
    "demo/report.html.j2": demo_page,
    "evaluation/rating/sheet.html.j2": rating_page,
    "evaluation/reports/differences.html.j2": comparison_page,
}
every_page = pytest.mark.parametrize("name", sorted(PAGES))


def test_every_template_is_checked_here() -> None:
    package = Path(arabench.__file__).parent
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.j2")}
    assert found == {*PAGES, "audit/layout.html.j2"}


@every_page
def test_a_page_of_packaged_text_is_whole(name: str, tmp_path: Path) -> None:
    page = parsed(PAGES[name](tmp_path, packaged()))
    assert page.all("h1")
    assert page.all("title")


@every_page
def test_text_of_a_corpus_stays_text(name: str, tmp_path: Path) -> None:
    page = parsed(PAGES[name](tmp_path, TEXTS))
    assert not page.all("img")
    assert "49" not in [element.text for element in page.elements]
    assert "alert(" in page.text
    assert len(page.all("style")) == 1


@every_page
def test_a_page_about_nothing_is_whole(name: str, tmp_path: Path) -> None:
    parsed(PAGES[name](tmp_path, [""]))


@every_page
def test_arabic_says_its_language_and_numbers_read_left_to_right(name: str, tmp_path: Path) -> None:
    page = parsed(PAGES[name](tmp_path, TEXTS))
    right = [element for element in page.elements if element.attributes.get("dir") == "rtl"]
    assert {"ar"} <= {element.attributes["lang"] for element in right}
    left = [e for e in page.elements if e.tag in {"bdi", "mark"} and e.attributes.get("dir")]
    numbers = [e for e in left if any(char.isdecimal() for char in e.text)]
    assert numbers
    assert {element.attributes["dir"] for element in numbers} == {"ltr"}


def sections(page: Page) -> list[str]:
    return [element.text for element in page.all("h2")]


def test_the_audit_page_has_all_its_sections(tmp_path: Path) -> None:
    page = parsed(audit_page(tmp_path, TEXTS))
    assert sections(page) == [
        "Rows that could not be read", "Length", "Scripts", "Languages", "Dialects", "Diacritics",
        "Letter variants", "Broken text", "Duplicates", "Personal data",
        "Slurs and sensitive terms", "What this page cannot tell",
    ]  # fmt: skip
    links = [element.attributes["href"] for element in page.all("a")]
    assert links[:3] == ["#unreadable", "#length", "#scripts"]
    assert (
        "2 rows are not in any number below: 1 × a string holds half of a surrogate pair"
        in page.text
    )
    assert page.with_id("length").tag == "h2"
    assert any(element.tag == "rect" for element in page.elements)


def test_the_audit_page_without_a_model_or_unreadable_rows_links_neither() -> None:
    audit = Audit(AuditOptions())
    audit.add(packaged())
    page = parsed(audit.report().to_html())
    assert sections(page)[0] == "Length"
    assert "Dialects" not in page.text


def test_the_decisions_of_the_gate_come_first_whatever_they_are(tmp_path: Path) -> None:
    page = parsed(demo_page(tmp_path, packaged()))
    verdicts = [e for e in page.elements if e.attributes.get("class") == "verdict"]
    assert [element.text for element in verdicts] == ["PASS", "STOP", "UNDECIDED"]
    kinds = [e.attributes["class"] for e in page.all("section")]
    assert kinds == ["decision pass", "decision stop", "decision open"]
    order = [element.tag for element in page.elements if element.tag in {"section", "table", "nav"}]
    assert order[:3] == ["section"] * 3


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        ("# Gate: PASS\n", "PASS"),
        ("\n# Gate: no decision\n\nreason\n", "no decision"),
        ("## Something else\n", "Something else"),
        ("", "status 7"),
    ],
)
def test_any_report_of_a_gate_has_a_verdict(report: str, verdict: str) -> None:
    found = decision_of("adapter", 7, report)
    assert (found.verdict, found.kind, found.reasons) == (verdict, "open", [])


def test_reasons_of_a_stop_are_shown_without_the_tables() -> None:
    report = GATE.format("STOP", "Stopped by:\n\n- one\n- two\n\n") + "\n- not a reason\n"
    assert decision_of("damaged", 1, report).reasons == ["one", "two"]


_WHOLE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>'
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
    '<meta name="viewport" content="width=device-width"><style>@media (prefers-color-scheme: dark)'
    "{}</style></head><body>BODY</body></html>"
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<nav><a href='#x'>x</a>", "inside <nav>"),
        ("<nav><a href='#x'>x</a><h2 id=x>y</h2></nav>", "<h2> inside the navigation"),
        ("<a href='#x'>x</a>", "leads nowhere"),
        ("<a href='http://x.org'>x</a>", "leads to"),
        ("<i id=a></i><i id=a></i>", "2 times"),
        ("<div/>", "left open"),
        ("<p><div>x</div></p>", "parser: "),
        ("<p dir=rtl>نص عربي</p>", "in no language"),
        ("<p>نص عربي</p>", "without direction"),
        ("<p dir=rtl lang=en>نص عربي</p>", "English"),
        ("<table class=wide></table>", "box of its own"),
        ("<script></script>", "<script>"),
        ("<p onclick='f()'>x</p>", "is code"),
        ("<a href='javascript:f()'>x</a>", "is code"),
    ],
)
def test_the_checker_sees_what_is_wrong(body: str, problem: str) -> None:
    assert not problems_of(_WHOLE.replace("BODY", "<p>x</p>"))
    assert any(problem in line for line in problems_of(_WHOLE.replace("BODY", body)))
