"""What cannot be measured is said before a model is asked for anything, under both commands."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

from arabench.errors import ArabenchError, UsageError  # noqa: E402
from arabench.evaluation.harness.evaluator import Prompting, TaskRun, load_task  # noqa: E402
from arabench.evaluation.harness.room import Unasked  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.resources import tasks_dir  # noqa: E402
from tests.evaluation.chats import build  # noqa: E402

LM, MC, RC, TEXT = (
    "arabench_lm_egy", "arabench_mmlu_biology", "arabench_rc_egy", "arabench_mmlu_text",
)  # fmt: skip


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls of a model; every test here expects none."""
    calls: list[str] = []

    def noted(name: str) -> Any:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            raise AssertionError(f"the model was asked: {name}")

        return call

    for name in ("_loglikelihood_tokens", "_model_generate", "_model_call"):
        monkeypatch.setattr(HFLM, name, noted(name))
    return calls


def refused(
    folder: Path, tasks: list[str], tmp_path: Path, said: str, unasked: list[str], **changes: Any
) -> None:
    """Under both commands, with the same words, and with nothing measured."""
    out = tmp_path / "out"
    request = Request(str(folder), {}, tasks, str(out), changes.pop("metadata", {}), limit=3,
                      dtype="float32", threads=1, **changes)  # fmt: skip
    with pytest.raises(ArabenchError, match=said):
        evaluate(request, lambda message: None)
    assert not list(out.rglob("results*.json"))
    with pytest.raises(SystemExit, match=f"arabench: error: .*{said}"):
        simple_evaluate(
            model=HFLM(pretrained=str(folder), device="cpu", dtype="float32"),
            tasks=tasks, task_manager=task_manager(request.metadata), limit=3,
            bootstrap_iters=0, apply_chat_template=bool(request.chat_template),
        )  # fmt: skip
    assert not unasked


def test_a_task_no_prompt_of_which_fits(tmp_path: Path, unasked: list[str]) -> None:
    """Although texts and questions, which come first, do fit."""
    folder = build("smollm2", tmp_path / "model", context=700)
    said = r"every prompt of task 'arabench_rc_egy', with its shots, is longer than .* 700 tokens"
    refused(folder, [LM, MC, RC], tmp_path, said, unasked)


def test_a_choice_that_no_context_holds(tmp_path: Path, unasked: list[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = [
        {"id": str(n), "subject": "s", "question": "س", "choices": ["نعم", "لا" * n], "answer": 0}
        for n in (1, 2, 40)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (data / "questions.jsonl").write_text(text, encoding="utf-8")
    folder = build("smollm2", tmp_path / "model", context=100)
    said = (
        r"'arabench_mmlu_text' asks for a choice of 161 tokens, and the model's context holds 100"
    )
    refused(folder, [TEXT], tmp_path, said, unasked, metadata={"arabench_data": str(data)})


def test_prompts_whose_tokens_the_model_does_not_have(tmp_path: Path, unasked: list[str]) -> None:
    folder = build("smollm2", tmp_path / "model")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.add_tokens([f"w{number}" for number in range(8)] + ["السؤال"])
    tokenizer.save_pretrained(folder)
    refused(folder, [MC], tmp_path, r"gives token \d+, and the model has \d+ rows", unasked)


def test_a_template_that_raises(tmp_path: Path, unasked: list[str]) -> None:
    folder = build("smollm2", tmp_path / "model")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no') }}", encoding="utf-8")
    said = "the chat template raises TemplateError: no"
    refused(folder, [LM, MC], tmp_path, said, unasked, chat_template=True)


def test_a_template_of_no_such_name(tmp_path: Path) -> None:
    folder = build("smollm2", tmp_path / "model")
    request = Request(
        str(folder), {}, [MC], str(tmp_path / "out"), {}, limit=1, threads=1, chat_template="rag"
    )
    with pytest.raises(UsageError, match="'rag' is not known: the tokenizer has those named defa"):
        evaluate(request, lambda message: None)


def test_a_metric_that_a_task_does_not_give(tmp_path: Path, unasked: list[str]) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "mine.yaml").write_text(
        f"include: {tasks_dir()}/arabench_mmlu/_mmlu_template\ntask: mine\nmetric_list:\n"
        "  - metric: acc\n  - metric: f1\n",
        encoding="utf-8",
    )
    manager = TaskManager(include_path=str(tasks), include_defaults=False)
    lm = HFLM(pretrained=str(build("smollm2", tmp_path / "model")), device="cpu")
    with pytest.raises(SystemExit, match=r"'mine': metric_list .* differ in acc_stderr, f1\. Its"):
        simple_evaluate(model=lm, tasks=["mine"], task_manager=manager, limit=1)
    assert not unasked


def test_looking_leaves_a_task_as_it_was(tmp_path: Path) -> None:
    """Its shots are drawn as if nothing had been drawn before."""
    lm = HFLM(pretrained=str(build("smollm2", tmp_path / "model", context=4096)), device="cpu")
    prompting = Prompting(limit=20)
    task = load_task(task_manager({}), MC, prompting)
    task.set_config(key="num_fewshot", value=2)
    task.set_fewshot_seed(seed=7)
    drawn = task.sampler.rnd.getstate()
    TaskRun(task, lm, prompting).check()
    assert task.sampler.rnd.getstate() == drawn
    assert (task.window, task._instances, task.record.requests) == (None, None, 0)


def test_requests_that_were_dropped_are_forgotten() -> None:
    class Instance(SimpleNamespace):
        pass

    unasked = Unasked()
    first = [Instance(request_type="loglikelihood", task_name="a", arabench=None)]
    unasked.add(first)  # type: ignore[arg-type]
    del first
    gc.collect()
    lm: Any = SimpleNamespace(tokenizer=_tokenizer())
    unasked.check(lm)  # would fail on a request without arguments


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models

    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE({"ا": 0}, [])))
