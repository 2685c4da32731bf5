"""The demo's own training and the commands it starts use the CPUs that are free."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from arabench.demo import steps
from arabench.demo.steps import Workshop
from arabench.models.devices import Threads

SHOW = [sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]


def threads_of_a_command(folder: Path) -> str:
    shop = Workshop(folder, lambda line: None, total=1)
    shop.command(SHOW)
    (log,) = (folder / "logs").iterdir()
    return log.read_text()


def test_commands_get_the_threads_that_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(steps, "pick_threads", lambda: Threads(3, "told so"))
    assert threads_of_a_command(tmp_path) == "3\n"


def test_what_the_user_set_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert threads_of_a_command(tmp_path) == "5\n"


def test_the_base_is_trained_on_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra arabench[eval]")
    pytest.importorskip("transformers", reason="needs the extra arabench[eval]")
    from arabench.demo.base_model import ToySize, build_base

    seen = []
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(2)
    try:
        size = ToySize(steps=2, vocab_size=300, hidden=64, layers=1, heads=2, train_context=8)
        build_base(
            ["كيف حالك اليوم"] * 4, tmp_path, size, lambda *_: seen.append(torch.get_num_threads())
        )
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1]
