"""Runs of every method but sft: they learn what they are for, say so, and resume."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402

from arabench.errors import DataError  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.guards import moved  # noqa: E402
from arabench.trainers.guards.probe import probed  # noqa: E402
from arabench.trainers.methods.table import METHODS  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from arabench.trainers.monitors.rewards import rewards_of  # noqa: E402
from arabench.trainers.recipe import Recipe, dump_recipe  # noqa: E402
from arabench.trainers.run import outcome as outcomes  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402
from tests.trainers.test_sft import built  # noqa: E402

PAIRED = ("dpo", "ipo", "cpo", "simpo", "orpo")
OTHERS = [name for name in METHODS if name != "sft"]


def data_of(method: str, folder: Path) -> dict[str, Any]:
    """Nine rows that a method learns from."""
    good, bad = "الحمد لله بخير", "لا أدري والله"
    file = folder / f"{method}.jsonl"
    rows: list[dict[str, Any]] = [{"text": SENTENCE} for _ in range(9)]
    if method == "kto":
        rows = [{"prompt": f"كيف {n}؟", "response": (good, bad)[n % 2], "label": n % 2 == 0}
                for n in range(9)]  # fmt: skip
    elif method in PAIRED:
        rows = [{"prompt": f"كيف {n}؟", "chosen": good, "rejected": bad} for n in range(9)]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return {"source": str(file)}


@pytest.mark.parametrize("bits", [4, 16])
@pytest.mark.parametrize("method", OTHERS)
def test_a_method_learns_and_records_what(
    method: str, bits: int, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = make_recipe(method=method, data=data_of(method, tmp_path), quantization={"bits": bits})
    outcome = sft.train(recipe)
    assert outcome.learned
    assert outcome.trained_loss < outcome.untrained_loss
    assert outcome.elements_moved > 0.99
    run = Path(recipe.output_dir)
    stored = json.loads((run / "run.json").read_text(encoding="utf-8"))
    history = read_losses(run / "losses.jsonl")
    assert [row["step"] for row in history] == list(range(1, 7))
    asks_base = method in {"dpo", "ipo", "kto"}
    assert (outcome.reference_seconds > 0) == (stored["reference_seconds"] > 0) == asks_base
    if method == "cpt":
        assert outcome.trained_margin is stored["trained_margin"] is None
        assert "reward_margin" not in history[0]
        return
    assert outcome.trained_margin is not None
    assert outcome.untrained_margin is not None
    assert outcome.trained_margin > outcome.untrained_margin + 0.01
    assert stored["trained_margin"] == outcome.trained_margin
    assert history[-1]["reward_margin"] > history[0]["reward_margin"]
    if asks_base:  # without its adapter it is its own reference
        assert outcome.untrained_margin == pytest.approx(0.0, abs=1e-5)
    if method in PAIRED:
        assert (outcome.trained_accuracy, history[-1]["reward_accuracy"]) == (1.0, 1.0)
    again = sft.train(recipe)
    assert again.finished_before
    assert again.trained_margin == outcome.trained_margin
    assert again.learned


@pytest.mark.parametrize("method", ["dpo", "simpo", "kto"])
def test_small_rates_move_the_adapter(method: str, make_recipe: MakeRecipe, tmp_path: Path) -> None:
    """In bfloat16, to which TRL casts adapters of quantized models, next to nothing moves."""
    recipe = make_recipe(
        method=method, data=data_of(method, tmp_path),
        training={"learning_rate": 1e-6, "optimizer": "adamw_torch"},
    )  # fmt: skip
    outcome = sft.train(recipe)
    assert outcome.elements_moved > 0.9
    assert not outcome.learned  # so little that it is not worth shipping


def test_a_run_in_which_nothing_moves_fails(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arabench.trainers.run import trainer

    recipe = make_recipe(method="dpo", data=data_of("dpo", tmp_path))
    build = trainer.build

    def frozen(*arguments: Any, **named: Any) -> Any:
        made = build(*arguments, **named)
        made.create_optimizer = lambda *_, **__: setattr(
            made, "optimizer", torch.optim.SGD(made.model.parameters(), lr=0.0)
        ) or made.optimizer  # fmt: skip
        made.args.learning_rate = 0.0
        return made

    monkeypatch.setattr(trainer, "build", frozen)
    outcome = sft.train(recipe)
    assert outcome.elements_moved == 0.0
    assert not outcome.learned


def test_what_learned_means() -> None:
    def outcome(**changed: Any) -> outcomes.Outcome:
        values: dict[str, Any] = dict.fromkeys(outcomes.Outcome.__annotations__, 0)
        return outcomes.Outcome(**{**values, "untrained_margin": None, "trained_margin": None,
                                   "untrained_loss": 2.0, "trained_loss": 1.0,
                                   "elements_moved": 0.5, **changed})  # fmt: skip

    assert outcome().learned
    assert not outcome(elements_moved=0.0).learned
    assert not outcome(trained_loss=1.99).learned
    # The margin counts where there is one, not the loss, which a term of SFT may lower.
    assert not outcome(untrained_margin=0.0, trained_margin=-0.2).learned
    assert not outcome(untrained_margin=0.3, trained_margin=0.305).learned
    assert outcome(untrained_margin=-0.3, trained_margin=-0.2, trained_loss=2.0).learned


def test_margins_of_what_trainers_log() -> None:
    logs = {"rewards/chosen": 2.0, "rewards/rejected": 0.5}
    assert rewards_of(logs) == {"reward_margin": 1.5}
    assert rewards_of({**logs, "rewards/margins": 1.0, "rewards/accuracies": 0.7}) == {
        "reward_margin": 1.0, "reward_accuracy": 0.7,
    }  # fmt: skip
    assert rewards_of({"rewards/chosen": 2.0}) == rewards_of({"loss": 1.0}) == {}
    assert rewards_of({"eval_rewards/margins": 3}, "eval_") == {"reward_margin": 3.0}


def test_of_labelled_rows_as_many_of_either_kind_are_probed() -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"label": [True] * 30 + [False] * 3 + [True]})
    assert list(probed(rows)) == [*range(8), 30, 31, 32]
    assert list(probed(datasets.Dataset.from_dict({"x": [0] * 30}))) == list(range(16))


def test_rows_of_kto_are_shuffled_and_none_is_alone_in_its_pass(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = make_recipe(method="kto", data=data_of("kto", tmp_path))
    made = built(recipe, tmp_path)
    rows = list(made.train_dataset)
    assert len(rows) == 8
    labels = [row["label"] for row in rows]
    assert labels != sorted(labels, reverse=True)
    assert labels != [n % 2 == 0 for n in range(8)]
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        assert one["KL_completion_ids"] == other["completion_ids"]
        assert other["KL_completion_ids"] == one["completion_ids"]
    batches = [batch["input_ids"].shape[0] for batch in made.get_train_dataloader()]
    assert batches == [2] * 4
    first = next(iter(made.get_train_dataloader()))
    assert first["label"].tolist() == labels[:2]
    one_row = made.train_dataset.select([0])
    with pytest.raises(DataError, match=r"there is one\. Add rows"):
        METHODS["kto"].arrange(one_row, recipe)


def test_kto_says_what_its_loss_depends_on(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    for size in (4, 2):
        recipe = make_recipe(
            method="kto", output_dir=str(tmp_path / f"kto{size}"), data=data_of("kto", tmp_path),
            training={"batch_size": size, "gradient_accumulation": 4 // size, "max_steps": 2},
        )  # fmt: skip
        said: list[str] = []
        sft.train(recipe, say=said.append)
        assert any("another batch_size is another loss" in line for line in said) == (size == 2)


def test_texts_of_cpt_are_one_sequence(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    recipe = make_recipe(method="cpt", training={"max_length": 16})
    made = built(recipe, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(recipe.base.name)
    rows = [row["input_ids"] for row in made.train_dataset]
    assert [len(row) for row in rows[:-1]] == [16] * (len(rows) - 1)
    joined = rows[0] + [token for row in rows[1:] for token in row[1:]]
    assert joined == tokenizer(SENTENCE + tokenizer.eos_token)["input_ids"] * 8
    assert all(one[-1] == other[0] for one, other in itertools.pairwise(rows))
    assert [row["labels"] for row in made.train_dataset] == rows


def test_the_initial_values_of_a_run_that_goes_on_stay(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    moved.keep_initial(model, tmp_path, again=True)
    assert moved.share_moved(model, tmp_path) == 0.0
    with torch.no_grad():
        model.bias[0] += 1
    assert moved.share_moved(model, tmp_path) == pytest.approx(1 / 8)
    moved.keep_initial(model, tmp_path, again=False)
    assert moved.share_moved(model, tmp_path) == pytest.approx(1 / 8)
    moved.keep_initial(model, tmp_path, again=True)
    assert moved.share_moved(model, tmp_path) == 0.0


IN_CI = ("dpo", "simpo")


@pytest.mark.parametrize(
    "method",
    [name if name in IN_CI else pytest.param(name, marks=pytest.mark.slow) for name in OTHERS],
)
def test_a_killed_run_goes_on_with_the_same_losses(
    method: str, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    data = data_of(method, tmp_path)
    training = {"max_steps": 12, "save_every": 3}
    straight = make_recipe(
        method=method, data=data, training=training, output_dir=str(tmp_path / "straight")
    )
    expected = sft.train(straight)
    recipe = make_recipe(method=method, data=data, training=training)
    kill_after(recipe, 5, tmp_path)
    said: list[str] = []
    resumed = sft.train(recipe, say=said.append)
    assert resumed.resumed_from >= 3
    assert resumed.steps == 12
    one, other = (
        read_losses(Path(each.output_dir) / "losses.jsonl") for each in (straight, recipe)
    )
    for key in ("step", "loss", "grad_norm", "learning_rate", "reward_margin", "reward_accuracy"):
        there = [row.get(key, 0.0) for row in one]
        assert [row.get(key, 0.0) for row in other] == pytest.approx(there, abs=1e-5), key
    assert resumed.trained_loss == pytest.approx(expected.trained_loss, abs=1e-5)
    assert resumed.elements_moved == expected.elements_moved
    # What the base says of them is kept beside the rows.
    assert not [line for line in said if line.startswith("what the base says")]


def kill_after(recipe: Recipe, steps: int, folder: Path) -> None:
    """Train in a process of its own, and kill it once it has done so many steps."""
    file = folder / "killed.yaml"
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    program = (
        "import sys, time\n"
        "from arabench.trainers.recipe import load_recipe\n"
        "from arabench.trainers.sft import train\n"
        "train(load_recipe(sys.argv[1]), on_step=lambda step, loss: time.sleep(0.2))\n"
    )
    log = Path(recipe.output_dir) / "losses.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ},
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 240
        while len(read_losses(log)) < steps and process.poll() is None:
            assert time.monotonic() < deadline, "it does not come so far"
            time.sleep(0.05)
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_the_base_is_not_asked_before_its_weights_are_safe(
    method: str, make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forward without gradients repacks 4-bit weights on some CPUs, and training is lost then."""
    import trl

    asked: list[set[bool]] = []
    kind = {"dpo": trl.DPOTrainer, "kto": trl.KTOTrainer}[method]
    compute = kind.compute_ref_log_probs

    def spy(self: Any, model: torch.nn.Module, inputs: Any) -> Any:
        flag = "support_avx512bf16_for_cpu"
        asked.append({getattr(part, flag) for part in model.modules() if hasattr(part, flag)})
        return compute(self, model, inputs)

    monkeypatch.setattr(kind, "compute_ref_log_probs", spy)
    built(make_recipe(method=method, data=data_of(method, tmp_path)), tmp_path)
    assert asked
    assert all(flags == {False} for flags in asked)


def test_the_command_says_what_was_learned_and_what_was_not(
    make_recipe: MakeRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from arabench.cli.main import main

    file = tmp_path / "r.yaml"
    file.write_text(
        dump_recipe(make_recipe(method="dpo", data=data_of("dpo", tmp_path))), encoding="utf-8"
    )
    assert main(["train", str(file)]) == 0
    said = capsys.readouterr().err
    run = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert "100.0% of them moved, training loss 0.6931 -> " in said
    assert " a pair (first and last tenth of the steps" in said
    assert (
        "margin of rewards on the same rows: 0.0000 without the adapter, "
        f"{run['trained_margin']:.4f} with it, where it is positive in 100% of pairs"
    ) in said
    assert "what the base says of 9 rows was computed in " in said
    weak = ["--set", "training.learning_rate=1e-6", "--overwrite"]
    assert main(["train", str(file), *weak]) == 1
    said = capsys.readouterr().err
    assert "this run learned nothing: on the same rows the margin of rewards is 0.0000" in said
