"""The task suites inside lm-eval, run on an untrained toy model."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="needs the extra arabench[eval]")

from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from arabench.evaluation.metrics.noise_curves import NOISE_RATES
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.perturbations.table import KINDS
from arabench.resources import tasks_dir

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 3
SUBJECTS = (
    "arabic_language", "biology", "computing", "economics", "general_knowledge",
    "geography", "history", "literature", "mathematics", "physics",
)  # fmt: skip
TASKS = {
    *(f"arabench_lm_{code}" for code in ("msa", "egy", "glf", "lev", "mgr")),
    *(f"arabench_rc_{code}" for code in ("msa", "egy", "glf", "lev", "mgr")),
    *(f"arabench_tax_{code}" for code in ("egy", "glf", "lev", "mgr")),
    *(f"arabench_next_{code}" for code in ("msa", "egy", "glf", "lev", "mgr")),
    "arabench_did",
    *(f"arabench_mt_{code}_msa" for code in ("egy", "glf", "lev", "mgr")),
    *(f"arabench_mt_{code}_en" for code in ("msa", "egy", "glf", "lev", "mgr")),
    *(f"arabench_mmlu_{subject}" for subject in (*SUBJECTS, "all", "files", "arabicmmlu")),
    *(f"arabench_mmlu_{way}" for way in ("arabic_letters", "text")),
    *(
        f"arabench_robust_{part}_{kind}"
        for part in ("lm", "mc")
        for kind in ("keyboard", "confusions", "vowels", "spacing", "arabizi")
    ),
}
GROUPS = {
    "arabench_dialects", "arabench_lm", "arabench_tax", "arabench_mt", "arabench_rc",
    "arabench_next", "arabench_mmlu", "arabench_mmlu_ways", "arabench_robustness",
    "arabench_robust_lm", "arabench_robust_mc",
}  # fmt: skip
#: Tasks that cannot be built from packaged data: they name a hub data set or the user's own.
OUTSIDE = {"arabench_mmlu_arabicmmlu", "arabench_mmlu_files"}
#: One task of each kind -> its metrics.
LM = {"bits_per_char", "bits_per_byte", "word_perplexity", "byte_perplexity", "token_perplexity"}
RUN = {
    "arabench_lm_egy": LM,
    "arabench_lm_msa": LM,
    "arabench_next_egy": {"next_word_acc"},
    "arabench_did": {"acc", "macro_f1"},
    "arabench_tax_egy": {"dialect_tax", "tokenizer_tax", "model_tax"},
    "arabench_mt_egy_en": {"bleu", "chrf++"},
    "arabench_rc_egy": {"f1", "exact_match"},
    "arabench_mmlu_physics": {"acc"},
    "arabench_mmlu_arabic_letters": {"acc"},
    "arabench_mmlu_text": {"acc", "acc_norm", "acc_bytes"},
    "arabench_robust_lm_keyboard": {"noise_cost", *(f"bits_per_char@{r}" for r in NOISE_RATES)},
    "arabench_robust_mc_keyboard": {"noise_acc", *(f"acc@{r}" for r in NOISE_RATES)},
}


def _manager(**metadata: Any) -> TaskManager:
    return TaskManager(include_path=str(tasks_dir()), include_defaults=False, metadata=metadata)


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> HFLM:
    return HFLM(pretrained=str(tiny_base), device="cpu", batch_size=8, dtype="float32")


@pytest.fixture(scope="module")
def results(model: HFLM) -> dict[str, Any]:
    found: dict[str, Any] = simple_evaluate(
        model=model,
        tasks=list(RUN),
        limit=LIMIT,
        task_manager=_manager(),
        gen_kwargs={"max_gen_toks": 16},
        bootstrap_iters=0,
        log_samples=True,
    )
    return found


def test_exactly_the_expected_names_are_found() -> None:
    manager = _manager()
    assert set(manager.all_subtasks) == TASKS
    assert set(manager.all_groups) == GROUPS
    assert set(manager.all_tags) == set()
    assert set(KINDS) == {"keyboard", "confusions", "vowels", "spacing", "arabizi"}


def test_every_task_and_group_builds() -> None:
    suites = ["arabench_dialects", "arabench_next", "arabench_mmlu", "arabench_robustness"]
    loaded = _manager().load([*suites, "arabench_mmlu_ways", "arabench_did"])
    assert set(loaded["tasks"]) == TASKS - OUTSIDE
    assert set(loaded["groups"]) == GROUPS
    for name, task in loaded["tasks"].items():
        assert len(task.test_docs()) > 0
        assert task.config.task == name
        assert task.VERSION == task.config.metadata["version"] == 2.1


@pytest.mark.parametrize("path", sorted(tasks_dir().rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_yaml_resolves(path: Path) -> None:
    config = load_yaml(path, resolve_func=True)
    assert path.stem == config.get("task" if "output_type" in config else "group")
    names = [entry["metric"] for entry in config.get("metric_list", [])]
    values = [name for name in names if not name.endswith("_stderr")]
    assert names == [entry for name in values for entry in (name, f"{name}_stderr")]
    for entry in config.get("metric_list", []):
        assert callable(entry["aggregation"])
        if entry["metric"] in SCORES:
            score = SCORES[entry["metric"]]
            assert entry["higher_is_better"] is score.higher_is_better
            assert config["metadata"]["signatures"][score.name] == score.signature


def test_committed_yaml_is_what_the_tool_writes() -> None:
    tool = [sys.executable, str(ROOT / "tools/make_task_yaml.py"), "--check"]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("task", RUN)
def test_numbers_are_finite_with_errors(results: dict[str, Any], task: str) -> None:
    values = {
        key.removesuffix(",none"): value
        for key, value in results["results"][task].items()
        if key.endswith(",none") and value != "N/A"
    }
    metrics = RUN[task] | {f"{name}_stderr" for name in RUN[task]}
    assert metrics <= set(values)
    assert all(math.isfinite(values[name]) for name in RUN[task])
    items = {sample["doc"]["item"] for sample in results["samples"][task]}
    for name in RUN[task]:  # the first three reading questions are on one passage: no error
        assert math.isfinite(values[f"{name}_stderr"]) == (len(items) > 1)
    assert results["n-samples"][task]["effective"] == LIMIT


@pytest.mark.parametrize("task", RUN)
def test_samples_carry_item_and_sums(results: dict[str, Any], task: str) -> None:
    samples = results["samples"][task]
    assert len(samples) == LIMIT
    for sample in samples:
        for name in RUN[task]:
            assert sample[name]["item"] == sample["doc"]["item"]
            assert len(sample[name]["sums"]) == SCORES[name].width


def _bits_by_hand(model: HFLM, text: str) -> float:
    import torch

    tokenizer = model.tokenizer
    tokens = [tokenizer.eos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    with torch.no_grad():
        logits = model.model(torch.tensor([tokens[:-1]])).logits[0].double()  # (T, V)
    chosen = torch.log_softmax(logits, -1).gather(1, torch.tensor(tokens[1:])[:, None])
    return -float(chosen.sum()) / math.log(2)


def test_bits_per_char_by_hand(results: dict[str, Any], model: HFLM) -> None:
    texts = [sample["doc"]["text"] for sample in results["samples"]["arabench_lm_egy"]]
    bits = [_bits_by_hand(model, text) for text in texts]
    found = results["results"]["arabench_lm_egy"]
    chars, size = sum(map(len, texts)), sum(len(text.encode()) for text in texts)
    words = sum(len(text.split()) for text in texts)
    assert found["bits_per_char,none"] == pytest.approx(sum(bits) / chars, abs=1e-4)
    assert found["bits_per_byte,none"] == pytest.approx(sum(bits) / size, abs=1e-4)
    assert found["byte_perplexity,none"] == pytest.approx(2 ** (sum(bits) / size), rel=1e-4)
    assert found["word_perplexity,none"] == pytest.approx(2 ** (sum(bits) / words), rel=1e-3)
    one = results["samples"]["arabench_lm_egy"][0]["bits_per_char"]["sums"]
    assert one[0] / one[1] == pytest.approx(bits[0] / len(texts[0]), abs=1e-4)


def test_tax_is_the_ratio_of_bits(results: dict[str, Any]) -> None:
    def bits(task: str) -> dict[str, float]:
        samples = results["samples"][task]
        return {sample["doc"]["item"]: sample["bits_per_char"]["sums"][0] for sample in samples}

    dialect, msa = bits("arabench_lm_egy"), bits("arabench_lm_msa")
    assert list(dialect) == list(msa)  # renderings of the same sentences
    tax = results["results"]["arabench_tax_egy"]["dialect_tax,none"]
    assert tax == pytest.approx(sum(dialect.values()) / sum(msa.values()), rel=1e-6)


def test_token_perplexity_and_shares_of_the_tax_by_hand(
    results: dict[str, Any], model: HFLM
) -> None:
    def of(texts: list[str]) -> tuple[float, int]:
        tokens = [model.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        return sum(_bits_by_hand(model, text) for text in texts), sum(map(len, tokens))

    bits, tokens = of([sample["doc"]["text"] for sample in results["samples"]["arabench_lm_egy"]])
    found = results["results"]["arabench_lm_egy"]["token_perplexity,none"]
    assert found == pytest.approx(math.exp(bits * math.log(2) / tokens), rel=1e-5)
    pairs = [sample["doc"]["texts"] for sample in results["samples"]["arabench_tax_egy"]]
    (bits, tokens), (bits_msa, tokens_msa) = of([p[0] for p in pairs]), of([p[1] for p in pairs])
    tax = results["results"]["arabench_tax_egy"]
    assert tax["tokenizer_tax,none"] == pytest.approx(tokens / tokens_msa)
    assert tax["model_tax,none"] == pytest.approx(
        (bits / tokens) / (bits_msa / tokens_msa), rel=1e-5
    )
    assert tax["tokenizer_tax,none"] * tax["model_tax,none"] == pytest.approx(
        tax["dialect_tax,none"], rel=1e-12
    )


def test_next_words_by_hand(results: dict[str, Any], model: HFLM) -> None:
    import torch

    for sample in results["samples"]["arabench_next_egy"]:
        text = sample["doc"]["text"]
        encoded = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        tokens = encoded["input_ids"]
        with torch.no_grad():
            greedy = model.model(torch.tensor([tokens])).logits[0].argmax(-1).tolist()
        said, place = [], 0
        for number, word in enumerate(text.split()):
            start = text.index(word, place) - (number > 0)  # with the space before it
            place = start + len(word) + (number > 0)
            own = [i for i, (a, b) in enumerate(encoded["offset_mapping"]) if start <= a < place]
            if number:
                said.append(all(greedy[i - 1] == tokens[i] for i in own))
        assert sample["next_word_acc"]["sums"] == [sum(said), len(text.split()) - 1]
        asked = list(sample["arguments"])
        assert "".join([asked[0][0], *(word for _, word in asked)]) == text


def test_clean_rate_of_noise_is_the_plain_task(results: dict[str, Any]) -> None:
    noisy = results["results"]["arabench_robust_lm_keyboard"]
    plain = results["results"]["arabench_lm_msa"]["bits_per_char,none"]
    assert noisy["bits_per_char@0.0,none"] == pytest.approx(plain, rel=1e-6)
    sums = [s["noise_cost"]["sums"] for s in results["samples"]["arabench_robust_lm_keyboard"]]
    totals = [sum(column) for column in zip(*sums, strict=True)]
    area = sum(a + b for a, b in pairwise(totals)) / 2 / 5 / totals[0]
    assert noisy["noise_cost,none"] == pytest.approx(area)


def test_multiple_choice_by_hand(results: dict[str, Any], model: HFLM) -> None:
    for sample in results["samples"]["arabench_mmlu_physics"]:
        doc, prompt = sample["doc"], sample["arguments"][0][0]
        assert prompt.startswith(f"السؤال: {doc['question']}\nA. {doc['choices'][0]}\nB. ")
        assert prompt.endswith("الجواب:")
        by_hand = [
            _bits_by_hand(model, f"{prompt} {letter}") for letter in "ABCD"[: len(doc["choices"])]
        ]
        right = by_hand.index(min(by_hand)) == doc["answer"]
        assert sample["acc"]["sums"] == [float(right), 1.0]


def test_prompts_hold_packaged_examples(results: dict[str, Any]) -> None:
    for task, examples in (("arabench_mt_egy_en", 3), ("arabench_rc_egy", 1)):
        head = {"arabench_mt_egy_en": "العربية المصرية: ", "arabench_rc_egy": "النص: "}[task]
        prompts = [s["arguments"][0][0] for s in results["samples"][task]]
        assert all(prompt.count(head) == examples + 1 for prompt in prompts)
        shared = {prompt[: prompt.rindex(head)] for prompt in prompts}
        assert len(shared) == 1  # the same examples for every document


@pytest.mark.parametrize(
    ("task", "metadata", "message"),
    [
        ("arabench_lm_egy", {"arabench_data": "/no/such"}, "'/no/such', which is no folder"),
        ("arabench_mmlu_all", {"arabench_data": "/no/such"}, "'/no/such', which is no folder"),
        ("arabench_mmlu_files", {}, "this task reads your own questions"),
        ("arabench_rc_egy", {"arabench_dta": "x"}, "Did you mean 'arabench_data'"),
    ],
)
def test_wrong_data_ends_in_one_message(task: str, metadata: dict[str, str], message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        _manager(**metadata).load([task])
    assert str(caught.value).startswith("arabench: error: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_own_sentences_reach_the_task(tmp_path: Path, model: HFLM) -> None:
    (tmp_path / "arz.txt").write_text("أهلاً بيك.\nإزيك؟\n", encoding="utf-8")
    found = simple_evaluate(
        model=model,
        tasks=["arabench_lm_egy"],
        task_manager=_manager(arabench_data=str(tmp_path)),
        bootstrap_iters=0,
    )
    texts = ["أهلاً بيك.", "إزيك؟"]
    by_hand = sum(_bits_by_hand(model, text) for text in texts) / sum(map(len, texts))
    value = found["results"]["arabench_lm_egy"]["bits_per_char,none"]
    assert value == pytest.approx(by_hand, abs=1e-4)
