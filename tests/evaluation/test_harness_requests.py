"""Requests on their way through lm-eval: its caches, templates, prompts, tasks of others."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from lm_eval import simple_evaluate  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, evaluate, write_results  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.families import build  # noqa: E402
from tests.evaluation.under_lm_eval import (  # noqa: E402
    LM,
    MC,
    NOISY,
    TEMPLATE,
    hf,
    settings_in,
    under_lm_eval,
)


def test_a_group_is_loaded_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert len(task_manager({}).load(["arabench_dialects"])["tasks"]) == 23
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_chosen_samples_keep_their_numbers(tiny_base: Path) -> None:
    lm = hf(tiny_base)
    whole = under_lm_eval(lm, [LM], limit=5)
    chosen = under_lm_eval(lm, [LM], limit=None, samples={LM: [1, 4]})
    rows = {row["doc_id"]: row["doc"] for row in whole["samples"][LM]}
    assert {row["doc_id"]: row["doc"] for row in chosen["samples"][LM]} == {
        number: rows[number] for number in (1, 4)
    }
    assert settings_in(chosen, LM)["samples"] == "chosen"
    assert settings_in(whole, LM)["samples"] == "all"
    assert settings_in(under_lm_eval(lm, [LM], limit=1, samples=None), LM)["samples"] == "all"


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
        str(tiny_base), {}, ["arabench_rc_egy"], str(tmp_path / "short"), {}, limit=6,
        dtype="float32", max_gen_tokens=4, threads=1,
    )  # fmt: skip
    evaluate(request, said.append)
    (file,) = (tmp_path / "short/base").glob("samples_*.jsonl")
    prompts = [json.loads(line)["arguments"][0][0] for line in file.open(encoding="utf-8")]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny_base)
    lengths = sorted(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)
    assert lengths[-1] < 508  # none was cut
    assert not any("cut on the left" in line for line in said)
    cut = sum(length > lengths[2] for length in lengths)
    request = dataclasses.replace(
        request, output=str(tmp_path / "long"), max_gen_tokens=512 - lengths[2]
    )
    evaluation = load_evaluation(evaluate(request, said.append)["base"])
    note = f"{cut} of 6 prompts are longer than the model's context and were cut on the left"
    assert evaluation.tasks["arabench_rc_egy"].notes == (note,)
    assert any(note in line for line in said)


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
