"""Another step, with the variety of each text as one more field: `normalize --tag-dialect`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.plan import plan_run, refuse_plain_text
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Row, Step
from arabench.corpus.steps.dialect.fields import VARIETY_FIELD, DialectOptions
from arabench.corpus.steps.dialect.labels import DialectStep

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.dialect.identification import Identifier


class TagDialectStep(Step):
    """Another step, with the variety of the text that came in as one more field.

    The text is looked at before the other step changes it: what it removes, such as
    letters of other languages or dots, may be what tells.
    """

    reshapes = True

    def __init__(
        self,
        step: Step,
        identifier: Identifier | None = None,
        text_field: str = "text",
        variety_field: str = VARIETY_FIELD,
    ) -> None:
        self.text_field = text_field
        self.parallel = step.parallel
        self._step = step
        self._tag = DialectStep(DialectOptions(variety_field, probs=False), identifier, text_field)

    @property
    def signature(self) -> str:
        """Both signatures."""
        return f"{self._step.signature}|{self._tag.signature}"

    def start_source(self, name: str) -> None:
        """Told to the other step."""
        self._step.start_source(name)

    def output_schema(self, schema: pa.Schema) -> pa.Schema | None:
        """That which the other step makes of the schema with the field added."""
        tagged = self._tag.output_schema(schema)
        return self._step.output_schema(tagged) if self._step.reshapes else tagged

    def __call__(self, rows: list[Row]) -> Processed:
        """What the other step makes of the tagged rows."""
        return self._step(self._tag(rows).rows)


def tag_files(
    inputs: AnyInputs,
    output: str,
    step: Step,
    io: IoOptions | None = None,
    identifier: Identifier | None = None,
    variety_field: str = VARIETY_FIELD,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Run a step on the rows of every input and add the variety of each; see `run_files`.

    Returns:
        The summary, and the signature of what was done.

    Raises:
        UsageError: an output of plain text, or the field exists.
    """
    io = io or IoOptions()
    found = expand_inputs(inputs, io.input_format)
    plan = plan_run(found, output, io)
    refuse_plain_text(plan, "the variety")
    tagged = TagDialectStep(step, identifier, io.text_field, variety_field)
    return run_files(found, output, tagged, io, on_bytes, plan=plan), tagged.signature
