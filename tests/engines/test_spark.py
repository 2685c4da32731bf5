"""Spark in local mode: `mapInArrow` with the engine gives what the reference gives."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from arabench.engines.spark import normalize_dataframe, normalize_partitions
from arabench.errors import MissingExtraError, UsageError
from tests.engines.support import PRESETS, expected, rows

# Of pandas 3 PySpark 4 warns; mapInArrow does not use pandas.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully:FutureWarning")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark on two local threads; everything it writes goes to a temporary folder."""
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra arabench[spark]")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("no Java: Spark needs a Java runtime (apt install default-jre-headless)")
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_DIRS", str(folder / "local"))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            sql.SparkSession.builder.master("local[2]")
            .appName("arabench")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.memory", "512m")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder}")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "7")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()
    left = {"spark-warehouse", "metastore_db", "derby.log", "artifacts"}
    assert not left & {entry.name for entry in Path.cwd().iterdir()}


@pytest.fixture(scope="module")
def frame(spark: Any) -> Any:
    given = [(row["id"], row["text"], row["label"]) for row in rows()]
    return spark.createDataFrame(given, "id long, text string, label string").repartition(3)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_frame_gets_the_reference_text_and_keeps_the_rest(frame: Any, preset: str) -> None:
    after = normalize_dataframe(frame, preset)
    assert after.schema == frame.schema
    found = sorted((row.asDict() for row in after.collect()), key=lambda row: row["id"])
    assert found == expected(preset)


def test_the_function_serves_map_in_arrow_itself(frame: Any) -> None:
    after = frame.mapInArrow(normalize_partitions("llm", "text"), frame.schema)
    assert {row.id: row.text for row in after.collect()} == {
        row["id"]: row["text"] for row in expected("llm")
    }


def test_python_workers_keep_their_engine_between_tasks(frame: Any) -> None:
    def engines(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from arabench.engines.worker import engine_for

        function = normalize_partitions("llm", "text")
        for _ in function(batches):
            pass
        info = engine_for.cache_info()
        yield pa.record_batch({"pid": [os.getpid()], "built": [info.misses], "hits": [info.hits]})

    counts = [
        row
        for _ in range(2)
        for row in frame.mapInArrow(engines, "pid long, built long, hits long").collect()
    ]
    assert len(counts) == 6
    assert max(row.built for row in counts) <= len(PRESETS)
    assert max(row.hits for row in counts) >= 1


def test_text_of_another_name_is_normalized(frame: Any) -> None:
    after = normalize_dataframe(frame.withColumnRenamed("text", "body"), "llm", "body")
    assert after.columns == ["id", "body", "label"]
    assert {row.id: row.body for row in after.collect()} == {
        row["id"]: row["text"] for row in expected("llm")
    }


def test_a_wrong_column_is_refused_before_spark_starts_a_job(frame: Any) -> None:
    with pytest.raises(UsageError, match=r"no column 'txt'\. Did you mean 'text'"):
        normalize_dataframe(frame, "llm", "txt")
    with pytest.raises(UsageError, match="'id' of the frame is long, not text"):
        normalize_dataframe(frame, "llm", "id")


def test_the_function_pickles_to_its_settings_alone() -> None:
    function = normalize_partitions("llm", "body")
    list(function(iter([pa.RecordBatch.from_pydict({"body": ["كتـــاب"]})])))
    sent = pickle.dumps(function)
    assert len(sent) < 2000
    (after,) = pickle.loads(sent)(  # noqa: S301  # made two lines above
        iter([pa.RecordBatch.from_pydict({"body": ["كتـــاب", None]})])
    )
    assert after.to_pydict() == {"body": ["كتاب", None]}


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(MissingExtraError, match=r"arabench\[spark\]"):
        normalize_dataframe(None)
