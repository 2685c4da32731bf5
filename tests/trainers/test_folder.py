"""One trainer per folder, by a lock that ends with its process and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from arabench.cli.main import main
from arabench.errors import ArabenchError, UsageError
from arabench.trainers.guards.folder import LOCK_NAME, hold

HOLDER = """
import sys, time
from pathlib import Path
from arabench.trainers.guards.folder import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that trains into run/."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_trainer_ends_at_once_and_names_the_first(
    holder: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe: dict[str, Any] = {
        "output_dir": str(tmp_path / "run"),
        "base": {"name": str(tmp_path / "never looked at")},
        "data": {"source": str(tmp_path / "never looked at.txt")},
    }
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    assert main(["train", str(file)]) == 2
    err = capsys.readouterr().err
    assert err.count("arabench: ") == 1
    assert f"output_dir {str(tmp_path / 'run')!r} is in use: process {holder.pid} trains" in err
    assert main(["train", str(file), "--overwrite"]) == 2
    assert (tmp_path / "run" / LOCK_NAME).exists()  # that of the first


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_the_lock_ends_with_its_process(
    end: signal.Signals, holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"process {holder.pid} trains"), hold(tmp_path / "run"):
        pass
    holder.send_signal(end)
    holder.wait()
    assert (tmp_path / "run").exists() == (end == signal.SIGKILL)
    with hold(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK_NAME).read_text() == str(os.getpid())
    assert not (tmp_path / "run" / LOCK_NAME).exists()


def test_folders_that_stay_empty_go_again(tmp_path: Path) -> None:
    with hold(tmp_path / "a" / "b" / "c"):
        assert (tmp_path / "a" / "b" / "c").is_dir()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").mkdir()
    with hold(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "losses.jsonl").touch()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["losses.jsonl"]
    with hold(tmp_path / "a"):
        pass
    assert (tmp_path / "a").is_dir()


def test_within_a_process_too(tmp_path: Path) -> None:
    with hold(tmp_path / "run"):
        with pytest.raises(UsageError, match=f"process {os.getpid()} trains"):
            hold(tmp_path / "run").__enter__()
        with hold(tmp_path / "other"):
            pass
        assert (tmp_path / "run" / LOCK_NAME).exists()
    with hold(tmp_path / "run"):
        pass


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArabenchError, match=r"output_dir .* cannot be written: Not a directory"):
        hold(tmp_path / "file" / "run").__enter__()
