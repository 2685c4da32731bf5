"""`arabench train` as a person or a script meets it: one message, the right status, no litter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from arabench.cli.main import main

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

Captured = pytest.CaptureFixture[str]
Change = Callable[[dict[str, Any], Path], None]


@pytest.fixture
def recipe(tmp_path: Path, tiny_base: Path) -> dict[str, Any]:
    """A short run on one repeated sentence."""
    (tmp_path / "t.txt").write_text("كيف حالك اليوم يا صديقي\n" * 8, encoding="utf-8")
    return {
        "output_dir": str(tmp_path / "run"),
        "device": "cpu",
        "base": {"name": str(tiny_base)},
        "data": {"source": str(tmp_path / "t.txt")},
        "training": {
            "max_steps": 5, "batch_size": 2, "gradient_accumulation": 1, "learning_rate": 1e-2,
            "warmup_steps": 1, "max_length": 64,
        },
    }  # fmt: skip


def write(recipe: dict[str, Any], folder: Path) -> str:
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    return str(path)


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "arabench.cli", "train", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def assert_one_message(err: str) -> None:
    assert err.count("arabench: error:") == 1, err
    assert "Traceback" not in err
    assert "warn" not in err.lower()


def test_a_whole_run_and_its_messages(
    recipe: dict[str, Any], tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "t.jsonl").write_text(
        '{"text": "كيف حالك"}\n' * 8 + '{"text": ""}\n{"text": null}\n', encoding="utf-8"
    )
    recipe["data"]["source"] = str(tmp_path / "t.jsonl")
    done = call(write(recipe, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert all(line.startswith("arabench: ") for line in lines), done.stderr
    assert "5 steps in" in done.stderr
    computing = next(line for line in lines if "computing in" in line)
    assert computing.endswith("on cpu, 1 threads (OMP_NUM_THREADS)"), computing
    # What a user should know stands before the first step.
    order = ["computing in", "rows without text", "loading", "step 1/5"]
    assert [done.stderr.index(part) for part in order] == sorted(map(done.stderr.index, order))
    assert "2 rows without text were left out" in done.stderr
    run = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    # Two means of other rows, and the pair on which it is judged whether anything was learned.
    assert f"{run['first_loss']:.4f} -> {run['last_loss']:.4f} nats per token" in done.stderr
    assert (
        f"loss on the same rows: {run['untrained_loss']:.4f} without the adapter, "
        f"{run['trained_loss']:.4f} with it, nats per token"
    ) in lines[-2]
    assert run["trained_loss"] < run["untrained_loss"]
    assert main(["train", write(recipe, tmp_path)]) == 0
    assert "already run to its end" in capsys.readouterr().err


def test_a_run_that_learns_nothing_exits_1(
    recipe: dict[str, Any], tmp_path: Path, capsys: Captured
) -> None:
    done = call(write(recipe, tmp_path), "--set", "training.learning_rate=1.0e-12")
    assert done.returncode == 1
    assert "this run learned nothing" in done.stderr
    assert "Traceback" not in done.stderr
    assert main(["train", write(recipe, tmp_path), "--set", "training.learning_rate=1.0e-12"]) == 1
    assert "already run" in capsys.readouterr().err


def test_a_run_that_diverges_is_one_message(recipe: dict[str, Any], tmp_path: Path) -> None:
    done = call(write(recipe, tmp_path), "--set", "training.learning_rate=1.0e+30")
    assert done.returncode == 1
    assert_one_message(done.stderr)
    assert "this run diverged: in step " in done.stderr
    assert "loss 0.0000" not in done.stderr
    assert not (tmp_path / "run" / "adapter").exists()


def no_model(recipe: dict[str, Any], folder: Path) -> None:
    (folder / "empty").mkdir()
    recipe["base"]["name"] = str(folder / "empty")


def copied_base(recipe: dict[str, Any], folder: Path) -> Path:
    copy = folder / "copy"
    copy.mkdir()
    for file in Path(recipe["base"]["name"]).iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    recipe["base"]["name"] = str(copy)
    return copy


def pickled(recipe: dict[str, Any], folder: Path) -> None:
    (copied_base(recipe, folder) / "model.safetensors").rename(folder / "copy/pytorch_model.bin")


def own_code(recipe: dict[str, Any], folder: Path) -> None:
    config = copied_base(recipe, folder) / "config.json"
    content = json.loads(config.read_text(encoding="utf-8"))
    content["auto_map"] = {"AutoModelForCausalLM": "evil.Model"}
    config.write_text(json.dumps(content), encoding="utf-8")
    (folder / "copy" / "evil.py").write_text("open('pwned', 'w')", encoding="utf-8")


def damaged(recipe: dict[str, Any], folder: Path) -> None:
    weights = copied_base(recipe, folder) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def no_target(recipe: dict[str, Any], folder: Path) -> None:
    recipe["lora"] = {"target_modules": ["q_proj", "qkv"]}


def no_data(recipe: dict[str, Any], folder: Path) -> None:
    recipe["data"]["source"] = str(folder / "none.jsonl")


def bad_row(recipe: dict[str, Any], folder: Path) -> None:
    (folder / "t.jsonl").write_text('{"text": "x"}\nnot json\n', encoding="utf-8")
    recipe["data"]["source"] = str(folder / "t.jsonl")


def cuda(recipe: dict[str, Any], folder: Path) -> None:
    recipe["device"] = "cuda"


def misspelt(recipe: dict[str, Any], folder: Path) -> None:
    recipe["training"]["max_step"] = 3


@pytest.mark.parametrize(
    ("change", "code", "expected"),
    [
        (no_model, 2, "is no model folder: it has no config.json"),
        (pickled, 1, "only pickled weights"),
        (own_code, 1, "auto_map"),
        (damaged, 2, "could not be loaded: SafetensorError"),
        (no_target, 2, "'qkv', which is no linear layer"),
        (no_data, 2, "none.jsonl' does not exist"),
        (bad_row, 1, "t.jsonl:2"),
        (cuda, 2, "torch sees no CUDA device"),
        (misspelt, 2, "Did you mean 'max_steps'"),
    ],
)
def test_bad_input_in_process(
    change: Change,
    code: int,
    expected: str,
    recipe: dict[str, Any],
    tmp_path: Path,
    capsys: Captured,
) -> None:
    if change is cuda:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device here")
    change(recipe, tmp_path)
    assert main(["train", write(recipe, tmp_path)]) == code
    err = capsys.readouterr().err
    assert_one_message(err)
    assert expected in err
    assert not (tmp_path / "run").exists()
    assert not Path("pwned").exists()


@pytest.mark.parametrize("change", [damaged, own_code])
def test_bad_input_in_a_process_of_its_own(
    change: Change, recipe: dict[str, Any], tmp_path: Path
) -> None:
    change(recipe, tmp_path)
    done = call(write(recipe, tmp_path))
    assert done.returncode in {1, 2}
    assert_one_message(done.stderr)
    assert done.stdout == ""
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "no recipe given"),
        (["qwen2_1_5b_papr"], "Did you mean 'qwen2_1_5b_paper'"),
        (["none.yaml"], "does not exist"),
        (["R", "--set", "training.max_steps"], "is not KEY=VALUE"),
        (["R", "--set", "=3"], "is not KEY=VALUE"),
        (["R", "--set", "data.source={"], "is no valid YAML"),
        (["R", "--set", "training.seed=2020-01-31"], "valid integer, not '2020-01-31'"),
        (["R", "--set", "data.sorce=x"], "Did you mean 'source'"),
        (["R", "--set", "training.learning_rate=fast"], "valid number, not 'fast'"),
        (["R", "--threads", "0"], "--threads is 0; allowed is 1 or more"),
        (["R", "--set", "output_dir.x=5"], "is a value, not a section"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], expected: str, recipe: dict[str, Any], tmp_path: Path, capsys: Captured
) -> None:
    path = write(recipe, tmp_path)
    assert main(["train", *(path if part == "R" else part for part in arguments)]) == 2
    err = capsys.readouterr().err
    assert_one_message(err)
    assert expected in err


def test_show_and_list(recipe: dict[str, Any], tmp_path: Path, capsys: Captured) -> None:
    assert main(["train", write(recipe, tmp_path), "--show", "--set", "lora.r=4"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["lora"]["r"] == 4
    assert shown["training"]["optimizer"] == "paged_adamw_8bit"
    assert not (tmp_path / "run").exists()
    assert main(["train", "--list"]) == 0
    assert "\nqwen2_1_5b_paper " in capsys.readouterr().out
    assert main(["train", "qwen2_1_5b_paper", "--show"]) == 0
    assert "Qwen/Qwen2-1.5B" in capsys.readouterr().out
