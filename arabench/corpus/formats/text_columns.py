"""The text column of a record batch or schema, also in a struct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from arabench.corpus.formats.rows import choices
from arabench.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT_TYPES: Final = {"string", "large_string", "string_view", "null"}


def check_text_column(
    path: str, schema: pa.Schema, text_field: str, *, nested: bool = True
) -> None:
    """Raise `UsageError` unless the column exists once and holds text.

    Args:
        path: for messages.
        schema: of the whole file.
        text_field: a column, or with `nested` a path into a struct such as `meta.body`.
    """
    import pyarrow as pa

    kind = text_type(schema, text_field) if nested or text_field in schema.names else None
    if kind is None:
        names = list(column_names(schema)) if nested else schema.names
        raise UsageError(f"{path!r} has no column {text_field!r}. {choices(text_field, names)}")
    twice = {name for name in schema.names if schema.names.count(name) > 1}
    if twice:
        raise UsageError(
            f"{path!r} has several columns of the name {min(twice)!r}. Rename them first."
        )
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if str(value) not in _TEXT_TYPES:
        raise UsageError(
            f"column {text_field!r} of {path!r} is {kind}, not text. "
            "Choose a text column with --field."
        )


def text_type(schema: pa.Schema, text_field: str) -> pa.DataType | None:
    """The type of a column or of a path into structs; None if there is none."""
    import pyarrow as pa

    if text_field in schema.names:
        return schema.field(schema.names.index(text_field)).type
    first, *path = text_field.split(".")
    if schema.names.count(first) != 1:
        return None
    kind = schema.field(first).type
    for key in path:
        if not pa.types.is_struct(kind) or kind.get_field_index(key) < 0:
            return None
        kind = kind.field(kind.get_field_index(key)).type
    return kind


def column_names(schema: pa.Schema) -> Iterator[str]:
    """Columns and the paths into their structs, to two levels."""
    import pyarrow as pa

    def below(name: str, kind: pa.DataType) -> Iterator[str]:
        yield name
        if pa.types.is_struct(kind) and name.count(".") < 2:
            for place in range(kind.num_fields):
                yield from below(f"{name}.{kind.field(place).name}", kind.field(place).type)

    for column in schema:
        yield from below(column.name, column.type)


def text_column(columns: pa.RecordBatch, text_field: str) -> pa.Array:
    """The text of a record batch as an array; null where a struct on the way is null."""
    if text_field in columns.schema.names:
        return columns.column(columns.schema.names.index(text_field))
    first, *path = text_field.split(".")
    array = columns.column(columns.schema.names.index(first))
    for key in path:
        array = array.flatten()[array.type.get_field_index(key)]
    return array


def with_text_column(columns: pa.RecordBatch, text_field: str, texts: pa.Array) -> pa.RecordBatch:
    """A record batch with its text replaced; every other value, also in the structs, kept.

    Args:
        columns: the rows.
        text_field: a column or a path into structs.
        texts: array of the same type as the text was.
    """
    schema = columns.schema
    if text_field in schema.names:
        place = schema.names.index(text_field)
        return columns.set_column(place, schema.field(place), texts)
    first, *path = text_field.split(".")
    place = schema.names.index(first)
    return columns.set_column(
        place, schema.field(place), _with_child(columns.column(place), path, texts)
    )


def _with_child(array: pa.StructArray, path: Sequence[str], texts: pa.Array) -> pa.StructArray:
    import pyarrow as pa

    key, *rest = path
    children = [array.field(place) for place in range(array.type.num_fields)]
    place = array.type.get_field_index(key)
    children[place] = _with_child(children[place], rest, texts) if rest else texts
    fields = [array.type.field(index) for index in range(array.type.num_fields)]
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(children, fields=fields, mask=mask)


def take_rows(columns: pa.RecordBatch, places: Sequence[int]) -> pa.RecordBatch:
    """The rows of a record batch at `places`, which rise."""
    import pyarrow as pa

    try:
        return columns.take(pa.array(places, pa.int64()))
    except pa.ArrowNotImplementedError:  # of views of strings, as Polars writes them
        known = set(places)
        starts = [place for place in places if place - 1 not in known]
        ends = [place + 1 for place in places if place + 1 not in known]
        runs = [columns.slice(start, end - start) for start, end in zip(starts, ends, strict=True)]
        return pa.concat_batches(runs or [columns.slice(0, 0)])


def common_schema(paths: Sequence[str], schemas: Sequence[pa.Schema]) -> pa.Schema:
    """The schema that holds the rows of all files.

    Raises:
        UsageError: the files have columns of the same name and different types.
    """
    import pyarrow as pa

    if all(schema.equals(schemas[0]) for schema in schemas):
        return schemas[0]
    try:
        schema = pa.unify_schemas(list(schemas), promote_options="permissive")
    except pa.ArrowException as error:
        raise UsageError(
            f"the columns of {', '.join(paths)} do not fit together: {error}. "
            "Write them to a folder, one file each, or to .jsonl."
        ) from error
    # `datasets` notes the columns of the first file here, and would refuse to load others.
    metadata = {
        key: value for key, value in (schema.metadata or {}).items() if key != b"huggingface"
    }
    return schema.with_metadata(metadata or None)
