"""Files and folders that appear whole or not at all, full devices, interruption."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path

import pytest

from arabench.errors import ArabenchError
from arabench.files.atomic import atomic_folder, atomic_writer, write_text_atomically
from arabench.files.interrupt import interruptible
from tests.corpus.support import names


def test_written_file_appears_complete_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_writer(str(target)) as stream:
        stream.write(b"x")
        assert not target.exists()
    assert target.read_bytes() == b"x"
    assert names(target.parent) == {"a.txt"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError, SystemExit])
def test_failed_block_keeps_the_previous_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.txt"
    target.write_text("before")
    stack = contextlib.ExitStack()
    stack.enter_context(atomic_writer(str(target))).write(b"after")
    with pytest.raises(error), stack:
        raise error
    assert target.read_text() == "before"
    assert names(tmp_path) == {"a.txt"}


def test_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "a.txt").symlink_to(tmp_path / "disk" / "real.txt")
    write_text_atomically(tmp_path / "a.txt", "نص")
    assert (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "disk" / "real.txt").read_text(encoding="utf-8") == "نص"


def test_error_of_reading_is_not_taken_for_one_of_writing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), atomic_writer(str(tmp_path / "a.txt")):
        tmp_path.read_bytes()


@pytest.mark.parametrize("blocked", ["file/a.txt", "folder.txt"])
def test_place_that_cannot_be_written_is_reported(tmp_path: Path, blocked: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.txt").mkdir()
    with (
        pytest.raises(ArabenchError, match=r"cannot write .*choose another folder"),
        atomic_writer(str(tmp_path / blocked)) as stream,
    ):
        stream.write(b"x")
    assert names(tmp_path) == {"file", "folder.txt"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_device_is_reported_and_stays() -> None:
    with (
        pytest.raises(ArabenchError, match="'/dev/full': No space left"),
        atomic_writer("/dev/full") as stream,
    ):
        stream.write(b"x")
    assert Path("/dev/full").is_char_device()


def test_sigterm_unwinds_and_its_handler_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_work_in_another_thread_runs_without_signals() -> None:
    done = []

    def work() -> None:
        with interruptible():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


# -- inputs


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_folder_leaves_nothing_and_keeps_the_previous_one(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def write(content: str, fault: type[BaseException] | None = None) -> None:
        with atomic_folder(str(tmp_path / "out")) as folder:
            for name in ("state.json", "dataset_info.json", "data.arrow"):
                (folder / name).write_text(content)
            if fault:
                raise fault

    with pytest.raises(error):
        write("first", error)
    assert names(tmp_path) == set()
    write("first")
    with pytest.raises(error):
        write("second", error)
    assert names(tmp_path) == {"out"}
    assert (tmp_path / "out" / "data.arrow").read_text() == "first"
    write("third")
    assert (tmp_path / "out" / "data.arrow").read_text() == "third"
    assert names(tmp_path) == {"out"}
