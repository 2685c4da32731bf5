"""Templates are asked where a turn ends, where an answer stands, and who has a system role."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.harness.chat import (  # noqa: E402
    Chat,
    OnlyThinking,
    chat_of,
    choose_template,
)
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, evaluate, write_results  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation, samples_file  # noqa: E402
from tests.evaluation.chats import FAMILIES, build  # noqa: E402

RC, MT, MC = "arabench_rc_egy", "arabench_mt_egy_msa", "arabench_mmlu_biology"
USER = [{"role": "user", "content": "ما العاصمة؟"}]
SYSTEM = [{"role": "system", "content": "أجب بكلمة"}]


class Scripted(HFLM):  # type: ignore[misc]
    """A model that says what it is told to; `seen` are the prompts it was given."""

    script: str = ""
    seen: list[str]

    def _model_generate(self, context: Any, max_length: int, stop: Any, **kwargs: Any) -> Any:
        self.seen = [*getattr(self, "seen", []), *self.tokenizer.batch_decode(context)]
        said = self.tokenizer.encode(self.script, add_special_tokens=False)
        room = max_length - context.shape[1]
        said = said[:room] + [self.tokenizer.pad_token_id] * (room - len(said))
        return torch.cat([context, torch.tensor([said] * len(context))], dim=1)


def model(name: str, folder: Path, script: str = "", **arguments: Any) -> Scripted:
    lm = Scripted(
        pretrained=str(build(name, folder)), device="cpu", batch_size=2, dtype="float32",
        **arguments,
    )  # fmt: skip
    lm.script = script
    return lm


def measured(lm: HFLM, tasks: list[str], **changes: Any) -> dict[str, Any]:
    given = {
        "limit": 2, "bootstrap_iters": 0, "log_samples": True, "apply_chat_template": True,
        "fewshot_as_multiturn": True,
    } | changes  # fmt: skip
    results: dict[str, Any] = simple_evaluate(
        model=lm, tasks=tasks, task_manager=task_manager({}), **given
    )
    return results


def settings(results: dict[str, Any], task: str) -> dict[str, str]:
    found: dict[str, str] = results["configs"][task]["metadata"]["arabench_run"]["settings"]
    return found


@pytest.fixture(params=FAMILIES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- what a template is asked --------------------------------------------------------------------


def test_a_template_is_asked(name: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    lm = model(name, tmp_path)
    chat = chat_of(lm.apply_chat_template)
    assert chat.stops == tuple(dict.fromkeys((family.end, family.eos)))
    assert chat.folds_system is family.folds
    assert chat.opens == family.opens
    assert chat.prompt(USER) == lm.apply_chat_template(USER)
    # A choice stands where the template writes an answer, with nothing between.
    before = chat.before(USER)
    assert before.endswith(USER[0]["content"] + family.before)
    said = lm.tokenizer.apply_chat_template(
        [*USER, {"role": "assistant", "content": "القاهرة"}], tokenize=False
    )
    assert said.startswith(before + "القاهرة")


def test_a_system_text_is_in_every_prompt(name: str, tmp_path: Path) -> None:
    """lm-eval drops it without a word where a template raises."""
    chat = chat_of(model(name, tmp_path).apply_chat_template)
    for prompt in (chat.prompt([*SYSTEM, *USER]), chat.before([*SYSTEM, *USER])):
        assert prompt.index("أجب بكلمة") < prompt.index("ما العاصمة؟")
        if FAMILIES[name].folds:
            assert "أجب بكلمة\n\nما العاصمة؟" in prompt


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('not today') }}", "raises TemplateError: not today"),
        ("{{ messages[0].content.missing.thing }}", "raises UndefinedError"),
        ("{% for", "raises TemplateSyntaxError"),
        (None, "raises ValueError"),
        ("hello", "leaves out what the user or the assistant says: it writes 'hello'"),
    ],
)
def test_a_template_that_does_not_work_is_refused_before_anything_is_measured(
    template: str | None, said: str, tmp_path: Path
) -> None:
    lm = model("qwen2", tmp_path)
    lm.tokenizer.chat_template = template
    with pytest.raises(UsageError, match=said):
        chat_of(lm.apply_chat_template)
    with pytest.raises(SystemExit, match=f"arabench: error: the chat template {said}"):
        measured(lm, [RC])
    assert not getattr(lm, "seen", [])


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "generated", "answer"),
    [
        ("qwen2", "القاهرة<|im_end|>\n<|im_start|>user\nوماذا", "القاهرة"),
        ("qwen2", "\n\n  القاهرة  \nهي العاصمة", "القاهرة"),
        ("qwen2", "", ""),
        ("qwen2", "<|im_start|>القاهرة", "القاهرة"),
        ("qwen3", "<think>\nمصر؟\nنعم\n</think>\n\nالقاهرة<|im_end|>", "القاهرة"),
        ("qwen3", "<think>\n\n</think>\n\nالقاهرة", "القاهرة"),
        ("qwen3", "مصر، إذن\n</think>\nالقاهرة", "القاهرة"),  # began without its mark
        ("qwen3", "<think>\nمصر</think><|im_end|>", ""),  # thought, and said nothing
        ("qwen3", "القاهرة\n<think>", "القاهرة"),
        ("qwen3", "<think>\nأ</think>\n<think>\nب</think>\nالقاهرة", "القاهرة"),
        ("qwen3", "<think>\nمصر؟ ربما", None),
        ("qwen3", "<think>\nأ</think>\n<think>\nب", None),
        ("deepseek-r1", "مصر إذن\n</think>\n\nالقاهرة", "القاهرة"),
        ("deepseek-r1", "<think>\nمصر\n</think>\nالقاهرة", "القاهرة"),
        ("deepseek-r1", "مصر إذن القاهرة", None),  # the template opened it
        ("gemma4", "<|channel>thought\nمصر\n<channel|>القاهرة<turn|>", "القاهرة"),
        ("gemma4", "<|channel>thought\n<channel|>القاهرة", "القاهرة"),
        ("gemma4", "<|channel>thought\nمصر", None),
        (
            "gpt-oss",
            "<|channel|>analysis<|message|>مصر<|end|><|start|>assistant<|channel|>final<|message|>"
            "القاهرة<|return|>",
            "القاهرة",
        ),
        ("gpt-oss", "<|channel|>analysis<|message|>مصر<|end|><|start|>assistant", None),
        ("gpt-oss", "القاهرة<|return|>", "القاهرة"),
        ("mistral", "[THINK]مصر[/THINK]القاهرة</s>", "القاهرة"),
        ("mistral", "[THINK]مصر", None),
        ("words-only", "القاهرة\n\n### user:\nو", "القاهرة"),
    ],
)  # fmt: skip
def test_the_answer_is_the_first_line_after_thinking(
    family: str, generated: str, answer: str | None, tmp_path: Path
) -> None:
    chat = chat_of(model(family, tmp_path).apply_chat_template)
    found = chat.answer(generated)
    assert found == (answer or "")
    assert isinstance(found, OnlyThinking) is (answer is None)


@pytest.mark.parametrize("cached", [False, True])
def test_thinking_is_skipped_and_logged(cached: bool, tmp_path: Path) -> None:
    """`until: ["\\n"]` ended it at <think>, and the answer was nothing."""
    script = "<think>\nسطر أول\nسطر ثان\n</think>\n\nالقاهرة<|im_end|>"
    cache = str(tmp_path / "answers") if cached else None
    for _ in range(1 + cached):
        lm = model("qwen3", tmp_path / "model", script)
        results = measured(lm, [RC, MT], use_cache=cache)
        for task in (RC, MT):
            for row in results["samples"][task]:
                assert row["filtered_resps"] == ["القاهرة"]
                assert row["resps"] == [[script.removesuffix("<|im_end|>")]]
                assert row["arguments"][0][1]["until"] == ["<|im_end|>"]
            found = settings(results, task)
            assert found["answers_only_thinking"] == "0"
            assert found["answer"] == "first non-empty line after thinking, up to '<|im_end|>'"


@pytest.mark.parametrize("task", [RC, MT])
def test_thinking_until_the_cap_has_no_score(
    task: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither 0 nor anything else: those documents count in no sum."""
    lm = model("qwen3", tmp_path, "<think>\n" + 400 * "لعل ")
    results = measured(lm, [task], gen_kwargs={"max_gen_toks": 40})
    for row in results["samples"][task]:
        values = {name: value for name, value in row.items() if isinstance(value, dict)}
        sums = [value["sums"] for value in values.values() if "sums" in value]
        assert len(sums) == 4  # two metrics and their errors
        assert all(value == 0 for vector in sums for value in vector)
    assert settings(results, task)["answers_only_thinking"] == "2"
    (note,) = results["configs"][task]["metadata"]["arabench_run"]["notes"]
    assert note.startswith("2 of 2 answers are thinking that does not end within the tokens")
    assert "--max-gen-tokens" in note
    assert any(note in record.getMessage() for record in caplog.records)
    for metric in results["configs"][task]["metadata"]["signatures"]:
        for name in (metric, f"{metric}_stderr"):
            assert math.isnan(results["results"][task][f"{name},none"]), name
    write_results(tmp_path / "out", {**results, "model_name": "m"})
    (file,) = (tmp_path / "out").glob("results*.json")
    constants: list[str] = []
    written = json.loads(file.read_text(encoding="utf-8"), parse_constant=constants.append)
    assert constants == []  # NaN is no JSON
    assert written["results"][task][f"{name},none"] is None
    assert set(load_evaluation(file).tasks) == {task}


def test_one_document_without_an_answer_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    class Sometimes(Scripted):
        def _model_generate(self, context: Any, **kwargs: Any) -> Any:
            first = not getattr(self, "seen", [])
            self.script = "<think>\nلعل" if first else "القاهرة<|im_end|>"
            return super()._model_generate(context, **kwargs)

    folder = build("qwen3", tmp_path)
    lm = Sometimes(pretrained=str(folder), device="cpu", batch_size=1, dtype="float32")
    results = measured(lm, [RC], limit=4)
    rows = results["samples"][RC]
    without = [row["f1"]["sums"][1] == 0 for row in rows]
    assert sum(without) == 1
    expected = [row["f1"]["sums"][0] for row in rows if row["f1"]["sums"][1]]
    assert results["results"][RC]["f1,none"] == pytest.approx(sum(expected) / 3)


# --- prompts under both kinds of requests --------------------------------------------------------


def test_shots_are_turns_and_the_end_of_a_turn_ends_the_answer(name: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    lm = model(name, tmp_path, f"القاهرة{family.end}بعد ذلك")
    if family.opens:
        lm.script = f"</think>{lm.script}"
    results = measured(lm, [RC], system_instruction="أجب بكلمة", limit=1)
    (row,) = results["samples"][RC]
    assert row["filtered_resps"] == ["القاهرة"]
    prompt, given = row["arguments"][0]
    assert family.end in given["until"]
    assert "\n" not in given["until"]
    chat = chat_of(lm.apply_chat_template)
    turns = prompt.split("السؤال:")
    assert len(turns) == 3  # one shot and the question
    assert prompt.count("أجب بكلمة") == 1
    assert prompt.startswith(chat.prompt([*SYSTEM, *USER]).partition("أجب بكلمة")[0])
    # Exactly one BOS before it, whoever writes it.
    (seen,) = lm.seen
    assert seen.count("<s>") == prompt.count("<s>")


def test_choices_stand_where_an_answer_stands(name: str, tmp_path: Path) -> None:
    lm = model(name, tmp_path)
    results = measured(lm, [MC, "arabench_robust_mc_vowels"], limit=1)
    for task in (MC, "arabench_robust_mc_vowels"):
        for row in results["samples"][task]:
            for prompt, letter in row["arguments"]:
                assert prompt.endswith("الجواب:" + FAMILIES[name].before)
                assert letter in "ABCD"
    assert "choices_stand" in settings(results, MC)


def test_texts_are_no_turns(tmp_path: Path) -> None:
    results = measured(model("qwen3", tmp_path), ["arabench_lm_egy"])
    for row in results["samples"]["arabench_lm_egy"]:
        assert row["arguments"] == [(row["doc"]["text"],)]


def test_without_a_template_answers_are_lines(tmp_path: Path) -> None:
    lm = model("qwen3", tmp_path, "<think>\nمصر")
    results = measured(lm, [RC], apply_chat_template=False)
    for row in results["samples"][RC]:
        assert row["arguments"][0][1]["until"] == ["\n"]
        assert row["filtered_resps"] == ["<think>"]
    assert not {"answer", "system_role", "answers_only_thinking"} & settings(results, RC).keys()


def test_thinking_named_to_lm_eval_is_skipped_all_the_same(tmp_path: Path) -> None:
    """lm-eval would cut what stands before the mark, and hand on thinking without an end."""
    for script, answer in (("<think>\nأ</think>\nالقاهرة", "القاهرة"), ("<think>\nأ", "")):
        lm = model("qwen3", tmp_path, script, think_end_token="</think>")  # noqa: S106
        results = measured(lm, [RC], limit=1)
        (row,) = results["samples"][RC]
        assert row["filtered_resps"] == [answer]
        assert settings(results, RC)["answers_only_thinking"] == str(int(not answer))


def test_a_server_renders_for_itself() -> None:
    class Api:
        tokenizer = None

        def apply_chat_template(
            self, messages: list[dict[str, str]], add_generation_prompt: bool = True
        ) -> str:
            return json.dumps(messages)

    chat = chat_of(Api().apply_chat_template)
    assert chat.stops == ()
    assert json.loads(chat.before([*SYSTEM, *USER])) == [*SYSTEM, *USER]
    assert chat.answer("<think>أ</think>\nالقاهرة") == "القاهرة"


def test_stops_of_ones_own_are_kept(tmp_path: Path) -> None:
    chat: Chat = chat_of(model("qwen2", tmp_path).apply_chat_template)
    until: Callable[[dict[str, Any]], list[str]] = chat.until
    assert until({"until": ["\n", "END"]}) == ["END", "<|im_end|>"]
    assert until({"until": "\n\n"}) == ["<|im_end|>"]
    assert until({}) == ["<|im_end|>"]


# --- arabench eval -------------------------------------------------------------------------------


def test_both_commands_ask_and_answer_the_same(tmp_path: Path) -> None:
    folder = build("qwen3", tmp_path / "model")
    tasks, given = [RC, MC], {"enable_thinking": False}
    request = Request(
        str(folder), {}, tasks, str(tmp_path / "out"), {}, limit=2, dtype="float32", threads=1,
        max_gen_tokens=12, chat_template=True, system_prompt="أجب بكلمة", chat_template_args=given,
    )  # fmt: skip
    written = load_evaluation(evaluate(request, lambda message: None)["base"])
    lm = HFLM(pretrained=str(folder), device="cpu", batch_size=2, dtype="float32",
              chat_template_args=given)  # fmt: skip
    theirs = measured(lm, tasks, system_instruction="أجب بكلمة", gen_kwargs={"max_gen_toks": 12})
    for task in tasks:
        file = samples_file(written.path, task)
        ours = [json.loads(line) for line in file.open(encoding="utf-8")]
        for left, right in zip(ours, theirs["samples"][task], strict=True):
            assert left["arguments"] == json.loads(json.dumps(right["arguments"]))
            if task == RC:
                assert left["resps"] == right["resps"]
                assert left["filtered_resps"] == right["filtered_resps"]
                assert left["arguments"][0][0].endswith("<think>\n\n</think>\n\n")
            else:
                values = [value for value, _ in left["filtered_resps"]]
                expected = [value for value, _ in right["filtered_resps"]]
                assert values == pytest.approx(expected, rel=1e-5)
        found, expected_settings = written.tasks[task].run, settings(theirs, task)
        named = ("answer", "system_role", "choices_stand", "chat_template", "system_prompt",
                 "chat_template_arguments", "multiturn")  # fmt: skip
        assert {name: found[name] for name in named} == {
            name: expected_settings[name] for name in named
        }


def test_a_template_is_chosen_by_name(tmp_path: Path) -> None:
    tokenizer = model("qwen2", tmp_path).tokenizer
    first = tokenizer.chat_template
    tokenizer.chat_template = {"default": first, "rag": FAMILIES["words-only"].template}
    for _ in range(2):  # adapters of one run share a tokenizer
        choose_template(tokenizer, "rag")
        said = tokenizer.apply_chat_template(USER, tokenize=False)
        assert said == "### user:\nما العاصمة؟\n\n"
    with pytest.raises(UsageError, match=r"'tool' is not known: .* those named default, rag"):
        choose_template(tokenizer, "tool")
    tokenizer.chat_template = None
    with pytest.raises(UsageError, match="the tokenizer has none at all"):
        choose_template(tokenizer, "default")
