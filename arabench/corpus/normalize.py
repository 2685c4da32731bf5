"""Normalize files: the loop behind `arabench normalize`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from arabench.corpus.files import (
    STDIO,
    Format,
    atomic_writer,
    check_input,
    format_of,
    is_device,
    plan_outputs,
    rejects_path,
)
from arabench.corpus.readers import Reject, check_text_column, read_batches, read_schema
from arabench.corpus.writers import open_writer
from arabench.errors import DataError, UsageError
from arabench.text.engine import BatchNormalizer
from arabench.text.normalize import Normalizer

OnError = Literal["stop", "quarantine"]


@dataclass
class Summary:
    """Counts of one run. `rows == written + rejected` always holds."""

    rows: int = 0
    written: int = 0
    changed: int = 0
    null: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    rejects_files: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    """What output formats could not hold, in words."""


def normalize_files(
    inputs: Sequence[str],
    output: str,
    normalizer: Normalizer,
    *,
    text_field: str = "text",
    input_format: str | None = None,
    output_format: str | None = None,
    on_error: OnError = "quarantine",
    on_bytes: Callable[[int], None] | None = None,
) -> Summary:
    """Rewrite the text field of every row of every input; keep all other fields.

    Memory is bounded by one batch (4 MiB of lines or of Parquet rows, and one row if it
    is longer) and one row group of written Parquet (32 MiB). Outputs appear under their
    names only when complete. Rows that cannot be read go to `<output>.rejects.jsonl`
    (`rejects.jsonl` for `-`), unless `on_error="stop"`.

    Raises:
        UsageError: a path, format or field is wrong.
        DataError: an input is empty or damaged, or a row is bad and `on_error="stop"`.
    """
    for name in inputs:
        check_input(name)
    summary = Summary()
    engine = BatchNormalizer(normalizer)
    chosen = None if output_format is None else format_of(output, output_format)
    plan = plan_outputs(inputs, output, chosen)
    formats = [_target_format(sources, target, input_format, chosen) for sources, target in plan]
    for (sources, target), target_format in zip(plan, formats, strict=True):
        _normalize_to(
            sources,
            target,
            target_format,
            engine,
            text_field,
            input_format,
            on_error,
            on_bytes,
            summary,
        )
        summary.outputs.append(target)
    return summary


def _target_format(
    sources: list[str], target: str, input_format: str | None, output_format: Format | None
) -> Format:
    source_formats = [format_of(source, input_format) for source in sources]
    same_name = Path(target).name == Path(sources[0]).name
    if output_format is None and (is_device(target) or same_name):
        chosen = source_formats[0]
    else:
        chosen = format_of(target, output_format)
    if chosen == "parquet" and is_device(target):
        raise UsageError(
            f"Parquet cannot be written to {target!r}. "
            "Use -o FILE.parquet, or --output-format jsonl."
        )
    return chosen


def _normalize_to(
    sources: list[str],
    target: str,
    target_format: Format,
    normalizer: BatchNormalizer,
    text_field: str,
    input_format: str | None,
    on_error: OnError,
    on_bytes: Callable[[int], None] | None,
    summary: Summary,
) -> None:
    rejects_file = rejects_path(target)
    schema = None
    if target_format == "parquet":
        schema = _common_schema(sources, input_format, text_field)
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(atomic_writer(target))
        writer = open_writer(stream, target_format, text_field, schema)
        rejects: IO[bytes] | None = None
        for source in sources:
            source_format = format_of(source, input_format)
            for batch in read_batches(
                source, source_format, text_field, on_bytes, keep_columns=schema is not None
            ):
                _normalize_rows(batch.rows, text_field, normalizer, summary)
                writer.write(batch)
                summary.rows += len(batch.rows) + len(batch.rejects)
                summary.written += len(batch.rows)
                if batch.rejects and on_error == "stop":
                    first = batch.rejects[0]
                    raise DataError(
                        f"{first.file}:{first.line}: {first.reason}. {target!r} was not written. "
                        "Use --on-error quarantine to set such rows aside."
                    )
                if batch.rejects and rejects is None:
                    rejects = stack.enter_context(atomic_writer(rejects_file))
                    summary.rejects_files.append(rejects_file)
                for reject in batch.rejects:
                    _count(reject, summary)
                    assert rejects is not None
                    rejects.write(reject.as_json())
        writer.close()
        summary.losses += [f"{target}: {loss}" for loss in writer.losses()]
    if rejects is None and not is_device(target):
        Path(rejects_file).unlink(missing_ok=True)  # of an earlier run on worse data


def _normalize_rows(
    rows: list[dict[str, Any]], text_field: str, normalizer: BatchNormalizer, summary: Summary
) -> None:
    filled = [row for row in rows if row[text_field] is not None]
    summary.null += len(rows) - len(filled)
    texts = normalizer.normalize_many([row[text_field] for row in filled])
    for row, after in zip(filled, texts, strict=True):
        if after != row[text_field]:
            row[text_field] = after
            summary.changed += 1


def _count(reject: Reject, summary: Summary) -> None:
    summary.rejected += 1
    kind = reject.reason.split(" at ")[0].split(":")[0]
    summary.reasons[kind] = summary.reasons.get(kind, 0) + 1


def _common_schema(sources: list[str], input_format: str | None, text_field: str) -> Any:
    """The Arrow schema that holds every source when all are Parquet, else None.

    Raises:
        UsageError: the sources have columns of the same name and different types.
    """
    formats = {format_of(source, input_format) for source in sources}
    if formats != {"parquet"} or STDIO in sources:
        return None
    import pyarrow as pa

    schemas = [read_schema(source) for source in sources]
    for source, schema in zip(sources, schemas, strict=True):
        check_text_column(source, schema, text_field)
    if all(schema.equals(schemas[0]) for schema in schemas):
        return schemas[0]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException as error:
        raise UsageError(
            f"the columns of {', '.join(sources)} do not fit together: {error}. "
            "Write them to a folder, one file each, or to .jsonl."
        ) from error
