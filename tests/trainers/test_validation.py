"""Held-out rows, their loss while the adapter learns, the early end, epochs, and clean texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from arabench.errors import ArabenchError, DataError, UsageError  # noqa: E402
from arabench.text.normalizer import Normalizer  # noqa: E402
from arabench.text.presets import options_from  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.data.prepare import prepare  # noqa: E402
from arabench.trainers.data.rows import load_rows  # noqa: E402
from arabench.trainers.data.sources import find_places  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from arabench.trainers.monitors.validation import read_validation  # noqa: E402
from arabench.trainers.recipe import DataSection, Recipe, TrainingSection  # noqa: E402
from arabench.trainers.run import adapter  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402

WEIGHTS = "adapter_model.safetensors"


def write(path: Path, count: int, repeat: int = 1) -> Path:
    lines = [f"{SENTENCE} {n}" for n in range(count) for _ in range(repeat)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def split(path: Path, seed: int, share: float = 0.3) -> tuple[list[str], list[str]]:
    section = DataSection(source=str(path), text_field="text", validation=share)
    rows = load_rows(section, find_places(section)[0], dict, seed=seed)
    assert rows.held_out is not None
    return rows.dataset["text"][:], rows.held_out["text"][:]


def test_rows_are_held_out_by_seed_and_content(tmp_path: Path) -> None:
    path = write(tmp_path / "t.txt", 400, repeat=2)
    kept, held = split(path, seed=1)
    assert len(kept) + len(held) == 800
    assert not set(kept) & set(held)
    assert 0.2 < len(held) / 800 < 0.4
    assert split(path, seed=1) == (kept, held)
    other = split(path, seed=2)[1]
    assert other != held
    # More rows do not move those that are there.
    longer = write(tmp_path / "u.txt", 500, repeat=2)
    assert set(held) <= set(split(longer, seed=1)[1])
    assert set(split(path, seed=1, share=0.1)[1]) < set(held)


def test_a_share_that_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "t.txt", 5)
    with pytest.raises(DataError, match=r"data.validation \(0.0001\) of 5 rows holds out 0 and l"):
        split(path, seed=0, share=0.0001)
    with pytest.raises(DataError, match=r"holds out 5 and leaves 0 to train on"):
        split(path, seed=0, share=0.9999)


def test_the_loss_is_measured_and_the_best_adapter_kept(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """A rate so high that the loss goes up again: the run ends, with the adapter of the lowest."""
    text = write(tmp_path / "t.txt", 40)
    data = {"source": str(text), "validation": 0.2}
    steps = {"max_steps": 60, "warmup_steps": 1, "evaluate_every": 2, "batch_size": 4,
             "learning_rate": 0.1, "save_every": 4, "scheduler": "constant"}  # fmt: skip
    whole = {"bits": 16}
    said: list[str] = []
    recipe = make_recipe(data=data, training={**steps, "patience": 3}, quantization=whole)
    outcome = sft.train(recipe, say=said.append)
    rows = read_validation(tmp_path / "run" / "validation.jsonl")
    losses = {row["step"]: row["loss"] for row in rows}
    assert list(losses) == list(range(0, outcome.steps + 1, 2))
    assert outcome.steps < 60
    best = min(losses, key=losses.__getitem__)
    assert best < outcome.steps == best + 6
    (line,) = (line for line in said if line.startswith("loss on "))
    assert line.endswith(f"after step {best}, nats per token; the adapter is that of step {best}")
    assert not (tmp_path / "run" / "checkpoints").exists()

    # Without patience it goes on, measures the same, and ends with the last adapter.
    longer = make_recipe(
        data=data, quantization=whole, output_dir=str(tmp_path / "longer"),
        training={**steps, "max_steps": outcome.steps},
    )  # fmt: skip
    sft.train(longer, say=said.append)
    assert read_validation(tmp_path / "longer" / "validation.jsonl") == rows
    assert "the adapter is that of" not in said[-1]
    # One that ends at its best step has its adapter.
    short = make_recipe(
        data=data, quantization=whole, output_dir=str(tmp_path / "short"),
        training={**steps, "max_steps": best},
    )  # fmt: skip
    sft.train(short)
    kept, last, exact = (
        load_file(tmp_path / name / "adapter" / WEIGHTS) for name in ("run", "longer", "short")
    )
    assert all(torch.equal(kept[name], exact[name]) for name in kept)
    assert not all(torch.equal(kept[name], last[name]) for name in kept)


class Interrupted(Exception):
    """Instead of a kill."""


def test_a_killed_run_measures_what_an_unkilled_one_does(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write(tmp_path / "t.txt", 30)
    data = {"source": str(text), "validation": 0.2}
    steps = {"max_steps": 9, "evaluate_every": 2, "save_every": 4, "patience": 50}
    straight = make_recipe(data=data, training=steps, output_dir=str(tmp_path / "straight"))
    sft.train(straight)

    def stop(step: int, loss: float) -> None:
        if step == 7:
            raise Interrupted

    recipe = make_recipe(data=data, training=steps)
    with pytest.raises(Interrupted):
        sft.train(recipe, on_step=stop)
    assert [row["step"] for row in read_validation(tmp_path / "run" / "validation.jsonl")][-1] == 6
    kept = list((tmp_path / "run" / ".rows").glob("*/prepared.json"))
    assert len(kept) == 1

    read: list[int] = []
    import arabench.trainers.data.prepare as preparing

    real = preparing.load_rows
    monkeypatch.setattr(preparing, "load_rows", lambda *a: read.append(1) or real(*a))
    outcome = sft.train(recipe)
    assert (outcome.resumed_from, outcome.steps, read) == (4, 9, [])
    for name, reader in (("validation", read_validation), ("losses", read_losses)):
        one, other = (reader(tmp_path / run / f"{name}.jsonl") for run in ("run", "straight"))
        assert [row["step"] for row in one] == [row["step"] for row in other]
        assert [row["loss"] for row in one] == pytest.approx(
            [row["loss"] for row in other], abs=1e-5
        )
    assert not (tmp_path / "run" / ".rows").exists()


def test_a_run_that_was_ended_early_and_killed_does_not_go_on(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write(tmp_path / "t.txt", 30)
    recipe = make_recipe(
        data={"source": str(text), "validation": 0.2},
        training={"max_steps": 20, "evaluate_every": 1, "save_every": 1, "patience": 2,
                  "learning_rate": 1e-30, "warmup_steps": 0},
    )  # fmt: skip

    def stop(*arguments: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "save_adapter", stop)
        with pytest.raises(Interrupted):
            sft.train(recipe)
    before = read_losses(tmp_path / "run" / "losses.jsonl")
    outcome = sft.train(recipe)
    assert outcome.steps == len(before) == 2
    assert read_losses(tmp_path / "run" / "losses.jsonl") == before


@pytest.mark.parametrize(
    ("rows", "batch", "accumulation", "epochs", "steps"),
    [(10, 1, 1, 1, 10), (10, 4, 1, 2, 6), (10, 2, 2, 3, 9), (10, 2, 2, 0.5, 2), (1, 8, 8, 5, 5)],
)
def test_epochs_are_steps(
    rows: int, batch: int, accumulation: int, epochs: float, steps: int
) -> None:
    section = TrainingSection(
        epochs=epochs, batch_size=batch, gradient_accumulation=accumulation, warmup_steps=0
    )
    assert section.max_steps is None
    assert section.steps(rows) == steps
    assert TrainingSection(max_steps=77, warmup_steps=1).steps(rows) == 77


def test_epochs_within_the_warm_up_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(1\) of 10 rows are 1 steps, which end within"):
        TrainingSection(epochs=1).steps(10)


def test_a_run_of_epochs_sees_every_row_so_often(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    text = write(tmp_path / "t.txt", 5)
    said: list[str] = []
    recipe = make_recipe(
        data={"source": str(text)},
        training={"max_steps": None, "epochs": 3, "batch_size": 2, "warmup_steps": 0},
    )
    outcome = sft.train(recipe, say=said.append)
    assert outcome.steps == 9
    assert "3 epochs of 5 rows are 9 steps" in said


def test_texts_are_normalized_wherever_they_are(tmp_path: Path) -> None:
    raw, clean = "كتـــابٌ  abc", Normalizer(options_from("paper")).normalize("كتـــابٌ  abc")
    assert clean not in {raw, ""}
    path = tmp_path / "d.jsonl"
    turns = [{"from": "human", "value": raw}, {"role": "assistant", "content": raw, "x": raw}]
    rows = [{"t": raw, "p": raw, "r": None, "m": turns}] * 300
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def read(**fields: Any) -> Any:
        section = DataSection(source=str(path), normalize="paper", **fields)
        seen: list[Any] = []

        def keep(row: Any) -> dict[str, str]:
            seen.append(row)
            return {"x": "y"}

        load_rows(section, find_places(section)[0], keep)
        assert len(seen) == 300
        return seen[-1]

    assert read(text_field="t") == {"t": clean}
    assert read(prompt_field="r", response_field="p") == {"r": None, "p": clean}
    assert read(messages_field="m")["m"] == [
        {"from": "human", "value": clean}, {"role": "assistant", "content": clean, "x": raw}
    ]  # fmt: skip


def test_rows_are_found_again_and_those_of_others_removed(
    make_recipe: MakeRecipe, tmp_path: Path, tiny_base: Path
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    text = write(tmp_path / "t.txt", 30)

    def made(recipe: Recipe) -> Any:
        places, _ = find_places(recipe.data)
        return prepare(recipe, places, tokenizer, tmp_path / ".rows")

    recipe = make_recipe(data={"source": str(text), "validation": 0.2}, training={"packing": True})
    first = made(recipe)
    (folder,) = (tmp_path / ".rows").iterdir()
    again = made(recipe)
    for one, other in (
        (first.train, again.train),
        (first.rows.dataset, again.rows.dataset),
        (first.held_out.dataset, again.held_out.dataset),
    ):
        assert one.to_list() == other.to_list()
    assert (first.rows.sha256, first.encoded.sha256) == (again.rows.sha256, again.encoded.sha256)
    assert first.notes == again.notes
    (folder / "prepared.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match=r"are damaged .*Remove that folder"):
        made(recipe)
    write(text, 31)
    made(recipe)
    assert [other.name for other in (tmp_path / ".rows").iterdir()] != [folder.name]
    assert not folder.exists()


def test_rows_that_a_killed_run_left_do_not_stop_the_next(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    left = tmp_path / "run" / ".rows" / "abc"
    left.mkdir(parents=True)
    (left / "tokens.partial").write_bytes(b"x")
    assert sft.train(make_recipe(training={"max_steps": 2})).steps == 2
    assert not left.exists()


def test_a_full_disk_is_one_message_and_leaves_nothing(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    import pyarrow as pa

    class Full(pa.OSFile):  # type: ignore[misc]
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pa, "OSFile", lambda path, mode: pa.PythonFile(Full(path, mode), mode="w"))
    with pytest.raises(ArabenchError, match=r"cannot be written to .*No space left .*Make room"):
        sft.train(make_recipe(training={"max_steps": 2}))
    assert not (tmp_path / "run").exists()
