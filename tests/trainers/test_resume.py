"""What is damaged in the folder of a run: an older checkpoint, a beginning, or one message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from arabench.errors import ArabenchError, DataError  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.guards.folder import last_checkpoint  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from arabench.trainers.recipe import Recipe  # noqa: E402
from arabench.trainers.run import adapter  # noqa: E402
from tests.trainers.conftest import MakeRecipe  # noqa: E402

WEIGHTS = "adapter_model.safetensors"


class Interrupted(Exception):
    """Instead of a kill."""


@pytest.fixture
def killed(make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A run of six steps that was killed before its adapter was saved, with checkpoints 4 and 6."""
    recipe = make_recipe()

    def stop(*arguments: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "save_adapter", stop)
        with pytest.raises(Interrupted):
            sft.train(recipe)
    return recipe


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "empty weights": (WEIGHTS, lambda file: file.write_bytes(b"")),
    "cut weights": (WEIGHTS, cut),
    "no weights": (WEIGHTS, Path.unlink),
    "other weights": (WEIGHTS, lambda file: file.write_bytes(b"x" * 5000)),
    "state {}": ("trainer_state.json", lambda file: file.write_text("{}")),
    "state []": ("trainer_state.json", lambda file: file.write_text("[]")),
    "state of another step": (
        "trainer_state.json", lambda file: file.write_text('{"global_step": 4}'),
    ),
    "state that is no text": ("trainer_state.json", lambda file: file.write_bytes(b"\xff\xfe{")),
    "cut optimizer": ("optimizer.pt", cut),
    "no scheduler": ("scheduler.pt", Path.unlink),
    "no random state": ("rng_state.pth", Path.unlink),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_told_from_a_whole_one(
    damage: str, checkpoints: Path, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "checkpoints"
    shutil.copytree(checkpoints, copy)
    assert last_checkpoint(copy) == (copy / "checkpoint-6", [])
    name, do = DAMAGES[damage]
    do(copy / "checkpoint-6" / name)
    assert last_checkpoint(copy) == (
        copy / "checkpoint-4", [f"checkpoint-6 is not whole ({name})"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """Those of a run that was killed at its end."""
    place = tmp_path_factory.mktemp("killed")
    (place / "t.txt").write_text("كيف حالك اليوم\n" * 8, encoding="utf-8")
    recipe = Recipe.model_validate(
        {
            "output_dir": str(place / "run"), "device": "cpu", "base": {"name": str(tiny_base)},
            "data": {"source": str(place / "t.txt")},
            "training": {"max_steps": 6, "warmup_steps": 1, "save_every": 2, "max_length": 64,
                         "gradient_accumulation": 1},
        }
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "save_adapter", lambda *_: (_ for _ in ()).throw(Interrupted))
        with pytest.raises(Interrupted):
            sft.train(recipe)
    return place / "run" / "checkpoints"


def test_folders_of_other_names_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / "checkpoint-").mkdir()
    assert last_checkpoint(tmp_path) == (None, [])


def test_a_run_goes_on_from_an_older_checkpoint_and_says_so(killed: Recipe, tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints" / "checkpoint-6" / WEIGHTS).write_bytes(b"")
    said: list[str] = []
    outcome = sft.train(killed, say=said.append)
    assert f"checkpoint-6 is not whole ({WEIGHTS}); the run goes on from checkpoint-4" in said
    assert (outcome.resumed_from, outcome.steps) == (4, 6)
    assert outcome.learned


def test_without_a_whole_checkpoint_a_run_begins_anew_and_says_so(
    killed: Recipe, tmp_path: Path
) -> None:
    for file in (tmp_path / "run" / "checkpoints").rglob("trainer_state.json"):
        file.write_text("{}")
    said: list[str] = []
    outcome = sft.train(killed, say=said.append)
    assert [line for line in said if line.endswith("; the run begins anew")]
    assert (outcome.resumed_from, outcome.steps) == (0, 6)


def test_a_checkpoint_that_the_libraries_refuse_is_one_message(
    killed: Recipe, tmp_path: Path
) -> None:
    state = tmp_path / "run" / "checkpoints" / "checkpoint-6" / "trainer_state.json"
    state.write_text('{"global_step": 6, "no such thing": 1}')
    with pytest.raises(ArabenchError, match=r"checkpoint-6' cannot be resumed from: TypeError"):
        sft.train(killed)


@pytest.mark.parametrize(
    "line",
    [
        '{"loss": 1}', "[1]", "null", "{", "\udcff", '{"step": "3", "loss": 1}',
        '{"step": 3, "loss": NaN, "learning_rate": 1}', '{"step": true, "loss": 1}',
    ],
)  # fmt: skip
def test_a_damaged_loss_log_is_mended_from_the_checkpoint(
    line: str, killed: Recipe, tmp_path: Path
) -> None:
    log = tmp_path / "run" / "losses.jsonl"
    before = read_losses(log)
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("\n".join([*lines[:2], line, lines[3], line]), "utf-8", "surrogateescape")
    outcome = sft.train(killed)
    assert (outcome.resumed_from, outcome.steps) == (6, 6)
    mended = read_losses(log)
    for key in ("step", "loss", "learning_rate", "grad_norm"):
        assert [row[key] for row in mended] == [row[key] for row in before]
    assert mended[2]["seconds"] is None
    assert mended[3] == before[3]
    assert outcome.first_loss == before[0]["loss"]
    assert (tmp_path / "run" / "losses.png").exists()


def test_a_run_that_had_done_its_steps_does_no_more(
    make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The trainer would add one, at the full rate where it is constant."""
    training = {"scheduler": "constant", "max_steps": 3}
    straight = sft.train(make_recipe(training=training, output_dir=str(tmp_path / "straight")))
    recipe = make_recipe(training=training)

    def stop(*arguments: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "save_adapter", stop)
        with pytest.raises(Interrupted):
            sft.train(recipe)
    resumed = sft.train(recipe)
    assert (resumed.resumed_from, resumed.steps) == (3, 3)
    assert resumed.trained_loss == pytest.approx(straight.trained_loss, abs=1e-6)
    one, other = (load_file(outcome.adapter / WEIGHTS) for outcome in (straight, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_damaged_record_of_the_beginning_is_one_message(killed: Recipe, tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints" / "arabench.json").write_text("[1]")
    with pytest.raises(DataError, match=r"does not hold a JSON object.*use --overwrite"):
        sft.train(killed)


def test_run_json_of_wrong_types(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe(training={"max_steps": 2})
    sft.train(recipe)
    file = tmp_path / "run" / "run.json"
    whole = json.loads(file.read_text(encoding="utf-8"))
    for name, value, says in (
        ("steps", None, r"its 'steps' is 'None' and no whole number"),
        ("steps", 1.5, r"no whole number"),
        ("steps", True, r"no whole number"),
        ("trained_loss", None, r"its 'trained_loss' is 'None' and no number"),
        ("untrained_loss", "3.2", r"its 'untrained_loss' is '3.2' and no number"),
        ("seconds", [], r"its 'seconds' is '\[\]' and no number"),
    ):
        file.write_text(json.dumps({**whole, name: value}), encoding="utf-8")
        with pytest.raises(DataError, match=f"run.json is damaged .*{says}.*use --overwrite"):
            sft.train(recipe)
    file.write_text(json.dumps(dict.fromkeys(whole)), encoding="utf-8")
    with pytest.raises(DataError, match="use --overwrite"):
        sft.train(recipe)
    for damage in ("{", "[]"):
        file.write_text(damage, encoding="utf-8")
        with pytest.raises(DataError, match=r"run\.json.*use --overwrite"):
            sft.train(recipe)
    assert sft.train(recipe, overwrite=True).steps == 2
