"""Write the texts of files in another script: the step behind `arabench script`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.function_engine import FunctionEngine
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.plan import plan_run, with_room_for
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Row, Step, TextStep
from arabench.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.script.arabizi import ArabiziReader

#: Field of the readings of a text.
CANDIDATES_FIELD: Final = "candidates"


@dataclass(frozen=True)
class ScriptConversion:
    """What is done to each text.

    Attributes:
        convert: text -> text; may be called from several threads.
        signature: settings and version in one line.
    """

    convert: Callable[[str], str]
    signature: str


class ScriptStep(TextStep):
    """Writes the text of every row in another script."""

    def __init__(self, conversion: ScriptConversion, text_field: str = "text") -> None:
        engine = FunctionEngine(lambda texts: list(map(conversion.convert, texts)))
        super().__init__(engine, text_field)
        self.conversion = conversion

    @property
    def signature(self) -> str:
        """That of the conversion."""
        return f"script:{self.conversion.signature}"


class CandidatesStep(Step):
    """Writes Arabizi in Arabic letters, and the likeliest readings in a field of their own.

    A text that is null has null there too.

    Args:
        reader: of the convention.
        count: readings of a text, 1 to 50; the first becomes the text.
        text_field: field of the text.
    """

    parallel = True
    reshapes = True

    def __init__(self, reader: ArabiziReader, count: int, text_field: str = "text") -> None:
        reader.candidates("", count)  # refuses a count that is not allowed
        self.reader = reader
        self.count = count
        self.text_field = text_field

    @property
    def signature(self) -> str:
        """That of the reader, and how many readings."""
        return f"script:{self.reader.signature}|candidates:{self.count}"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """The pyarrow schema of the rows made of rows of `schema`."""
        import pyarrow as pa

        _refuse_candidates_among(schema.names)
        return schema.append(pa.field(CANDIDATES_FIELD, pa.list_(pa.string())))

    def __call__(self, rows: list[Row]) -> Processed:
        """The same rows with their text rewritten and the field added.

        Raises:
            UsageError: a row has a field of that name.
        """
        name, changed = self.text_field, 0
        for row in rows:
            _refuse_candidates_among(row)
            if row[name] is None:
                row[CANDIDATES_FIELD] = None
                continue
            found = self.reader.candidates(row[name], self.count)
            changed += found[0] != row[name]
            row[name], row[CANDIDATES_FIELD] = found[0], found
        return Processed(rows, changed=changed)


def _refuse_candidates_among(names: Iterable[str]) -> None:
    if CANDIDATES_FIELD in names:
        raise UsageError(
            f"a field {CANDIDATES_FIELD!r} is there already, and is never overwritten. Rename it, "
            "or leave out --candidates."
        )


def convert_files(
    inputs: AnyInputs,
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


def list_candidates(
    inputs: AnyInputs,
    output: str,
    reader: ArabiziReader,
    count: int,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Read the Arabizi of every row of every input in `count` ways; see `run_files`.

    Plain text becomes JSON lines where it is written to standard output.

    Returns:
        The summary, and the signature of what was done.

    Raises:
        UsageError: an output of plain text, a field of that name exists, or the count is not
            allowed.
    """
    io = io or IoOptions()
    step = CandidatesStep(reader, count, io.text_field)
    found = expand_inputs(inputs, io.input_format)
    plan, io = with_room_for("readings", plan_run(found, output, io), io)
    return run_files(found, output, step, io, on_bytes, plan=plan), step.signature
