"""A classifier on mean embeddings: what it is fitted to, what it is tested on, what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for package in ("torch", "lm_eval", "peft", "transformers", "sklearn"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402

from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.families.dialect_identification import did_data  # noqa: E402
from arabench.evaluation.harness.probe import STRENGTHS, fit_probe  # noqa: E402
from arabench.evaluation.metrics.choice import ACC as SCORE_ACC  # noqa: E402
from arabench.evaluation.metrics.classes import MACRO_F1, counts  # noqa: E402
from arabench.evaluation.metrics.score import by_item, point, sample  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from arabench.models.embeddings import mean_embeddings  # noqa: E402
from arabench.varieties import VARIETIES  # noqa: E402
from tests.models import encoders  # noqa: E402

#: Sentences whose variety shows in one word, so that even random embeddings tell it.
MARKS = {"msa": "الآن", "egy": "دلوقتي", "glf": "الحين", "lev": "هلق", "mgr": "دابا"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    lines = []
    for number in range(40):
        row: dict[str, Any] = {"id": f"s{number}", "split": "train" if number < 24 else "test"}
        row |= {code: f"{mark} {mark} كلمة {number % 7}" for code, mark in MARKS.items()}
        lines.append(json.dumps(row, ensure_ascii=False))
    (folder / "parallel.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def run(model: Path, output: Path, data: Path, **changes: Any) -> Path:
    request: dict[str, Any] = {
        "model": str(model), "adapters": {}, "tasks": ["arabench_did"], "output": str(output),
        "metadata": {"arabench_data": str(data)}, "device": "cpu", "dtype": "float32",
        "threads": 1, "model_type": "probe",
    }  # fmt: skip
    return evaluate(Request(**{**request, **changes}), lambda message: None)["base"]


@pytest.mark.parametrize("kind", ["bert", "causal"])
def test_varieties_that_a_word_tells_are_told(
    kind: str, data: Path, tiny_base: Path, tmp_path: Path
) -> None:
    model = tiny_base
    if kind == "bert":
        model = encoders.save("bert", tmp_path / "model", list(MARKS.values()) * 3)
    folder = run(model, tmp_path / "out", data)
    task = load_evaluation(folder).tasks["arabench_did"]
    assert task.samples == 16 * len(MARKS)
    assert len(task.scores["acc"].items) == 16  # the renderings of a sentence are one item
    assert point(SCORE_ACC, task.scores["acc"].sums) > 0.9
    assert point(MACRO_F1, task.scores["macro_f1"].sums) > 0.9
    (file,) = folder.glob("results_*.json")
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["arabench"]["probe_c"]["arabench_did"] in STRENGTHS
    assert "kind:probe" in found["arabench"]["signature"]


def test_it_gives_the_same_again(data: Path, tiny_base: Path, tmp_path: Path) -> None:
    samples = []
    for name in ("one", "two"):
        (file,) = run(tiny_base, tmp_path / name, data).glob("samples_*.jsonl")
        samples.append(file.read_bytes())
    assert samples[0] == samples[1]


def test_without_a_train_split_it_says_so(tiny_base: Path, tmp_path: Path, data: Path) -> None:
    (tmp_path / "data").mkdir()
    text = (data / "parallel.jsonl").read_text(encoding="utf-8").replace('"train"', '"test"')
    (tmp_path / "data" / "parallel.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="has no labelled train split"):
        run(tiny_base, tmp_path / "out", tmp_path / "data")
    with pytest.raises(UsageError, match="has no labelled train split"):
        run(tiny_base, tmp_path / "out2", data, tasks=["arabench_mmlu_physics"], metadata={})


def test_no_sentence_stands_on_both_sides_of_the_packaged_split() -> None:
    splits = did_data()
    train, test = ({row["item"] for row in splits[name]} for name in ("train", "test"))
    assert train
    assert test
    assert not train & test
    assert {row["answer"] for row in splits["test"]} == set(range(len(VARIETIES)))


def test_renderings_of_one_item_stay_in_one_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn import model_selection

    seen: list[tuple[set[str], set[str]]] = []
    items = [f"i{number // 3}" for number in range(36)]
    original = model_selection.cross_val_score

    def spy(*args: Any, cv: Any, **kwargs: Any) -> Any:
        seen.extend(({items[at] for at in one}, {items[at] for at in other}) for one, other in cv)
        return original(*args, cv=cv, **kwargs)

    monkeypatch.setattr(model_selection, "cross_val_score", spy)
    rng = np.random.default_rng(0)
    labels = [number % 3 for number in range(36)]
    embeddings = rng.normal(size=(36, 8)) + 3 * np.eye(8)[labels]
    fitted, strength = fit_probe(embeddings, labels, items)
    assert strength in STRENGTHS
    assert (fitted.predict(embeddings) == labels).all()
    assert seen
    assert all(not one & other for one, other in seen)
    with pytest.raises(UsageError, match="two classes and two items"):
        fit_probe(embeddings, [0] * 36, items)


def test_macro_f1_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    right = rng.integers(0, 4, 60)  # one class has no samples and is now and then chosen
    chosen = np.where(rng.random(60) < 0.6, right, rng.integers(0, 5, 60))
    values = [sample(str(at % 9), counts(int(c), int(r))) for at, (c, r) in
              enumerate(zip(chosen, right, strict=True))]  # fmt: skip
    expected = f1_score(right, chosen, average="macro", labels=[0, 1, 2, 3])
    assert point(MACRO_F1, by_item(values).sums) == pytest.approx(float(expected), rel=1e-12)


def test_embeddings_do_not_see_padding(tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
    rows = [[5, 6, 7, 8, 9, 10, 11], [12, 13], [14, 15, 16]]
    together = mean_embeddings(model, rows, batch_tokens=100)
    for row, found in zip(rows, together, strict=True):
        with torch.no_grad():
            hidden = model(torch.tensor([row]), output_hidden_states=True).hidden_states[-1][0]
        assert found == pytest.approx(hidden.double().mean(0).numpy(), abs=1e-5)
