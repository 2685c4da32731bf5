"""Encoders under `arabench eval`: pseudo-likelihoods under names of their own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402

from arabench.cli.main import main  # noqa: E402
from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.data.parallel import load_parallel  # noqa: E402
from arabench.evaluation.data.source import Source  # noqa: E402
from arabench.evaluation.harness.answers import MemoryStore, answer_requests  # noqa: E402
from arabench.evaluation.harness.evaluator import Prompting, load_task  # noqa: E402
from arabench.evaluation.harness.masked import (  # noqa: E402
    frame_of,
    masked_language_model,
    masked_texts,
)
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.metrics.pseudo import TWINS, pseudo_names  # noqa: E402
from arabench.evaluation.metrics.table import SCORES  # noqa: E402
from arabench.evaluation.reports.summary import markdown_table  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.comparable import check_comparable, check_task  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from arabench.models.bases import BaseRequest, load_base  # noqa: E402
from tests.models import encoders  # noqa: E402

TASKS = [
    "arabench_lm_egy", "arabench_tax_egy", "arabench_robust_lm_keyboard", "arabench_mmlu_physics",
    "arabench_mmlu_text",
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [text for item in load_parallel(Source())[:60] for text in item.texts.values()]
    return encoders.save("bert", tmp_path_factory.mktemp("bert"), texts, length=160)


def run(model: Path, output: Path, **changes: Any) -> dict[str, Path]:
    request: dict[str, Any] = {
        "model": str(model), "adapters": {}, "tasks": TASKS, "output": str(output),
        "metadata": {}, "limit": 3, "device": "cpu", "dtype": "float32", "threads": 1,
        "model_type": "mlm",
    }  # fmt: skip
    return evaluate(Request(**{**request, **changes}), lambda message: None)


@pytest.fixture(scope="module")
def measured(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(encoder, tmp_path_factory.mktemp("measured"))["base"]


def rows(folder: Path, task: str) -> list[dict[str, Any]]:
    (file,) = folder.glob(f"samples_{task}_*.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def pseudo_nats(encoder: Path, text: str, given: str = "") -> tuple[float, int, int]:
    """(sum, tokens, first guesses) of a text behind what is given, one mask at a time."""
    base = load_base(BaseRequest(str(encoder), "cpu", "float32", kind="masked"))
    encoded = base.tokenizer(given + text, add_special_tokens=False, return_offsets_mapping=True)
    ids, words = encoded["input_ids"], encoded.word_ids(0)
    scored = [at for at, (_, end) in enumerate(encoded["offset_mapping"]) if end > len(given)]
    total, hits = 0.0, 0
    for place in scored:
        masked = [
            base.tokenizer.mask_token_id if at >= place and words[at] == words[place] else token
            for at, token in enumerate(ids)
        ]
        whole = [base.tokenizer.cls_token_id, *masked, base.tokenizer.sep_token_id]
        assert len(whole) <= 60
        with torch.no_grad():
            logits = base.model(input_ids=torch.tensor([whole])).logits[0, 1 + place].double()
        total += float(torch.log_softmax(logits, -1)[ids[place]])
        hits += int(logits.argmax()) == ids[place]
    return total, len(scored), hits


def test_bits_are_those_of_one_mask_at_a_time(encoder: Path, measured: Path) -> None:
    row = min(rows(measured, "arabench_lm_egy"), key=lambda row: len(row["doc"]["text"]))
    text = row["doc"]["text"]
    total, tokens, hits = pseudo_nats(encoder, text)
    bits, characters = row["pseudo_bits_per_char"]["sums"]
    assert bits == pytest.approx(-total / math.log(2), rel=1e-6)
    assert characters == len(text)
    assert row["masked_acc"]["sums"] == [hits, tokens]
    assert row["pseudo_token_perplexity"]["sums"][-1] == tokens


def test_choices_are_scored_in_place(tmp_path: Path) -> None:
    prompts = ["السؤال: ما عاصمة مصر؟\nالجواب:"]
    encoder = encoders.save("bert", tmp_path / "model", [*prompts, " القاهرة", " دمشق"], length=60)
    base = load_base(BaseRequest(str(encoder), "cpu", "float32", kind="masked"))
    lm = masked_language_model(base.model, base.tokenizer, 4)
    task = load_task(task_manager({}), "arabench_mmlu_text", Prompting(limit=1, pseudo=True))
    task.build_all_requests(limit=1)
    request = task.instances[0]
    request.arguments = (prompts[0], " القاهرة")
    answer_requests(lm, [request], MemoryStore())
    total, tokens, hits = pseudo_nats(encoder, " القاهرة", prompts[0])
    assert tokens >= 1
    ((value, greedy),) = request.resps
    assert value == pytest.approx(total, rel=1e-6)
    assert greedy is (hits == tokens)


def test_no_metric_has_the_name_of_a_causal_one(measured: Path) -> None:
    evaluation = load_evaluation(measured)
    assert set(evaluation.tasks) == set(TASKS)
    for name, task in evaluation.tasks.items():
        for metric in task.scores:
            assert not SCORES[metric].likelihood or metric.startswith("pseudo_"), name
    lm = evaluation.tasks["arabench_lm_egy"]
    assert {"pseudo_bits_per_char", "pseudo_bits_per_byte", "masked_acc"} <= set(lm.scores)
    assert "pseudo_dialect_tax" in evaluation.tasks["arabench_tax_egy"].scores
    assert "pseudo_noise_cost" in evaluation.tasks["arabench_robust_lm_keyboard"].scores
    assert "acc" in evaluation.tasks["arabench_mmlu_physics"].scores
    signature = evaluation.signature_of("arabench_lm_egy", "pseudo_bits_per_char")
    assert "Kauf and Ivanova 2023" in signature
    assert "kind:pseudo, masking within-word" in signature
    assert "pseudo bits/char" in markdown_table([evaluation])


def test_every_likelihood_of_a_text_has_a_twin() -> None:
    twins = set(TWINS)
    assert twins == {name for name, score in SCORES.items() if score.likelihood and
                     not name.startswith("pseudo_")}  # fmt: skip
    assert pseudo_names(["acc"]) == ["acc"]


def test_causal_and_masked_do_not_compare(
    encoder: Path, measured: Path, tiny_base: Path, tmp_path: Path
) -> None:
    causal = load_evaluation(run(tiny_base, tmp_path / "causal", model_type="causal")["base"])
    masked = load_evaluation(measured)
    with pytest.raises(UsageError, match="its kind of likelihood is causal in the baseline"):
        check_comparable(causal, masked)
    for name in TASKS:  # multiple choice too, which has the same metrics
        with pytest.raises(UsageError, match="its kind of likelihood is causal in the baseline"):
            check_task(causal.tasks[name], masked.tasks[name])


def test_the_masking_is_a_setting(encoder: Path, measured: Path, tmp_path: Path) -> None:
    folder = run(encoder, tmp_path, masking="original", tasks=TASKS[:1])["base"]
    other, within = load_evaluation(folder), load_evaluation(measured)
    assert "masking original" in other.signature
    with pytest.raises(UsageError, match="kind of likelihood"):
        check_task(within.tasks[TASKS[0]], other.tasks[TASKS[0]])
    one, two = (found.tasks[TASKS[0]].scores["pseudo_bits_per_char"] for found in (within, other))
    assert not np.allclose(one.sums[:, 0], two.sums[:, 0])


def test_adapters_of_encoders(encoder: Path, measured: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForMaskedLM

    torch.manual_seed(0)
    model = get_peft_model(
        AutoModelForMaskedLM.from_pretrained(encoder),
        LoraConfig(r=4, target_modules=["query", "value"]),
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(tmp_path / "adapter")
    folders = run(
        encoder, tmp_path / "out", adapters={"egy": str(tmp_path / "adapter")}, tasks=TASKS[:1]
    )
    base, adapted = (load_evaluation(folders[name]).tasks[TASKS[0]] for name in ("base", "egy"))
    check_task(base, adapted)
    metric = "pseudo_bits_per_char"
    assert (base.scores[metric].sums[:, 0] != adapted.scores[metric].sums[:, 0]).all()
    before = load_evaluation(measured).tasks[TASKS[0]]
    assert (base.scores[metric].sums == before.scores[metric].sums).all()


@pytest.mark.parametrize("task", ["arabench_rc_egy", "arabench_next_egy"])
def test_what_is_left_to_right_is_refused(task: str, encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"task {task!r} asks for .* leave it out"):
        run(encoder, tmp_path, tasks=[task])


def test_models_of_the_other_kind_are_refused(
    encoder: Path, tiny_base: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--model-type mlm"):
        run(encoder, tmp_path / "one", model_type="causal")
    with pytest.raises(UsageError, match="without --model-type mlm"):
        run(tiny_base, tmp_path / "two")
    with pytest.raises(UsageError, match="--system-prompt does not go with --model-type mlm"):
        run(encoder, tmp_path / "three", system_prompt="س")


def test_a_tokenizer_without_a_mask_is_refused(encoder: Path) -> None:
    base = load_base(BaseRequest(str(encoder), "cpu", "float32", kind="masked"))
    base.tokenizer.mask_token = None
    with pytest.raises(UsageError, match="no mask token"):
        frame_of(base.model, base.tokenizer)


def test_a_choice_of_no_token_is_refused(encoder: Path) -> None:
    base = load_base(BaseRequest(str(encoder), "cpu", "float32", kind="masked"))
    (text,) = masked_texts(base.tokenizer, ["كتاب "], [len("كتاب")])
    assert text.start == len(text.tokens)


def test_prompts_none_of_which_fits_are_refused(tmp_path: Path) -> None:
    short = encoders.save("bert", tmp_path / "model", ["السؤال الجواب ما هي كم"], length=12)
    with pytest.raises(UsageError, match="every prompt of task 'arabench_mmlu_physics' is longer"):
        run(short, tmp_path / "out", tasks=["arabench_mmlu_physics"])


def test_the_command(encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["eval", "--model", str(encoder), "--model-type", "mlm", "--limit", "1"]
    assert main([*options, "--device", "cpu", "-o", str(tmp_path / "out")]) == 0
    assert "| masked acc |" in capsys.readouterr().out
    assert main(["eval", "--model", str(encoder), "--model-args", "a=b", "-o", "x"]) != 0
    assert "--model-args are those of a --backend" in capsys.readouterr().err
