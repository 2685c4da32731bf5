"""Label the texts of files with their variety: the step behind `arabench dialect`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import AnyInputs, expand_inputs
from arabench.corpus.runs.plan import plan_run, with_room_for
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import Processed, Row, Step
from arabench.corpus.steps.dialect.fields import (
    PROB_DECIMALS,
    WEIGHT_DECIMALS,
    DialectOptions,
    VarietyFields,
    refuse_fields,
    rounded,
    row_fields,
    with_fields,
)
from arabench.dialect.identification import Evidence, Identifier
from arabench.text.sentences import SentenceSplitter, trimmed

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.dialect.camel import FinerLabel


class DialectStep(Step):
    """Adds the variety of its text to every row, and what `DialectOptions` asks for.

    A text that is null has null in all added fields. What a row says of the reason is "" where
    the variety is known.
    """

    parallel = True
    reshapes = True

    def __init__(
        self,
        options: DialectOptions | None = None,
        identifier: Identifier | None = None,
        text_field: str = "text",
    ) -> None:
        self.options = options or DialectOptions()
        self.identifier = identifier or Identifier()
        self.text_field = text_field
        self._splitter = SentenceSplitter()
        if self.options.is_columnar:
            self.annotator = VarietyFields(self.options, self.identifier)

    @property
    def signature(self) -> str:
        """The model, when a text is unknown, and the fields that are written."""
        options = self.options
        parts = [self.identifier.signature, "fields:" + ",".join(options.fields)]
        if options.explain:
            parts.append(f"explain:{options.explain}")
        if options.sentences:
            parts.append(self._splitter.signature)
        if options.finer is not None:
            parts.append(f"finer:{options.finer}")
        return "|".join(parts)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """The pyarrow schema of the rows made of rows of `schema`."""
        self.refuse_fields_of(schema.names)
        return with_fields(schema, self.options)

    def refuse_fields_of(self, names: Iterable[str]) -> None:
        """Raise `UsageError` where one of `names` is that of a field that is added."""
        refuse_fields(names, self.options.fields)

    def __call__(self, rows: list[Row]) -> Processed:
        """The same rows with fields added.

        Raises:
            UsageError: a row has a field of the name of one that is added.
        """
        options, fields = self.options, self.options.fields
        for row in rows:
            if not row.keys().isdisjoint(fields):
                self.refuse_fields_of(row)
        filled = [row for row in rows if row[self.text_field] is not None]
        texts = [row[self.text_field] for row in filled]
        labels = self.identifier.label(texts)
        added: dict[str, Iterable[Any]] = dict(row_fields(labels, options))
        if options.explain:
            added[options.field("evidence")] = [
                _evidence(words)
                for words in self.identifier.explain(texts, labels, options.explain)
            ]
        if options.sentences:
            added[options.field("sentences")] = self._sentences(texts)
        if options.finer is not None:
            from arabench.dialect.camel import finer_labels

            added[options.field("finer")] = [
                None if label is None else _finer(label)
                for label in finer_labels(texts, options.finer)
            ]
        for name, values in added.items():
            for row, value in zip(filled, values, strict=True):
                row[name] = value
        if len(filled) < len(rows):
            nothing = dict.fromkeys(fields)
            for row in rows:
                if row[self.text_field] is None:
                    row.update(nothing)
        return Processed(rows)

    def _sentences(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Of each text its sentences: offsets in characters, label, highest probability."""
        spans = [
            [span for span in (trimmed(text, found) for found in splits) if span.start < span.end]
            for text, splits in zip(texts, self._splitter.split_many(list(texts)), strict=True)
        ]
        labels = self.identifier.label(
            [
                text[start:end]
                for text, found in zip(texts, spans, strict=True)
                for start, end in found
            ]
        )
        tops = rounded(labels).max(axis=1, initial=0.0).tolist()
        named = iter(zip(labels.varieties(), tops, strict=True))
        return [
            [
                {"start": span.start, "end": span.end, "variety": variety, "prob": prob}
                for span, (variety, prob) in zip(found, named, strict=False)
            ]
            for found in spans
        ]


def dialect_files(
    inputs: AnyInputs,
    output: str,
    options: DialectOptions | None = None,
    io: IoOptions | None = None,
    identifier: Identifier | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Label the text of every row of every input; see `run_files`.

    Plain text becomes JSON lines where it is written to standard output.

    Returns:
        The summary, and the signature of what was done.

    Raises:
        UsageError: an output of plain text, or a field of an added name exists.
    """
    io = io or IoOptions()
    found = expand_inputs(inputs, io.input_format)
    plan, io = with_room_for("the variety", plan_run(found, output, io), io)
    if options is not None and options.finer is not None:
        from arabench.dialect.camel import finer_labels

        finer_labels([], options.finer)  # says now what is not installed
    step = DialectStep(options, identifier, io.text_field)
    return run_files(found, output, step, io, on_bytes, plan=plan), step.signature


def _finer(label: FinerLabel) -> dict[str, Any]:
    prob = round(label.probs[label.label], PROB_DECIMALS)
    names = {"label": label.label, "country": label.country, "variety": label.variety}
    return {**names, "prob": prob}


def _evidence(words: Sequence[Evidence]) -> list[dict[str, Any]]:
    return [{"word": item.word, "weight": round(item.weight, WEIGHT_DECIMALS)} for item in words]
