"""Write the texts of files in another script: the step behind `arabench script`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from arabench.corpus.run import Summary, run_files
from arabench.corpus.steps import IoOptions, Processed


@dataclass(frozen=True)
class ScriptConversion:
    """What is done to each text.

    Attributes:
        convert: text -> text; may be called from several threads.
        signature: settings and version in one line.
    """

    convert: Callable[[str], str]
    signature: str


class ScriptStep:
    """Replaces the text of each row; nulls stay."""

    parallel = True
    reshapes = False

    def __init__(self, conversion: ScriptConversion, text_field: str = "text") -> None:
        self.conversion = conversion
        self.text_field = text_field

    @property
    def signature(self) -> str:
        """That of the conversion."""
        return f"script:{self.conversion.signature}"

    def __call__(self, rows: list[dict[str, Any]]) -> Processed:
        """The rows in order, with their text converted."""
        name, convert = self.text_field, self.conversion.convert
        processed = Processed(rows)
        for row in rows:
            before = row[name]
            if before is not None:
                after = convert(before)
                processed.changed += after != before
                row[name] = after
        return processed


def convert_files(
    inputs: Sequence[str],
    output: str,
    conversion: ScriptConversion,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Convert the text of every row of every input; see `run_files`.

    Returns:
        The summary, and the signature of what was done.
    """
    io = io or IoOptions()
    step = ScriptStep(conversion, io.text_field)
    return run_files(inputs, output, step, io, on_bytes), step.signature
