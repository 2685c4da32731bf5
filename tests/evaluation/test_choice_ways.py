"""Multiple choice by letters of both scripts and by texts, and how far the ways disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

from arabench.errors import DataError  # noqa: E402
from arabench.evaluation import tasks  # noqa: E402
from arabench.evaluation.harness.output import write_results  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.metrics.choice import correct, pick  # noqa: E402
from arabench.evaluation.reports.choice_ways import compare_ways, ways_lines  # noqa: E402
from arabench.evaluation.reports.summary import markdown_table  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.chats import build as build_chat  # noqa: E402
from tests.evaluation.families import build  # noqa: E402

LATIN, ARABIC, TEXT = (
    "arabench_mmlu_all", "arabench_mmlu_arabic_letters", "arabench_mmlu_text",
)  # fmt: skip
DOC = {
    "id": "q", "item": "q", "question": "ما عاصمة مصر؟", "answer": 1,
    "choices": [" دمشق", "القاهرة", "عَمّان", "بغداد", "تونس"],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("llama3-adds-bos", tmp_path_factory.mktemp("model"))


def model(folder: Path) -> HFLM:
    return HFLM(
        pretrained=str(folder), device="cpu", batch_size=8, dtype="float32", max_length=4096,
        softmax_dtype="float32",
    )  # fmt: skip


def measured(lm: HFLM, names: list[str], limit: int | None, **metadata: Any) -> dict[str, Any]:
    results: dict[str, Any] = simple_evaluate(
        model=lm, tasks=names, task_manager=task_manager(metadata), limit=limit,
        bootstrap_iters=0, log_samples=True,
    )  # fmt: skip
    return results


# --- prompts and choices -------------------------------------------------------------------------


def test_letters_are_those_of_the_script_in_prompt_and_answer() -> None:
    assert tasks.choice_prompt(DOC) == (
        "السؤال: ما عاصمة مصر؟\nA.  دمشق\nB. القاهرة\nC. عَمّان\nD. بغداد\nE. تونس\nالجواب:"
    )
    assert tasks.choice_prompt_arabic(DOC) == (
        "السؤال: ما عاصمة مصر؟\nأ.  دمشق\nب. القاهرة\nج. عَمّان\nد. بغداد\nهـ. تونس\nالجواب:"
    )
    assert tasks.choice_letters_arabic(DOC) == ["أ", "ب", "ج", "د", "هـ"]
    assert tasks.choice_letters_arabic({"choices": ["نعم", "لا"]}) == ["أ", "ب"]


def test_the_text_of_an_answer_is_asked_for_after_the_question_alone() -> None:
    assert tasks.choice_prompt_text(DOC) == "السؤال: ما عاصمة مصر؟\nالجواب:"
    assert tasks.choice_texts(DOC) == ["دمشق", "القاهرة", "عَمّان", "بغداد", "تونس"]


def test_lengths_are_code_points_with_diacritics_and_bytes() -> None:
    # 4, 7, 6 (two marks), 5 and 4 code points: -2.0, -2.0, -1.5, -2.2, -3.0 each.
    results = [(-8.0, False), (-14.0, False), (-9.0, False), (-11.0, False), (-12.0, False)]
    assert pick(results) == 0
    assert pick(results, [4, 7, 6, 5, 4]) == 2
    values = tasks.score_choice_text({**DOC, "answer": 2}, results)
    assert values["acc"]["sums"] == [0, 1]
    assert values["acc_norm"]["sums"] == [1, 1]
    assert values["acc_bytes"]["sums"] == [1, 1]
    mixed = {**DOC, "choices": ["ا" * 4, "abcdefgh"], "answer": 0}  # 4 and 8 code points, 8 bytes
    found = tasks.score_choice_text(mixed, [(-9.0, False), (-10.0, False)])
    assert (found["acc_norm"]["sums"], found["acc_bytes"]["sums"]) == ([0, 1], [1, 1])


def test_ties_go_to_the_first() -> None:
    equal = [(-2.0, False), (-4.0, False)]
    assert pick(equal, [1, 2]) == 0
    assert correct(equal, 1, [1, 2]) == 0


def test_a_choice_without_text_is_refused(tmp_path: Path) -> None:
    row = {"id": "q7", "subject": "s", "question": "س", "choices": ["نعم", " "], "answer": 0}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="question 'q7' has an empty choice"):
        tasks.mmlu_text_data(arabench_data=str(tmp_path))
    assert len(tasks.mmlu_data(arabench_data=str(tmp_path))["test"]) == 1


# --- on a model ----------------------------------------------------------------------------------


def test_a_letter_of_several_tokens_counts_with_them_all(tmp_path: Path) -> None:
    """Against an own forward pass, one request at a time; its tokens are bytes."""
    lm = model(build_chat("smollm2", tmp_path))
    results = measured(lm, [ARABIC], 3)
    sizes = set()
    for row in results["samples"][ARABIC]:
        for (prompt, letter), answer in zip(row["arguments"], row["filtered_resps"], strict=True):
            front = lm.tokenizer(prompt)["input_ids"]
            whole = lm.tokenizer(prompt + letter)["input_ids"]
            assert whole[: len(front)] == front
            sizes.add(len(whole) - len(front))
            with torch.no_grad():
                logits = lm.model(torch.tensor([whole])).logits[0].double().log_softmax(-1)
            own = sum(float(logits[k - 1, whole[k]]) for k in range(len(front), len(whole)))
            assert answer[0] == pytest.approx(own, rel=1e-5)
    assert sizes == {3}  # a space and two bytes


def test_accuracies_are_those_of_lm_evals_own_metrics(folder: Path, tmp_path: Path) -> None:
    rows = list(tasks.mmlu_text_data()["test"])[:40]
    data = tmp_path / "questions.json"
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    theirs = tmp_path / "tasks"
    theirs.mkdir()
    (theirs / "theirs.yaml").write_text(
        f"task: theirs\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {data}\n"
        "test_split: test\noutput_type: multiple_choice\ntarget_delimiter: ' '\n"
        'doc_to_text: "السؤال: {{question}}\\nالجواب:"\n'
        "doc_to_choice: choices\n"
        "doc_to_target: answer\nmetric_list:\n  - metric: acc\n  - metric: acc_norm\n"
        "  - metric: acc_bytes\n",
        encoding="utf-8",
    )
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(theirs), include_defaults=False)
    lm = model(folder)
    own = measured(lm, [TEXT], 40)["results"][TEXT]
    reference = simple_evaluate(
        model=lm, tasks=["theirs"], task_manager=manager, bootstrap_iters=0
    )["results"]["theirs"]
    for metric in ("acc", "acc_norm", "acc_bytes"):
        assert own[f"{metric},none"] == pytest.approx(reference[f"{metric},none"], abs=1e-12)
    assert len({own[f"{metric},none"] for metric in ("acc", "acc_norm")}) == 2


@pytest.fixture(scope="module")
def evaluated(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("results")
    results = measured(model(folder), ["arabench_mmlu_ways"], 30)
    return write_results(place, results)


def picks(evaluated: Path, task: str, lengths: Any = None) -> list[tuple[int, int]]:
    (file,) = evaluated.glob(f"samples_{task}_*.jsonl")
    found = []
    for line in file.open(encoding="utf-8"):
        row = json.loads(line)
        values = [value for value, _ in row["filtered_resps"]]
        if lengths:
            values = [v / lengths(c) for v, c in zip(values, row["doc"]["choices"], strict=True)]
        found.append((max(range(len(values)), key=lambda k: values[k]), row["doc"]["answer"]))
    return found


def test_the_report_says_how_far_the_ways_disagree(evaluated: Path) -> None:
    evaluation = load_evaluation(evaluated)
    found = compare_ways(evaluation)
    assert found is not None
    expected = [picks(evaluated, LATIN), picks(evaluated, ARABIC), picks(evaluated, TEXT)]
    expected.append(picks(evaluated, TEXT, len))
    shares = [sum(a == b for a, b in way) / 30 for way in expected]
    assert [way.accuracy.value for way in found.ways] == pytest.approx(shares)
    differ = sum(
        len({choice for choice, _ in question}) > 1 for question in zip(*expected, strict=True)
    )
    assert found.questions == 30
    assert found.disagreement.value == pytest.approx(differ / 30)
    assert found.spread.value == pytest.approx(max(shares) - min(shares))
    assert found.spread.low < found.spread.value < found.spread.high
    for way in found.ways:
        assert way.accuracy.low < way.accuracy.value < way.accuracy.high
    assert evaluation.tasks[TEXT].scores["acc_norm"].sums[:, 0].sum() == round(shares[3] * 30)
    table = markdown_table([evaluation])
    assert "\n".join(ways_lines(evaluation)) in table
    assert "of 30 questions the ways pick different answers" in table


def test_one_way_alone_is_compared_with_nothing(folder: Path, tmp_path: Path) -> None:
    write_results(tmp_path, measured(model(folder), [LATIN], 2))
    assert ways_lines(load_evaluation(tmp_path)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.update(filtered_resps=row["filtered_resps"][:-1]),
        lambda row: row.update(filtered_resps="none"),
        lambda row: row["doc"].update(answer="B"),
        lambda row: row["doc"].update(choices=["", "", "", ""]),
    ],
)
def test_damaged_samples_are_named(evaluated: Path, tmp_path: Path, change: Any) -> None:
    for file in evaluated.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    evaluation = load_evaluation(tmp_path)
    (file,) = tmp_path.glob(f"samples_{TEXT}_*.jsonl")
    rows = [json.loads(line) for line in file.open(encoding="utf-8")]
    change(rows[3])
    text = "".join(json.dumps(row) + "\n" for row in rows)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"samples_{TEXT}.* is damaged"):
        compare_ways(evaluation)
