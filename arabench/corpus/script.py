"""Write the texts of files in another script: the step behind `arabench script`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arabench.corpus.run import Summary, run_files
from arabench.corpus.steps import IoOptions
from arabench.corpus.text_engine import RewriteStep


@dataclass(frozen=True)
class ScriptConversion:
    """What is done to each text.

    Attributes:
        convert: text -> text; may be called from several threads.
        signature: settings and version in one line.
    """

    convert: Callable[[str], str]
    signature: str


class ScriptStep(RewriteStep):
    """Writes the text of every row in another script."""

    def __init__(self, conversion: ScriptConversion, text_field: str = "text") -> None:
        super().__init__(lambda texts: list(map(conversion.convert, texts)), text_field)
        self.conversion = conversion

    @property
    def signature(self) -> str:
        """That of the conversion."""
        return f"script:{self.conversion.signature}"


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
