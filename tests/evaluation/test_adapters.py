"""Adapters of every kind: whole, live, measured as PEFT computes them, and gone afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import peft  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from arabench.models.adapters import Bench  # noqa: E402
from arabench.models.bases import BaseRequest  # noqa: E402
from arabench.models.checkpoints import inspect_adapter  # noqa: E402

TASK = "arabench_lm_egy"
LIMIT = 2
_TARGETS = ["q_proj", "v_proj"]
_COMMON: dict[str, Any] = {"task_type": "CAUSAL_LM"}
KINDS: dict[str, Any] = {
    "lora": lambda: peft.LoraConfig(r=4, target_modules=_TARGETS, **_COMMON),
    "some layers": lambda: peft.LoraConfig(
        r=4, target_modules=_TARGETS, layers_to_transform=[0], **_COMMON
    ),
    "whole head": lambda: peft.LoraConfig(
        r=4, target_modules=_TARGETS, modules_to_save=["lm_head"], **_COMMON
    ),
    "biases": lambda: peft.LoraConfig(r=4, target_modules=_TARGETS, bias="all", **_COMMON),
    "dora": lambda: peft.LoraConfig(r=4, target_modules=_TARGETS, use_dora=True, **_COMMON),
    "pissa": lambda: peft.LoraConfig(
        r=4, target_modules=_TARGETS, init_lora_weights="pissa", **_COMMON
    ),
    "olora": lambda: peft.LoraConfig(
        r=4, target_modules=_TARGETS, init_lora_weights="olora", **_COMMON
    ),
    "adalora": lambda: peft.AdaLoraConfig(target_modules=_TARGETS, total_step=10, **_COMMON),
    "ia3": lambda: peft.IA3Config(
        target_modules=["k_proj", "v_proj"], feedforward_modules=[], **_COMMON
    ),
    "loha": lambda: peft.LoHaConfig(r=4, target_modules=_TARGETS, **_COMMON),
    "lokr": lambda: peft.LoKrConfig(r=4, target_modules=_TARGETS, **_COMMON),
    "vera": lambda: peft.VeraConfig(r=4, target_modules=["q_proj"], **_COMMON),
    "oft": lambda: peft.OFTConfig(
        target_modules=_TARGETS, oft_block_size=4, use_cayley_neumann=False, **_COMMON
    ),
    "boft": lambda: peft.BOFTConfig(target_modules=_TARGETS, boft_block_size=4, **_COMMON),
    "hra": lambda: peft.HRAConfig(r=4, target_modules=_TARGETS, **_COMMON),
    "fourier": lambda: peft.FourierFTConfig(n_frequency=20, target_modules=_TARGETS, **_COMMON),
    "prompt": lambda: peft.PromptTuningConfig(num_virtual_tokens=4, **_COMMON),
    "p-tuning": lambda: peft.PromptEncoderConfig(num_virtual_tokens=4, **_COMMON),
    "prefix": lambda: peft.PrefixTuningConfig(num_virtual_tokens=4, **_COMMON),
}


def make(base: Path, folder: Path, kind: str, seed: int = 0) -> Path:
    """An adapter of that kind with every trained tensor moved at random."""
    torch.manual_seed(seed)
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), KINDS[kind]())
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapters(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("kinds")
    return {kind: make(tiny_base, folder / kind.replace(" ", "_"), kind) for kind in KINDS}


def run(base: Path, output: Path, adapters: dict[str, Path], **changes: Any) -> list[str]:
    said: list[str] = []
    names = {name.replace(" ", "-"): str(path) for name, path in adapters.items()}
    settings = {"limit": LIMIT, "device": "cpu", "dtype": "float32", "threads": 1, **changes}
    evaluate(Request(str(base), names, [TASK], str(output), {}, **settings), said.append)
    return said


def bits(folder: Path) -> list[float]:
    """Bits of each document."""
    sums = load_evaluation(folder).tasks[TASK].scores["bits_per_char"].sums
    return [float(value) for value in sums[:, 0]]


def expected(base: Path, adapter: Path) -> list[float]:
    """Bits by PEFT alone, the adapter on a base of its own."""
    from arabench.evaluation.tasks import lm_data

    model = peft.PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), adapter
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(base)
    found = []
    for row in lm_data("egy")["test"].select(range(LIMIT)):
        ids = tokenizer.encode(row["text"])
        stream = torch.tensor([[tokenizer.eos_token_id, *ids]])
        with torch.no_grad():
            logits = model(input_ids=stream[:, :-1]).logits[0, -len(ids) :].double()
        scores = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])
        found.append(-float(scores.sum()) / float(torch.log(torch.tensor(2.0, dtype=torch.double))))
    return found


@pytest.fixture(scope="module")
def together(
    tiny_base: Path, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """All kinds in one run."""
    folder = tmp_path_factory.mktemp("together")
    said = run(tiny_base, folder, adapters)
    (folder / "said.txt").write_text("\n".join(said), encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_measured_as_peft_computes_it(
    kind: str, together: Path, tiny_base: Path, adapters: dict[str, Path]
) -> None:
    found = bits(together / kind.replace(" ", "-"))
    assert found == pytest.approx(expected(tiny_base, adapters[kind]), rel=1e-6)


def test_no_kind_changes_what_is_reported_for_the_base(
    together: Path, tiny_base: Path, tmp_path: Path
) -> None:
    run(tiny_base, tmp_path, {})
    assert bits(tmp_path / "base") == bits(together / "base")
    said = (together / "said.txt").read_text(encoding="utf-8")
    for kind in ("pissa", "olora", "biases", "whole-head"):
        assert f"adapter {kind} changes the base as it loads" in said
    assert "adapter lora changes" not in said


def cut(adapter: Path, target: Path, change: Any) -> Path:
    """A copy whose tensors are those that `change` makes of them."""
    shutil.copytree(adapter, target)
    file = target / "adapter_model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})
    return target


def half(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensors[name] for name in sorted(tensors)[: len(tensors) // 2]}


def renamed(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("v_proj", "w_proj"): tensor for name, tensor in tensors.items()}


def with_more(tensors: dict[str, Any]) -> dict[str, Any]:
    first = next(iter(tensors))
    return {**tensors, first.replace("layers.0", "layers.7"): tensors[first].clone()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (half, r"2 of 4 tensors of its configuration are missing"),
        (renamed, r"are missing .* and 2 of 4 tensors belong to no module"),
        (with_more, r"1 of 5 tensors belong to no module.*layers\.7"),
    ],
)
def test_adapters_that_are_not_whole_are_refused(
    change: Any, words: str, tiny_base: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    damaged = cut(adapters["lora"], tmp_path / "damaged", change)
    with pytest.raises(UsageError, match=words):
        run(tiny_base, tmp_path / "out", {"mine": damaged})
    assert not list(tmp_path.glob("out/**/results*"))


def test_added_tokens_use_the_tokenizer_beside_the_adapter(tiny_base: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    before = len(tokenizer)
    tokenizer.add_tokens(["النهارده", "دلوقتي", "كده"])
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    torch.manual_seed(1)
    adapted = peft.get_peft_model(
        model,
        peft.LoraConfig(
            r=4, target_modules=_TARGETS, modules_to_save=["embed_tokens", "lm_head"], **_COMMON
        ),
    )
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    adapted.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    said = run(tiny_base, tmp_path / "out", {"more": tmp_path / "adapter"})
    assert any("adapter more: live" in line for line in said)
    rows = [
        json.loads(line)
        for line in next((tmp_path / "out/more").glob("samples_*")).open(encoding="utf-8")
    ]
    adapted.eval()
    for row in rows:
        ids = tokenizer.encode(row["doc"]["text"])
        stream = torch.tensor([[tokenizer.eos_token_id, *ids]])
        with torch.no_grad():
            logits = adapted(input_ids=stream[:, :-1]).logits[0].double()
        scores = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])
        assert row["bits_per_char"]["sums"][0] == pytest.approx(
            -float(scores.sum()) / 0.6931471805599453, rel=1e-6
        )
    texts = " ".join(row["doc"]["text"] for row in rows)
    plain = AutoTokenizer.from_pretrained(tiny_base)
    assert before == len(plain)
    run(tiny_base, tmp_path / "alone", {})
    assert bits(tmp_path / "alone/base") == bits(tmp_path / "out/base")
    assert texts


def test_an_adapter_too_small_for_bfloat16_is_not_called_dead(
    tiny_base: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base), KINDS["lora"]())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=1e-6)
    model.save_pretrained(tmp_path / "small")
    adapters = {"small": tmp_path / "small"}
    said = run(tiny_base, tmp_path / "coarse", adapters, dtype="bfloat16")
    assert any("too small for bfloat16 to show" in line for line in said)
    said = run(tiny_base, tmp_path / "fine", adapters)
    assert any("adapter small: live" in line for line in said)


def test_another_recorded_base_is_said(
    tiny_base: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(adapters["lora"], tmp_path / "other")
    config = tmp_path / "other/adapter_config.json"
    content = json.loads(config.read_text(encoding="utf-8"))
    for named, kind in (("meta-llama/Llama-3.2-1B", ""), (str(tmp_path / "theirs"), "llama")):
        if kind:
            (tmp_path / "theirs").mkdir()
            (tmp_path / "theirs/config.json").write_text(json.dumps({"model_type": kind}))
        content["base_model_name_or_path"] = named
        config.write_text(json.dumps(content), encoding="utf-8")
        said = "\n".join(run(tiny_base, tmp_path / f"out{kind}", {"other": tmp_path / "other"}))
        assert f"names the base {named!r}" in said
        assert ("a llama model while this is qwen2" in said) == bool(kind)
    assert "names the base" not in "\n".join(
        run(tiny_base, tmp_path / "same", {"lora": adapters["lora"]})
    )


def test_the_base_is_itself_again_after_every_kind(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    bench = Bench(BaseRequest(str(tiny_base), device="cpu", dtype="float32"))
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        before = bench.model(input_ids=ids).logits
        for kind, path in adapters.items():
            bench.attach(inspect_adapter(str(path)), "mine")
            bench.detach()
            assert torch.equal(bench.model(input_ids=ids).logits, before), kind


def not_a_number(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor * float("nan") for name, tensor in tensors.items()}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_adapters_of_no_numbers_are_refused(
    dtype: str, tiny_base: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    damaged = cut(adapters["lora"], tmp_path / "damaged", not_a_number)
    with pytest.raises(UsageError, match="makes logits that are no numbers"):
        run(tiny_base, tmp_path / "out", {"mine": damaged}, dtype=dtype)


def test_a_base_of_no_numbers_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    model.model.norm.weight.data.fill_(float("nan"))
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(tmp_path / "model")
    with pytest.raises(UsageError, match="gives logits that are no numbers"):
        run(tmp_path / "model", tmp_path / "out", {})


def test_a_tokenizer_without_rows_for_its_tokens_is_refused(
    tiny_base: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(adapters["lora"], tmp_path / "more")
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    tokenizer.add_tokens(["النهارده"])
    tokenizer.save_pretrained(tmp_path / "more")
    with pytest.raises(UsageError, match="its tokenizer has 513 tokens and the embedding 512 rows"):
        run(tiny_base, tmp_path / "out", {"mine": tmp_path / "more"})
    few = cut(
        adapters["lora"], tmp_path / "few",
        lambda tensors: {**tensors, "base_model.model.lm_head.weight": torch.zeros(3, 64)},
    )  # fmt: skip
    with pytest.raises(UsageError, match="its tokenizer has 512 tokens and the embedding 3 rows"):
        run(tiny_base, tmp_path / "out2", {"mine": few})


def test_a_tokenizer_of_another_model_is_told_before_the_model_reads_a_text(
    tiny_base: Path, tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    model.resize_token_embeddings(100)
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(tmp_path / "model")
    said = r"the tokenizer gives token \d+, and the model has 100 rows\. It is not the tokenizer of"
    with pytest.raises(UsageError, match=said):
        Bench(BaseRequest(str(tmp_path / "model"), device="cpu", dtype="float32"))
    with pytest.raises(UsageError, match=said):
        run(tmp_path / "model", tmp_path / "out", {})
