"""JSON objects in files that we, other tools or other people wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from arabench.errors import DataError


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in `path`.

    Raises:
        DataError: the file cannot be read, is no JSON, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold a JSON object.")
    return content
