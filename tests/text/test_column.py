"""Arrow string columns through the engine: same values, nulls and types as row by row."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.errors import DataError
from arabench.text.column import Column
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.strategies import any_text

REFERENCE = Normalizer(options_from("llm"))
TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
]
well_formed = any_text.map(lambda text: text.encode("utf-8", "replace").decode())


@pytest.mark.parametrize("compile_after", [0, 10**9])
@pytest.mark.parametrize("kind", TYPES, ids=str)
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.none() | well_formed, max_size=8), skip=st.integers(0, 3))
def test_equal_to_the_reference_for_every_type(
    kind: pa.DataType, compile_after: int, texts: list[str | None], skip: int
) -> None:
    array = pa.array(texts, kind).slice(skip)  # offsets that do not start at 0
    engine = BatchNormalizer(REFERENCE, compile_after_chars=compile_after)
    result = engine.normalize_array(array)
    assert result.type == kind
    result.validate(full=True)
    expected = [None if text is None else REFERENCE(text) for text in texts[skip:]]
    assert result.to_pylist() == expected
    column = engine.normalize_column(Column.of(array))
    assert column.changed == sum(a != b for a, b in zip(expected, texts[skip:], strict=True))


def test_null_columns_stay_null() -> None:
    result = BatchNormalizer(REFERENCE).normalize_array(pa.nulls(3))
    assert result.type == pa.null()
    assert len(result) == 3


@pytest.mark.parametrize("compile_after", [0, 10**9])
def test_values_that_are_not_utf8_are_named(compile_after: int) -> None:
    array = pa.array([b"a", b"\xff"], pa.binary()).view(pa.string())
    with pytest.raises(UnicodeDecodeError):
        BatchNormalizer(REFERENCE, compile_after_chars=compile_after).normalize_array(array)


def test_offsets_outside_the_data_are_refused() -> None:
    offsets = pa.py_buffer(np.array([0, 10**6, 2], dtype=np.int32))
    array = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ab")])
    with pytest.raises(DataError, match="outside its data"):
        Column.of(array)


def test_an_engine_travels_to_another_process() -> None:
    engine = pickle.loads(  # noqa: S301  # our own bytes
        pickle.dumps(BatchNormalizer(REFERENCE, compile_after_chars=0))
    )
    assert engine.normalize_many(["كتـــاب"]) == ["كتاب"]
    assert engine.reference.signature == REFERENCE.signature
