"""Manifests made apart: a killed run goes on, a finished one is left alone, another is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.manifest import read_manifest
from arabench.corpus.runs.run import Summary
from arabench.corpus.runs.verification import verify
from arabench.corpus.steps.normalize import normalize_files
from arabench.engines.file_manifests import FileTask, finished_before, join_manifests
from arabench.errors import UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

LLM = Normalizer(options_from("llm"))
IO = IoOptions(manifest="xxh128", journal="resume")


@pytest.fixture
def tasks(tmp_path: Path) -> list[FileTask]:
    """Three inputs, two of one name, one with an unreadable line; none is done yet."""
    found = []
    for place, lines in (("a/x", b"\xd9\x86\n"), ("b/x", b"ok\n\xff\n"), ("b/y", b"")):
        source = tmp_path / "in" / f"{place}.txt"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(lines or b"\n")
        found.append(FileTask(str(source), str(tmp_path / "out" / f"{place}.txt")))
    return found


def run(task: FileTask) -> Summary:
    return normalize_files([task.source], task.target, LLM, dataclasses.replace(IO, journal="none"))


def before(tasks: list[FileTask], io: IoOptions = IO) -> dict[FileTask, Summary] | Summary:
    folder = Path(tasks[0].target).parent.parent
    return finished_before(str(folder), tasks, LLM.signature, io)


def finish(tasks: list[FileTask]) -> str:
    for task in tasks:
        run(task)
    return join_manifests(str(Path(tasks[0].target).parent.parent), tasks, IO)


def test_tasks_that_are_done_are_known_by_their_manifest(tasks: list[FileTask]) -> None:
    assert before(tasks) == {}
    summary = run(tasks[1])
    assert before(tasks) == {tasks[1]: dataclasses.replace(summary, resumed=1)}


def _touch_input(task: FileTask) -> None:
    Path(task.source).write_bytes("نص آخر\n".encode())


def _damage_output(task: FileTask) -> None:
    Path(task.target).write_bytes(b"x" + Path(task.target).read_bytes()[1:])


def _remove_side_file(task: FileTask) -> None:
    Path(f"{task.target}.rejects.jsonl").unlink()


def _cut_manifest(task: FileTask) -> None:
    Path(task.manifest).write_bytes(Path(task.manifest).read_bytes()[:50])


@pytest.mark.parametrize("change", [_touch_input, _damage_output, _remove_side_file, _cut_manifest])
def test_a_task_is_done_again_when_something_of_it_has_changed(
    tasks: list[FileTask], change: Callable[[FileTask], None]
) -> None:
    run(tasks[0])
    run(tasks[1])
    change(tasks[1])
    assert list(before(tasks)) == [tasks[0]]  # type: ignore[arg-type]  # a dict here


def test_a_task_is_done_again_under_other_settings(tasks: list[FileTask]) -> None:
    run(tasks[0])
    assert before(tasks, dataclasses.replace(IO, text_field="body")) == {}
    assert before(tasks, dataclasses.replace(IO, manifest="sha256")) == {}
    folder = str(Path(tasks[0].target).parent.parent)
    assert finished_before(folder, tasks, "normalize:other", IO) == {}
    assert before(tasks) != {}


def test_the_joined_manifest_is_that_of_the_folder_and_the_parts_are_gone(
    tasks: list[FileTask], tmp_path: Path
) -> None:
    path = finish(tasks)
    manifest = read_manifest(path)
    assert path == str(tmp_path / "out" / ".manifest.json")
    assert [record.path for record in manifest.outputs] == ["a/x.txt", "b/x.txt", "b/y.txt"]
    assert [record.path for record in manifest.side_files] == ["b/x.txt.rejects.jsonl"]
    assert [record.path for record in manifest.inputs] == [task.source for task in tasks]
    assert (manifest.counts.rows, manifest.counts.rejected) == (4, 1)
    assert verify(path, inputs=True)[1] == []
    assert not list((tmp_path / "out").rglob("*?.manifest.json"))


def test_a_run_that_is_complete_is_known_as_a_whole(tasks: list[FileTask]) -> None:
    path = finish(tasks)
    whole = before(tasks)
    assert isinstance(whole, Summary)
    assert whole.already_complete
    assert whole.outputs == [task.target for task in tasks]
    assert whole.rejects_files == [f"{tasks[1].target}.rejects.jsonl"]
    assert (whole.rows, whole.rejected, whole.manifests) == (4, 1, [path])


def test_outputs_of_another_run_are_refused(tasks: list[FileTask]) -> None:
    finish(tasks)
    with pytest.raises(UsageError, match=r"holds another run: other inputs.*--no-resume"):
        before(tasks[:2])
    with pytest.raises(UsageError, match="text_field was 'text', is now 'body'"):
        before(tasks, dataclasses.replace(IO, text_field="body"))
    _touch_input(tasks[0])
    with pytest.raises(UsageError, match=r"in/a/x\.txt' was another or has changed"):
        before(tasks)


def test_a_changed_output_of_a_complete_run_is_made_again(tasks: list[FileTask]) -> None:
    path = finish(tasks)
    _damage_output(tasks[1])
    assert before(tasks) == {}
    assert not Path(path).exists()


@pytest.mark.parametrize(
    "io",
    [
        dataclasses.replace(IO, journal="restart"),
        dataclasses.replace(IO, journal="none"),
        dataclasses.replace(IO, manifest="none"),
    ],
)
def test_without_resume_the_records_of_outputs_to_be_replaced_are_removed(
    tasks: list[FileTask], io: IoOptions
) -> None:
    path = finish(tasks)
    run(tasks[0])
    assert before(tasks, io) == {}
    assert not Path(path).exists()
    assert not Path(tasks[0].manifest).exists()


def test_what_a_killed_run_left_unfinished_is_removed_and_nothing_else(
    tasks: list[FileTask],
) -> None:
    run(tasks[0])
    folder = Path(tasks[0].target).parent
    left = [".x.txt.12.partial", ".x.txt.rejects.jsonl.12.partial"]
    others = [".z.txt.12.partial", ".x.txt.partial", "x.txt.12.partial"]
    for name in [*left, *others]:
        (folder / name).write_bytes(b"")
    before(tasks)
    names = {file.name for file in folder.iterdir()}
    assert names == {"x.txt", "x.txt.manifest.json", *others}


def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    name = b"\xff.txt".decode("utf-8", "surrogateescape")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"ok\n")
    task = FileTask(str(tmp_path / "in" / name), str(tmp_path / "out" / "b" / name))
    run(task)
    path = join_manifests(str(tmp_path / "out"), [task], IO)
    assert verify(path, inputs=True)[1] == []
    whole = finished_before(str(tmp_path / "out"), [task], LLM.signature, IO)
    assert isinstance(whole, Summary)
    assert whole.outputs == [task.target]
