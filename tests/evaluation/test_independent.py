"""Every metric against an implementation that shares no code with it.

The table "Metrics" of docs/measure.md names the test of each; the last tests keep it complete.
"""

from __future__ import annotations

import json
import math
import random
import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for package in ("torch", "lm_eval", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from sacrebleu.metrics import BLEU, CHRF  # noqa: E402

from arabench.evaluation.metrics.noise_curves import NOISE_RATES  # noqa: E402
from arabench.evaluation.metrics.score import by_item, point, sample  # noqa: E402
from arabench.evaluation.metrics.table import SCORES  # noqa: E402
from arabench.evaluation.tasks import score_reading, score_translation  # noqa: E402
from arabench.resources import tasks_dir  # noqa: E402
from tests.evaluation import families  # noqa: E402
from tests.evaluation.forward_passes import log_probabilities  # noqa: E402

#: Families, and the token that stands before a text.
FAMILIES = {
    "qwen2-adds-nothing": "</s>",
    "llama3-adds-bos": "<s>",
    "gemma-byte-fallback": "<s>",
    "gpt2-bos-is-eos": "</s>",
}
SENTENCES = [
    {"id": "a", "msa": "أين المحطة يا صديقي؟", "egy": "المحطة فين يا صاحبي؟"},
    {"id": "b", "msa": "ذهبت إلى البيت مساء", "egy": "رحت البيت بالليل"},
    {"id": "c", "msa": "هذا كتاب جديد", "egy": "ده كتاب جديد خالص"},
]
QUESTIONS = [
    {"id": "q1", "subject": "x", "question": "ما عاصمة مصر؟", "choices": ["دمشق", "القاهرة"],
     "answer": 1},
    {"id": "q2", "subject": "x", "question": "كم يوما؟", "choices": ["سبعة أيام", "ستة", "خمسة"],
     "answer": 0},
    {"id": "q3", "subject": "y", "question": "ما لونه؟", "choices": ["أزرق", "أحمر قان جدا"],
     "answer": 0},
]  # fmt: skip
TASKS = (
    "arabench_lm_egy", "arabench_tax_egy", "arabench_next_egy", "arabench_robust_lm_keyboard",
    "arabench_mmlu_files", "arabench_mmlu_text", "arabench_robust_mc_keyboard",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A model, and what the tasks under plain lm-eval say of it."""

    lm: HFLM
    first: int
    adds: list[int]
    results: dict[str, Any]

    def own(self, text: str) -> list[int]:
        ids: list[int] = self.lm.tokenizer.backend_tokenizer.encode(
            text, add_special_tokens=False
        ).ids
        return ids

    def nats(self, text: str) -> float:
        """Of a whole text, by the forward pass of this test."""
        stream = [self.first, *self.own(text)]
        found = log_probabilities(self.lm.model, stream[:-1])
        return float(found[np.arange(len(stream) - 1), stream[1:]].sum())

    def bits(self, texts: Sequence[str]) -> float:
        return -sum(map(self.nats, texts)) / math.log(2)

    def stream(self, prompt: str, rest: str) -> tuple[list[int], int]:
        """(tokens of prompt and rest, how many of them are the rest)."""
        before = self.own(prompt)
        # What of the whole is behind as many tokens: a tokenizer may merge over the space.
        behind = self.own(prompt + rest)[len(before) :]
        return [*self.adds, *before, *behind], len(behind)

    def after(self, prompt: str, rest: str) -> tuple[float, bool]:
        """Nats of what follows a prompt, and whether each of its tokens is the likeliest."""
        stream, behind = self.stream(prompt, rest)
        found = log_probabilities(self.lm.model, stream[:-1])
        places = np.arange(len(stream) - 1 - behind, len(stream) - 1)
        said = np.asarray(stream)[places + 1]
        greedy = bool((found[places].argmax(axis=-1) == said).all())
        return float(found[places, said].sum()), greedy

    def documents(self, task: str) -> list[dict[str, Any]]:
        rows = sorted(self.results["samples"][task], key=lambda row: row["doc_id"])
        return [row["doc"] for row in rows]

    def value(self, task: str, metric: str) -> float:
        return float(self.results["results"][task][f"{metric},none"])


#: Of learning one sentence.
STEPS = 90


def _learn_by_heart(model: Any, streams: Sequence[list[int]]) -> None:
    """So that greedy decoding gets some words right, and others not."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for matrices of this size more only wait for each other
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(STEPS):
        ids = torch.tensor([streams[step % len(streams)]])
        optimizer.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=FAMILIES)
def measured(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Measured:
    folder = tmp_path_factory.mktemp("independent")
    for name, rows in (("parallel", SENTENCES), ("questions", QUESTIONS)):
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "CONTEXT", 400)
        built = families.build(request.param, folder / "model")
    lm = HFLM(pretrained=str(built), device="cpu", batch_size=3, dtype="float32")
    front, _ = families.KINDS[request.param][2]
    adds = [lm.tokenizer.convert_tokens_to_ids(token) for token in front]
    first = lm.tokenizer.convert_tokens_to_ids(FAMILIES[request.param])
    asked = Measured(lm, first, adds, {})
    words = SENTENCES[0]["egy"].split(" ")
    places = [(" ".join(words[:place]), f" {words[place]}") for place in range(1, len(words))]
    _learn_by_heart(lm.model, [asked.stream(*pair)[0] for pair in places])
    manager = TaskManager(
        include_path=str(tasks_dir()), include_defaults=False,
        metadata={"arabench_data": str(folder)},
    )  # fmt: skip
    results = simple_evaluate(
        model=lm, tasks=list(TASKS), task_manager=manager, bootstrap_iters=0, log_samples=True
    )
    return Measured(lm, first, adds, results)


# --- likelihoods of texts ------------------------------------------------------------------------


def test_bits_and_perplexities(measured: Measured) -> None:
    texts = [doc["text"] for doc in measured.documents("arabench_lm_egy")]
    assert texts == [row["egy"] for row in SENTENCES]
    nats = -sum(map(measured.nats, texts))
    sizes = {
        "bits_per_char": sum(map(len, texts)),
        "bits_per_byte": sum(len(text.encode()) for text in texts),
        "word_perplexity": sum(len(text.split()) for text in texts),
        "byte_perplexity": sum(len(text.encode()) for text in texts),
        "token_perplexity": sum(len(measured.own(text)) for text in texts),
    }
    for metric, size in sizes.items():
        per_unit = math.exp(nats / size) if "perplexity" in metric else nats / math.log(2) / size
        assert measured.value("arabench_lm_egy", metric) == pytest.approx(per_unit, rel=1e-5), (
            metric
        )


def test_dialect_tax_and_its_shares(measured: Measured) -> None:
    egy, msa = ([row[code] for row in SENTENCES] for code in ("egy", "msa"))
    bits, tokens = (
        [measured.bits(texts) for texts in (egy, msa)],
        [sum(len(measured.own(text)) for text in texts) for texts in (egy, msa)],
    )
    task = "arabench_tax_egy"
    assert measured.value(task, "dialect_tax") == pytest.approx(bits[0] / bits[1], rel=1e-5)
    assert measured.value(task, "tokenizer_tax") == pytest.approx(tokens[0] / tokens[1])
    per_token = [spent / count for spent, count in zip(bits, tokens, strict=True)]
    assert measured.value(task, "model_tax") == pytest.approx(per_token[0] / per_token[1], rel=1e-5)


def test_next_words(measured: Measured) -> None:
    said = asked = 0
    for row in SENTENCES:
        words = row["egy"].split(" ")
        for place in range(1, len(words)):
            said += measured.after(" ".join(words[:place]), f" {words[place]}")[1]
            asked += 1
    assert 0 < said < asked  # one sentence was learnt by heart, the others were not
    assert measured.value("arabench_next_egy", "next_word_acc") == pytest.approx(said / asked)


def test_noise_curves(measured: Measured) -> None:
    from sklearn.metrics import auc

    task = "arabench_robust_lm_keyboard"
    documents = measured.documents(task)
    assert [doc["texts"][0] for doc in documents] == [row["msa"] for row in SENTENCES]
    bits = [measured.bits([doc["texts"][rate] for doc in documents]) for rate in range(6)]
    clean = sum(len(row["msa"]) for row in SENTENCES)
    for rate, spent in zip(NOISE_RATES, bits, strict=True):
        found = measured.value(task, f"bits_per_char@{rate}")
        assert found == pytest.approx(spent / clean, rel=1e-5)
    area = auc(NOISE_RATES, np.asarray(bits) / bits[0]) / NOISE_RATES[-1]
    assert measured.value(task, "noise_cost") == pytest.approx(area, rel=1e-5)


# --- multiple choice -----------------------------------------------------------------------------


def test_accuracy(measured: Measured) -> None:
    from sklearn.metrics import accuracy_score

    right = [row["answer"] for row in QUESTIONS]
    by_letter, by_text, by_char, by_byte = [], [], [], []
    for row in QUESTIONS:
        lettered = "".join(f"{x}. {c}\n" for x, c in zip("ABCD", row["choices"], strict=False))
        prompt = f"السؤال: {row['question']}\n{lettered}الجواب:"
        nats = [measured.after(prompt, f" {letter}")[0] for letter in "ABC"[: len(row["choices"])]]
        by_letter.append(int(np.argmax(nats)))
    for doc, asked in zip(
        measured.documents("arabench_mmlu_text"),
        sorted(measured.results["samples"]["arabench_mmlu_text"], key=lambda row: row["doc_id"]),
        strict=True,
    ):
        prompt = asked["arguments"][0][0]
        assert doc["question"] in prompt
        nats = [measured.after(prompt, f" {choice}")[0] for choice in doc["choices"]]
        by_text.append(int(np.argmax(nats)))
        by_char.append(int(np.argmax(np.divide(nats, [len(c) for c in doc["choices"]]))))
        by_byte.append(int(np.argmax(np.divide(nats, [len(c.encode()) for c in doc["choices"]]))))
    for task, metric, picked in (
        ("arabench_mmlu_files", "acc", by_letter), ("arabench_mmlu_text", "acc", by_text),
        ("arabench_mmlu_text", "acc_norm", by_char), ("arabench_mmlu_text", "acc_bytes", by_byte),
    ):  # fmt: skip
        assert measured.value(task, metric) == pytest.approx(accuracy_score(right, picked)), metric


def test_accuracy_under_noise(measured: Measured) -> None:
    from sklearn.metrics import accuracy_score, auc

    task = "arabench_robust_mc_keyboard"
    curve = []
    for rate in range(len(NOISE_RATES)):
        picked, right = [], []
        for doc in measured.documents(task):
            lettered = "".join(f"{x}. {c}\n" for x, c in zip("ABCD", doc["choices"], strict=False))
            prompt = f"السؤال: {doc['questions'][rate]}\n{lettered}الجواب:"
            letters = "ABC"[: len(doc["choices"])]
            picked.append(np.argmax([measured.after(prompt, f" {x}")[0] for x in letters]))
            right.append(doc["answer"])
        curve.append(accuracy_score(right, picked))
        assert measured.value(task, f"acc@{NOISE_RATES[rate]}") == pytest.approx(curve[-1])
    area = auc(NOISE_RATES, curve) / NOISE_RATES[-1]
    assert measured.value(task, "noise_acc") == pytest.approx(area)


# --- answers -------------------------------------------------------------------------------------


def _squad_words(text: str) -> list[str]:
    """As SQuAD v1.1's evaluation: lower case, without punctuation, articles and more spaces."""
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def _squad_f1(answer: str, right: str) -> float:
    ours, theirs = _squad_words(answer), _squad_words(right)
    same = sum((Counter(ours) & Counter(theirs)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(ours), same / len(theirs)
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("seed", range(5))
def test_answers_are_squads_on_ascii(seed: int) -> None:
    rng = random.Random(seed)
    words = ["cairo", "Nile", "1952", "river", "blue", "BLUE", "of", "of", "king"]

    def text() -> str:
        chosen = rng.choices(words, k=rng.choice([1, 1, 1, 2, 4]))
        return " ".join(word + rng.choice(["", "", ",", ".", "!"]) for word in chosen)

    pairs = [(text(), [text() for _ in range(rng.randint(1, 3))]) for _ in range(60)]
    rows = [
        score_reading({"item": str(i), "answers": right}, [answer])
        for i, (answer, right) in enumerate(pairs)
    ]
    f1 = np.mean([max(_squad_f1(answer, one) for one in right) for answer, right in pairs])
    exact = np.mean(
        [any(_squad_words(answer) == _squad_words(o) for o in right) for answer, right in pairs]
    )
    assert 0 < exact < f1 < 1
    for metric, expected in (("f1", f1), ("exact_match", exact)):
        found = point(SCORES[metric], by_item(row[metric] for row in rows).sums)
        assert found == pytest.approx(expected, abs=1e-12)


# --- translations --------------------------------------------------------------------------------


SENTENCE = "ذهب الولد إلى المدرسة صباحا ثم عاد وهل رأيت القمر اليوم NASA 3.5"


def _corpora(seed: int, marks: Sequence[str]) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    words = [
        "ذهب",
        "الولد",
        "إلى",
        "المدرسة",
        "صباحا",
        "ثم",
        "عاد",
        "وهل",
        "رأيت",
        "القمر",
        "اليوم",
        "NASA",
        "3.5",
    ]
    answers, references = [], []
    for _ in range(rng.randint(1, 9)):
        reference = [
            w + rng.choice(["", "", *marks]) for w in rng.choices(words, k=rng.randint(1, 15))
        ]
        references.append(" ".join(reference))
        answers.append(" ".join(w for w in reference if rng.random() < 0.8))
    return answers, references


def _scored(answers: list[str], references: list[str], metric: str) -> float:
    rows = [
        score_translation({"item": str(i), "target": reference}, [answer])[metric]
        for i, (answer, reference) in enumerate(zip(answers, references, strict=True))
    ]
    return point(SCORES[metric], by_item(rows).sums)


@pytest.mark.parametrize("seed", range(8))
def test_bleu_is_sacrebleus(seed: int) -> None:
    answers, references = _corpora(seed, ["؟", "،", ".", "»"])
    theirs = BLEU(tokenize="intl").corpus_score(answers, [references]).score
    assert _scored(answers, references, "bleu") == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_chrf_is_sacrebleus_with_punctuation_apart(seed: int) -> None:
    """sacreBLEU parts ASCII marks from words; ours parts Arabic ones too, in its word n-grams."""
    answers, references = _corpora(seed, [".", "!", ","])
    theirs = CHRF(word_order=2).corpus_score(answers, [references]).score
    assert _scored(answers, references, "chrf++") == pytest.approx(theirs, abs=1e-9)
    # Character n-grams ignore spaces, so Arabic marks apart are what an ASCII mark apart is.
    answers, references = _corpora(seed, ["؟", "،"])
    apart = [[re.sub(r"([؟،])", r" \1", text) for text in texts] for texts in (answers, references)]
    theirs = CHRF(word_order=2).corpus_score(apart[0], [apart[1]]).score
    assert _scored(answers, references, "chrf++") == pytest.approx(theirs, abs=1e-9)


def test_shares_and_ratios_of_samples_are_of_all_samples() -> None:
    """Items of several samples: a metric is of the samples, whichever item they belong to."""
    from sklearn.metrics import accuracy_score

    rng = np.random.default_rng(1)
    right, picked = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    rows = [
        sample(str(i % 7), [float(a == b), 1])
        for i, (a, b) in enumerate(zip(right, picked, strict=True))
    ]
    assert point(SCORES["acc"], by_item(rows).sums) == pytest.approx(accuracy_score(right, picked))


# --- the table of docs/measure.md ----------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]


def _table() -> list[list[str]]:
    text = (ROOT / "docs/measure.md").read_text(encoding="utf-8")
    section = text.split("\n## Metrics\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_every_metric_has_its_row() -> None:
    named = [name for row in _table() for name in re.findall(r"`([^`]+)`", row[0])]
    assert sorted(named) == sorted(SCORES)


def test_rows_say_unit_and_direction() -> None:
    for row in _table():
        for name in re.findall(r"`([^`]+)`", row[0]):
            assert row[2] == SCORES[name].unit, name
            assert row[3] == ("up" if SCORES[name].higher_is_better else "down"), name


def test_rows_name_tests_that_are_there() -> None:
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    there = {name for text in files for name in re.findall(r"^def (test_\w+)", text, re.M)}
    for row in _table():
        tests = re.findall(r"`(test_\w+)`", row[-1])
        assert tests, row[0]
        assert set(tests) <= there, row[0]
