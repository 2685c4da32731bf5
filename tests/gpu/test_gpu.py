"""What only a GPU shows: bf16 NF4 training on it, its peak memory, resuming there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402

from arabench.trainers import sft  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from arabench.trainers.recipe import Recipe  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
STEPS = 12


def recipe(folder: Path, base: Path, name: str) -> Recipe:
    text = folder / "t.txt"
    text.write_text("\n".join(f"كيف حالك اليوم يا صديقي {n}" for n in range(32)), encoding="utf-8")
    return Recipe.model_validate(
        {
            "output_dir": str(folder / name),
            "device": "cuda",
            "base": {"name": str(base)},
            "data": {"source": str(text)},
            "training": {
                "max_steps": STEPS, "batch_size": 2, "gradient_accumulation": 2,
                "learning_rate": 1e-2, "warmup_steps": 1, "max_length": 64, "save_every": 3,
            },
        }
    )  # fmt: skip


def test_four_bit_training_memory_and_resume(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = recipe(tmp_path, tiny_base, "straight")
    outcome = sft.train(straight)
    assert outcome.learned
    expected = read_losses(tmp_path / "straight" / "losses.jsonl")
    assert [row["step"] for row in expected] == list(range(1, STEPS + 1))
    peaks = [row["gpu_peak_bytes"] for row in expected]
    assert 0 < peaks[0] <= peaks[-1] < 2**30

    def stop(step: int, loss: float) -> None:
        if step == 7:
            raise KeyboardInterrupt

    cut: dict[str, Any] = {"on_step": stop}
    with pytest.raises(KeyboardInterrupt):
        sft.train(recipe(tmp_path, tiny_base, "cut"), **cut)
    resumed = sft.train(recipe(tmp_path, tiny_base, "cut"))
    assert resumed.resumed_from == 6
    losses = [row["loss"] for row in read_losses(tmp_path / "cut" / "losses.jsonl")]
    # Kernels on a GPU may add in another order: equal to bf16's precision, not to the bit.
    assert losses == pytest.approx([row["loss"] for row in expected], rel=5e-3)
