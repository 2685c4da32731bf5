"""Ray in local mode: the Dataset map and the file command give what the local engine gives."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.run import Summary
from arabench.corpus.runs.verification import verify
from arabench.corpus.steps.normalize import normalize_files
from arabench.engines.ray_data import merge_summaries, normalize_dataset, run_with_ray
from arabench.errors import DataError, MissingExtraError, UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.engines.support import TEXTS, expected, rows

LLM = Normalizer(options_from("llm"))


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """One Ray of two CPUs for this file."""
    ray = pytest.importorskip("ray", reason="needs the extra arabench[ray]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
        ray.init(
            address="local",
            num_cpus=2,
            object_store_memory=80 << 20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
        yield ray
        ray.shutdown()


def in_order(dataset: Any) -> list[dict[str, Any]]:
    return sorted(dataset.take_all(), key=lambda row: int(row["id"]))


def test_a_dataset_gets_the_reference_text_and_keeps_the_rest(ray: Any) -> None:
    dataset = ray.data.from_arrow([pa.Table.from_pylist(rows()[n::3]) for n in range(3)])
    after = normalize_dataset(dataset, concurrency=2, batch_rows=7)
    assert in_order(after) == expected("llm")


def test_a_dataset_with_another_text_column_and_a_block_of_nulls(ray: Any) -> None:
    blocks = [
        pa.table({"id": [0], "body": ["الـحياة"]}),
        pa.table({"id": [1], "body": pa.nulls(1)}),
        pa.table({"id": [2], "body": pa.nulls(1, pa.string())}),
    ]
    after = normalize_dataset(ray.data.from_arrow(blocks), options="search", text_field="body")
    texts = [Normalizer(options_from("search")).normalize("الـحياة"), None, None]
    assert in_order(after) == [{"id": n, "body": text} for n, text in enumerate(texts)]


@pytest.fixture
def corpus(tmp_path: Path) -> list[str]:
    """JSON lines with broken ones, Parquet with a value that is not UTF-8, and plain text."""
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows()]
    lines[3:3] = [b'{"id": 99, "text": "\xff"}', b"{broken", b'{"id": 98}']
    (folder / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1, 3, 4)))
    texts = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"a\xff\xfeb"))
    pq.write_table(pa.table({"id": [1, 2, 3], "text": texts}), folder / "b.parquet")
    pq.write_table(pa.Table.from_pylist(rows()), folder / "c.parquet")
    texts_only = [text for text in TEXTS if text is not None and "\n" not in text]
    (folder / "d.txt").write_text("\n".join(texts_only) + "\n", "utf-8")
    return [str(folder / name) for name in ("a.jsonl", "b.parquet", "c.parquet", "d.txt")]


def data_files(folder: Path) -> dict[str, bytes]:
    """Outputs and side files."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".manifest.json"
    }


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest without the times."""
    record = json.loads((folder / ".manifest.json").read_text("utf-8"))
    assert record.pop("started") <= record.pop("finished")
    return dict(record)


@pytest.mark.parametrize("output_format", [None, "jsonl", "parquet"])
def test_files_come_out_as_from_the_local_engine_byte_for_byte(
    ray: Any, corpus: list[str], tmp_path: Path, output_format: str | None
) -> None:
    (tmp_path / "in" / "below").mkdir()
    os.link(corpus[3], tmp_path / "in" / "below" / "d.txt")
    (tmp_path / "in" / "notes.pdf").write_bytes(b"%PDF")
    folder, pattern = str(tmp_path / "in"), str(tmp_path / "i*" / "**" / "*.txt")
    inputs = [folder] if output_format is None else [*corpus[:3], pattern]
    io = IoOptions(output_format=output_format, manifest="xxh128", command="arabench normalize")
    read: list[int] = []
    local = normalize_files(inputs, str(tmp_path / "local"), LLM, io)
    spread = run_with_ray(inputs, str(tmp_path / "ray"), LLM, io, read.append)
    files = data_files(tmp_path / "ray")
    assert files == data_files(tmp_path / "local")
    assert len([name for name in files if name.endswith("rejects.jsonl")]) == 2
    assert spread.rejected == local.rejected == 4
    assert relative(spread, tmp_path / "ray") == relative(local, tmp_path / "local")
    assert manifest_of(tmp_path / "ray") == manifest_of(tmp_path / "local")
    assert verify(str(tmp_path / "ray"), inputs=True, count_rows=True)[1] == []
    sizes = [Path(name).stat().st_size for name in [*corpus, corpus[3]]]
    assert sorted(size for size in read if size) == sorted(sizes)


def relative(summary: Summary, folder: Path) -> dict[str, Any]:
    """A summary with paths as seen from the output folder."""
    text = json.dumps(dataclasses.asdict(summary), ensure_ascii=False)
    counts: dict[str, Any] = json.loads(text.replace(str(folder), "OUT"))
    return counts


def test_a_second_run_goes_on_where_the_first_stopped_and_a_third_has_nothing_to_do(
    ray: Any, corpus: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    io = IoOptions(manifest="xxh128", journal="resume", on_error="stop")
    with pytest.raises(DataError, match="invalid UTF-8"):
        run_with_ray([corpus[0]], f"{out}/", LLM, io)
    one_file = dataclasses.replace(io, journal="none")  # as a task leaves it
    normalize_files([corpus[2]], str(out / "c.parquet"), LLM, one_file)
    kept = (out / "c.parquet").stat()
    second = run_with_ray(corpus[2:], f"{out}/", LLM, io)
    assert second.resumed == 1
    assert (out / "c.parquet").stat().st_ino == kept.st_ino
    third = run_with_ray(corpus[2:], f"{out}/", LLM, io, address="nowhere:1")
    assert third.already_complete
    assert dataclasses.replace(third, resumed=1) == second
    assert not list(out.glob("?*.manifest.json"))


def test_relative_names_mean_the_drivers_files_and_stay_in_the_reports(
    ray: Any, corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    summary = run_with_ray(["in/a.jsonl"], "out/", LLM)
    assert summary.outputs == ["out/a.jsonl"]
    first = (tmp_path / "out" / "a.jsonl.rejects.jsonl").read_text("utf-8").splitlines()[0]
    assert json.loads(first)["file"] == "in/a.jsonl"


def test_a_format_that_only_an_option_tells_is_kept(ray: Any, tmp_path: Path) -> None:
    (tmp_path / "dump.log").write_text("كتـــاب\n", "utf-8")
    run_with_ray(
        [str(tmp_path / "dump.log")], f"{tmp_path}/out/", LLM, IoOptions(input_format="txt")
    )
    assert (tmp_path / "out" / "dump.log").read_text("utf-8") == "كتاب\n"


def test_a_bad_row_stops_the_run_when_asked_and_leaves_no_output_of_it(
    ray: Any, corpus: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"a\.jsonl:4: invalid UTF-8") as caught:
        run_with_ray([corpus[0], corpus[2]], f"{out}/", LLM, IoOptions(on_error="stop"))
    assert "Traceback" not in str(caught.value)
    assert not (out / "a.jsonl").exists()
    assert not list(out.glob("*.rejects.jsonl"))
    assert not list(out.glob(".*.partial"))


def test_a_wrong_field_is_a_usage_error_of_the_driver(
    ray: Any, corpus: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"has no column 'txt'.*Did you mean 'text'"):
        run_with_ray(corpus[2:3], f"{tmp_path}/out/", LLM, IoOptions(text_field="txt"))


def test_more_threads_than_any_node_has_cpus_are_refused_instead_of_waited_for(
    ray: Any, corpus: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"workers=64 needs a Ray node of 64 CPUs.*has 2"):
        run_with_ray(corpus, f"{tmp_path}/out/", LLM, IoOptions(workers=64))


def test_a_worker_with_other_rules_is_refused(
    ray: Any, corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Normalizer, "signature", "normalize:999")  # in the driver only
    with pytest.raises(UsageError, match="Install the same arabench on all nodes"):
        run_with_ray(corpus[2:3], f"{tmp_path}/out/", LLM)


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["-"], "out/", "standard input"),
        (["in/a.jsonl", "in/c.parquet"], "all.jsonl", "Name a folder"),
        (["in/a.jsonl"], "-", "Name a folder"),
        (["in/saved"], "out/", "library datasets"),
        (["in"], "in/out/", "lies in the input folder"),
        (["/dev/null"], "out/", "pipe or device"),
        (["in/none.jsonl"], "out/", "does not exist"),
        (["in/a.jsonl", "in/../in/a.jsonl"], "out/", "several inputs"),
        (["in/a.jsonl"], "in/", "also an input"),
    ],
)
def test_what_workers_cannot_do_is_refused_before_ray_starts(
    corpus: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inputs: list[str],
    output: str,
    message: str,
) -> None:
    pytest.importorskip("ray", reason="needs the extra arabench[ray]")
    monkeypatch.chdir(tmp_path)
    if "saved" in inputs[0]:
        (tmp_path / "in" / "saved").mkdir()
        for name in ("state.json", "dataset_info.json"):
            (tmp_path / "in" / "saved" / name).write_text("{}")
    with pytest.raises(UsageError, match=message):
        run_with_ray(inputs, output, LLM, address="nowhere:1")
    with pytest.raises(UsageError, match="shard-size"):
        run_with_ray(["in/a.jsonl"], "out/", LLM, IoOptions(shard_bytes=1), address="nowhere:1")


def test_a_run_without_a_ray_starts_one_and_ends_it_and_says_nothing(
    corpus: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs the extra arabench[ray]")
    code = (
        "import sys\n"
        "from arabench.engines.ray_data import run_with_ray\n"
        "from arabench.text.normalize import Normalizer, options_from\n"
        "import ray\n"
        "run_with_ray(sys.argv[1:], 'out/', Normalizer(options_from('llm')))\n"
        "assert not ray.is_initialized()\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    ended = subprocess.run(
        [sys.executable, "-c", code, corpus[2]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert pq.read_table(tmp_path / "out" / "c.parquet").to_pylist() == expected("llm")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("auto", "ray start --head"),
        ("ray://head:10001", "ray job submit"),
        ("head", "host:port"),
        ("head:port", "host:port"),
        (":6379", "host:port"),
        ("localhost:99999", "host:port"),
    ],
)
def test_addresses_without_a_ray_are_refused_at_once(
    corpus: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    message: str,
) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra arabench[ray]")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    if address == "auto":
        monkeypatch.setattr(ray, "init", _no_ray)
    started = time.monotonic()
    with pytest.raises(UsageError, match=message):
        run_with_ray(corpus, f"{tmp_path}/out/", LLM, address=address)
    assert time.monotonic() - started < 30


def _no_ray(**settings: Any) -> None:
    assert settings["address"] == "auto"
    raise ConnectionError("Could not find any running Ray instance")


def test_an_address_where_nothing_listens_is_refused_at_once(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra arabench[ray]")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(UsageError, match=f"no Ray answers at '127.0.0.1:{port}'"):
        run_with_ray(corpus, f"{tmp_path}/out/", LLM, address=f"127.0.0.1:{port}")
    assert time.monotonic() - started < 30


def test_merged_summaries_add_up() -> None:
    first = Summary(rows=3, written=2, reasons={"x": 1}, rejected=1, outputs=["a"])
    second = Summary(rows=4, written=2, reasons={"x": 1, "y": 1}, rejected=2, outputs=["b"])
    assert merge_summaries([first, second]) == Summary(
        rows=7, written=4, reasons={"x": 2, "y": 1}, rejected=3, outputs=["a", "b"]
    )
    assert first.reasons == {"x": 1}


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"arabench\[ray\]"):
        normalize_dataset(None)
    with pytest.raises(MissingExtraError, match=r"arabench\[ray\]"):
        run_with_ray(["a.txt"], f"{tmp_path}/", LLM)
