"""A sheet as one HTML page that loads nothing, keeps the choices, and saves them as a file."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from markupsafe import Markup

from arabench import __version__
from arabench.audit.page import render
from arabench.evaluation.rating.sheets import ANSWERS_FORMAT, CHOICES, FIRST, SECOND, TIE, Sheet

#: What a choice is called on the page.
_NAMES: Final = {FIRST: "الجواب الأول أفضل", SECOND: "الجواب الثاني أفضل", TIE: "متساويان"}
_KEYS: Final = {FIRST: "1", SECOND: "2", TIE: "0"}


def sheet_page(sheet: Sheet) -> str:
    """The page; nothing in it tells whose answers they are."""
    script = files("arabench.evaluation.rating").joinpath("sheet.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return render(
        "sheet.html.j2",
        f"تقييم إجابات {sheet.name}",
        {"arabench": __version__},
        package="arabench.evaluation.rating",
        sheet=sheet,
        answers_format=ANSWERS_FORMAT,
        choices=[(choice, _NAMES[choice], _KEYS[choice]) for choice in CHOICES],
        script=Markup(script),  # noqa: S704 - a file of this package, allowed by its digest
        digest=digest,
    )
