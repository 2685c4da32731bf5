"""The datatrove step: same text as the reference, documents otherwise untouched, stats merged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from arabench.engines.datatrove_step import NormalizeDocuments
from arabench.errors import MissingExtraError, UsageError
from tests.engines.support import PRESETS, expected, rows


@pytest.fixture(scope="module")
def document() -> Any:
    pytest.importorskip("datatrove", reason="needs the extra arabench[datatrove]")
    from datatrove.data import Document

    return Document


def documents(document: Any) -> list[Any]:
    return [
        document(text=row["text"], id=str(row["id"]), metadata={"label": row["label"]})
        for row in rows()
    ]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("batch_docs", "batch_chars"), [(1, 1), (7, 1 << 20), (1024, 4 << 20)])
def test_documents_get_the_reference_text_and_keep_the_rest(
    document: Any, preset: str, batch_docs: int, batch_chars: int
) -> None:
    step = NormalizeDocuments(preset, batch_docs, batch_chars)
    given = documents(document)
    after = list(step(iter(given)))
    assert [one.text for one in after] == [row["text"] for row in expected(preset)]
    assert [id(one) for one in after] == [id(one) for one in given]
    assert [(one.id, one.metadata) for one in after] == [
        (str(row["id"]), {"label": row["label"]}) for row in rows()
    ]
    changed = sum(new != old for new, old in zip(expected(preset), rows(), strict=True))
    assert step.stats["total"].total == len(given)
    assert step.stats["changed"].total == changed
    assert step.stats["chars_out"].total == sum(len(one.text or "") for one in after)


def test_no_more_documents_are_held_than_a_batch(document: Any) -> None:
    taken = 0

    def source() -> Any:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield document(text="كتـــاب", id=str(number))

    first = next(iter(NormalizeDocuments("llm", batch_docs=10)(source())))
    assert first.text == "كتاب"
    assert taken == 10
    long = (document(text="ab" * 50, id=str(number)) for number in range(9))
    step = NormalizeDocuments("llm", batch_chars=250)
    next(iter(step(long)))
    assert step.stats["total"].total == 3


def test_lone_surrogates_from_json_escapes_are_replaced_as_the_reference_does(
    document: Any,
) -> None:
    (after,) = NormalizeDocuments("llm")([document(text="قبل \ud800 بعد", id="1")])
    assert after.text == "قبل \ufffd بعد"


def test_the_step_without_input_yields_nothing(document: Any) -> None:
    assert list(NormalizeDocuments("llm")(None)) == []


def test_an_executor_with_two_processes_runs_it_and_merges_its_stats(
    document: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.base import PipelineStep

    step = NormalizeDocuments("llm", batch_docs=7)
    assert isinstance(step, PipelineStep)
    executor = LocalPipelineExecutor(
        [_Source(document), step, _Sink(str(tmp_path))],
        tasks=2,
        workers=2,
        logging_dir=str(tmp_path / "logs"),
    )
    merged = executor.run()
    want = expected("llm")
    for rank in range(2):
        written = json.loads((tmp_path / f"{rank}.json").read_text("utf-8"))
        assert written == [[row["id"], row["text"]] for row in want[rank::2]]
    counts = {stats.name: stats for stats in merged.stats}
    assert counts[repr(step)]["total"].total == len(want)
    settings = json.loads((tmp_path / "logs" / "executor.json").read_text("utf-8"))
    assert settings["pipeline"][1]["signature"] == step.signature


class _Source:
    """Every second row of `rows()` for each of two tasks."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Any:
        for row in rows()[rank::world_size]:
            yield self.document(text=row["text"], id=str(row["id"]))


class _Sink:
    """One JSON file of (id, text) per task."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Any:
        pairs = [[int(one.id), one.text] for one in data]
        Path(self.folder, f"{rank}.json").write_text(json.dumps(pairs), "utf-8")
        yield from ()


@pytest.mark.parametrize("name", ["batch_docs", "batch_chars"])
def test_impossible_batch_sizes_are_refused(document: Any, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=0 is not allowed"):
        NormalizeDocuments("llm", **{name: 0})


def test_without_datatrove_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datatrove", None)
    with pytest.raises(MissingExtraError, match=r"arabench\[datatrove\]"):
        NormalizeDocuments("llm")
