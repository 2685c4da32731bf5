"""`arabench verify`, and the options of runs it depends on, as a person meets them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from arabench.cli.main import main
from tests.corpus.support import RAW, command, names, write_rows

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_rows(tmp_path / f"{name}.jsonl", [{"text": RAW}, {"text": name}])
    return tmp_path


def test_file_with_its_manifest_verifies(here: Path, capsys: Captured) -> None:
    assert main(["normalize", "a.jsonl", "-o", "out.jsonl"]) == 0
    assert "manifest: out.jsonl.manifest.json" in capsys.readouterr().err
    assert main(["verify", "out.jsonl.manifest.json", "--inputs", "--rows"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 files as the manifest says, 2 rows [normalize:2|" in err


def test_folder_is_verified_by_its_name(here: Path, capsys: Captured) -> None:
    assert main(["normalize", "a.jsonl", "b.jsonl", "-o", "out/"]) == 0
    assert main(["verify", "out"]) == 0
    (here / "out" / "a.jsonl").unlink()
    (here / "out" / "b.jsonl").write_text("{}\n")
    capsys.readouterr()
    assert main(["verify", "out/"]) == 1
    out, err = capsys.readouterr()
    lines = [line.split("\t") for line in out.splitlines()]
    assert [line[:2] for line in lines] == [["missing", "a.jsonl"], ["changed", "b.jsonl"]]
    assert "2 of 2 files are not as the manifest says" in err


def test_input_that_changed_is_found_only_when_asked(here: Path, capsys: Captured) -> None:
    assert main(["normalize", "a.jsonl", "-o", "out.jsonl"]) == 0
    write_rows(here / "a.jsonl", [{"text": "new"}])
    assert main(["verify", "out.jsonl.manifest.json"]) == 0
    capsys.readouterr()
    assert main(["verify", "out.jsonl.manifest.json", "--inputs"]) == 1
    assert capsys.readouterr().out.startswith("changed\ta.jsonl\t")


def test_standard_input_is_said_to_be_unchecked(here: Path) -> None:
    command("normalize", "-", "-o", "out.txt", stdin=b"a\n", cwd=here)
    status, _, err = command("verify", "out.txt.manifest.json", "--inputs", cwd=here)
    assert status == 0
    assert "1 x input not checked: standard input or a pipe has no digest" in err
    recorded = json.loads((here / "out.txt.manifest.json").read_bytes())
    assert recorded["command"] == "arabench normalize - -o out.txt"


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (None, 2, "manifest 'm.json' cannot be read: No such file"),
        (b"{", 1, "'m.json' is no manifest or is damaged"),
        (b"{}", 1, "manifest 'm.json' has no version"),
        (b'{"arabench_manifest": 7}', 1, "is of version 7; this program reads version 1"),
    ],
)
def test_what_is_no_manifest_ends_with_one_message(
    here: Path, capsys: Captured, content: bytes | None, status: int, message: str
) -> None:
    if content is not None:
        (here / "m.json").write_bytes(content)
    assert main(["verify", "m.json"]) == status
    err = capsys.readouterr().err
    assert err.count("arabench: error:") == 1
    assert message in err


def test_hostile_manifest_is_refused(here: Path, capsys: Captured) -> None:
    assert main(["normalize", "a.jsonl", "-o", "out.jsonl"]) == 0
    path = here / "out.jsonl.manifest.json"
    record = json.loads(path.read_bytes())
    record["outputs"][0]["path"] = "../secret"
    path.write_text(json.dumps(record))
    assert main(["verify", path.name]) == 1
    assert "outside its folder" in capsys.readouterr().err


def test_folder_without_manifest_says_so(here: Path, capsys: Captured) -> None:
    (here / "out").mkdir()
    assert main(["verify", "out"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_second_run_into_a_folder_does_nothing_and_says_so(here: Path, capsys: Captured) -> None:
    call = ["normalize", "a.jsonl", "b.jsonl", "-o", "out/"]
    assert main(call) == 0
    before = {file.name: file.stat().st_mtime_ns for file in (here / "out").iterdir()}
    capsys.readouterr()
    assert main(call) == 0
    err = capsys.readouterr().err
    assert "already complete: 2 outputs are there and unchanged; nothing was done" in err
    after = {file.name: file.stat().st_mtime_ns for file in (here / "out").iterdir()}
    before.pop(".arabench-journal.jsonl"), after.pop(".arabench-journal.jsonl")
    assert after == before
    (here / "out" / "b.jsonl").unlink()
    assert main(call) == 0
    assert "resumed: 1 of 2 outputs were complete" in capsys.readouterr().err
    assert main([*call, "--no-resume"]) == 0
    assert "4 rows read" in capsys.readouterr().err


def test_rejects_count_in_the_status_of_a_run_that_had_nothing_to_do(here: Path) -> None:
    with (here / "a.jsonl").open("a") as stream:
        stream.write("{\n")
    call = ["normalize", "a.jsonl", "-o", "out/"]
    assert main(call) == 1
    assert main(call) == 1
    assert main([*call, "--max-rejects", "1"]) == 0


def test_second_run_into_a_file_overwrites_it(here: Path, capsys: Captured) -> None:
    for source in ("a", "b"):
        assert main(["normalize", f"{source}.jsonl", "-o", "out.jsonl"]) == 0
        assert main(["verify", "out.jsonl.manifest.json", "--inputs"]) == 0
    recorded = json.loads((here / "out.jsonl.manifest.json").read_bytes())
    assert [record["path"] for record in recorded["inputs"]] == ["b.jsonl"]


def test_other_options_in_the_same_folder_end_with_one_message(
    here: Path, capsys: Captured
) -> None:
    assert main(["normalize", "a.jsonl", "-o", "out/"]) == 0
    capsys.readouterr()
    assert main(["normalize", "a.jsonl", "-o", "out/", "--preset", "search"]) == 2
    err = capsys.readouterr().err
    assert err.count("arabench: error:") == 1
    assert re.search(r"holds the outputs of another command.*step was 'normalize:2.*--no-res", err)


def test_manifest_can_be_left_out(here: Path) -> None:
    assert main(["normalize", "a.jsonl", "-o", "out.jsonl", "--manifest", "none"]) == 0
    assert names(here) == {"a.jsonl", "b.jsonl", "out.jsonl"}


@pytest.mark.parametrize("size", ["256M", "1KB", "much"])
def test_shard_size_that_is_none_ends_with_one_message(
    here: Path, capsys: Captured, size: str
) -> None:
    assert main(["normalize", "a.jsonl", "-o", "out/", "--shard-size", size]) == 2
    assert capsys.readouterr().err.count("arabench: error:") == 1
    assert names(here) == {"a.jsonl", "b.jsonl"}


# Not ru_maxrss: a child starts with the peak of the process it was forked from.
PEAK = """\
import re, sys
from arabench.cli.main import main
status = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
sys.stderr.write(f"PEAK {status} {int(peak) // 1024}\\n")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_of_two_workers_on_300_mb_of_standard_input_is_bounded(here: Path) -> None:
    row = {"id": 123, "text": f"{RAW} قال لهُ صديقُه " * 9, "source": {"url": "x" * 60}}
    block = (json.dumps(row, ensure_ascii=False) + "\n").encode() * 2000
    arguments = ["normalize", "-", "-o", "-", "--input-format", "jsonl", "--workers", "2"]
    root = str(Path(__file__).parent.parent.parent)
    with (
        Path(os.devnull).open("wb") as nowhere,
        subprocess.Popen(
            [sys.executable, "-c", PEAK, *arguments],
            stdin=subprocess.PIPE, stdout=nowhere, stderr=subprocess.PIPE, cwd=here,
            env={**os.environ, "PYTHONPATH": root},
        ) as process,
    ):  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        for _ in range(300_000_000 // len(block)):
            process.stdin.write(block)
        process.stdin.close()
        err = process.stderr.read().decode()
    status, peak_mib = map(int, err.split("PEAK ")[1].split())
    assert status == 0, err
    assert peak_mib < 320  # 204 measured; 186 with one worker
