"""The contract of a step: defaults of every hook, and what a run asks of one, once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.cli.main import main
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.function_engine import FunctionEngine
from arabench.corpus.runs import output_names, plan
from arabench.corpus.runs.inputs import expand_inputs
from arabench.corpus.runs.run import run_files
from arabench.corpus.step import Processed, Row, Step, TextStep
from arabench.corpus.steps.dedup.duplicates import DedupOptions, DedupStep
from arabench.corpus.steps.dialect.tags import TagDialectStep
from arabench.corpus.steps.normalize import NormalizeStep, normalize_files
from arabench.corpus.steps.sentences import SentenceStep
from arabench.dialect.identification import Identifier
from arabench.files import atomic
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import CLEAN, RAW, read_rows, write_rows
from tests.dialect.toy_model import hand_made

LLM = Normalizer(options_from("llm"))


class Upper(Step):
    """The least that a step must say."""

    @property
    def signature(self) -> str:
        return "upper:1"

    def __call__(self, rows: list[Row]) -> Processed:
        for row in rows:
            row["text"] = row["text"].upper()
        return Processed(rows, changed=len(rows))


class Touchy(Upper):
    """A step none of whose properties may be asked for by the way."""

    @property
    def engine(self) -> Any:
        raise AssertionError("a property was run")

    @property
    def annotator(self) -> Any:
        raise AssertionError("a property was run")


def test_a_step_needs_a_signature_and_a_call_and_has_every_other_hook() -> None:
    step = Upper()
    assert (step.parallel, step.reshapes, step.engine, step.annotator) == (False, False, None, None)
    step.start_source("a.jsonl")
    assert step.output_schema(pa.schema([("text", pa.string())])) is None
    with pytest.raises(TypeError, match="abstract"):
        Step()  # type: ignore[abstract]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "txt"])
def test_the_least_step_serves_every_format(tmp_path: Path, suffix: str) -> None:
    source = write_rows(tmp_path / f"in.{suffix}", [{"text": "text"}, {"text": "b"}])
    target = tmp_path / f"out.{suffix}"
    summary = run_files([str(source)], str(target), Upper())
    assert (summary.rows, summary.changed) == (2, 2)
    assert [row["text"] for row in read_rows(target)] == ["TEXT", "B"]


def test_asking_whether_something_is_a_step_runs_none_of_its_properties() -> None:
    assert isinstance(Touchy(), Step)
    assert not isinstance(Touchy(), TextStep)


@pytest.mark.parametrize("suffix", ["jsonl", "txt", "parquet"])
def test_any_function_of_strings_is_an_engine_and_lanes_and_rows_agree(
    tmp_path: Path, suffix: str
) -> None:
    class Swap(TextStep):
        signature = "swap:1"

    step = Swap(FunctionEngine(lambda texts: [text.swapcase() for text in texts]))
    rows = [{"text": "aB"}, {"text": "Cd"}]
    source = write_rows(tmp_path / f"in.{suffix}", rows)
    run_files([str(source)], str(tmp_path / f"out.{suffix}"), step)
    made = [row["text"] for row in step([dict(row) for row in rows]).rows]
    assert [row["text"] for row in read_rows(tmp_path / f"out.{suffix}")] == made == ["Ab", "cD"]


def test_a_tagged_step_keeps_the_contract_of_the_step_in_it(tmp_path: Path) -> None:
    identifier = Identifier(hand_made())
    inner = DedupStep(DedupOptions("exact"))
    tagged = TagDialectStep(inner, identifier)
    assert not tagged.parallel
    rows = [{"text": "شو بدي هلق"}, {"text": "عايز كده"}, {"text": "شو بدي هلق"}]
    source = write_rows(tmp_path / "in.jsonl", rows)
    run_files([str(source)], str(tmp_path / "out.jsonl"), tagged, IoOptions(workers=4))
    assert [row["variety"] for row in read_rows(tmp_path / "out.jsonl")] == ["lev", "egy"]
    dropped = read_rows(tmp_path / "out.jsonl.dropped.jsonl")
    assert dropped[0]["reason"] == f"exact duplicate: of {source}:1"


def test_a_tagged_step_that_reshapes_gives_both_schemas(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.parquet", [{"text": "شو بدي هلق. عايز كده."}])
    tagged = TagDialectStep(SentenceStep(), Identifier(hand_made()))
    run_files([str(source)], str(tmp_path / "out.parquet"), tagged)
    found = pq.read_schema(tmp_path / "out.parquet").names
    assert found == ["text", "variety", "sentence_index", "start", "end"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder of two files."""
    (tmp_path / "data").mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        write_rows(tmp_path / "data" / name, [{"text": RAW}])
    return tmp_path


COMMANDS = {
    "normalize": [],
    "sentences": ["--join"],
    "script": ["--to", "buckwalter"],
    "dialect": [],
    "filter": [],
    "dedup": [],
    "tokenize": [],
    "detokenize": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_folders_of_inputs_are_searched_once(
    tree: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    searched: list[str] = []
    walk = os.walk

    def counting(top: Any, *rest: Any, **options: Any) -> Any:
        searched.append(str(top))
        return walk(top, *rest, **options)

    monkeypatch.setattr(os, "walk", counting)
    monkeypatch.chdir(tree)
    assert main([command, "data", "-o", "out/", *COMMANDS[command]]) == 0
    assert searched == ["data"]


def test_what_was_expanded_is_taken_as_it_is(tree: Path) -> None:
    found = expand_inputs([str(tree / "data")])
    assert expand_inputs(found) is found
    assert found.given == [str(tree / "data")]
    summary = normalize_files(found, str(tree / "out/"), LLM)
    assert summary.rows == 2
    assert read_rows(tree / "out" / "b.jsonl") == [{"text": CLEAN}]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_is_asked_once_whether_it_is_a_device(
    tree: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    asked: list[str] = []
    real = atomic.is_device

    def counting(path: str) -> bool:
        asked.append(path)
        return real(path)

    for module in (atomic, output_names, plan):
        monkeypatch.setattr(module, "is_device", counting)
    monkeypatch.chdir(tree)
    source = "data/a.jsonl"
    arguments = [source, "-o", "out.jsonl", "--manifest", "none", *COMMANDS[command]]
    assert main([command, *arguments]) == 0
    assert asked.count("out.jsonl") == 1


@pytest.mark.parametrize(
    ("names", "joined"), [(["a.txt", "b.jsonl"], None), (["b.jsonl", "a.txt"], "jsonl")]
)
def test_sentences_ask_the_plan_whether_an_output_is_plain_text(
    tree: Path, capsysbinary: pytest.CaptureFixture[bytes], names: list[str], joined: str | None
) -> None:
    # Several inputs into one stream: it has the format of the first.
    (tree / "data" / "a.txt").write_text(f"{RAW}\n", encoding="utf-8")
    sources = [str(tree / "data" / name) for name in names]
    status = main(["sentences", *sources, "-o", "-", "--join"])
    out, err = capsysbinary.readouterr()
    if joined is None:
        assert status == 2
        assert b"a line of plain text cannot hold the lines that --join makes" in err
    else:
        assert status == 0
        assert len([json.loads(line) for line in out.splitlines()]) == 2


def test_a_step_that_normalizes_shows_its_engine() -> None:
    step = NormalizeStep(LLM)
    assert step.engine.reference is LLM
    assert step([{"text": RAW}, {"text": None}]) == Processed(
        [{"text": CLEAN}, {"text": None}], [], 1
    )
