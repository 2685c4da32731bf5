"""Recipes: the paper's defaults, strict reading, errors that say what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arabench.errors import UsageError
from arabench.resources import trainers_dir
from arabench.trainers.recipe import Recipe, dump_recipe, load_recipe

MINIMAL = "output_dir: out\nbase: {name: b}\ndata: {source: t.txt}\n"


def load(tmp_path: Path, text: str, overrides: dict[str, Any] | None = None) -> Recipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path, overrides)


def complaint(tmp_path: Path, text: str, overrides: dict[str, Any] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text, overrides)
    assert str(tmp_path / "recipe.yaml") in str(caught.value) or overrides
    return str(caught.value)


def test_defaults_are_the_settings_of_the_paper(tmp_path: Path) -> None:
    recipe = load(tmp_path, MINIMAL)
    assert recipe.quantization.model_dump() == {
        "bits": 4, "double_quantization": True, "compute_dtype": "auto",
    }  # fmt: skip
    assert recipe.lora.model_dump() == {
        "r": 8, "alpha": 32, "dropout": 0.05,
        "target_modules": ("q_proj", "k_proj", "v_proj", "o_proj"),
    }  # fmt: skip
    training = recipe.training
    assert (training.batch_size, training.gradient_accumulation) == (1, 16)
    assert (training.learning_rate, training.max_steps, training.warmup_steps) == (
        5e-5,
        10_000,
        100,
    )
    assert (training.scheduler, training.max_grad_norm) == ("cosine", 0.3)
    assert training.gradient_checkpointing
    assert training.optimizer == "paged_adamw_8bit"


def test_packaged_recipe_is_the_default_one() -> None:
    recipe = load_recipe(trainers_dir() / "recipes" / "qwen2_1_5b_paper.yaml")
    default = Recipe.model_validate(
        {"output_dir": "o", "base": {"name": "b"}, "data": {"source": "s"}}
    )
    for section in ("quantization", "lora", "training"):
        assert getattr(recipe, section) == getattr(default, section)
    assert recipe.base.name == "Qwen/Qwen2-1.5B"


def test_dump_and_load_round_trip(tmp_path: Path) -> None:
    for text in (
        MINIMAL,
        MINIMAL.replace("t.txt", "t.jsonl, prompt_field: q, response_field: a, max_samples: 5"),
    ):
        recipe = load(tmp_path, text)
        assert load(tmp_path, dump_recipe(recipe)) == recipe
        assert load(tmp_path, dump_recipe(recipe)).fingerprint == recipe.fingerprint


def test_fingerprint_ignores_only_the_output_folder(tmp_path: Path) -> None:
    recipe = load(tmp_path, MINIMAL)
    assert load(tmp_path, MINIMAL, {"output_dir": "x"}).fingerprint == recipe.fingerprint
    assert load(tmp_path, MINIMAL, {"training.seed": 1}).fingerprint != recipe.fingerprint


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ("traning: {}", "unknown key 'traning'. Did you mean 'training'?"),
        ("training: {learning_rat: 1.0}", "'training.learning_rat'. Did you mean 'learning_rate'?"),
        ("lora: {rank: 8, alhpa: 3}", "unknown key 'lora.rank'. Allowed: alpha, dropout, r,"),
        ("quantization: {bit: 4}", "Did you mean 'bits'?"),
        ("training: {learning_rate: fast}", "learning_rate: Input should be a valid number, not"),
        ("training: {learning_rate: 1e-3x}", "learning_rate: Input should be a valid number, not"),
        ("training: {learning_rate: true}", "learning_rate: Input should be a valid number, not"),
        ("training: {learning_rate: nan}", "training.learning_rate: Input should be a finite"),
        ("training: {learning_rate: -1e-3}", "greater than 0, not -0.001"),
        ("training: {learning_rate: .inf}", "training.learning_rate: Input should be a finite"),
        ("training: {learning_rate: .nan}", "training.learning_rate: Input should be a finite"),
        ("training: {learning_rate: 0}", "greater than 0, not 0"),
        ("training: {max_steps: 10.5}", "training.max_steps: Input should be a valid integer"),
        ("training: {max_steps: true}", "training.max_steps: Input should be a valid integer"),
        ("training: {scheduler: cosin}", "Input should be 'cosine', 'linear' or 'constant'"),
        ("quantization: {bits: 5}", "Input should be 4, 8 or 16, not 5"),
        ("lora: {target_modules: []}", "lora.target_modules: name linear layers, in a list or"),
        ("lora: {target_modules: ''}", "lora.target_modules: name linear layers, in a list or"),
        ("lora: {target_modules: [q_proj, 1]}", "or write all-linear. Given: ['q_proj', 1]"),
        ("lora: {target_modules: 5}", "lora.target_modules: name linear layers"),
        ("quantization: {compute_dtype: bf16}", "Input should be 'auto', 'bfloat16', 'float16'"),
        ("lora: {dropout: 1.0}", "less than 1, not 1.0"),
        ("training: [1]", "'training' is a section with the keys max_steps,"),
        ("training:", "'training' is a section with the keys max_steps,"),
        ("training: {max_steps: 50}", "warmup_steps (100) must be less than max_steps (50)"),
        ("1: 2", "Keys should be strings"),
        (
            "learning_rate: 1.0",
            "unknown key 'learning_rate'. Did you mean 'training.learning_rate'?",
        ),
        (
            "lora: {max_length: 9}",
            "'lora.max_length'. Did you mean 'training.max_length'? Allowed: al",
        ),
        ("seed: 2024-01-01", "unknown key 'seed'. Did you mean 'training.seed'?"),
        (
            "training: {seed: 1, seed: 2}",
            "is no valid YAML on line 4: the key 'seed' is given twice",
        ),
        ("base: {name: c}", "the key 'base' is given twice, first on line 2"),
    ],
)
def test_wrong_keys_and_values(tmp_path: Path, addition: str, expected: str) -> None:
    assert expected in complaint(tmp_path, MINIMAL + addition)


@pytest.mark.parametrize("written", ["1e-3", "1E-3", "1.0e-3", "0.001", "'1e-3'"])
def test_numbers_as_people_write_them(tmp_path: Path, written: str) -> None:
    """YAML 1.1 reads 1e-3 as text."""
    keys = ("training.learning_rate", "training.weight_decay", "training.max_grad_norm",
            "lora.alpha", "lora.dropout")  # fmt: skip
    for key in keys:
        section, name = key.split(".")
        recipe = load(tmp_path, f"{MINIMAL}{section}: {{{name}: {written}}}")
        assert getattr(getattr(recipe, section), name) == 0.001
        overridden = load(tmp_path, MINIMAL, {key: "1e-3"})
        assert getattr(getattr(overridden, section), name) == 0.001


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("q_proj", ("q_proj",)),
        ("'q_proj,v_proj'", ("q_proj", "v_proj")),
        ("q_proj v_proj", ("q_proj", "v_proj")),
        ("[q_proj, v_proj]", ("q_proj", "v_proj")),
        ("all-linear", "all-linear"),
        ("[all-linear]", "all-linear"),
    ],
)
def test_target_modules_as_people_write_them(tmp_path: Path, written: str, read: Any) -> None:
    recipe = load(tmp_path, f"{MINIMAL}lora:\n  target_modules: {written}\n")
    assert recipe.lora.target_modules == read
    assert load(tmp_path, dump_recipe(recipe)) == recipe


def test_one_source_or_several(tmp_path: Path) -> None:
    recipe = load(tmp_path, MINIMAL)
    assert (recipe.data.source, recipe.data.sources) == ("t.txt", ("t.txt",))
    recipe = load(tmp_path, MINIMAL.replace("t.txt", "[t.txt, 'clean/*.jsonl.zst']"))
    assert recipe.data.sources == ("t.txt", "clean/*.jsonl.zst")
    assert load(tmp_path, dump_recipe(recipe)) == recipe


@pytest.mark.parametrize("source", ["[]", "''", "5", "['']", "[a, 5]", "null"])
def test_sources_that_are_none(tmp_path: Path, source: str) -> None:
    message = complaint(tmp_path, MINIMAL.replace("t.txt", source))
    assert "data.source: name a file, folder, pattern or hub data set, or a list" in message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("prompt_field: q", "go together"),
        ("response_field: a", "go together"),
        ("text_field: t, messages_field: m", "text_field ('t') and messages_field ('m') exclude"),
        ("prompt_field: q, response_field: a, messages_field: m", "exclude each other"),
        ("text_field: t, input_field: i", "input_field goes with prompt_field"),
        ("prompt_field: q, response_field: a, prompt_template: chats", "or be chat"),
        ("text_field: t, prompt_field: q, response_field: a", "exclude each other"),
        ("prompt_field: q, response_field: a, prompt_template: x", "must hold {prompt}"),
        ("max_samples: 0", "greater than or equal to 1, not 0"),
        ("sorce: x", "unknown key 'data.sorce'. Did you mean 'source'?"),
    ],
)
def test_contradictions_in_data(tmp_path: Path, fields: str, expected: str) -> None:
    text = MINIMAL.replace("source: t.txt", f"source: t.txt, {fields}")
    assert expected in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("base: {name: b}\ndata: {source: t}\n", "key 'output_dir' is missing"),
        ("output_dri: o\nbase: {name: b}\ndata: {source: t}\n", "Did you mean 'output_dir'?"),
        ("output_dir: o\nbase: {}\ndata: {source: t}\n", "key 'base.name' is missing"),
        ("", "must hold keys and values"),
        ("- a\n- b\n", "must hold keys and values"),
        ("a: [", "is no valid YAML"),
        ("a: !!bool x", "is no valid YAML"),
        ("[" * 3000, "is no valid YAML"),
        ("a: !!python/object/apply:os.system [echo hi]", "is no valid YAML"),
        ("? [a]\n: b", "is no valid YAML"),
    ],
)
def test_no_recipe(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in complaint(tmp_path, text)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_recipe(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        load_recipe(tmp_path / "latin.yaml")


def test_overrides(tmp_path: Path) -> None:
    overrides = {"training.max_steps": 7, "training.warmup_steps": 0, "output_dir": "elsewhere"}
    recipe = load(tmp_path, f"{MINIMAL}training:\n", overrides)  # an empty section can be set into
    assert (recipe.training.max_steps, recipe.output_dir) == (7, "elsewhere")
    assert "Did you mean 'lora'" in complaint(tmp_path, MINIMAL, {"loar.r": 4})
    said = complaint(tmp_path, MINIMAL, {"learning_rate": 1.0})
    assert "unknown key 'learning_rate'. Did you mean 'training.learning_rate'?" in said
    assert "'output_dir' is a value" in complaint(tmp_path, MINIMAL, {"output_dir.x": 1})
    assert "'base' is a section" in complaint(tmp_path, MINIMAL, {"base": "folder"})
    assert "unknown key 'lora.r.x'" not in complaint(tmp_path, MINIMAL, {"lora.r.x": 4})
    assert "unknown key ''" in complaint(tmp_path, MINIMAL, {"": 4})
