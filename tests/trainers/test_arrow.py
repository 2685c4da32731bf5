"""Rows in files: all of them, whole or not at all, and few held at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets", reason="needs the extra arabench[train]")
import pyarrow as pa

from arabench.trainers.data.arrow import BATCH_ROWS, RowFile, open_rows

TURNS = [{"role": "user", "content": "نص"}]


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize("count", [1, BATCH_ROWS, 2 * BATCH_ROWS + 1])
def test_all_rows_in_order(count: int, in_file: bool, tmp_path: Path) -> None:
    rows = [{"text": f"نص {n}", "ids": [n, -100], "turns": TURNS} for n in range(count)]
    path = tmp_path / "below" / "rows" if in_file else None
    with RowFile(path) as kept:
        for row in rows:
            kept.add(row)
        made = kept.finish()
    assert made.to_list() == rows
    assert made.data.table.schema.field("ids").type == pa.list_(pa.int32())
    if path is not None:
        assert open_rows(path).to_list() == rows
        assert [file.name for file in path.parent.iterdir()] == ["rows"]


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with RowFile(tmp_path / "rows") as kept:
        for number in range(BATCH_ROWS + 1):
            kept.add({"ids": [number]})
        assert list(tmp_path.iterdir()) == [tmp_path / "rows.partial"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("length", "batches"), [(10, 1), (1 << 18, 3), (1 << 21, 10)])
def test_long_rows_are_held_in_smaller_numbers(length: int, batches: int, tmp_path: Path) -> None:
    row: dict[str, Any] = {"text": "x" * length}
    with RowFile(tmp_path / "rows") as kept:
        for _ in range(10):
            kept.add(row)
        kept.finish()
    with pa.memory_map(str(tmp_path / "rows")) as stream:
        assert len(list(pa.ipc.open_stream(stream))) == batches
