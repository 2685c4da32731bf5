"""Training itself, in 4 bits on tiny models: it learns, leaves the base alone, and resumes."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from arabench.errors import DataError, UsageError  # noqa: E402
from arabench.models.checkpoints import inspect_adapter, inspect_base, weights_sha256  # noqa: E402
from arabench.models.devices import pick_precision  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from arabench.trainers.recipe import Recipe, dump_recipe  # noqa: E402
from arabench.trainers.run import adapter, base, trainer  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe, encoded_rows  # noqa: E402

RUN_FILES = {"adapter", "recipe.yaml", "run.json", "losses.jsonl", "losses.png"}


def built(recipe: Recipe, folder: Path) -> Any:
    """The trainer of a recipe as `train` prepares it, not run."""
    source = base.request_of(recipe).locate()
    tokenizer = base.find_base(recipe, source).tokenizer
    rows = encoded_rows(recipe, tokenizer)
    dtype = pick_precision(recipe.quantization.compute_dtype, "cpu").dtype
    loaded = base.load_base(recipe, source, "cpu", dtype)
    return trainer.build(recipe, "cpu", dtype, loaded, tokenizer, rows, folder)


def write_pairs(path: Path, rows: list[tuple[str, str]]) -> dict[str, Any]:
    lines = [json.dumps({"q": prompt, "a": response}) for prompt, response in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return {"source": str(path), "text_field": None, "prompt_field": "q", "response_field": "a"}


@pytest.mark.parametrize("model", ["tiny_base", "tiny_qwen3"])
def test_four_bit_training(
    model: str, request: pytest.FixtureRequest, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(model)
    before = weights_sha256(inspect_base(str(folder)).weights)
    recipe = make_recipe(base={"name": str(folder)}, training={"max_steps": 8})
    outcome = sft.train(recipe)
    assert outcome.learned
    assert outcome.trained_loss < outcome.untrained_loss * 0.97
    assert outcome.last_loss < outcome.first_loss
    assert weights_sha256(inspect_base(str(folder)).weights) == before

    run = Path(recipe.output_dir)
    assert {path.name for path in run.iterdir()} == RUN_FILES
    history = read_losses(run / "losses.jsonl")
    assert [row["step"] for row in history] == list(range(1, 9))
    assert [history[0]["learning_rate"], history[1]["learning_rate"]] == [0.0, 1e-2]
    stored = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert stored["first_loss"] == history[0]["loss"] == outcome.first_loss
    assert stored["last_loss"] == history[-1]["loss"]
    assert (stored["steps"], stored["learned"], stored["finished"]) == (8, True, True)
    assert (stored["data_rows"], stored["rows_without_text"], stored["rows_cut_off"]) == (8, 0, 0)
    assert stored["recipe_sha256"] == recipe.fingerprint
    there = stored["environment"]
    assert list(there) == ["python", "platform", "machine", "gpu", "threads", "packages"]
    assert there["python"] == platform.python_version()
    assert there["machine"] == platform.machine()
    assert there["packages"]["trl"] == version("trl")
    assert dump_recipe(recipe) in (run / "recipe.yaml").read_text(encoding="utf-8")
    assert (run / "losses.png").read_bytes().startswith(b"\x89PNG")

    saved = inspect_adapter(str(run / "adapter"))
    assert saved.record["base_sha256"] == before == stored["base_sha256"]
    assert saved.record["data_sha256"] == stored["data_sha256"]
    weights = load_file(saved.weights)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert sum(tensor.numel() for tensor in weights.values()) == outcome.trainable_parameters
    assert all(tensor.abs().max() > 0 for name, tensor in weights.items() if "lora_B" in name)


@pytest.mark.parametrize("model", ["tiny_base", "tiny_qwen3"])
def test_small_rates_move_a_float32_adapter_and_nothing_else(
    model: str, request: pytest.FixtureRequest, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = make_recipe(
        base={"name": str(request.getfixturevalue(model))},
        training={"learning_rate": 1e-6, "optimizer": "adamw_torch"},
    )
    made = built(recipe, tmp_path)
    quantized = [m for m in made.model.modules() if hasattr(m, "support_avx512bf16_for_cpu")]
    assert quantized
    assert not any(module.support_avx512bf16_for_cpu for module in quantized)
    before = {name: value.detach().clone() for name, value in made.model.named_parameters()}
    with torch.no_grad():  # what breaks training without the cure
        made.prediction_step(made.model.eval(), made.data_collator([made.train_dataset[0]]), True)
    made.train()
    for name, value in made.model.named_parameters():
        if value.requires_grad:
            assert value.dtype == torch.float32
            # lora_A has no gradient until lora_B has left zero, so it starts a step later.
            assert (value != before[name]).float().mean() > 0.9, name
        else:
            assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    "quantization",
    [{"bits": 16}, {"bits": 8}, {"compute_dtype": "float32"}, {"compute_dtype": "float16"}],
    ids=str,
)
def test_other_precisions(quantization: dict[str, Any], make_recipe: MakeRecipe) -> None:
    recipe = make_recipe(
        quantization=quantization, training={"max_steps": 4, "gradient_checkpointing": False}
    )
    assert sft.train(recipe).learned


def test_constant_rate_has_a_warm_up_too(make_recipe: MakeRecipe) -> None:
    recipe = make_recipe(training={"scheduler": "constant", "max_steps": 4, "warmup_steps": 2})
    sft.train(recipe)
    rates = [row["learning_rate"] for row in read_losses(Path(recipe.output_dir) / "losses.jsonl")]
    assert rates == [0.0, 5e-3, 1e-2, 1e-2]


def test_loss_is_on_the_response_only(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p.jsonl", [("ما {معنى}؟", "لا شيء {x}"), ("من؟", "أنا")])
    made = built(make_recipe(data=pairs), tmp_path)
    tokenizer = made.processing_class
    for row, response in zip(made.train_dataset, ("لا شيء {x}", "أنا"), strict=True):
        batch = made.data_collator([row])
        labels = batch["labels"][0]
        learned = tokenizer.decode(labels[labels != -100])
        assert learned == response + tokenizer.eos_token
        assert "### الإجابة:\n" in tokenizer.decode(batch["input_ids"][0])


def test_text_is_learned_whole_and_ends_once(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    made = built(make_recipe(), tmp_path)
    labels = made.data_collator([made.train_dataset[0]])["labels"][0]
    tokenizer = made.processing_class
    assert tokenizer.decode(labels[labels != -100]) == SENTENCE + tokenizer.eos_token


def test_rows_that_cannot_be_learned_are_counted(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    long = "سؤال طويل جدا " * 60
    pairs = write_pairs(tmp_path / "p.jsonl", [("من؟", "أنا")] * 6 + [(long, "أنا"), ("من؟", "")])
    template = {**pairs, "prompt_template": "{prompt}"}
    outcome = sft.train(make_recipe(data=template, training={"max_steps": 3}))
    assert (outcome.rows_without_text, outcome.rows_cut_off) == (1, 1)
    pairs = write_pairs(tmp_path / "long.jsonl", [(long, "أنا")])
    with pytest.raises(DataError, match=r"max_length \(64 tokens\)"):
        sft.train(make_recipe(data=pairs, output_dir=str(tmp_path / "other")))
    # A run that never began does not keep a corrected recipe out of its folder.
    sft.train(make_recipe(output_dir=str(tmp_path / "other"), training={"max_steps": 2}))


def test_learning_is_judged_on_the_same_rows(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    """Logged losses differ by which rows a step draws; the verdict must not depend on that."""
    text = tmp_path / "uneven.txt"
    text.write_text("\n".join(["ا" * n for n in range(1, 60, 3)]), encoding="utf-8")
    recipe = make_recipe(
        data={"source": str(text)},
        training={"learning_rate": 1e-12, "max_steps": 9, "batch_size": 1},
    )
    outcome = sft.train(recipe)
    assert not outcome.learned
    assert outcome.trained_loss == pytest.approx(outcome.untrained_loss, rel=1e-4)


def test_missing_target_module_and_wrong_bases(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"'q_prj', which is no linear layer.*Did you mean 'q_proj'"
    ):
        sft.train(make_recipe(lora={"target_modules": ["q_prj"]}))
    with pytest.raises(UsageError, match=r"'mlp', which is no linear layer"):
        sft.train(make_recipe(lora={"target_modules": ["mlp"]}))
    assert not (tmp_path / "run").exists()


class TestFolder:
    """Whose folder it is decides what may be written or removed."""

    def test_foreign_folders_are_left_alone(self, make_recipe: MakeRecipe, tmp_path: Path) -> None:
        run = tmp_path / "run"
        run.mkdir()
        note = run / "note.txt"
        note.write_text("mine", encoding="utf-8")
        for overwrite in (False, True):
            with pytest.raises(UsageError, match=r"not empty and holds no run of ours"):
                sft.train(make_recipe(), overwrite=overwrite)
        # The user's own recipe.yaml does not make it a folder of ours.
        own = run / "recipe.yaml"
        own.write_text("# mine\n" + dump_recipe(make_recipe()), encoding="utf-8")
        for overwrite in (False, True):
            with pytest.raises(UsageError, match=r"holds no run of ours"):
                sft.train(make_recipe(), overwrite=overwrite)
        assert own.read_text(encoding="utf-8").startswith("# mine\n")
        assert sorted(path.name for path in run.iterdir()) == ["note.txt", "recipe.yaml"]
        with pytest.raises(UsageError, match=r"is a file"):
            sft.train(make_recipe(output_dir=str(note)))

    def test_finished_run_other_recipe_and_overwrite(
        self, make_recipe: MakeRecipe, tmp_path: Path
    ) -> None:
        short = {"max_steps": 3}
        first = sft.train(make_recipe(training=short))
        again = sft.train(make_recipe(training=short))
        assert again.finished_before
        assert not first.finished_before
        assert again.last_loss == first.last_loss
        assert again.learned == first.learned
        (tmp_path / "text.txt").write_text(f"{SENTENCE}\n", encoding="utf-8")
        with pytest.raises(UsageError, match=r"data changed since the run"):
            sft.train(make_recipe(training=short))
        for damage in ("{", "{}", "[]"):
            run_file = tmp_path / "run" / "run.json"
            whole = run_file.read_text(encoding="utf-8")
            run_file.write_text(damage, encoding="utf-8")
            with pytest.raises(DataError, match=r"run\.json"):
                sft.train(make_recipe(training=short))
            run_file.write_text(whole, encoding="utf-8")
        (tmp_path / "run" / "note.txt").write_text("mine", encoding="utf-8")
        other = make_recipe(training={"max_steps": 2})
        with pytest.raises(UsageError, match=r"run of another recipe.*--overwrite"):
            sft.train(other)
        # A mistake in the recipe must not cost the earlier run.
        wrong = make_recipe(training=short, data={"source": str(tmp_path / "none.txt")})
        with pytest.raises(UsageError, match=r"does not exist"):
            sft.train(wrong, overwrite=True)
        assert (tmp_path / "run" / "adapter" / "adapter_model.safetensors").exists()
        assert sft.train(other, overwrite=True).steps == 2
        assert {path.name for path in (tmp_path / "run").iterdir()} == {*RUN_FILES, "note.txt"}
        assert len(read_losses(tmp_path / "run" / "losses.jsonl")) == 2


def start_and_kill(recipe_file: Path, log: Path, step: int) -> None:
    """Train in a process of its own and kill it without warning at `step`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "arabench.cli", "train", str(recipe_file)],
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 240
    try:
        while not any(row["step"] >= step for row in read_losses(log)):
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_run_resumes_as_if_nothing_had_happened(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"{SENTENCE} {n}" for n in range(40)), encoding="utf-8")
    steps = {"max_steps": 20, "save_every": 3, "gradient_accumulation": 2}
    straight = sft.train(make_recipe(training=steps, output_dir=str(tmp_path / "straight")))
    recipe = make_recipe(training=steps)
    recipe_file = tmp_path / "recipe.yaml"
    recipe_file.write_text(dump_recipe(recipe), encoding="utf-8")
    run = tmp_path / "run"
    start_and_kill(recipe_file, run / "losses.jsonl", step=8)
    assert not (run / "run.json").exists()

    changed = text.read_text(encoding="utf-8")
    text.write_text(changed + "\nغيره", encoding="utf-8")
    with pytest.raises(UsageError, match=r"the data changed since the run"):
        sft.train(recipe)
    text.write_text(changed, encoding="utf-8")
    # A checkpoint that was being written when the kill came is not resumed from.
    torn = run / "checkpoints" / "checkpoint-99"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_st', encoding="utf-8")
    outcome = sft.train(recipe)
    assert 6 <= outcome.resumed_from < 20
    assert outcome.resumed_from % 3 == 0

    expected = read_losses(tmp_path / "straight" / "losses.jsonl")
    resumed = read_losses(run / "losses.jsonl")
    assert [row["step"] for row in resumed] == list(range(1, 21))
    for key in ("loss", "learning_rate", "grad_norm"):
        assert [row[key] for row in resumed] == pytest.approx(
            [row[key] for row in expected], abs=1e-6, rel=1e-6
        ), key
    assert outcome.trained_loss == pytest.approx(straight.trained_loss, abs=1e-6)
    one, other = (
        load_file(folder / "adapter" / "adapter_model.safetensors")
        for folder in (run, tmp_path / "straight")
    )
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)
    assert sft.train(recipe).finished_before
    assert not (run / "checkpoints").exists()


def test_a_kill_between_the_last_step_and_the_end(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(training={"max_steps": 4, "save_every": 3})

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "save_adapter", killed)
        with pytest.raises(KeyboardInterrupt):
            sft.train(recipe)
    before = read_losses(tmp_path / "run" / "losses.jsonl")
    outcome = sft.train(recipe)
    assert outcome.resumed_from == outcome.steps == 4
    assert read_losses(tmp_path / "run" / "losses.jsonl") == before
    assert outcome.learned
