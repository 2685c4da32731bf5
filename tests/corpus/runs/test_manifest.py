"""The manifest says what was read and written, and whether it is still so."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.input_digests import InputDigests
from arabench.corpus.runs.journal import Position
from arabench.corpus.runs.manifest import (
    FOLDER_MANIFEST,
    Counts,
    FileRecord,
    Manifest,
    parse_json,
    read_manifest,
    record_of,
    write_manifest,
)
from arabench.corpus.runs.run import Summary
from arabench.corpus.runs.verification import verify
from arabench.corpus.steps.normalize import normalize_files
from arabench.errors import ArabenchError, DataError, UnsafeInputError, UsageError
from arabench.files.digests import HashName, digest_file, digest_path
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.corpus.support import RAW, names, write_rows

LLM = Normalizer(options_from("llm"))
ROWS: list[dict[str, Any]] = [{"text": RAW, "n": 1}, {"text": "نص", "n": 2}, {"text": None, "n": 3}]


def run(inputs: list[Path], output: Path | str, **options: Any) -> Summary:
    io_options = IoOptions(**{"manifest": "xxh128", **options})
    return normalize_files([str(path) for path in inputs], str(output), LLM, io_options)


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A folder with input, output, rejects and manifest."""
    file = write_rows(tmp_path / "in.jsonl", ROWS)
    with file.open("a") as stream:
        stream.write("broken\n")
    run([file], tmp_path / "out.jsonl", command="arabench normalize ...")
    return tmp_path


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    record = json.loads(path.read_bytes())
    change(record)
    path.write_text(json.dumps(record))


def test_manifest_says_all_that_is_needed_to_trust_an_output(done: Path) -> None:
    manifest = read_manifest(str(done / "out.jsonl.manifest.json"))
    source, output = done / "in.jsonl", done / "out.jsonl"
    (read,), (written,), (side,) = manifest.inputs, manifest.outputs, manifest.side_files
    assert (read.path, read.bytes) == (str(source), source.stat().st_size)
    assert read.digest == xxhash.xxh3_128_hexdigest(source.read_bytes())
    assert written == FileRecord(
        "out.jsonl",
        bytes=output.stat().st_size,
        digest=xxhash.xxh3_128_hexdigest(output.read_bytes()),
        rows=3,
    )
    assert (side.path, side.rows) == ("out.jsonl.rejects.jsonl", 1)
    assert manifest.counts == Counts(
        rows=4, written=3, changed=1, null=1, rejected=1, reasons={"invalid JSON": 1}
    )
    assert manifest.step == LLM.signature
    assert manifest.command == "arabench normalize ..."
    assert manifest.options["text_field"] == "text"
    assert set(manifest.platform) == {"python", "numpy", "pyarrow", "numba"}
    assert manifest.platform["pyarrow"] == pa.__version__
    assert manifest.started <= manifest.finished
    assert manifest.started.endswith("+00:00")


@pytest.mark.parametrize("hash_name", ["xxh128", "sha256"])
def test_digests_are_those_of_the_usual_tools(tmp_path: Path, hash_name: HashName) -> None:
    data = os.urandom(3_000_001)
    (tmp_path / "a").write_bytes(data)
    expected = {
        "xxh128": xxhash.xxh3_128_hexdigest(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }[hash_name]
    assert digest_file(str(tmp_path / "a"), hash_name) == expected
    with InputDigests(hash_name) as digests:
        follower = digests.follow(0, str(tmp_path / "a"))
        assert follower is not None
        for position in (1, 5, 1_500_000, 9_000_000):
            follower.advance(position)
        follower.finish()
        assert digests.known() == {0: expected}
        assert digests.of(1, str(tmp_path / "a")) == expected


def test_empty_digest_is_that_of_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert digest_file(str(tmp_path / "a"), "xxh128") == "99aa06d3014798d86001c324468d497f"


def test_digest_of_a_folder_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "x").write_text("1")
    (tmp_path / "d" / "e" / "y").write_text("2")
    seen = {digest_path(str(tmp_path / "d"), "xxh128")}
    (tmp_path / "d" / "x").write_text("3")
    seen.add(digest_path(str(tmp_path / "d"), "xxh128"))
    (tmp_path / "d" / "x").rename(tmp_path / "d" / "z")
    seen.add(digest_path(str(tmp_path / "d"), "xxh128"))
    assert len(seen) == 3


@pytest.mark.parametrize("suffix", ["txt", "csv", "jsonl.gz", "parquet", "arrow", "datasets"])
@pytest.mark.parametrize("hash_name", ["xxh128", "sha256"])
def test_untouched_outputs_of_every_format_verify(
    tmp_path: Path, suffix: str, hash_name: str
) -> None:
    file = write_rows(tmp_path / "in.jsonl", ROWS)
    out = tmp_path / ("out" if suffix == "datasets" else f"out.{suffix}")
    chosen = "datasets" if suffix == "datasets" else None
    run([file], out, manifest=hash_name, output_format=chosen)
    manifest, findings = verify(f"{out}.manifest.json", inputs=True, count_rows=True)
    assert findings == []
    assert (manifest.hash, manifest.outputs[0].rows) == (hash_name, 3)


def test_outputs_verify_after_a_move_and_inputs_do_not(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = done.with_name(f"{done.name}-moved")
    shutil.move(done, moved)
    monkeypatch.chdir("/")
    assert verify(str(moved / "out.jsonl.manifest.json"))[1] == []
    (finding,) = verify(str(moved / "out.jsonl.manifest.json"), inputs=True)[1]
    assert (finding.fault, finding.path) == ("missing", str(done / "in.jsonl"))


def become_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def become_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("name", "damage", "fault", "detail"),
    [
        ("out.jsonl", lambda file: file.unlink(), "missing", "does not exist"),
        ("out.jsonl", become_folder, "changed", "0 bytes, not"),
        ("out.jsonl", become_pipe, "missing", "no plain file"),
        ("out.jsonl", lambda file: file.write_bytes(b""), "changed", "0 bytes, not"),
        ("out.jsonl", lambda file: file.write_bytes(b"x" * file.stat().st_size), "changed", "xxh1"),
        ("out.jsonl.rejects.jsonl", lambda file: file.unlink(), "missing", "does not exist"),
        ("in.jsonl", lambda file: file.write_bytes(b"x"), "changed", "1 bytes, not"),
    ],
)
def test_each_file_that_is_not_as_written_is_found(
    done: Path, name: str, damage: Callable[[Path], Any], fault: str, detail: str
) -> None:
    damage(done / name)
    (finding,) = verify(str(done / "out.jsonl.manifest.json"), inputs=True)[1]
    assert (finding.fault, Path(finding.path).name) == (fault, name)
    assert detail in finding.detail


def test_row_counts_are_compared_when_asked(done: Path) -> None:
    path = done / "out.jsonl.manifest.json"
    edit(path, lambda record: record["outputs"][0].update(rows=4))
    assert verify(str(path))[1] == []
    (finding,) = verify(str(path), count_rows=True)[1]
    assert finding.detail == "3 rows, not 4"


def test_damaged_manifest_is_refused_with_the_place(done: Path) -> None:
    path = done / "out.jsonl.manifest.json"
    whole = path.read_bytes()
    for change, message in [
        (lambda record: record.update(arabench_manifest=2), "is of version 2; .* version 1"),
        (lambda record: record.update(arabench_manifest="1"), "is of version '1'"),
        (lambda record: record.pop("arabench_manifest"), "has no version"),
        (lambda record: record.pop("outputs"), "is damaged: outputs: field required"),
        (lambda record: record.update(more=1), "is damaged: more: "),
        (lambda record: record.update(hash="md5"), "is damaged: hash: "),
        (lambda record: record["outputs"][0].update(rows="3"), r"damaged: outputs\.0\.rows: "),
        (lambda record: record["outputs"][0].update(extra=3), r"damaged: outputs\.0\.extra: "),
        (lambda record: record["outputs"][0].pop("path"), r"damaged: outputs\.0\.path: "),
        (lambda record: record["counts"].update(rows=-0.5), r"damaged: counts\.rows: "),
    ]:
        path.write_bytes(whole)
        edit(path, change)
        with pytest.raises(DataError, match=message):
            read_manifest(str(path))
    for data in (b"", whole[:-9], b"[]", b"null", b"\xff", b"[" * 100_000, whole + b"{}"):
        path.write_bytes(data)
        with pytest.raises(DataError, match="is no manifest or is damaged"):
            read_manifest(str(path))
    path.unlink()
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_manifest(str(path))


@pytest.mark.parametrize(
    "name",
    ["../in.jsonl", "a/../../in.jsonl", "/etc/passwd", "..", "a/..", "", ".", "a\0b", "//x/y"],
)
@pytest.mark.parametrize("place", ["outputs", "side_files"])
def test_manifest_that_names_files_elsewhere_is_refused(done: Path, name: str, place: str) -> None:
    path = done / "out.jsonl.manifest.json"
    edit(path, lambda record: record[place][0].update(path=name))
    with pytest.raises(UnsafeInputError, match=r"outside its folder\..* do not trust it"):
        verify(str(path))


@pytest.mark.parametrize("encoded", ["Li4veA==", "L3g=", "not base64!", "YQ==\n\0"])
def test_encoded_names_are_no_way_out(done: Path, encoded: str) -> None:
    path = done / "out.jsonl.manifest.json"
    edit(path, lambda record: record["outputs"][0].update(path_base64=encoded))
    with pytest.raises(ArabenchError):
        verify(str(path))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_any_bytes_give_an_error_that_can_be_read(data: bytes) -> None:
    with pytest.raises(DataError):
        parse_json(Manifest, data, "the manifest")


def test_numbers_beyond_measure_are_no_crash() -> None:
    with pytest.raises(DataError, match="damaged"):
        parse_json(Position, b'{"chunk": 1e999}', "it")


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.jsonl")
    file = write_rows(tmp_path / name, ROWS)
    assert record_of(name).name == name
    run([file], tmp_path / "out", journal="resume")
    assert names(tmp_path / "out") >= {name}
    manifest, findings = verify(str(tmp_path / "out"), inputs=True, count_rows=True)
    assert findings == []
    assert manifest.outputs[0].name == name
    assert run([file], tmp_path / "out", journal="resume").already_complete
    (tmp_path / "out" / name).unlink()
    assert [finding.fault for finding in verify(str(tmp_path / "out"))[1]] == ["missing"]


def test_streams_and_devices_have_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "in.txt", ROWS)
    assert run([Path("in.txt")], "/dev/null").manifests == []
    assert names(tmp_path) == {"in.txt"}


def test_standard_input_has_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))
    run([Path("-")], tmp_path / "out.txt")
    manifest, findings = verify(str(tmp_path / "out.txt.manifest.json"), inputs=True)
    assert manifest.inputs == [FileRecord("-")]
    assert findings == []


def test_manifest_never_overwrites_an_input(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "out.jsonl", ROWS)
    file = file.rename(tmp_path / "out.jsonl.manifest.json")
    with pytest.raises(UsageError, match=r"the manifest .* is also an input"):
        run([file], tmp_path / "out.jsonl", input_format="jsonl")


def test_input_that_changes_while_it_is_read_is_reported(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", ROWS)

    def touch(count: int) -> None:
        os.utime(file, ns=(1, 1))

    options = IoOptions(manifest="xxh128")
    summary = normalize_files([str(file)], str(tmp_path / "o.jsonl"), LLM, options, touch)
    assert any("changed while it was read" in loss for loss in summary.losses)


def test_missing_xxhash_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xxhash", None)
    file = write_rows(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(UsageError, match=r"package xxhash.*--manifest sha256"):
        run([file], tmp_path / "out.jsonl")
    run([file], tmp_path / "out.jsonl", manifest="sha256")
    assert verify(str(tmp_path / "out.jsonl.manifest.json"))[1] == []


def test_unknown_hash_is_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(UsageError, match=r"hash 'md5' is not known.*Allowed: sha256, xxh128"):
        run([file], tmp_path / "out.jsonl", manifest="md5")


def test_folder_manifest_is_hidden_from_tools_that_load_folders(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")
    file = write_rows(tmp_path / "in.jsonl", ROWS)
    run([file], tmp_path / "out", shard_bytes=9, journal="resume")
    assert FOLDER_MANIFEST in names(tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == 3


def test_manifest_round_trips(done: Path) -> None:
    path = done / "out.jsonl.manifest.json"
    manifest = read_manifest(str(path))
    write_manifest(str(done / "again.json"), manifest)
    assert (done / "again.json").read_bytes() == path.read_bytes()
