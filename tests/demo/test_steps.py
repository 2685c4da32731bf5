"""Which steps of the demo run again."""

from __future__ import annotations

from pathlib import Path

import pytest

import arabench
from arabench.demo.steps import Workshop, fingerprint_of


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    (root / "text").mkdir(parents=True)
    (root / "text" / "kernel.py").write_text("x = 1\n", encoding="utf-8")
    (root / "data.jsonl").write_text("{}\n", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "name",
    [
        "text/__pycache__/kernel.cpython-311.pyc",
        "text/__pycache__/kernel.f-12.py311.nbi",  # numba's index: rewritten by whatever compiles
        "text/__pycache__/kernel.f-12.py311.1.nbc",
        ".mypy_cache/x.json",
        "README.md",
        "page.html.j2",
    ],
)
def test_what_a_run_leaves_behind_does_not_count(sources: Path, name: str) -> None:
    before = fingerprint_of([sources])
    path = sources / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"made")
    assert fingerprint_of([sources]) == before
    path.write_bytes(b"made again")
    assert fingerprint_of([sources]) == before


def test_sources_and_data_count(sources: Path) -> None:
    prints = {fingerprint_of([sources])}
    (sources / "text" / "kernel.py").write_text("x = 2\n", encoding="utf-8")
    prints.add(fingerprint_of([sources]))
    (sources / "data.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    prints.add(fingerprint_of([sources]))
    (sources / "new.yaml").write_text("", encoding="utf-8")
    prints.add(fingerprint_of([sources]))
    (sources / "new.yaml").rename(sources / "other.yaml")
    prints.add(fingerprint_of([sources]))
    assert len(prints) == 5


def workshop(folder: Path) -> tuple[Workshop, list[str]]:
    said: list[str] = []
    return Workshop(folder, said.append, total=1), said


def test_a_second_run_after_another_command_skips_what_was_done(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "out.txt").write_text("done", encoding="utf-8")

    shop, said = workshop(tmp_path)
    shop.step("make", {"size": 1}, ["out.txt"], work)
    assert "[1/1] make" in said
    # What numba writes beside a module when a command compiles a kernel for new types.
    made = Path(arabench.__file__).parent / "text" / "__pycache__" / "kernel.demo_test-1.py311.nbi"
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(b"index")
    try:
        shop, said = workshop(tmp_path)
        shop.step("make", {"size": 1}, ["out.txt"], work)
    finally:
        made.unlink()
    assert said == ["[1/1] make: done before"]
    shop, said = workshop(tmp_path)
    shop.step("make", {"size": 2}, ["out.txt"], work)
    assert "done before" not in said[0]
