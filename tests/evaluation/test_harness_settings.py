"""What the model was set to is recorded, and what makes its numbers rounded is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from transformers import PreTrainedTokenizerFast  # noqa: E402

from arabench.evaluation.runner import Request, evaluate, write_results  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.families import build  # noqa: E402
from tests.evaluation.under_lm_eval import (  # noqa: E402
    LM,
    MC,
    TEMPLATE,
    hf,
    settings_in,
    under_lm_eval,
)


def test_both_commands_record_the_same_settings(tiny_base: Path, tmp_path: Path) -> None:
    results = under_lm_eval(hf(tiny_base), [LM])
    write_results(tmp_path / "theirs", {**results, "model_name": "m"})
    request = Request(
        str(tiny_base), {}, [LM], str(tmp_path / "ours"), {}, limit=3, dtype="float32", threads=1
    )
    ours = load_evaluation(evaluate(request, lambda message: None)["base"])
    theirs = load_evaluation(tmp_path / "theirs")
    assert ours.settings == theirs.settings
    assert ours.settings["limit"] == "3"
    assert ours.settings["prefix"] == "EOS <|endoftext|>"


@pytest.mark.parametrize(
    ("changes", "key", "value"),
    [
        ({"dtype": "bfloat16"}, "dtype", "bfloat16"),
        ({"dtype": "bfloat16"}, "softmax_dtype", "bfloat16"),
        ({"dtype": "bfloat16", "softmax_dtype": "float32"}, "softmax_dtype", "float32"),
        ({"max_length": 64}, "max_length", "64"),
        ({"add_bos_token": False}, "add_bos_token", "False"),
        ({"prefix_token_id": 5}, "prefix", "named by hand"),
        ({"truncation": True}, "truncation", "True"),
        ({"think_end_token": "</think>"}, "think_end_token", "</think>"),
        ({"chat_template_args": {"enable_thinking": False}}, "chat_template_arguments", "thinking"),
    ],
)
def test_model_arguments_that_move_numbers_are_recorded(
    changes: dict[str, Any], key: str, value: str, tiny_base: Path
) -> None:
    plain = settings_in(under_lm_eval(hf(tiny_base), [LM], limit=1), LM)
    found = settings_in(under_lm_eval(hf(tiny_base, **changes), [LM], limit=1), LM)
    assert value in found[key]
    assert found != plain


def test_quantization_is_recorded(tiny_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra arabench[train]")
    request = Request(
        str(tiny_base), {}, [LM], str(tmp_path), {}, limit=1, dtype="float32", bits=4, threads=1
    )
    settings = load_evaluation(evaluate(request, lambda message: None)["base"]).settings
    assert '"bnb_4bit_quant_type": "nf4"' in settings["quantization"]
    assert '"compute": "float32"' in settings["quantization"]


def test_system_prompt_and_template_are_recorded(tiny_base: Path) -> None:
    lm = hf(tiny_base)
    lm.tokenizer.chat_template = TEMPLATE
    plain = settings_in(under_lm_eval(lm, [MC]), MC)
    with_template = settings_in(under_lm_eval(lm, [MC], apply_chat_template=True), MC)
    with_system = settings_in(under_lm_eval(lm, [MC], system_instruction="أجب بحرف"), MC)
    assert plain["chat_template"] == plain["system_prompt"] == "none"
    assert with_template["chat_template"] != "none"
    assert with_system["system_prompt"] != "none"


def test_sixteen_bit_sums_are_warned_of(tiny_base: Path, caplog: pytest.LogCaptureFixture) -> None:
    under_lm_eval(hf(tiny_base, dtype="bfloat16"), [LM], limit=1)
    assert "Add softmax_dtype=float32 to --model_args" in caplog.text
    caplog.clear()
    under_lm_eval(hf(tiny_base, dtype="bfloat16", softmax_dtype="float32"), [LM], limit=1)
    under_lm_eval(hf(tiny_base), [LM], limit=1)
    assert "softmax_dtype" not in caplog.text


def test_bfloat16_scores_are_summed_in_float32(tiny_base: Path, tmp_path: Path) -> None:
    request = Request(
        str(tiny_base), {}, [LM], str(tmp_path), {}, limit=3, dtype="bfloat16", threads=1
    )
    folder = evaluate(request, lambda message: None)["base"]
    rows = [json.loads(line) for line in next(folder.glob("samples_*")).open(encoding="utf-8")]
    likelihoods = [float(row["filtered_resps"][0]) for row in rows]
    assert all(abs(value) > 64 for value in likelihoods)
    # In bfloat16 numbers from 64 on are multiples of a half.
    assert any(value * 2 != round(value * 2) for value in likelihoods)
    assert load_evaluation(folder).settings["softmax_dtype"] == "float32"


def test_letters_that_a_tokenizer_drops_are_said(tmp_path: Path) -> None:
    from tokenizers import Regex, normalizers

    folder = build("llama3-adds-bos", tmp_path / "model")
    whole = settings_in(under_lm_eval(hf(folder), [LM]), LM)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace(Regex("[ا-ي]"), "")
    tokenizer.save_pretrained(folder)
    results = under_lm_eval(hf(folder), [LM])
    letters = sum(
        "ا" <= letter <= "ي" for row in results["samples"][LM] for letter in row["doc"]["text"]
    )
    assert whole["characters_not_read"] == "0"
    found = int(settings_in(results, LM)["characters_not_read"])
    # The offsets of a kept letter may reach over dropped ones beside it.
    assert 0.8 * letters < found <= letters
    (note,) = results["configs"][LM]["metadata"]["arabench_run"]["notes"]
    assert f"does not read {found} characters" in note


def test_a_bert_that_is_a_decoder_is_measured(tmp_path: Path) -> None:
    lm = hf(build("bert-cls-sep", tmp_path))
    assert under_lm_eval(lm, [LM], limit=1)["results"][LM]["bits_per_char,none"] > 0
