"""A run whose numbers are no numbers ends at that step, with one message and without an adapter."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402

from arabench.errors import ArabenchError  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.monitors.losses import check_finite, read_losses  # noqa: E402
from arabench.trainers.monitors.plots import plot_losses  # noqa: E402
from tests.trainers.conftest import MakeRecipe  # noqa: E402


def test_a_run_that_diverges_ends_at_that_step(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    steps: list[int] = []
    recipe = make_recipe(training={"learning_rate": 1e30, "max_steps": 12, "save_every": 1})
    with pytest.raises(ArabenchError) as caught:
        sft.train(recipe, on_step=lambda step, loss: steps.append(step))
    assert caught.value.exit_code == 1
    message = str(caught.value)
    failed = len(steps) + 1
    assert 1 < failed < 12
    assert f"in step {failed} the " in message
    assert " is nan" in message or " is inf" in message
    assert "Lower training.learning_rate" in message
    run = tmp_path / "run"
    history = read_losses(run / "losses.jsonl")
    assert [row["step"] for row in history] == steps == list(range(1, failed))
    assert all(math.isfinite(row["loss"]) and row["loss"] > 0 for row in history)
    assert not (run / "adapter").exists()
    assert not (run / "run.json").exists()
    assert (run / "checkpoints" / f"checkpoint-{failed - 1}").is_dir()
    mended = make_recipe(training={"max_steps": 2})
    assert sft.train(mended, overwrite=True).steps == 2


def test_a_last_step_that_diverges_writes_no_adapter(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """Its loss was computed before; only the probe sees what it did."""
    recipe = make_recipe(training={"learning_rate": 1e30, "max_steps": 2, "warmup_steps": 0})
    with pytest.raises(ArabenchError, match=r"this run diverged: (after its last|in) step"):
        sft.train(recipe)
    assert not (tmp_path / "run" / "adapter").exists()
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("logs", "scaled", "says"),
    [
        ({"loss": math.nan, "grad_norm": 1.0}, False, "in step 7 the loss is nan"),
        ({"loss": math.inf, "grad_norm": 1.0}, True, "in step 7 the loss is inf"),
        ({"loss": 1.0, "grad_norm": math.nan}, False, "in step 7 the gradient norm is nan"),
        ({"loss": 1.0, "grad_norm": -math.inf}, False, "in step 7 the gradient norm is -inf"),
        ({"loss": 1.0, "grad_norm": math.inf}, True, None),
        ({"loss": 1.0, "grad_norm": 2.0}, False, None),
        ({"loss": 1.0}, False, None),
    ],
)
def test_what_is_no_finite_number(logs: dict[str, Any], scaled: bool, says: str | None) -> None:
    """An overflown norm of scaled gradients is how their scale is found."""
    if says is None:
        check_finite(logs, 7, scaled=scaled)
        return
    with pytest.raises(ArabenchError, match=says):
        check_finite(logs, 7, scaled=scaled)


def test_an_overflown_norm_is_a_gap_in_log_and_picture(tmp_path: Path) -> None:
    log = tmp_path / "losses.jsonl"
    rows = [{"step": n, "loss": 2.0 / n, "learning_rate": 0.1, "grad_norm": None if n == 1 else 1}
            for n in (1, 2, 3)]  # fmt: skip
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    history = read_losses(log)
    assert [row["grad_norm"] for row in history] == [None, 1, 1]
    plot_losses(history, tmp_path / "losses.png")
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")


def test_no_row_is_counted_as_zero_loss(make_recipe: MakeRecipe, monkeypatch: Any) -> None:
    """A loss that is no number stops the run also where it comes once."""
    from trl import SFTTrainer

    computed = SFTTrainer.compute_loss
    calls: list[int] = []

    def nan_once(self: Any, *arguments: Any, **keywords: Any) -> Any:
        loss = computed(self, *arguments, **keywords)
        calls.append(1)
        return loss * torch.nan if len(calls) == 3 else loss

    monkeypatch.setattr(SFTTrainer, "compute_loss", nan_once)
    with pytest.raises(ArabenchError, match="in step 3 the loss is nan"):
        sft.train(make_recipe())


def test_rows_without_a_token_to_predict_are_no_steps_of_loss_zero(
    make_recipe: MakeRecipe, tiny_qwen3: Path, tmp_path: Path
) -> None:
    """A tokenizer may drop a text whole; its row would be the end of text alone."""
    import shutil

    from tokenizers import Regex
    from tokenizers.normalizers import Replace
    from transformers import AutoTokenizer

    folder = tmp_path / "dropping"
    shutil.copytree(tiny_qwen3, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.normalizer = Replace(Regex("[a-z]"), "")
    tokenizer.save_pretrained(folder)
    text = tmp_path / "mixed.txt"
    text.write_text("كيف حالك\nabc\nxyz\n" * 4, encoding="utf-8")
    said: list[str] = []
    recipe = make_recipe(
        base={"name": str(folder)}, data={"source": str(text)}, training={"batch_size": 1}
    )
    outcome = sft.train(recipe, say=said.append)
    assert outcome.rows_vanished == 8
    assert all(row["loss"] > 0.1 for row in read_losses(tmp_path / "run" / "losses.jsonl"))
    run = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (run["rows_vanished"], run["train_rows"]) == (8, 4)
    note = next(line for line in said if line.startswith("8 of 12 rows were left out"))
    assert said.index(note) < said.index(next(line for line in said if line.startswith("loading")))
