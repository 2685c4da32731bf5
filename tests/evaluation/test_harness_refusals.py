"""What is not measured: models of the wrong kind, halves, lengths and names that cannot be."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    BertConfig,
    BertForMaskedLM,
    BertLMHeadModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForCausalLM,
)

from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.models.adapters import Bench  # noqa: E402
from arabench.models.bases import BaseRequest  # noqa: E402
from tests.evaluation.under_lm_eval import LM, hf, under_lm_eval  # noqa: E402

_SIZES = {
    "vocab_size": 520, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 64,
}  # fmt: skip


def encoder(folder: Path, tiny_base: Path, make: Any) -> Path:
    make().save_pretrained(folder)
    PreTrainedTokenizerFast.from_pretrained(tiny_base).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: BertForMaskedLM(BertConfig(**_SIZES)), "bert"),
        (lambda: BertLMHeadModel(BertConfig(**_SIZES)), "bert"),
        (lambda: RobertaForCausalLM(RobertaConfig(**_SIZES)), "roberta"),
    ],
)
def test_encoders_are_refused_by_name(
    make: Any, name: str, tiny_base: Path, tmp_path: Path
) -> None:
    folder = encoder(tmp_path / "encoder", tiny_base, make)
    request = Request(str(folder), {}, [LM], str(tmp_path / "out"), {}, limit=1)
    with pytest.raises(UsageError, match=rf"'{name}' is an encoder \(a masked language model\)"):
        evaluate(request, lambda message: None)
    with pytest.raises(SystemExit, match=rf"arabench: error: '{name}' is an encoder"):
        under_lm_eval(hf(folder), [LM])


def test_a_model_that_sees_the_future_is_refused(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a causal model does that got an attention function without a mask function."""
    original = torch.nn.functional.scaled_dot_product_attention

    def without_mask(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.update(attn_mask=None, is_causal=False)
        return original(query, key, value, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", without_mask)
    with pytest.raises(UsageError, match="sees the tokens that it would have to predict"):
        Bench(BaseRequest(str(tiny_base), device="cpu", dtype="float32"))


def test_half_an_adapter_under_lm_evals_own_command_is_refused(
    tiny_base: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file, save_file

    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny_base),
        LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"]),
    )
    model.save_pretrained(tmp_path)
    assert under_lm_eval(hf(tiny_base, peft=str(tmp_path)), [LM], limit=1)["results"]
    file = tmp_path / "adapter_model.safetensors"
    tensors = load_file(file)
    kept = {name: tensors[name] for name in sorted(tensors)[:2]}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(SystemExit, match=r"2 of 4 tensors of its configuration are missing"):
        under_lm_eval(hf(tiny_base, peft=str(tmp_path)), [LM], limit=1)


def test_prompt_tuning_under_lm_evals_own_command_is_refused(
    tiny_base: Path, tmp_path: Path
) -> None:
    from peft import PromptTuningConfig, get_peft_model

    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny_base),
        PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM"),
    )
    model.save_pretrained(tmp_path)
    with pytest.raises(SystemExit, match=r"virtual tokens come first.*arabench eval"):
        under_lm_eval(hf(tiny_base, peft=str(tmp_path)), [LM], limit=1)


def test_a_tokenizer_of_another_model_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_base, tmp_path / "model")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny_base)
    tokenizer.add_tokens(["ا", "ل"])
    lm = hf(tiny_base, tokenizer=tokenizer)
    with pytest.raises(SystemExit, match=r"gives token 51\d, and the model has 512 rows"):
        under_lm_eval(lm, [LM])


def test_answers_longer_than_the_context_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    request = Request(
        str(tiny_base), {}, ["arabench_rc_egy"], str(tmp_path), {}, limit=2, dtype="float32",
        max_gen_tokens=512, threads=1,
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"answer of 512 tokens.*context holds 512"):
        evaluate(request, lambda message: None)
    with pytest.raises(SystemExit, match=r"arabench: error: .*answer of 512 tokens"):
        under_lm_eval(hf(tiny_base), ["arabench_rc_egy"], gen_kwargs={"max_gen_toks": 512})


@pytest.mark.parametrize("value", ["abc", -3, 0])
def test_lengths_of_answers_are_checked(value: Any, tiny_base: Path) -> None:
    with pytest.raises(SystemExit, match=r"max_gen_toks is .*allowed is a whole number of 1"):
        under_lm_eval(hf(tiny_base), ["arabench_rc_egy"], gen_kwargs={"max_gen_toks": value})


@pytest.mark.parametrize(
    ("samples", "advice"),
    [
        ([4, 1], r"Write \[1, 4\]\."),
        ([1, 1, 4], r"Write \[1, 4\]\."),
        ([-1, 4], r"Write \[4\]\."),
        ([1, 10**6], r"Write \[1\]\."),
        (["1"], r"wrong numbers\.$"),
    ],
)
def test_samples_that_lm_eval_would_misnumber_are_refused(
    samples: list[Any], advice: str, tiny_base: Path
) -> None:
    with pytest.raises(SystemExit, match=rf"--samples of task '{LM}' is .*0 to \d+.*{advice}"):
        under_lm_eval(hf(tiny_base), [LM], limit=None, samples={LM: samples})


def test_a_folder_holds_one_run(tiny_base: Path, tmp_path: Path) -> None:
    request = Request(str(tiny_base), {}, [LM], str(tmp_path), {}, limit=1, threads=1)
    evaluate(request, lambda message: None)
    other = dataclasses.replace(request, limit=2)
    with pytest.raises(
        UsageError, match=r'holds a run of something else: options was .*"limit": 1'
    ):
        evaluate(other, lambda message: None)
    (results,) = (tmp_path / "base").glob("results_*.json")
    results.write_text('{"results": {}}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds an earlier run \(base/results_.*another folder"):
        evaluate(request, lambda message: None)


def test_an_output_that_cannot_be_written_is_told_first(tiny_base: Path) -> None:
    request = Request(str(tiny_base), {}, [LM], "/proc/arabench", {}, limit=1, threads=1)
    said: list[str] = []
    with pytest.raises(UsageError, match="cannot write to output '/proc/arabench'"):
        evaluate(request, said.append)
    assert not said


@pytest.mark.parametrize("names", [["Base"], ["x" * 101], ["egy", "EGY"]])
def test_names_that_make_no_folder_are_refused(
    names: list[str], tiny_base: Path, tmp_path: Path
) -> None:
    adapters = dict.fromkeys(names, "nowhere")
    with pytest.raises(UsageError, match=r"is not allowed|capitals only"):
        evaluate(Request(str(tiny_base), adapters, [LM], str(tmp_path), {}), lambda line: None)
