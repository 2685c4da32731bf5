"""Tiny bases of two architectures, and recipes for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arabench.trainers.data.rows import load_rows
from arabench.trainers.data.sources import find_places
from arabench.trainers.methods.table import METHODS
from arabench.trainers.recipe import Recipe

SENTENCE = "كيف حالك اليوم يا صديقي العزيز؟"
MakeRecipe = Callable[..., Recipe]


def encoded_rows(recipe: Recipe, tokenizer: Any) -> Any:
    """The rows of a recipe's data as its method trains on them."""
    method = METHODS[recipe.method]
    places, _ = find_places(recipe.data)
    section, _ = method.resolve(recipe.data, places)
    rows = load_rows(section, places, lambda row: method.row(row, section, tokenizer.eos_token))
    return method.encode(rows.dataset, tokenizer, recipe.training.max_length).dataset


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Tiny models are fastest on one thread, by far when the machine is busy."""
    import torch

    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # what the trainer follows
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_qwen3(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Qwen3 (its attention has norms of its own) with the tokenizer of tiny_base."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("tiny_qwen3")
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=32, max_position_embeddings=512,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_base / name, folder / name)
    return folder


@pytest.fixture
def make_recipe(tmp_path: Path, tiny_base: Path) -> MakeRecipe:
    """A short 4-bit run on one sentence; keyword arguments replace keys of a section."""

    def make(**sections: Any) -> Recipe:
        text = tmp_path / "text.txt"
        if not text.exists():
            text.write_text(f"{SENTENCE}\n" * 8, encoding="utf-8")
        content: dict[str, Any] = {
            "output_dir": str(tmp_path / "run"),
            "device": "cpu",
            "base": {"name": str(tiny_base)},
            "data": {"source": str(text)},
            "quantization": {},
            "lora": {},
            "training": {
                "max_steps": 6, "batch_size": 2, "gradient_accumulation": 1,
                "learning_rate": 1e-2, "warmup_steps": 1, "max_length": 64, "save_every": 2,
            },
        }  # fmt: skip
        for section, value in sections.items():
            if isinstance(value, dict):
                content[section] = {**content.get(section, {}), **value}
            else:
                content[section] = value
        return Recipe.model_validate(content)

    return make
