"""What our tasks do inside lm-eval besides scoring: settings, caches, templates, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
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
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, evaluate, write_results  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from arabench.models.adapters import Bench  # noqa: E402
from arabench.models.bases import BaseRequest  # noqa: E402
from tests.evaluation.families import build  # noqa: E402

LM, MC, NOISY = "arabench_lm_egy", "arabench_mmlu_physics", "arabench_robust_mc_spacing"
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def under_lm_eval(model: Any, tasks: list[str], **changes: Any) -> dict[str, Any]:
    settings = {"limit": 3, "bootstrap_iters": 0, "log_samples": True, **changes}
    metadata = settings.pop("metadata", {})
    found: dict[str, Any] = simple_evaluate(
        model=model, tasks=tasks, task_manager=task_manager(metadata), **settings
    )
    return found


def hf(folder: Path, **changes: Any) -> HFLM:
    return HFLM(
        **{"pretrained": str(folder), "device": "cpu", "batch_size": 4, "dtype": "float32"}
        | changes
    )


def settings_in(results: dict[str, Any], task: str) -> dict[str, str]:
    found: dict[str, str] = results["configs"][task]["metadata"]["arabench_run"]["settings"]
    return found


# --- settings ------------------------------------------------------------------------------------


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


# --- types ---------------------------------------------------------------------------------------


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


def test_a_group_is_loaded_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert len(task_manager({}).load(["arabench_dialects"])["tasks"]) == 23
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


# --- caches --------------------------------------------------------------------------------------


@pytest.fixture
def request_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """lm-eval keeps built requests in site-packages; here in a folder of the test."""
    import lm_eval.caching.cache as cache

    folder = tmp_path / "requests"
    monkeypatch.setattr(cache, "PATH", str(folder))
    return folder


def test_requests_of_other_data_stop_the_run(
    tiny_base: Path, tmp_path: Path, request_cache: Path
) -> None:
    (tmp_path / "arz.txt").write_text("أهلاً بيك.\nإزيك؟\nماشي.\n", encoding="utf-8")
    lm = hf(tiny_base)
    under_lm_eval(lm, [LM], cache_requests=True)
    again = under_lm_eval(lm, [LM], cache_requests=True)  # the same data: allowed
    assert list(request_cache.iterdir())
    assert again["results"][LM]["bits_per_char,none"] > 0
    with pytest.raises(SystemExit, match=r"not those of its data.*--cache_requests delete"):
        under_lm_eval(lm, [LM], cache_requests=True, metadata={"arabench_data": str(tmp_path)})


def test_answers_of_a_cache_are_said(tiny_base: Path, tmp_path: Path) -> None:
    first = under_lm_eval(hf(tiny_base), [LM], use_cache=str(tmp_path / "answers"))
    assert settings_in(first, LM)["answered"] == "by the model"
    again = under_lm_eval(hf(tiny_base), [LM], use_cache=str(tmp_path / "answers"))
    assert settings_in(again, LM)["answered"] == "3 of 3 requests by a cache"
    assert again["results"][LM] == first["results"][LM]


def test_results_of_another_text_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    results = under_lm_eval(hf(tiny_base), [LM])
    results["samples"][LM][1]["arguments"] = [("نص آخر",)]
    write_results(tmp_path, {**results, "model_name": "m"})
    file = next(tmp_path.glob("samples_*"))
    rows = [json.loads(line) for line in file.open(encoding="utf-8")]
    for row in rows:  # as lm-eval's own writer shows arguments
        row["arguments"] = {"gen_args_0": {"arg_0": row["arguments"][0][0]}}
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Exception, match="the text that was scored is not the document's"):
        load_evaluation(tmp_path)


# --- prompts -------------------------------------------------------------------------------------


def test_chat_templates_apply_to_every_task_that_asks(tiny_base: Path) -> None:
    lm = hf(tiny_base)
    lm.tokenizer.chat_template = TEMPLATE
    results = under_lm_eval(
        lm, [MC, NOISY, LM], apply_chat_template=True, system_instruction="أجب بحرف واحد"
    )
    for task in (MC, NOISY):
        for row in results["samples"][task]:
            for prompt, letter in row["arguments"]:
                assert prompt.startswith("<|system|>أجب بحرف واحد<|user|>السؤال: ")
                assert prompt.endswith("الجواب:<|assistant|>")
                assert letter in "ABCDE"
    for row in results["samples"][LM]:
        assert row["arguments"] == [(row["doc"]["text"],)]


def test_noisy_questions_at_rate_zero_are_the_plain_task(tiny_base: Path) -> None:
    lm = hf(tiny_base)
    results = under_lm_eval(lm, ["arabench_mmlu_all", NOISY], limit=5)
    plain = {row["doc"]["id"]: row for row in results["samples"]["arabench_mmlu_all"]}
    noisy = {row["doc"]["id"]: row for row in results["samples"][NOISY]}
    shared = plain.keys() & noisy.keys()
    assert shared
    for name in shared:
        width = len(plain[name]["arguments"])
        assert noisy[name]["arguments"][:width] == plain[name]["arguments"]
        assert noisy[name]["acc@0.0"]["sums"] == plain[name]["acc"]["sums"]


def test_a_tokenizer_that_appends_eos_does_not_close_prompts(tmp_path: Path) -> None:
    """Its choices would all be scored on EOS, and answers would follow an end of text."""
    closing = build("llama-bos-and-eos", tmp_path / "closing")
    opening = tmp_path / "opening"
    shutil.copytree(closing, opening)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(build("llama3-adds-bos", tmp_path / "x"))
    tokenizer.save_pretrained(opening)
    found = []
    for folder in (closing, opening):
        lm = hf(folder, max_length=1024)
        results = under_lm_eval(lm, [MC, "arabench_rc_egy"], gen_kwargs={"max_gen_toks": 8})
        found.append(
            {
                task: [row["filtered_resps"] for row in rows]
                for task, rows in results["samples"].items()
            }
        )
    assert found[0] == found[1]
    scores = [score for row in found[0][MC] for score, _ in row]
    assert len(set(scores)) > 3


def test_cut_prompts_are_counted(tiny_base: Path, tmp_path: Path) -> None:
    said: list[str] = []
    request = Request(
        str(tiny_base), {}, ["arabench_rc_egy"], str(tmp_path), {}, limit=2, dtype="float32",
        max_gen_tokens=500, threads=1,
    )  # fmt: skip
    evaluation = load_evaluation(evaluate(request, said.append)["base"])
    note = "2 of 2 prompts are longer than the model's context and were cut on the left"
    assert evaluation.tasks["arabench_rc_egy"].notes == (note,)
    assert any(note in line for line in said)


def test_answers_longer_than_the_context_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    request = Request(
        str(tiny_base), {}, ["arabench_rc_egy"], str(tmp_path), {}, limit=2, dtype="float32",
        max_gen_tokens=512, threads=1,
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"answer of 512 tokens.*context holds 512"):
        evaluate(request, lambda message: None)
    with pytest.raises(SystemExit, match=r"arabench: error: .*answer of 512 tokens"):
        under_lm_eval(hf(tiny_base), ["arabench_rc_egy"], gen_kwargs={"max_gen_toks": 512})


# --- other tasks in the same call ----------------------------------------------------------------


def test_tasks_of_others_are_left_alone(tmp_path: Path) -> None:
    """Another rolling task in the same run still gets lm-eval's own numbers."""
    folder = build("llama3-adds-bos", tmp_path / "model")
    text = tmp_path / "texts.jsonl"
    text.write_text(json.dumps({"text": "كيف حالك اليوم"}) + "\n", encoding="utf-8")
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "theirs.yaml").write_text(
        "task: theirs\ndataset_path: json\ndataset_kwargs:\n  data_files:\n"
        f"    test: {text}\ntest_split: test\noutput_type: loglikelihood_rolling\n"
        "doc_to_text: ''\ndoc_to_target: text\nmetric_list:\n  - metric: bits_per_byte\n",
        encoding="utf-8",
    )
    from lm_eval.tasks import TaskManager

    from arabench.resources import tasks_dir

    manager = TaskManager(
        include_path=[str(tasks_dir()), str(tasks)], include_defaults=False, metadata={}
    )
    lm = hf(folder)
    alone = simple_evaluate(model=lm, tasks=["theirs"], task_manager=manager, bootstrap_iters=0)
    both = simple_evaluate(
        model=lm, tasks=["theirs", LM], task_manager=manager, bootstrap_iters=0, limit=2
    )
    key = "bits_per_byte,none"
    assert both["results"]["theirs"][key] == alone["results"]["theirs"][key]
    # One more token than ours counts: their text begins with a second BOS.
    assert len(lm.tok_encode("كيف")) == len(lm.tok_encode("كيف", add_special_tokens=False)) + 1


# --- models of the wrong kind --------------------------------------------------------------------

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


def test_a_bert_that_is_a_decoder_is_measured(tmp_path: Path) -> None:
    lm = hf(build("bert-cls-sep", tmp_path))
    assert under_lm_eval(lm, [LM], limit=1)["results"][LM]["bits_per_char,none"] > 0


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


def test_a_folder_holds_one_run(tiny_base: Path, tmp_path: Path) -> None:
    request = Request(str(tiny_base), {}, [LM], str(tmp_path), {}, limit=1, threads=1)
    evaluate(request, lambda message: None)
    with pytest.raises(UsageError, match=r"holds an earlier run \(base/results_.*another folder"):
        evaluate(request, lambda message: None)


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


# --- tokenizers that read less -------------------------------------------------------------------


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


def test_a_tokenizer_of_another_model_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_base, tmp_path / "model")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny_base)
    tokenizer.add_tokens(["ا", "ل"])
    lm = hf(tiny_base, tokenizer=tokenizer)
    with pytest.raises(SystemExit, match=r"gives token 51\d, and the model has 512 rows"):
        under_lm_eval(lm, [LM])


@pytest.mark.parametrize("value", ["abc", -3, 0])
def test_lengths_of_answers_are_checked(value: Any, tiny_base: Path) -> None:
    with pytest.raises(SystemExit, match=r"max_gen_toks is .*allowed is a whole number of 1"):
        under_lm_eval(hf(tiny_base), ["arabench_rc_egy"], gen_kwargs={"max_gen_toks": value})


# --- output and names ----------------------------------------------------------------------------


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
