"""Beside a Qwen2 model transformers builds another tokenizer than was saved: both commands tell."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

for package in ("torch", "lm_eval", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast  # noqa: E402

from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.models.saved_tokenizers import save_tokenizer  # noqa: E402
from tests.evaluation.under_lm_eval import hf, under_lm_eval  # noqa: E402
from tools import model_rows, tiny_models  # noqa: E402
from tools.measure_models import TASK, own_bits  # noqa: E402

TEXTS = ["ا\u0653لاف الكتب سنة 2024", "كيف حالك اليوم يا صديقي؟"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a tokenizer that parts words as GPT-2's, saved as transformers saves it."""
    folder = tmp_path_factory.mktemp("rebuilt")
    make, roles = tiny_models.CONSTRUCTED["Qwen's construction"]
    inner = make([*model_rows.texts(), *TEXTS])
    tiny_models.build("Qwen2", inner, roles, folder)
    PreTrainedTokenizerFast(tokenizer_object=inner, **roles).save_pretrained(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [{"id": str(n), "msa": text, "egy": text} for n, text in enumerate(TEXTS)]
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "parallel.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return folder


def saved_ids(model: Path, text: str) -> list[int]:
    from tokenizers import Tokenizer

    file = Tokenizer.from_file(str(model / "tokenizer.json"))
    ids: list[int] = file.encode(text, add_special_tokens=False).ids
    return ids


def test_the_text_is_another_one_to_transformers(model: Path) -> None:
    built = AutoTokenizer.from_pretrained(model)
    assert built(TEXTS[0])["input_ids"] != saved_ids(model, TEXTS[0])


def test_arabench_eval_reads_the_saved_one_and_says_so(
    model: Path, data: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    request = Request(
        str(model), {}, [TASK], str(tmp_path / "out"), {"arabench_data": str(data)},
        dtype="float32", threads=1,
    )  # fmt: skip
    (log,) = evaluate(request, said.append)["base"].glob("samples_*.jsonl")
    found = [json.loads(line)["bits_per_char"]["sums"][0] for line in log.open(encoding="utf-8")]
    loaded = AutoModelForCausalLM.from_pretrained(model)
    own = [own_bits(loaded, saved_ids(model, text), 0, tiny_models.CONTEXT) for text in TEXTS]
    assert found == pytest.approx(own, rel=1e-5)
    (note,) = [line for line in said if "another tokenizer" in line]
    assert "Qwen2Tokenizer gives other ids than tokenizer.json" in note
    assert "The saved one is used" in note


def test_lm_evals_own_command_refuses(model: Path, data: Path) -> None:
    with pytest.raises(SystemExit, match=r"another tokenizer .*Use `arabench eval`"):
        under_lm_eval(hf(model), [TASK], metadata={"arabench_data": str(data)})


def test_lm_evals_own_command_takes_a_folder_of_the_tokenizer_alone(
    model: Path, data: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for file in model.glob("tokenizer*"):
        (alone / file.name).write_bytes(file.read_bytes())
    lm = hf(model, tokenizer=str(alone))
    rows = under_lm_eval(lm, [TASK], metadata={"arabench_data": str(data)})["samples"][TASK]
    own = [own_bits(lm.model, saved_ids(model, text), 0, tiny_models.CONTEXT) for text in TEXTS]
    assert [row["bits_per_char"]["sums"][0] for row in rows] == pytest.approx(own, rel=1e-5)


def test_training_reads_and_saves_the_saved_one(model: Path, tmp_path: Path) -> None:
    for package in ("trl", "peft"):
        pytest.importorskip(package, reason="needs the extra arabench[train]")
    from arabench.trainers.recipe import Recipe
    from arabench.trainers.run import adapter, base

    recipe = Recipe.model_validate(
        {
            "output_dir": str(tmp_path), "base": {"name": str(model)}, "device": "cpu",
            "data": {"source": "x.txt"},
        }
    )  # fmt: skip
    found = base.find_base(recipe, base.request_of(recipe).locate())
    assert "The saved one is used" in found.note
    wanted = [saved_ids(model, text) for text in TEXTS]
    assert found.tokenizer(TEXTS)["input_ids"] == wanted
    # The base as a user mends it: its tokenizer is then of Qwen2's class, with the saved words.
    mended = tmp_path / "mended"
    save_tokenizer(found.tokenizer, mended, "qwen2")
    (mended / "config.json").write_bytes((model / "config.json").read_bytes())
    for tokenizer in (found.tokenizer, AutoTokenizer.from_pretrained(mended)):
        target = tmp_path / type(tokenizer).__name__
        adapter.save_adapter(_Trainer(), tokenizer, target, {})
        assert AutoTokenizer.from_pretrained(target)(TEXTS)["input_ids"] == wanted
        (target / "config.json").write_bytes((model / "config.json").read_bytes())  # once merged
        assert AutoTokenizer.from_pretrained(target)(TEXTS)["input_ids"] == wanted


class _Trainer:
    """What of a trainer is saved, without training."""

    model: Any = SimpleNamespace(
        config=SimpleNamespace(model_type="qwen2"),
        save_pretrained=lambda folder, **options: Path(folder).mkdir(),
    )
