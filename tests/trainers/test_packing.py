"""Packed rows are all rows, whole, and the model learns from each as if it stood alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import datasets  # noqa: E402
import torch  # noqa: E402

from arabench.errors import UsageError  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.data.chat import IGNORED  # noqa: E402
from arabench.trainers.data.packing import best_fit, pack  # noqa: E402
from arabench.trainers.guards.packing import check_packing  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402

SIZE = 32


def rows(count: int, seed: int = 0, size: int = SIZE) -> Any:
    draw = np.random.default_rng(seed)
    ids = [draw.integers(1, 500, draw.integers(2, size + 1)).tolist() for _ in range(count)]
    labels = [[IGNORED if at % 3 == 0 else token for at, token in enumerate(row)] for row in ids]
    return datasets.Dataset.from_dict({"input_ids": ids, "labels": labels})


@pytest.mark.parametrize("count", [1, 2, 50, 2500])
@pytest.mark.parametrize("in_file", [False, True])
def test_every_row_is_in_one_pack_whole(count: int, in_file: bool, tmp_path: Path) -> None:
    some = rows(count)
    packs = pack(some, SIZE, tmp_path / "packs" if in_file else None)
    found = []
    for made in packs:
        assert sum(made["seq_lengths"]) == len(made["input_ids"]) == len(made["labels"]) <= SIZE
        at = 0
        for length in made["seq_lengths"]:
            found.append((made["input_ids"][at : at + length], made["labels"][at : at + length]))
            at += length
    assert sorted(found) == sorted((row["input_ids"], row["labels"]) for row in some)
    assert pack(some, SIZE).to_list() == packs.to_list()


@pytest.mark.parametrize("seed", range(3))
def test_packs_are_those_of_best_fit(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(1, SIZE + 1, 300)
    spaces: list[int] = []
    for length in sorted(map(int, lengths), reverse=True):  # the definition
        fitting = [space for space in spaces if space >= length]
        if fitting:
            spaces.remove(min(fitting))
            spaces.append(min(fitting) - length)
        else:
            spaces.append(SIZE - length)
    pack_of = best_fit(lengths, SIZE)
    used = np.bincount(pack_of, weights=lengths)
    assert sorted(SIZE - used) == sorted(spaces)


def model_of(kind: str) -> Any:
    import transformers

    shape = {
        "vocab_size": 512, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 128,
    }  # fmt: skip
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**shape)
    model = getattr(transformers, f"{kind}ForCausalLM")(config)
    for value in model.parameters():  # initial values leave logits nearly alike
        value.data.mul_(5.0)
    return model


def trainer_of(make_recipe: MakeRecipe, model: Any, packing: bool, data: Any, folder: Path) -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    from arabench.trainers.methods.method import Method

    words = {f"w{n}": n for n in range(512)}
    word = "w0"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token=word)),
        eos_token=word, pad_token=word,
    )  # fmt: skip
    settings = Method().settings(make_recipe(training={"packing": packing}))
    arguments = SFTConfig(
        output_dir=str(folder), report_to="none", use_cpu=True, bf16=False,
        per_device_train_batch_size=2, gradient_checkpointing=False, **settings,
    )  # fmt: skip
    return SFTTrainer(
        model=model, args=arguments, train_dataset=data, processing_class=tokenizer
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["Qwen2", "Llama"])
def test_losses_are_those_of_rows_alone(kind: str, make_recipe: MakeRecipe, tmp_path: Path) -> None:
    """Summed over learned tokens, of packs in one batch and of rows one by one; gradients too."""
    model = model_of(kind)
    some = rows(14, seed=3)
    packs = pack(some, SIZE)
    assert len(packs) < len(some)
    apart = trainer_of(make_recipe, model, False, some, tmp_path)
    together = trainer_of(make_recipe, model, True, packs, tmp_path)

    def sums(trainer: Any, data: Any, size: int) -> tuple[float, torch.Tensor]:
        model.zero_grad()
        total = 0.0
        for start in range(0, len(data), size):
            batch = trainer.data_collator(
                [data[at] for at in range(start, min(start + size, len(data)))]
            )
            loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=1)
            loss.backward()
            total += float(loss.detach())
        return total, model.get_input_embeddings().weight.grad.clone()

    alone, alone_gradient = sums(apart, some, 1)
    packed, packed_gradient = sums(together, packs, 2)
    assert packed == pytest.approx(alone, rel=1e-5)
    scale = float(alone_gradient.abs().max())
    assert torch.allclose(packed_gradient, alone_gradient, atol=1e-5 * scale)


def test_models_that_mix_packed_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("Qwen2", "Llama"):
        check_packing(model_of(kind), "base")
    with pytest.raises(UsageError, match=r"^'base' does not keep .*packing to false"):
        check_packing(Mixing(), "base")


class Mixing(torch.nn.Module):
    """Says of each token the mean of all before it, whatever the positions are."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(64, 64)
        self.dtype = torch.float32

    def get_input_embeddings(self) -> torch.nn.Embedding:
        return self.table

    def forward(self, input_ids: torch.Tensor, **named: Any) -> Any:
        class Said:
            logits = self.table(input_ids).cumsum(1)

        return Said()


def test_a_packed_run_learns_and_resumes(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    said: list[str] = []
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"{SENTENCE} {n}"[-n % 20 :] for n in range(30)), encoding="utf-8")
    recipe = make_recipe(training={"packing": True, "max_length": 128, "batch_size": 1})
    outcome = sft.train(recipe, say=said.append)
    assert outcome.learned
    assert any("30 rows were packed into" in line for line in said)
    assert len(read_losses(tmp_path / "run" / "losses.jsonl")) == 6
