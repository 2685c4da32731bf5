"""What is wrong is told before the base is loaded, and the run suits machine and model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import datasets  # noqa: E402
import torch  # noqa: E402

from arabench.errors import ArabenchError  # noqa: E402
from arabench.models import devices  # noqa: E402
from arabench.models.checkpoints import inspect_adapter  # noqa: E402
from arabench.models.devices import nf4  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.recipe import Recipe, dump_recipe  # noqa: E402
from arabench.trainers.run import adapter, base, trainer  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402


class Interrupted(Exception):
    """Instead of a kill."""


@pytest.fixture
def no_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the base fails the test."""

    def loaded(*arguments: Any) -> None:
        pytest.fail("the base was loaded")

    monkeypatch.setattr(base, "load_base", loaded)


def write(folder: Path, *rows: dict[str, Any]) -> dict[str, Any]:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return {"source": str(path)}


WRONG: dict[str, Callable[[Path, Path], tuple[dict[str, Any], str]]] = {
    "missing data": lambda f, b: ({"data": {"source": str(f / "none.txt")}}, "does not exist"),
    "wrong column": lambda f, b: (
        {"data": write(f, {"txet": "x"})},
        "'text'",
    ),
    "broken row": lambda f, b: ({"data": write(f, {"text": "x"}, {"text": 5})}, "rows.jsonl"),
    "only empty rows": lambda f, b: ({"data": write(f, {"text": " "})}, "holds no row with text"),
    "wrong target": lambda f, b: (
        {"lora": {"target_modules": ["q_prj"]}},
        "'q_prj', which is no linear layer of .*Did you mean 'q_proj'.*Or write all-linear",
    ),
    "output head": lambda f, b: (
        {"lora": {"target_modules": ["lm_head"]}},
        "'lm_head', which is no linear layer of .* that can be adapted",
    ),
    "beyond the context": lambda f, b: (
        {"data": write(f, {"text": SENTENCE * 200}), "training": {"max_length": 513}},
        "max_length is 513 and the longest row has 513 tokens, but .* reads at most 512",
    ),
    "path with a typo": lambda f, b: (
        {"base": {"name": str(b.with_name(b.name + "x"))}},
        f"is no folder. Did you mean '{'.*'}{'tiny_base'}",
    ),
    "a file for a folder": lambda f, b: ({"output_dir": str(f / "text.txt")}, "is a file"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.usefixtures("no_loading")
def test_told_before_the_base_is_loaded(
    wrong: str, make_recipe: MakeRecipe, tmp_path: Path, tiny_base: Path
) -> None:
    make_recipe()
    changes, says = WRONG[wrong](tmp_path, tiny_base)
    with pytest.raises(ArabenchError, match=says):
        sft.train(make_recipe(**changes))
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("no_loading")
def test_a_tokenizer_without_end_of_text(
    make_recipe: MakeRecipe, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    endless = PreTrainedTokenizerFast(tokenizer_file=str(tiny_base / "tokenizer.json"))
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda **_: endless)
    with pytest.raises(ArabenchError, match=r"has no end-of-text token, so that no row could end"):
        sft.train(make_recipe())


@pytest.mark.usefixtures("no_loading")
def test_a_longer_max_length_than_the_context_is_no_matter_for_short_rows(
    make_recipe: MakeRecipe,
) -> None:
    with pytest.raises(pytest.fail.Exception, match="the base was loaded"):
        sft.train(make_recipe(training={"max_length": 4096}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"data": {"source": "./none.txt"}}, "none.txt"),
        ({"base": {"name": "./none"}}, "'./none' is no folder"),
        ({"base": {"name": "org/none"}}, "HF_HUB_OFFLINE is set"),
    ],
)
def test_what_is_missing_costs_no_import_of_torch(
    content: dict[str, Any], says: str, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(dump_recipe(make_recipe(**content)), encoding="utf-8")
    program = (
        "import sys; from arabench.cli.main import main; code = main(['train', sys.argv[1]]); "
        "print(code, sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(recipe)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 []\n", done.stderr
    assert says in done.stderr


@pytest.mark.usefixtures("no_loading")
def test_a_name_that_no_hub_has_is_told_before_anything_is_loaded(
    make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ArabenchError, match=r"model 'org/name': http://127.0.0.1:9 could not be"):
        sft.train(make_recipe(base={"name": "org/name"}))


def machine_with(feature: str, patch: pytest.MonkeyPatch) -> None:
    """A CPU with the feature that multiplies bfloat16, or without any."""
    patch.setattr(devices, "native_bfloat16", lambda: feature)


@pytest.mark.parametrize(
    ("feature", "dtype"), [("", "float32"), ("avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16")]
)
def test_auto_suits_the_machine_and_is_recorded(
    feature: str, dtype: str, make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_with(feature, monkeypatch)
    seen: list[Any] = []
    build = trainer.build

    def spy(*arguments: Any) -> Any:
        seen.append(build(*arguments))
        return seen[0]

    monkeypatch.setattr(trainer, "build", spy)
    said: list[str] = []
    recipe = make_recipe(training={"max_steps": 2})
    assert recipe.quantization.compute_dtype == "auto"
    outcome = sft.train(recipe, threads=2, say=said.append)
    torch.set_num_threads(1)
    types = {str(m.compute_dtype) for m in seen[0].model.modules() if hasattr(m, "compute_dtype")}
    assert types == {f"torch.{dtype}"}
    assert {str(p.dtype) for p in seen[0].model.parameters() if p.requires_grad} == {
        "torch.float32"
    }
    assert (seen[0].args.bf16, seen[0].args.fp16) == (dtype == "bfloat16", False)
    (line,) = [line for line in said if line.startswith("computing in")]
    assert line.startswith(f"computing in {dtype} (")
    assert feature in line
    assert "2 threads (as asked)" in line
    run = json.loads((outcome.adapter.parent / "run.json").read_text(encoding="utf-8"))
    assert run["precision"]["dtype"] == run["compute_dtype"] == dtype
    assert run["threads"] == {"count": 2, "reason": "as asked"}
    assert run["environment"]["threads"] == 2
    assert inspect_adapter(str(outcome.adapter)).record["compute_dtype"] == dtype
    assert "compute_dtype: auto" in (outcome.adapter.parent / "recipe.yaml").read_text()


def interrupted(recipe: Recipe, patch: pytest.MonkeyPatch) -> None:
    """Train up to the end, and stop before the adapter is saved."""

    def stop(*arguments: Any) -> None:
        raise Interrupted

    with patch.context() as inner:
        inner.setattr(adapter, "save_adapter", stop)
        with pytest.raises(Interrupted):
            sft.train(recipe)


def test_a_run_is_not_resumed_in_another_type(
    make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(training={"max_steps": 2})
    machine_with("amx_bf16", monkeypatch)
    interrupted(recipe, monkeypatch)
    with monkeypatch.context() as patch:
        machine_with("", patch)
        patch.setattr(base, "load_base", lambda *_: pytest.fail("the base was loaded"))
        with pytest.raises(
            ArabenchError, match=r"matrix products changed .*\(bfloat16, now float32\)"
        ):
            sft.train(recipe)
    assert sft.train(recipe).resumed_from == 2


def test_a_run_is_not_resumed_on_rows_divided_otherwise(
    make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(training={"max_steps": 2})
    interrupted(recipe, monkeypatch)
    record = Path(recipe.output_dir) / "checkpoints" / "arabench.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**content, "tokens_sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(ArabenchError, match=r"the tokenizer, or how rows are divided, changed"):
        sft.train(recipe)


@pytest.mark.parametrize(
    ("device", "dtype", "bf16", "fp16"),
    [
        ("cuda", "float16", False, True),
        ("cuda", "bfloat16", True, False),
        ("cuda", "float32", False, False),
        ("cpu", "float16", False, False),
        ("cpu", "bfloat16", True, False),
    ],
)
def test_float16_gradients_are_scaled_on_a_gpu(
    device: str, dtype: Any, bf16: bool, fp16: bool, make_recipe: MakeRecipe,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    import trl

    monkeypatch.setattr(trl, "SFTConfig", lambda **settings: settings)
    settings = trainer.arguments(make_recipe(), device, dtype, tmp_path, 6)
    assert (settings["bf16"], settings["fp16"]) == (bf16, fp16)


@pytest.mark.parametrize("bits", [4, 16])
def test_gradients_of_a_float16_model_can_be_unscaled(
    bits: int, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """torch refuses to unscale float16 gradients; this is the scaler's part of a step on a GPU."""
    recipe = make_recipe(quantization={"bits": bits, "compute_dtype": "float16"})
    source = base.request_of(recipe).locate()
    tokenizer = base.find_base(recipe, source).tokenizer
    loaded = base.load_base(recipe, source, "cpu", "float16")
    ids = torch.arange(5, 21)[None]
    rows = datasets.Dataset.from_dict({"input_ids": ids.tolist(), "labels": ids.tolist()})
    made = trainer.build(recipe, "cpu", "float16", loaded, tokenizer, rows, tmp_path)
    made.create_optimizer()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with torch.autocast("cpu", dtype=torch.float16):
        loss = made.compute_loss(made.model, made.data_collator([rows[0]]))
    scaler.scale(loss).backward()
    scaler.unscale_(made.optimizer)
    gradients = [p.grad for p in made.model.parameters() if p.requires_grad]
    assert {gradient.dtype for gradient in gradients} == {torch.float32}
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("bits", [4, 16])
def test_a_folder_stored_in_four_bits_computes_in_the_type_of_this_machine(
    bits: int, make_recipe: MakeRecipe, tiny_base: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from transformers import AutoModelForCausalLM

    folder = tmp_path / "nf4"
    shutil.copytree(tiny_base, folder)
    AutoModelForCausalLM.from_pretrained(
        tiny_base, quantization_config=nf4("bfloat16"), dtype=torch.bfloat16
    ).save_pretrained(folder)
    machine_with("", monkeypatch)
    recipe = make_recipe(base={"name": str(folder)}, quantization={"bits": bits})
    source = base.request_of(recipe).locate()
    loaded = base.load_base(recipe, source, "cpu", "float32")
    layers = [m for m in loaded.modules() if type(m).__name__ == "Linear4bit"]
    assert layers
    assert {layer.compute_dtype for layer in layers} == {torch.float32}
    # transformers leaves what is not quantized in the type it is stored in.
    assert {p.dtype for p in loaded.parameters()} == {torch.float32, torch.uint8}
    assert sft.train(recipe).learned


@pytest.fixture(scope="module")
def tiny_gpt2(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained GPT-2, whose layers are Conv1D, with the tokenizer of tiny_base."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("tiny_gpt2")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=512, n_embd=64, n_layer=1, n_head=2, n_positions=512, bos_token_id=0,
        eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_base / name, folder / name)
    return folder


class TestConv1D:
    """GPT-2's layers keep their weights transposed."""

    def test_its_layers_are_named(self, make_recipe: MakeRecipe, tiny_gpt2: Path) -> None:
        with pytest.raises(ArabenchError, match=r"'q_proj', .*Allowed: c_attn, c_fc, c_proj"):
            sft.train(make_recipe(base={"name": str(tiny_gpt2)}))

    @pytest.mark.parametrize("bits", [4, 16])
    @pytest.mark.parametrize("targets", [["c_attn"], "all-linear"])
    def test_they_are_adapted(
        self, bits: int, targets: Any, make_recipe: MakeRecipe, tiny_gpt2: Path
    ) -> None:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        recipe = make_recipe(
            base={"name": str(tiny_gpt2)},
            quantization={"bits": bits, "compute_dtype": "float32"},
            lora={"target_modules": targets},
        )
        outcome = sft.train(recipe)
        assert outcome.learned
        config = json.loads((outcome.adapter / "adapter_config.json").read_text())
        assert config["fan_in_fan_out"] == (bits == 16)
        assert {name.rpartition(".")[2] for name in config["target_modules"]} == (
            {"c_attn"} if targets == ["c_attn"] else {"c_attn", "c_fc", "c_proj"}
        )
        quantized = {"quantization_config": nf4("float32")} if bits == 4 else {}
        plain = AutoModelForCausalLM.from_pretrained(tiny_gpt2, **quantized)
        adapted = PeftModel.from_pretrained(plain, outcome.adapter).eval()
        ids = torch.arange(5, 12)[None]
        with torch.no_grad():
            with_adapter = adapted(input_ids=ids).logits
            with adapted.disable_adapter():
                without = adapted(input_ids=ids).logits
        assert (with_adapter - without).abs().max() > 1e-3

    def test_all_linear_on_other_models(self, make_recipe: MakeRecipe) -> None:
        recipe = make_recipe(lora={"target_modules": "all-linear"}, training={"max_steps": 2})
        outcome = sft.train(recipe)
        config = json.loads((outcome.adapter / "adapter_config.json").read_text())
        assert {name.rpartition(".")[2] for name in config["target_modules"]} == {
            "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
        }  # fmt: skip
        assert config["fan_in_fan_out"] is False


def test_long_texts_are_divided_and_counted_in_run_json(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    data = write(tmp_path, {"text": SENTENCE * 20}, {"text": SENTENCE})
    said: list[str] = []
    outcome = sft.train(make_recipe(data=data, training={"max_steps": 2}), say=said.append)
    assert (outcome.texts_divided, outcome.rows_cut_off) == (1, 0)
    run = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert run["data_rows"] == 2
    assert run["train_rows"] > 2
    assert run["texts_divided"] == 1
    note = next(line for line in said if line.startswith("1 of 2 rows were longer than"))
    assert said.index(note) < said.index(next(line for line in said if line.startswith("loading")))
