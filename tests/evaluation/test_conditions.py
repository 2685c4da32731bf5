"""Conditions that change scores and that the gate must see."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from arabench.evaluation.harness.conditions import (
    COLUMN,
    conditions_of,
    head_replaced,
    vocabulary_cut,
)
from arabench.evaluation.tasks import lm_data, translation_data


@pytest.fixture
def padded_base(tiny_base: Path, tmp_path: Path) -> Path:
    """The tiny base with a configuration that claims a padded vocabulary, as Qwen2 has."""
    folder = tmp_path / "padded"
    shutil.copytree(tiny_base, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] += 128
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_a_padded_vocabulary_is_cut_when_peft_is_given(padded_base: Path) -> None:
    sizes = vocabulary_cut(str(padded_base), str(padded_base), "main")
    assert sizes is not None
    assert sizes[0] - sizes[1] == 128
    assert "vocabulary cut" in conditions_of({"pretrained": str(padded_base), "peft": "x"})


def test_without_peft_or_padding_there_is_nothing_to_say(
    padded_base: Path, tiny_base: Path
) -> None:
    assert conditions_of({"pretrained": str(padded_base)}) == ""
    assert conditions_of({"pretrained": str(tiny_base), "peft": "x"}) == ""


def test_documents_of_a_cut_run_say_so(padded_base: Path) -> None:
    plain = lm_data("egy", pretrained=str(padded_base))["test"]
    cut = lm_data("egy", pretrained=str(padded_base), peft="x")["test"]
    assert COLUMN not in plain.column_names
    assert "vocabulary cut" in cut[0][COLUMN]


def test_translation_documents_name_the_release_of_sacrebleu() -> None:
    import sacrebleu

    document = translation_data("egy", "msa")["test"][0]
    assert document[COLUMN] == f"sacrebleu {sacrebleu.__version__}"


def test_a_head_of_its_own_is_measured_as_it_is(
    tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that calls head and embedding tied, and holds two that differ."""
    torch = pytest.importorskip("torch", reason="needs the extra arabench[eval]")
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from arabench.evaluation.harness.run import language_model

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    assert model.config.tie_word_embeddings
    head = model.lm_head.weight.detach()
    model.lm_head.weight = torch.nn.Parameter(head + 0.1 * torch.randn_like(head))
    model.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    tokenizer.save_pretrained(tmp_path)
    ids = torch.tensor([[5, 6, 7]])

    def logits(loaded: object) -> object:
        with torch.no_grad():
            return loaded(ids).logits  # type: ignore[operator]

    right = logits(model.eval())
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    ours = language_model(loaded, tokenizer, 4)
    assert torch.equal(logits(ours.model), right)
    theirs = HFLM(pretrained=str(tmp_path), device="cpu", tokenizer=tokenizer)
    assert not torch.allclose(logits(theirs.model), right, atol=0.1)  # what we warn of
    assert conditions_of({"pretrained": str(tiny_base)}) == ""
    assert "head replaced" in conditions_of({"pretrained": str(tmp_path)})
    assert "its numbers are those of another model" in caplog.text


def test_a_head_of_its_own_is_seen_under_every_name(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra arabench[eval]")
    from transformers import AutoModelForCausalLM

    from tests.evaluation.families import build

    for kind in ("gpt2-bos-is-eos", "gemma-byte-fallback"):
        folder = build(kind, tmp_path / kind)
        assert not head_replaced(str(folder)), kind
        model = AutoModelForCausalLM.from_pretrained(folder)
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach() + 1)
        model.save_pretrained(tmp_path / f"{kind}-apart")
        assert head_replaced(str(tmp_path / f"{kind}-apart")), kind
