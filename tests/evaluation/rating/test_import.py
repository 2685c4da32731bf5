"""Rated sheets: what is read from them, what is refused, and what they say."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from arabench.errors import DataError, UsageError
from arabench.evaluation.rating.reading import Rated, read_key, read_sheets
from arabench.evaluation.rating.results import preferences, table
from tests.evaluation.rating.support import RUNS, export, fill, make, prefers

#: Changes the rows of a sheet.
Change = Callable[[list[list[str]]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An exported sheet."""
    return export(tmp_path / "rating", make())


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def save(path: Path, rows: list[list[str]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return str(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_comes_back(folder: Path, delimiter: str) -> None:
    key = read_key(folder)
    (rated,) = read_sheets(key, [str(fill(folder, "منى", prefers(RUNS[1]), delimiter))])
    assert rated.rater == "منى"
    assert len(rated.choices) == 12
    (*_, whole) = preferences(key, [rated])
    assert (whole.first, whole.ties, whole.second, whole.rate) == (0, 0, 12, 1.0)


def test_what_the_page_saves_comes_back(folder: Path) -> None:
    key, name = read_key(folder), make().name
    choices = {"q001": "1", "q002": "tie", "q003": "2"}
    as_json = {"format": "arabench-rating:1", "sheet": name, "rater": "سامي", "choices": choices}
    (folder / "a.json").write_text(json.dumps(as_json), encoding="utf-8")
    lines = [["sheet", "rater", "item", "choice", "comment"]]
    for code in (f"q{number:03d}" for number in range(1, 13)):
        lines.append([name, "ليلى", code, choices.get(code, ""), "'=حسن"])
    sheets = [str(folder / "a.json"), save(folder / "b.csv", lines)]
    assert read_sheets(key, sheets) == [Rated("سامي", choices), Rated("ليلى", choices)]


def test_choices_as_people_and_spreadsheets_spell_them(folder: Path) -> None:
    path = fill(folder, "a", prefers(RUNS[1]))
    rows = rows_of(path)
    for row, choice in zip(rows[1:], ["١", "2.0", "TIE", "=", " 1 ", "", "0", "'="], strict=False):
        row[6] = choice
    found = read_sheets(read_key(folder), [save(path, rows)])[0].choices
    spelled = [found.get(row[2]) for row in rows[1:9]]
    assert spelled == ["1", "2", "tie", "tie", "1", None, "tie", "tie"]


def put(row: int, cell: int, text: str) -> Change:
    return lambda rows: rows[row].__setitem__(cell, text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(3, 6, "3"), r"row 4: the choice for q003 is '3'\. Allowed: 1, 2, tie"),
        (put(3, 4, "جواب آخر"), r"row 4, q003: the question or an answer is not"),
        (put(3, 2, "q999"), r"row 4: item 'q999' is not on this sheet"),
        (lambda rows: rows.append(rows[3]), r"row 14: item 'q003' was rated in .* row 4 too"),
        (put(3, 0, "other"), r"row 4: it belongs to the sheet 'other'"),
        (lambda rows: rows[3].pop(), r"row 4 has 7 cells and not 8"),
        (put(0, 6, "wahl"), r"has the columns .*wahl"),
        (put(3, 1, "b"), r"by several raters: a, b"),
        (lambda rows: rows.clear(), r"has the columns none"),
        (lambda rows: [row.__setitem__(6, "") for row in rows[1:]], r"holds no choice"),
    ],
)
def test_damaged_and_edited_sheets_are_refused_by_row(
    folder: Path, change: Change, message: str
) -> None:
    path = fill(folder, "a", prefers(RUNS[1]))
    rows = rows_of(path)
    change(rows)
    with pytest.raises(DataError, match=message):
        read_sheets(read_key(folder), [save(path, rows)])


def test_other_files_are_refused(folder: Path) -> None:
    key = read_key(folder)
    for content, message in (
        (b'{"format": "x"}', "is not what a sheet saves"),
        (b'{"format": ', "is damaged"),
        ("sheet,item,choice\nش".encode("cp1256"), "is not UTF-8 at byte"),
        (b'sheet,item,choice\n"x', "cannot be read as CSV"),
    ):
        (folder / "x").write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_sheets(key, [str(folder / "x")])
    with pytest.raises(UsageError, match="cannot be read"):
        read_sheets(key, [str(folder / "absent.csv")])
    with pytest.raises(UsageError, match=r"has no key\.json"):
        read_key(folder / "absent")
    (folder / "key.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="is no key of sheets"):
        read_key(folder)


def test_a_changed_key_is_noticed(folder: Path) -> None:
    path = fill(folder, "a", prefers(RUNS[1]))
    key = read_key(folder)
    key["items"]["q001"]["first"] = "nobody"
    with pytest.raises(DataError, match="the key was changed"):
        read_sheets(key, [str(path)])


def test_one_rater_gives_one_sheet(folder: Path) -> None:
    path = str(fill(folder, "a", prefers(RUNS[1])))
    with pytest.raises(UsageError, match="are both by 'a'"):
        read_sheets(read_key(folder), [path, path])


def test_win_rates_per_variety(folder: Path) -> None:
    """Egyptian: the second run always; Levantine: ties; one rater rates half."""
    key = read_key(folder)
    egyptian = {code for code, one in key["items"].items() if one["variety"] == "egy"}

    def rule(code: str, first: str) -> str:
        return prefers(RUNS[1])(code, first) if code in egyptian else "tie"

    half = sorted(egyptian)[:3]
    some = fill(folder, "b", lambda code, first: rule(code, first) if code in half else "")
    sheets = [fill(folder, "a", rule), some]
    egy, lev, whole = preferences(key, read_sheets(key, list(map(str, sheets))))
    assert [row.variety for row in (egy, lev, whole)] == ["egy", "lev", "all"]
    assert (egy.items, egy.ratings, egy.first, egy.ties, egy.second) == (6, 9, 0, 0, 9)
    assert egy.rate == 1.0
    assert egy.low < 1.0 == egy.high
    items = len({key["items"][code]["item"] for code in egyptian})
    assert egy.p == pytest.approx(2 / 2**items)
    assert (lev.rate, lev.p) == (0.5, 1.0)
    assert math.isnan(lev.nominal)
    assert (whole.ratings, whole.rate) == (15, pytest.approx((9 + 3) / 15))
    text = table(key, read_sheets(key, list(map(str, sheets))))
    assert f"win rate of {RUNS[1]} [95 %]" in text
    assert "a 12, b 3" in text


def test_ratings_of_one_item_are_not_independent(folder: Path) -> None:
    """Five raters who agree say more of the same items, and no more of others."""
    key = read_key(folder)

    def rule(code: str, first: str) -> str:
        return prefers(RUNS[code not in {"q001", "q005"}])(code, first)

    one = preferences(key, read_sheets(key, [str(fill(folder, "a", rule))]))[-1]
    sheets = [str(fill(folder, name, rule)) for name in "abcde"]
    five = preferences(key, read_sheets(key, sheets))[-1]
    assert five.ratings == 5 * one.ratings
    assert five.p == pytest.approx(one.p)
    assert five.high - five.low == pytest.approx(one.high - one.low, rel=0.25)
    assert five.nominal == 1.0
