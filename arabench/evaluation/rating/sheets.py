"""Blind sheets: which answers are shown, on which side, and the key that tells whose they are.

A sheet's name is the digest of its key, so that neither can be changed without the other; the
digest of every shown text is in the key. Which side a run has is drawn apart from the seed, which
people may guess.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from arabench.errors import UsageError
from arabench.evaluation.rating.answers import Answered

FORMAT: Final = "arabench-rating-key:1"
ANSWERS_FORMAT: Final = "arabench-rating:1"
HTML_NAME: Final = "sheet.html"
CSV_NAME: Final = "sheet.csv"
KEY_NAME: Final = "key.json"
#: What may be said of two answers.
FIRST: Final = "1"
SECOND: Final = "2"
TIE: Final = "tie"
CHOICES: Final = (FIRST, SECOND, TIE)
COLUMNS: Final = ("sheet", "rater", "item", "asked", "answer_1", "answer_2", "choice", "comment")
#: Spreadsheets take a cell that begins so for a formula (OWASP, "CSV injection"), some also in
#: full width; the quotation mark is there so that putting one before a cell can be undone.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
_NAME_DIGITS: Final = 16


@dataclass(frozen=True)
class SheetItem:
    """What a rater sees of one document.

    Attributes:
        code: its name on the sheet.
        answers: the first and the second.
    """

    code: str
    asked: tuple[tuple[str, str], ...]
    answers: tuple[str, str]

    @property
    def question(self) -> str:
        """What was asked, as one text."""
        return "\n\n".join(f"{label}: {text}" for label, text in self.asked)

    @property
    def digest(self) -> str:
        """Of the texts shown, whatever a spreadsheet does to line ends."""
        return text_digest(self.question, *self.answers)


@dataclass(frozen=True)
class Sheet:
    """A sheet and its key.

    Attributes:
        name: digest of the key.
        key: who is who, with the digest of each item; see `make_sheet`.
    """

    name: str
    items: tuple[SheetItem, ...]
    key: dict[str, Any]


def make_sheet(
    answered: Mapping[str, Sequence[Answered]],
    runs: tuple[str, str],
    count: int,
    seed: int,
    sides: random.Random,
) -> Sheet:
    """Draw documents whose answers differ, evenly over tasks, and a side for each.

    Args:
        answered: task -> documents.
        runs: names of the first and the second run.
        count: items of the sheet.
        seed: of which documents are drawn, and of their order.
        sides: draws the sides.

    Raises:
        UsageError: fewer than two, or more than there are.
    """
    differing = {task: [one for one in found if not one.same] for task, found in answered.items()}
    total = sum(map(len, differing.values()))
    if not 2 <= count <= total:
        raise UsageError(
            f"-n {count} is not possible: {total} documents have answers that differ. Use 2 to "
            f"{total}."
            if total >= 2
            else f"only {total} documents have answers that differ: there is nothing to rate."
        )
    chosen = _spread(differing, count, seed)
    items, told = [], {}
    for number, one in enumerate(chosen, 1):
        turned = sides.random() < 0.5
        code = f"q{number:03d}"
        item = SheetItem(code, one.asked, one.answers[::-1] if turned else one.answers)
        items.append(item)
        told[code] = {
            "task": one.task,
            "variety": one.variety,
            "document": one.document,
            "item": one.item,
            "first": runs[turned],
            "sha256": item.digest,
        }
    key = {
        "format": FORMAT,
        "runs": list(runs),
        "seed": seed,
        "documents": {task: len(found) for task, found in answered.items()},
        "same": {task: sum(one.same for one in found) for task, found in answered.items()},
        "salt": f"{sides.getrandbits(128):032x}",
        "items": told,
    }
    return Sheet(sheet_name(key), tuple(items), key)


def sheet_name(key: Mapping[str, Any]) -> str:
    """The name of the sheet that belongs to a key."""
    text = json.dumps(key, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_NAME_DIGITS]


def text_digest(*texts: str) -> str:
    """SHA-256 over texts without regard to white space at their ends and to kinds of line ends."""
    plain = ["\n".join(line.rstrip() for line in text.strip().splitlines()) for text in texts]
    return hashlib.sha256(json.dumps(plain).encode("utf-8")).hexdigest()


def _spread(found: Mapping[str, Sequence[Answered]], count: int, seed: int) -> list[Answered]:
    """So many in turn from every task, in an order that is drawn."""
    waiting = []
    for task, documents in found.items():
        mixed = list(documents)
        random.Random(f"{seed}:{task}").shuffle(mixed)
        waiting.append(mixed)
    chosen: list[Answered] = []
    while len(chosen) < count:
        for documents in waiting:
            if documents and len(chosen) < count:
                chosen.append(documents.pop())
    random.Random(seed).shuffle(chosen)
    return chosen


def write_csv(sheet: Sheet) -> str:
    """The sheet for spreadsheets: UTF-8 with a byte order mark, as Excel needs it."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in sheet.items:
        cells = (sheet.name, "", item.code, item.question, *item.answers, "", "")
        writer.writerow([neutral(cell) for cell in cells])
    return "\ufeff" + stream.getvalue()


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `original` gives back what it was.

    >>> neutral("=1+1"), original("'=1+1"), original(neutral("'quoted'"))
    ("'=1+1", '=1+1', "'quoted'")
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def original(cell: str) -> str:
    """The text of a cell that `neutral` wrote."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
