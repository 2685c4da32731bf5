"""Parts of a run in shards keep the size that was asked for, small ones too."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from arabench.corpus.formats.names import format_of
from arabench.corpus.formats.readers import read_batches
from arabench.corpus.formats.rows import BATCH_BYTES
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.journal import JOURNAL_NAME
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.steps.normalize import normalize_files
from arabench.errors import UsageError
from tests.corpus.runs.test_run import LLM, Keep
from tests.corpus.support import write_rows

#: The least that --shard-size takes.
SIZE = 1_000_000
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Some 4 MB of words that no compressor has seen before."""
    drawn = random.Random(0)
    words = ["".join(drawn.choices(LETTERS, k=drawn.randint(2, 9))) for _ in range(50_000)]
    return [{"n": n, "text": " ".join(drawn.choices(words, k=40))} for n in range(9_000)]


def written(folder: Path, suffix: str, rows: list[dict[str, Any]]) -> Path:
    """The rows in a file of one format."""
    source = write_rows(folder / "rows.parquet", rows)
    run_files([str(source)], str(folder / f"in.{suffix}"), Keep())
    return folder / f"in.{suffix}"


def run(kind: str, file: Path, out: Path, suffix: str) -> Summary:
    io = IoOptions(shard_bytes=SIZE, output_format=suffix)
    if kind == "rows":
        return run_files([str(file)], str(out), Keep(), io)
    return normalize_files([str(file)], str(out), LLM, io)


@pytest.mark.parametrize("kind", ["rows", "texts"])
@pytest.mark.parametrize(
    "suffix", ["jsonl", "txt", "csv", "jsonl.gz", "jsonl.zst", "parquet", "arrow"]
)
def test_parts_are_at_most_a_quarter_larger_than_asked_for(
    tmp_path: Path, rows: list[dict[str, Any]], kind: str, suffix: str
) -> None:
    file = written(tmp_path, suffix, rows)
    summary = run(kind, file, tmp_path / "out", suffix)
    sizes = [Path(name).stat().st_size for name in summary.outputs]
    assert len(sizes) > 1
    assert all(SIZE <= size <= SIZE * 5 / 4 for size in sizes[:-1]), sizes
    assert sizes[-1] <= SIZE * 5 / 4
    found = [
        row["text"]
        for name in summary.outputs
        for batch in read_batches(name, format_of(name), "text")
        for row in batch.rows
    ]
    assert found == [row["text"] for row in rows]


def test_parts_that_were_cut_otherwise_are_not_continued(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", [{"text": "نص"}])
    io = IoOptions(shard_bytes=SIZE, journal="resume")
    run_files([str(file)], str(tmp_path / "out"), Keep(), io)
    journal = tmp_path / "out" / JOURNAL_NAME
    before = journal.read_text("utf-8")
    assert f'"chunk_bytes":{SIZE // 8}' in before
    journal.write_text(before.replace(f'"chunk_bytes":{SIZE // 8}', '"chunk_bytes":2097152'))
    with pytest.raises(UsageError, match="chunk_bytes was 2097152, is now 125000"):
        run_files([str(file)], str(tmp_path / "out"), Keep(), io)


def test_chunks_are_the_usual_ones_without_parts_and_for_large_ones() -> None:
    assert IoOptions().chunk_bytes(BATCH_BYTES) == BATCH_BYTES
    assert IoOptions(shard_bytes=256_000_000).chunk_bytes(BATCH_BYTES) == BATCH_BYTES
    small = IoOptions(shard_bytes=SIZE)
    assert small.chunk_bytes(BATCH_BYTES) == SIZE // 8
    assert small.chunk_bytes(BATCH_BYTES, shrinks=True) == SIZE // 2
    assert IoOptions(shard_bytes=1).chunk_bytes(BATCH_BYTES) == 64 << 10
