"""docs/architecture.md names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"


@pytest.mark.parametrize(
    "path",
    sorted(
        set(
            re.findall(
                r"`((?:arabench|trainers|tasks|tools|tests)/[\w/.]*)`", PAGE.read_text("utf-8")
            )
        )
    ),
)
def test_a_path_of_the_page_exists(path: str) -> None:
    assert (ROOT / path).exists()
