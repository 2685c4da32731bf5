"""Items that are left out of an evaluation: by task and id, and seen in what is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from arabench.errors import DataError, UsageError
from arabench.evaluation.contamination.exclusion import (
    excluded_items,
    exclusion_metadata,
    leave_out,
)
from arabench.evaluation.contamination.items import load_items
from arabench.evaluation.families.family import source_of


def splits(*names: str, **columns: Any) -> dict[str, datasets.Dataset]:
    rows = [{"id": name, "text": name, **columns} for name in names]
    return {"test": datasets.Dataset.from_list(rows), "train": datasets.Dataset.from_list(rows)}


def write(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_the_file_is_read_by_task(tmp_path: Path) -> None:
    rows = [
        {"task": "a", "id": "1"},
        {"task": "a", "id": "2", "level": "near"},
        {"task": "b", "id": "1"},
    ]
    path = write(tmp_path / "found.jsonl", *rows)
    assert excluded_items(path) == {"a": {"1", "2"}, "b": {"1"}}


def test_documents_go_and_the_others_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "found.jsonl", {"task": "a", "id": "2"})
    given = splits("1", "2", "3", conditions="sacrebleu 2")
    found = leave_out(given, "test", "a", {"arabench_exclude": path})
    assert found["test"]["id"] == ["1", "3"]
    assert found["train"]["id"] == ["1", "2", "3"]
    (said,) = set(found["test"]["conditions"])
    assert said.startswith("sacrebleu 2; 1 of 3 documents left out (")
    bare = leave_out(splits("1", "2", "3"), "test", "a", {"arabench_exclude": path})
    assert bare["test"]["conditions"][0] == said.removeprefix("sacrebleu 2; ")


def test_other_items_are_another_condition(tmp_path: Path) -> None:
    said = []
    for name in ("1", "2"):
        path = write(tmp_path / f"{name}.jsonl", {"task": "a", "id": name})
        found = leave_out(splits("1", "2", "3"), "test", "a", {"arabench_exclude": path})
        said.append(found["test"]["conditions"][0])
    assert said[0] != said[1]


def test_tasks_that_are_not_named_stay_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "found.jsonl", {"task": "a", "id": "2"})
    given = splits("1", "2")
    assert leave_out(given, "test", "b", {"arabench_exclude": path}) is given
    assert leave_out(given, "test", "a", {}) is given


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"task": "a", "id": "1"}\n{"task": ', r"found\.jsonl:2 is no JSON"),
        ('{"id": "1"}\n', r":1 names no task"),
        ('{"task": "a", "id": 1}\n', r":1 names no id"),
        ("[]\n", r":1 names no task"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "found.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        exclusion_metadata(str(path))


def test_refusals(tmp_path: Path) -> None:
    path = write(tmp_path / "found.jsonl", {"task": "a", "id": "1"}, {"task": "a", "id": "2"})
    chosen: dict[str, Any] = exclusion_metadata(path)
    with pytest.raises(UsageError, match=r"leaves out all 2 documents of task 'a'"):
        leave_out(splits("1", "2"), "test", "a", chosen)
    with pytest.raises(UsageError, match=r"names '2' of task 'a', which the data does not hold"):
        leave_out(splits("1", "3"), "test", "a", chosen)
    with pytest.raises(UsageError, match=r"documents without id"):
        leave_out({"test": datasets.Dataset.from_list([{"x": 1}])}, "test", "a", chosen)
    with pytest.raises(UsageError, match=r"arabench_exclude is 3; give the file"):
        leave_out(splits("1"), "test", "a", {"arabench_exclude": 3})
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        exclusion_metadata(str(tmp_path / "absent"))
    write(tmp_path / "found.jsonl", {"task": "a", "id": "1"})
    with pytest.raises(UsageError, match=r"has changed since the run was asked for"):
        leave_out(splits("1", "2"), "test", "a", chosen)


def test_a_changed_file_is_other_metadata(tmp_path: Path) -> None:
    before = exclusion_metadata(write(tmp_path / "found.jsonl", {"task": "a", "id": "1"}))
    after = exclusion_metadata(write(tmp_path / "found.jsonl", {"task": "a", "id": "2"}))
    assert before != after
    assert excluded_items(tmp_path / "found.jsonl") == {"a": {"2"}}


def test_tasks_leave_them_out(tmp_path: Path) -> None:
    """As lm-eval loads a task; and the data options take the keys."""
    tasks = ["arabench_mmlu_physics", "arabench_lm_egy"]
    every = load_items(tasks, {})
    gone = [every[3], every[-2]]
    rows = [{"task": item.task, "id": item.name} for item in gone]
    chosen = exclusion_metadata(write(tmp_path / "found.jsonl", *rows))
    assert source_of(chosen).data is None
    assert load_items(tasks, chosen) == [item for item in every if item not in gone]
