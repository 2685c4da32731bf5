"""Tables in, tables out: what all engines share."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pyarrow as pa
import pytest

from arabench.engines.worker import as_options, engine_for, normalize_table
from arabench.errors import DataError, UsageError
from arabench.text.options import Options
from arabench.text.presets import options_from
from tests.engines.support import PRESETS, expected, invalid_utf8, rows

LLM = options_from("llm")
KINDS = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_table_keeps_its_schema_and_gets_the_reference_text(
    preset: str, kind: pa.DataType
) -> None:
    columns = pa.schema(
        [("id", pa.int64()), ("text", kind), ("label", pa.string())], metadata={"k": "v"}
    )
    given = pa.Table.from_pylist(rows(), schema=columns)
    chunks = pa.concat_tables([given.slice(0, 5), given.slice(5, 0), given.slice(5)])
    after = normalize_table(chunks, "text", engine_for(options_from(preset)))
    assert after.to_pylist() == expected(preset)
    assert after.schema.equals(columns, check_metadata=True)


def test_a_record_batch_comes_back_as_a_record_batch() -> None:
    batch = pa.RecordBatch.from_pylist(rows())
    after = normalize_table(batch, "text", engine_for(LLM))
    assert isinstance(after, pa.RecordBatch)
    assert after.to_pylist() == expected("llm")


@pytest.mark.parametrize(
    "table",
    [
        pa.table({}),
        pa.table({"text": pa.array([], pa.string())}),
        pa.table({"text": pa.nulls(3), "id": [1, 2, 3]}),
    ],
    ids=["no columns", "no rows", "all null"],
)
def test_blocks_with_nothing_to_normalize_come_back_as_they_are(table: pa.Table) -> None:
    assert normalize_table(table, "text", engine_for(LLM)).equals(table)


@pytest.mark.parametrize(
    ("table", "fault", "message"),
    [
        (pa.table({"body": ["نص"]}), UsageError, "no column 'text'.*body"),
        (pa.table({"text": [1]}), UsageError, "int64, not text"),
        (pa.table({"text": invalid_utf8()}), DataError, "not UTF-8"),
    ],
)
def test_tables_that_cannot_be_normalized_are_refused_with_the_reason(
    table: pa.Table, fault: type[Exception], message: str
) -> None:
    with pytest.raises(fault, match=message):
        normalize_table(table, "text", engine_for(LLM))


def test_a_process_has_one_engine_for_equal_options() -> None:
    again: Options = pickle.loads(pickle.dumps(LLM))  # noqa: S301  # made on this line
    assert engine_for(again) is engine_for(LLM)
    assert engine_for(options_from("search")) is not engine_for(LLM)


def test_options_are_taken_as_they_are_or_by_preset_name() -> None:
    assert as_options("llm") == LLM
    assert as_options(LLM) is LLM
    with pytest.raises(UsageError, match="Did you mean 'llm'"):
        as_options("lm")


def test_importing_the_engines_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from arabench.engines import datatrove_step, hf_datasets, ray_data, spark\n"
        "heavy = {'ray', 'pyspark', 'datatrove', 'datasets', 'numba', 'pyarrow'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
