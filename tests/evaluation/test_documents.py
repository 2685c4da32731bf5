"""Documents made of slices of columns are those that lm-eval reads one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest

for package in ("datasets", "lm_eval"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import datasets  # noqa: E402
from lm_eval.utils import handle_non_serializable  # noqa: E402

from arabench.evaluation.harness.documents import indented, read_documents  # noqa: E402
from arabench.evaluation.harness.evaluator import Prompting, load_task  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402

ROWS: list[dict[str, Any]] = [
    {"id": number, "text": f"جملة {number}", "texts": ["أ", "ب"] * (number % 3), "score": None}
    for number in range(600)
]


@pytest.mark.parametrize("places", [range(600), range(3), range(590, 600), [0, 599, 7], [], [5, 5]])
@pytest.mark.parametrize("of_columns", [True, False])
def test_documents_are_the_rows(places: Any, of_columns: bool) -> None:
    data = datasets.Dataset.from_list(ROWS) if of_columns else ROWS
    found = list(read_documents(data, places))
    assert found == [ROWS[place] for place in places]
    assert all(list(one) == list(ROWS[0]) for one in found)


def test_documents_are_dictionaries_of_their_own() -> None:
    for data in (datasets.Dataset.from_list(ROWS), ROWS):
        next(read_documents(data, [0]))["text"] = "else"
        assert next(read_documents(data, [0]))["text"] == ROWS[0]["text"]


def test_a_window_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Any] = []
    plain = datasets.Dataset.__getitem__

    def counted(self: datasets.Dataset, key: Any) -> Any:
        reads.append(key)
        return plain(self, key)

    monkeypatch.setattr(datasets.Dataset, "__getitem__", counted)
    task = load_task(task_manager({}), "arabench_mmlu_physics", Prompting())
    for start in (0, 5):
        reads.clear()
        task.window = range(start, start + 5)
        task.build_all_requests(
            limit=None, rank=0, world_size=1, cache_requests=False, system_instruction=None
        )
        task.dump_config()
        shown = [document for _, document in task.doc_iterator()]
        assert len(reads) == 1
        assert shown == [plain(task.eval_docs, place) for place in task.window]
        for document in shown:
            document.clear()
        assert all(document for _, document in task.doc_iterator())


@pytest.mark.parametrize(
    "document",
    [
        *ROWS[:3],
        {"text": "سطر\nو\t\"علامة\" \\ \x00\x1f\x7f\u2028\ufeff😀"},
        {"empty": [], "none": {}, "ok": True},
        {"deep": {"a": [{"b": [[], [1, -2]]}, None]}, "": ""},
        {"float": 1e16, "small": 1e-7, "not": float("nan")},
        {"many digits": 2**70},
        {"surrogate": "\ud800"},
        {3: "a key that is a number"},
        {"set": {1}},
    ],
)  # fmt: skip
def test_the_text_is_lm_evals(document: dict[Any, Any]) -> None:
    wanted = json.dumps(document, indent=2, default=handle_non_serializable, ensure_ascii=False)
    assert indented(document) == wanted
