"""Split the texts of files into sentences: the step behind `arabench sentences`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.plan import plan_run
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Row, Step
from arabench.errors import UsageError
from arabench.text.sentences import SentenceSplitter, Span, trimmed

if TYPE_CHECKING:
    import pyarrow as pa

#: Fields that a row of one sentence has beside those of its document.
INDEX_FIELD: Final = "sentence_index"
START_FIELD: Final = "start"
END_FIELD: Final = "end"
NEW_FIELDS: Final = (INDEX_FIELD, START_FIELD, END_FIELD)

BLANK_REASON: Final = "no sentence"
SHORT_REASON: Final = "too short"


@dataclass(frozen=True)
class SentenceOptions:
    """What is written for each document."""

    join: bool = False
    """One row per document, its sentences separated by line feeds; else one per sentence."""
    min_chars: int = 0
    """Characters below which a sentence is dropped, white space around it not counted."""
    keep_empty: bool = False
    """Write documents without a sentence too, with an empty text; else they are dropped."""
    add_fields: bool = True
    """Add place and offsets to each sentence; without effect with `join`."""

    def __post_init__(self) -> None:
        if self.min_chars < 0:
            raise UsageError(f"min_chars={self.min_chars} is negative. Use 0 or more.")


class SentenceStep(Step):
    """Makes one row of each sentence, or puts each sentence on a line of its own.

    A row of a sentence has all fields of its document, the sentence without the white
    space around it as its text, its place `sentence_index` (from 0, dropped ones counted)
    and its offsets `start` and `end` in characters: `document[start:end]` is the text.
    A text that is null makes one row, of place and offsets 0.
    """

    parallel = True
    reshapes = True

    def __init__(self, options: SentenceOptions | None = None, text_field: str = "text") -> None:
        self.options = options or SentenceOptions()
        self.text_field = text_field
        self.splitter = SentenceSplitter()

    @property
    def signature(self) -> str:
        """Version of the rules and of Unicode, and the options."""
        options = self.options
        shape = "join" if options.join else "rows" if options.add_fields else "rows,text only"
        empty = "|keep_empty" if options.keep_empty else ""
        return f"{self.splitter.signature}|{shape}|min_chars:{options.min_chars}{empty}"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """The pyarrow schema of the rows made of rows of `schema`."""
        import pyarrow as pa

        if self.options.join or not self.options.add_fields:
            return schema
        for name in NEW_FIELDS:
            schema = schema.append(pa.field(name, pa.int64()))
        return schema

    def __call__(self, rows: list[Row]) -> Processed:
        """The rows of the sentences in order.

        Raises:
            UsageError: a row has a field of the name of one that is added.
        """
        name, options = self.text_field, self.options
        if options.add_fields and not options.join:
            self._refuse_fields(rows)
        texts = [row[name] for row in rows]
        spans = iter(self.splitter.split_many([text for text in texts if text is not None]))
        processed = Processed([])
        for row, text in zip(rows, texts, strict=True):
            if text is None:
                processed.rows.append(self._row(row, None, 0, Span(0, 0)))
                continue
            found = [trimmed(text, span) for span in next(spans)]
            found = [span for span in found if span.start < span.end]
            if options.join:
                self._join(row, text, found, processed)
            else:
                self._split(row, text, found, processed)
        return processed

    def _split(self, row: Row, text: str, found: list[Span], processed: Processed) -> None:
        if not found:
            self._blank(row, text, processed)
            return
        processed.changed += found != [(0, len(text))]
        for place, span in enumerate(found):
            sentence = self._row(row, text[span.start : span.end], place, span)
            if span.end - span.start < self.options.min_chars:
                processed.dropped.append((sentence, self._too_short(span)))
            else:
                processed.rows.append(sentence)

    def _join(self, row: Row, text: str, found: list[Span], processed: Processed) -> None:
        shortest = self.options.min_chars
        kept = [span for span in found if span.end - span.start >= shortest]
        if not found:
            self._blank(row, text, processed)
            return
        processed.dropped += [
            (
                {**row, self.text_field: text[span.start : span.end]},
                self._too_short(span),
            )
            for span in found
            if span.end - span.start < shortest
        ]
        if not kept and not self.options.keep_empty:
            return  # all of it is in the file for dropped rows
        joined = "\n".join(text[start:end] for start, end in kept)
        processed.changed += joined != text
        processed.rows.append({**row, self.text_field: joined})

    def _blank(self, row: Row, text: str, processed: Processed) -> None:
        if self.options.keep_empty:
            processed.changed += text != ""
            processed.rows.append(self._row(row, "", 0, Span(0, 0)))
        else:
            processed.dropped.append((row, f"{BLANK_REASON}: the text is blank"))

    def _row(self, row: Row, text: str | None, place: int, span: Span) -> Row:
        made = {**row, self.text_field: text}
        if self.options.add_fields and not self.options.join:
            made[INDEX_FIELD], made[START_FIELD], made[END_FIELD] = place, span.start, span.end
        return made

    def _too_short(self, span: Span) -> str:
        return f"{SHORT_REASON}: {span.end - span.start}, at least {self.options.min_chars}"

    def _refuse_fields(self, rows: list[Row]) -> None:
        for row in rows:
            for name in NEW_FIELDS:
                if name in row:
                    raise UsageError(
                        f"a row has a field {name!r} already, which its sentences would lose. "
                        "Rename it, or use --join, which adds no fields."
                    )


def sentence_files(
    inputs: AnyInputs,
    output: str,
    options: SentenceOptions | None = None,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Split the text of every row of every input; see `run_files`.

    Plain text gets the sentences alone, one per line.

    Returns:
        The summary, and the signature of what was done.

    Raises:
        UsageError: sentences joined by line feeds for an output of one text per line.
    """
    options, io = options or SentenceOptions(), io or IoOptions()
    found = expand_inputs(inputs, io.input_format)
    plan = plan_run(found, output, io)
    if all(target.file_format == "txt" for target in plan.targets):
        if options.join:
            raise UsageError(
                "a line of plain text cannot hold the lines that --join makes. "
                "Write .jsonl, or leave out --join: each sentence is then a line."
            )
        options = SentenceOptions(
            min_chars=options.min_chars, keep_empty=options.keep_empty, add_fields=False
        )
    step = SentenceStep(options, io.text_field)
    return run_files(found, output, step, io, on_bytes, plan=plan), step.signature
