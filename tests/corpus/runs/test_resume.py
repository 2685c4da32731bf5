"""Killed runs: what was finished stays, the rest is made, nothing is there twice."""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from arabench.corpus.formats import readers
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.journal import JOURNAL_NAME
from arabench.corpus.runs.manifest import FOLDER_MANIFEST, read_manifest
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.runs.verification import verify
from arabench.corpus.step import Processed, Step
from arabench.corpus.steps.normalize import normalize_files
from arabench.errors import ArabenchError, DataError, UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import command, names, read_rows, start

WORDS = [
    "ذهب",
    "الولد",
    "إلى",
    "المدرسة",
    "شلونك",
    "إزيك",
    "كيفاش",
    "هاد",
    "الكتـــاب",
    "جميلٌ",
    "جدًّا",
    "١٢٣",
]
OWN = {JOURNAL_NAME, FOLDER_MANIFEST}
Stopped = KeyboardInterrupt


def write_corpus(path: Path, rows: int, seed: int, bad_every: int = 97) -> Path:
    chance = random.Random(seed)
    with path.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            text = " ".join(chance.choices(WORDS, k=chance.randint(1, 60)))
            line = json.dumps({"id": f"{path.stem}{number}", "text": text}, ensure_ascii=False)
            stream.write(line[: 9 if number % bad_every == 50 else None] + "\n")
    return path


def content(folder: Path) -> dict[str, bytes]:
    """All files but journal and manifest, which hold times."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name not in OWN
    }


class Shorten(Step):
    """Cuts texts; drops rows whose text begins with a digit."""

    signature = "shorten:1"
    parallel = True
    reshapes = False

    def __init__(self, fail_at: int | None = None, error: type[BaseException] = Stopped) -> None:
        self.calls = 0
        self.fail_at = fail_at
        self.error = error

    def __call__(self, rows: list[dict[str, Any]]) -> Processed:
        self.calls += 1
        if self.calls == self.fail_at:
            raise self.error("here")
        kept, dropped = [], []
        for row in rows:
            row["text"] = row["text"][:20]
            if row["text"][0] == "١":
                dropped.append((row, "digit"))
            else:
                kept.append(row)
        return Processed(kept, dropped, changed=len(kept))


class FirstOnly(Shorten):
    """Keeps the first row of each text: what it does depends on all rows before."""

    signature = "first:1"
    parallel = False

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__(fail_at)
        self.seen: set[str] = set()

    def __call__(self, rows: list[dict[str, Any]]) -> Processed:
        cut = super().__call__(rows)
        kept = []
        for row in cut.rows:
            if row["text"] not in self.seen:
                self.seen.add(row["text"])
                kept.append(row)
        ids = {row["id"] for row in kept}
        dropped = [(row, "seen") for row in cut.rows if row["id"] not in ids]
        return Processed(kept, cut.dropped + dropped)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ_BYTES", "BATCH_BYTES"):
        monkeypatch.setattr(readers, name, 3000)


@pytest.fixture
def corpus(tmp_path: Path) -> list[str]:
    return [
        str(write_corpus(tmp_path / f"{name}.jsonl", rows, seed))
        for seed, (name, rows) in enumerate([("a", 90), ("b", 5), ("c", 60)])
    ]


def run(inputs: list[str], output: Path, step: Shorten | None = None, **options: Any) -> Summary:
    options = {"journal": "resume", "manifest": "xxh128", **options}
    return run_files(inputs, str(output), step or Shorten(), IoOptions(**options))


SHARDS: dict[str, Any] = {"shard_bytes": 4000}
LAYOUTS = [pytest.param(SHARDS, id="shards"), pytest.param({}, id="file-per-input")]
STEPS = [Shorten, FirstOnly]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("make_step", STEPS)
@pytest.mark.parametrize("options", LAYOUTS)
def test_stopped_at_any_chunk_and_resumed_gives_the_same_files(
    tmp_path: Path,
    corpus: list[str],
    options: dict[str, Any],
    make_step: Callable[..., Shorten],
    workers: int,
) -> None:
    whole = make_step()
    expected = run(corpus, tmp_path / "whole", whole, **options)
    assert whole.calls > 8
    for fail_at in range(1, whole.calls + 1):
        folder = tmp_path / f"out{fail_at}"
        with pytest.raises(Stopped):
            run(corpus, folder, make_step(fail_at), workers=workers, **options)
        before = len(content(folder))
        assert not any(name.endswith(".partial") for name in names(folder))
        summary = run(corpus, folder, make_step(), workers=workers, **options)
        assert content(folder) == content(tmp_path / "whole")
        assert bool(before) == bool(summary.resumed)
        for name in ("rows", "written", "dropped", "rejected", "reasons", "drop_reasons"):
            assert getattr(summary, name) == getattr(expected, name), name
        assert len(summary.outputs) == len(expected.outputs)
        assert verify(str(folder), inputs=True, count_rows=True)[1] == []
        shutil.rmtree(folder)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("options", LAYOUTS)
def test_stopped_again_and_again_gives_the_same_files(
    tmp_path: Path, corpus: list[str], options: dict[str, Any]
) -> None:
    whole = Shorten()
    run(corpus, tmp_path / "whole", whole, **options)
    folder = tmp_path / "out"
    attempts = 0
    while not (folder / FOLDER_MANIFEST).exists():
        attempts += 1
        assert attempts < 9
        with contextlib.suppress(Stopped):
            run(corpus, folder, Shorten(fail_at=whole.calls // 2 + 4), **options)
    assert attempts > 1
    assert content(folder) == content(tmp_path / "whole")


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("options", LAYOUTS)
def test_complete_run_is_not_done_again(
    tmp_path: Path, corpus: list[str], options: dict[str, Any]
) -> None:
    first = run(corpus, tmp_path / "out", **options)
    manifest = (tmp_path / "out" / FOLDER_MANIFEST).read_bytes()
    step = Shorten()
    again = run(corpus, tmp_path / "out", step, **options)
    assert step.calls == 0
    assert again.already_complete
    assert (again.rows, again.outputs) == (first.rows, first.outputs)
    assert (tmp_path / "out" / FOLDER_MANIFEST).read_bytes() == manifest


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("options", LAYOUTS)
def test_restart_does_it_again(tmp_path: Path, corpus: list[str], options: dict[str, Any]) -> None:
    run(corpus, tmp_path / "out", **options)
    expected = content(tmp_path / "out")
    step = Shorten()
    run(corpus, tmp_path / "out", step, journal="restart", **options)
    assert step.calls > 8
    assert content(tmp_path / "out") == expected


def damage_nothing(file: Path) -> None:
    file.unlink()


def damage_size(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"\n")


def damage_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("make_step", STEPS)
@pytest.mark.parametrize("damage", [damage_nothing, damage_size, damage_byte])
@pytest.mark.parametrize("options", LAYOUTS)
def test_output_that_was_deleted_or_altered_is_made_again(
    tmp_path: Path,
    corpus: list[str],
    options: dict[str, Any],
    damage: Callable[[Path], None],
    make_step: Callable[..., Shorten],
) -> None:
    summary = run(corpus, tmp_path / "out", make_step(), **options)
    expected = content(tmp_path / "out")
    for name in [summary.outputs[1], summary.rejects_files[-1], summary.dropped_files[0]]:
        damage(Path(name))
        assert content(tmp_path / "out") != expected
        again = run(corpus, tmp_path / "out", make_step(), **options)
        assert not again.already_complete
        assert content(tmp_path / "out") == expected
        assert verify(str(tmp_path / "out"))[1] == []


@pytest.mark.usefixtures("small_chunks")
def test_manifest_that_was_lost_is_written_again(tmp_path: Path, corpus: list[str]) -> None:
    run(corpus, tmp_path / "out", **SHARDS)
    path = tmp_path / "out" / FOLDER_MANIFEST
    before = read_manifest(str(path))
    path.unlink()
    step = Shorten()
    run(corpus, tmp_path / "out", step, **SHARDS)
    assert step.calls == 0
    assert read_manifest(str(path)) == before


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("options", LAYOUTS)
def test_journal_cut_at_any_byte_still_gives_the_same_files(
    tmp_path: Path, corpus: list[str], options: dict[str, Any]
) -> None:
    run(corpus, tmp_path / "whole", **options)
    expected = content(tmp_path / "whole")
    journal = (tmp_path / "whole" / JOURNAL_NAME).read_bytes()
    ends = [place for place, byte in enumerate(journal) if byte == ord("\n")]
    cuts = {0, 1, len(journal) - 1} | {place + shift for place in ends for shift in (-1, 0, 1, 40)}
    for cut in sorted(cut for cut in cuts if 0 <= cut <= len(journal)):
        folder = tmp_path / "out"
        shutil.copytree(tmp_path / "whole", folder)
        (folder / JOURNAL_NAME).write_bytes(journal[:cut])
        if options and cut <= ends[0]:  # shards that no journal tells of
            with pytest.raises(UsageError, match="holds shards of another run"):
                run(corpus, folder, **options)
        else:
            # A kill leaves at most one output behind the last line of the journal.
            told = journal[: journal.rfind(b"\n", 0, cut) + 1].count(b'{"finished"')
            for file in folder.glob("part-*"):
                if int(file.name[5:10]) > told:
                    file.unlink()
            run(corpus, folder, **options)
            assert content(folder) == expected, cut
        shutil.rmtree(folder)


@pytest.mark.usefixtures("small_chunks")
def test_damaged_line_in_the_journal_ends_what_is_believed(
    tmp_path: Path, corpus: list[str]
) -> None:
    run(corpus, tmp_path / "out", **SHARDS)
    expected = content(tmp_path / "out")
    path = tmp_path / "out" / JOURNAL_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"part"', b'"prat"')
    path.write_bytes(b"".join(lines))
    for file in (tmp_path / "out").glob("part-*"):
        if int(file.name[5:10]) > 3:
            file.unlink()
    assert run(corpus, tmp_path / "out", **SHARDS).resumed < 4
    assert content(tmp_path / "out") == expected


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("start_line", [b"no json\n", b'{"begin":{"version":99}}\n', b"[]\n"])
def test_foreign_journal_is_refused_until_told_to_start_over(
    tmp_path: Path, corpus: list[str], start_line: bytes
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL_NAME).write_bytes(start_line)
    with pytest.raises(DataError, match=r"damaged or of another version.*--no-resume"):
        run(corpus, tmp_path / "out")
    run(corpus, tmp_path / "out", journal="restart")
    assert "a.jsonl" in names(tmp_path / "out")


def test_another_command_or_other_data_is_refused(tmp_path: Path, corpus: list[str]) -> None:
    with pytest.raises(Stopped):
        run(corpus, tmp_path / "out", Shorten(fail_at=3))
    assert "a.jsonl" in names(tmp_path / "out")
    for inputs, options, message in [
        (corpus, {"text_field": "id"}, r"text_field was 'text', is now 'id'"),
        (corpus, {"on_error": "stop"}, r"on_error was 'quarantine', is now 'stop'"),
        (corpus, {"manifest": "sha256"}, r"hash was 'xxh128', is now 'sha256'"),
        (corpus, SHARDS, r"shard_bytes was None, is now 4000"),
        (corpus[:2], {}, r"other inputs \(1 gone\)"),
        (corpus[::-1], {}, r"other inputs \(another order\)"),
    ]:
        with pytest.raises(UsageError, match=rf"an unfinished run of .*{message}.*--no-resume"):
            run(inputs, tmp_path / "out", **options)
    with pytest.raises(UsageError, match="step was 'shorten:1', is now 'first:1'"):
        run(corpus, tmp_path / "out", FirstOnly())
    write_corpus(Path(corpus[2]), 70, 9)
    with pytest.raises(UsageError, match=r"input .*c\.jsonl' changed since"):
        run(corpus, tmp_path / "out")
    run(corpus, tmp_path / "out", journal="restart")
    assert read_rows(tmp_path / "out" / "c.jsonl")


@pytest.mark.usefixtures("small_chunks")
def test_fewer_shards_leave_none_of_the_earlier_run(tmp_path: Path, corpus: list[str]) -> None:
    run(corpus, tmp_path / "out", **SHARDS)
    run(corpus[1:2], tmp_path / "expected", **SHARDS)
    run(corpus[1:2], tmp_path / "out", journal="restart", **SHARDS)
    assert content(tmp_path / "out") == content(tmp_path / "expected")


@pytest.mark.parametrize("journal", ["none", "resume", "restart"])
def test_shards_of_unknown_origin_are_never_mixed_in_or_deleted(
    tmp_path: Path, corpus: list[str], journal: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-00007.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match=r"holds shards of another run, such as 'part-00007"):
        run(corpus, tmp_path / "out", journal=journal, **SHARDS)
    assert names(tmp_path / "out") == {"part-00007.jsonl"}


def test_failed_run_without_outputs_leaves_no_journal(tmp_path: Path, corpus: list[str]) -> None:
    with pytest.raises(UsageError, match="no row of"):
        run(corpus, tmp_path / "out", text_field="txt")
    assert names(tmp_path / "out") == set()


def test_two_runs_do_not_write_one_folder(tmp_path: Path, corpus: list[str]) -> None:
    class Nested(Shorten):
        def __call__(self, rows: list[dict[str, Any]]) -> Processed:
            with pytest.raises(UsageError, match="another run is writing into"):
                run(corpus, tmp_path / "out", journal="restart")
            return super().__call__(rows)

    step = Nested()
    run(corpus, tmp_path / "out", step)
    assert step.calls


def test_full_disk_under_the_journal_is_one_message(
    tmp_path: Path, corpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("arabench.corpus.runs.journal.os.fsync", fail)
    with pytest.raises(ArabenchError, match=r"cannot write the journal in .*No space left"):
        run(corpus, tmp_path / "out")


@pytest.mark.usefixtures("small_chunks")
def test_parquet_shards_have_one_schema_and_are_resumed(
    tmp_path: Path, corpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arabench.corpus.formats.writers.ROW_GROUP_BYTES", 2000)
    with Path(corpus[2]).open("a", encoding="utf-8") as stream:
        stream.write('{"id": null, "text": "آخر"}\n' * 200)
    options: dict[str, Any] = {"output_format": "parquet", "shard_bytes": 500}
    whole = run(corpus, tmp_path / "whole", **options)
    assert len(whole.outputs) >= 4
    schemas = [pq.read_schema(name) for name in whole.outputs]
    assert all(schema.equals(schemas[0]) for schema in schemas)
    for fail_at in range(1, 12):
        with pytest.raises(Stopped):
            run(corpus, tmp_path / "out", Shorten(fail_at), **options)
        run(corpus, tmp_path / "out", **options)
        assert content(tmp_path / "out") == content(tmp_path / "whole")
        shutil.rmtree(tmp_path / "out")


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "suffix", ["jsonl", "jsonl.zst", "jsonl.gz", "txt", "csv", "parquet", "arrow", "datasets"]
)
def test_every_format_is_resumed(
    tmp_path: Path, corpus: list[str], monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("arabench.corpus.lanes.line_lane.BLOCK_BYTES", 3000)
    monkeypatch.setattr("arabench.corpus.formats.writers.ROW_GROUP_BYTES", 4000)
    size = None if suffix == "datasets" else 900
    options = IoOptions(output_format=suffix, shard_bytes=size, journal="resume")

    def normalize(folder: Path, stop_at: int = 0) -> int:
        chunks = 0

        def stop(count: int) -> None:
            nonlocal chunks
            chunks += 1
            if chunks == stop_at:
                raise Stopped

        normalizer = Normalizer(options_from("llm"))
        normalize_files(corpus, f"{folder}/", normalizer, options, stop)
        return chunks

    chunks = normalize(tmp_path / "whole")
    assert len(content(tmp_path / "whole")) > 2
    for stop_at in {1, chunks // 3, chunks // 2, chunks}:
        with pytest.raises(Stopped):
            normalize(tmp_path / "out", stop_at)
        gc.collect()  # what is freed now must not complain
        normalize(tmp_path / "out")
        assert content(tmp_path / "out") == content(tmp_path / "whole")
        shutil.rmtree(tmp_path / "out")


def lines_in(path: Path, word: bytes) -> int:
    try:
        return path.read_bytes().count(word)
    except FileNotFoundError:
        return 0


def kill_once_more_is_finished(
    process: subprocess.Popen[bytes], journal: Path, before: int, delay_s: float
) -> bool:
    """Kill the process at some moment after it finished another output; False if it ended first."""
    deadline = time.monotonic() + 120
    while lines_in(journal, b'{"finished"') <= before:
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    return process.wait(timeout=10) == -signal.SIGKILL


@pytest.fixture(scope="module")
def large_corpus(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("large")
    files = []
    for place in range(4):
        part = write_corpus(folder / "part.jsonl", 4000, place).read_bytes()
        files.append(str(folder / f"{place}.jsonl"))
        Path(files[-1]).write_bytes(part * 4)
    (folder / "part.jsonl").unlink()
    return files


@pytest.fixture(scope="module")
def uninterrupted(
    large_corpus: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    @functools.cache
    def outputs(arguments: str) -> Path:
        folder = tmp_path_factory.mktemp("whole") / "out"
        status, _, err = command(
            "normalize", *large_corpus, "-o", f"{folder}/", *arguments.split(), "--max-rejects=9999"
        )
        assert status == 0, err
        return folder

    return outputs


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("arguments", "workers"),
    [("--shard-size 2MB", "1"), ("--shard-size 2MB", "2"), ("--preset paper", "2")],
)
def test_killed_command_is_resumed_byte_for_byte(
    tmp_path: Path,
    large_corpus: list[str],
    uninterrupted: Callable[[str], Path],
    arguments: str,
    workers: str,
) -> None:
    expected = uninterrupted(arguments)
    folder = tmp_path / "out"
    call = ["normalize", *large_corpus, "-o", f"{folder}/", *arguments.split()]
    call += ["--max-rejects=9999", "--workers", workers]
    chance = random.Random(f"{arguments} {workers}")
    kills = 0
    for _ in range(2):
        before = lines_in(folder / JOURNAL_NAME, b'{"finished"')
        with start(*call) as process:
            kills += kill_once_more_is_finished(
                process, folder / JOURNAL_NAME, before, chance.uniform(0, 0.05)
            )
    assert kills
    status, _, err = command(*call)
    assert status == 0, err
    assert "outputs were complete" in err or "already complete" in err
    assert content(folder) == content(expected)
    resumed, whole = (read_manifest(str(place / FOLDER_MANIFEST)) for place in (folder, expected))
    assert resumed.outputs == whole.outputs
    assert resumed.counts == whole.counts
    assert resumed.inputs == whole.inputs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_interrupted_command_keeps_what_is_finished(
    tmp_path: Path, large_corpus: list[str], number: signal.Signals
) -> None:
    folder = tmp_path / "out"
    call = ["normalize", *large_corpus, "-o", str(folder), "--shard-size", "2MB"]
    with start(*call) as process:
        deadline = time.monotonic() + 120
        while lines_in(folder / JOURNAL_NAME, b'{"finished"') < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    left = names(folder)
    assert {JOURNAL_NAME, "part-00000.jsonl", "part-00001.jsonl"} <= left
    assert not any(name.endswith(".partial") for name in left)
    assert FOLDER_MANIFEST not in left
