"""The table of models (tools/measure_models.py), small: both commands against a forward pass.

Without the real tokenizers, which are fetched: of the same construction where there is one, and
tokenizers that drop letters or are no fast ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402

from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from tests.evaluation.under_lm_eval import hf, under_lm_eval  # noqa: E402
from tools import measure_models, model_rows, tiny_models  # noqa: E402
from tools.measure_models import ALLOWED, Measured, measure, own_bits, table_line  # noqa: E402
from tools.model_rows import ROWS, Folders, Row, build_row  # noqa: E402

LLAMA3 = "Llama 3's construction (BOS)"
GPT2 = "AraGPT2's construction (BOS is EOS)"
CHOSEN = (
    Row("Qwen2", "Qwen's construction"),
    Row("Qwen3", "Qwen's construction", "NF4"),
    Row("Qwen3", "Qwen's construction", "int8"),
    Row("Llama 2", "Llama 2's construction (BOS, bytes)"),
    Row("Llama 2", "BOS and EOS around"),
    Row("Mistral, window 48", "Llama 2's construction (BOS, bytes)"),
    Row("Gemma 2, window 48", "Gemma's construction (BOS, bytes)"),
    Row("Gemma 3, window 48", "Gemma's construction (BOS, bytes)"),
    Row("GPT-2 (AraGPT2)", GPT2),
    Row("Falcon", LLAMA3),
    Row("Falcon, ALiBi", LLAMA3),
    Row("BLOOM, ALiBi (Jais)", GPT2),
    Row("MPT, ALiBi", GPT2),
    Row("Llama 3", LLAMA3, form="sharded"),
    Row("Llama 3", LLAMA3, form="adapter"),
    Row("Llama 3", LLAMA3, form="merged"),
    Row("Falcon, ALiBi", LLAMA3, form="adapter"),
    Row("BLOOM, ALiBi (Jais)", GPT2, form="adapter"),
)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four short texts and a long one; one size of batches."""
    monkeypatch.setattr(model_rows, "SHORT", 4)
    monkeypatch.setattr(model_rows, "LONG", 1)
    monkeypatch.setattr(model_rows, "JOINED", 12)
    monkeypatch.setattr(measure_models, "BATCHES", (3,))


@pytest.mark.parametrize("row", CHOSEN, ids=str)
def test_bits_equal_a_forward_pass(row: Row, tmp_path: Path) -> None:
    folders = build_row(row, tmp_path, tmp_path)
    found = measure(row, folders, tmp_path)
    if row.form == "sharded":
        assert len(list(folders.model.glob("model-*.safetensors"))) > 2
    if row.form == "adapter":
        # lm-eval cuts the padded rows of the vocabulary, and our task says so.
        assert any("lm-eval cuts the vocabulary" in said for said in found.said)
        cut = found.apart["lm_eval"]
        assert cut is not None
        assert cut > 1e-4
    assert found.tokens > tiny_models.CONTEXT
    assert found.right, table_line(row, found)


def test_the_table_notices_what_is_wrong(tmp_path: Path) -> None:
    """A context of one token less gives other windows, and a differing row is no right one."""
    row = CHOSEN[0]
    folders = build_row(row, tmp_path, tmp_path)
    shorter = Folders(
        folders.model, None, folders.first, folders.vocabulary, folders.context - 1, folders.texts
    )
    found = measure(row, shorter, tmp_path)
    assert not found.right
    assert all(apart is not None and apart > 1e-4 for apart in found.apart.values())
    assert not Measured(1.0, 1, {"lm_eval": None}, (), (1.0,)).right


def test_every_row_has_a_builder() -> None:
    from tools.real_tokenizers import SOURCES

    assert len(set(ROWS)) == len(ROWS)
    for row in ROWS:
        assert row.architecture in tiny_models.ARCHITECTURES
        assert (row.tokenizer in SOURCES) != (row.tokenizer in tiny_models.CONSTRUCTED)
        assert row.weights in ALLOWED


# --- tokenizers that no row has ------------------------------------------------------------------


def _bits(folder: Path, tmp_path: Path, texts: list[str]) -> dict[str, list[float]]:
    """By both commands."""
    data = tmp_path / "data"
    data.mkdir()
    rows = [{"id": str(n), "msa": text, "egy": text} for n, text in enumerate(texts)]
    (data / "parallel.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    task = measure_models.TASK
    request = Request(
        str(folder), {}, [task], str(tmp_path / "out"), {"arabench_data": str(data)},
        dtype="float32", threads=1,
    )  # fmt: skip
    (log,) = evaluate(request, lambda message: None)["base"].glob("samples_*.jsonl")
    ours = [json.loads(line) for line in log.open(encoding="utf-8")]
    theirs = under_lm_eval(hf(folder), [task], limit=None, metadata={"arabench_data": str(data)})
    return {
        "arabench eval": [row["bits_per_char"]["sums"][0] for row in ours],
        "lm_eval": [row["bits_per_char"]["sums"][0] for row in theirs["samples"][task]],
    }


def _save_model(folder: Path, rows: int) -> Any:
    sizes = {"vocab_size": rows, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
    torch.manual_seed(3)
    model = tiny_models.ARCHITECTURES["Llama 3"](sizes).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.25)
    model.save_pretrained(folder)
    return model


def test_a_tokenizer_written_in_python(tmp_path: Path) -> None:
    """ByT5's, one of those that transformers 5 still has: bytes, and EOS behind every text."""
    from transformers import ByT5Tokenizer

    ByT5Tokenizer(model_max_length=tiny_models.CONTEXT).save_pretrained(tmp_path / "model")
    model = _save_model(tmp_path / "model", 448)
    texts = ["كيف حالك؟", "قَرَأَ", " ".join(["نعم"] * 60)]
    ids = [[byte + 3 for byte in text.encode("utf-8")] for text in texts]
    own = [own_bits(model, tokens, 1, tiny_models.CONTEXT) for tokens in ids]
    for command, found in _bits(tmp_path / "model", tmp_path, texts).items():
        assert found == pytest.approx(own, rel=1e-5), command


def test_a_tokenizer_that_drops_letters(tmp_path: Path) -> None:
    """As many Arabic ones drop vowel marks: the bits are of what is left of a text."""
    from tokenizers import Regex, normalizers
    from transformers import PreTrainedTokenizerFast

    from arabench.models.saved_tokenizers import save_tokenizer

    make, roles = tiny_models.CONSTRUCTED[LLAMA3]
    inner = make(model_rows.texts())
    inner.normalizer = normalizers.Replace(Regex(r"\p{M}"), "")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=tiny_models.CONTEXT, **roles
    )
    save_tokenizer(tokenizer, tmp_path / "model")
    model = _save_model(tmp_path / "model", 640)
    texts, bare = ["قَرَأَ الكِتَابَ", "نعم"], ["قرأ الكتاب", "نعم"]
    ids = [inner.encode(text, add_special_tokens=False).ids for text in bare]
    own = [own_bits(model, tokens, inner.token_to_id("<s>"), 128) for tokens in ids]
    for command, found in _bits(tmp_path / "model", tmp_path, texts).items():
        assert found == pytest.approx(own, rel=1e-5), command
