"""One loader for measuring and training: the same keywords for the same base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "transformers", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from arabench.errors import UsageError  # noqa: E402
from arabench.models import bases  # noqa: E402
from arabench.models.bases import BaseRequest, load_base, load_model  # noqa: E402
from arabench.trainers.recipe import Recipe  # noqa: E402
from arabench.trainers.run import base as training_base  # noqa: E402


class Loaded(Exception):
    """Instead of loading."""


@pytest.fixture
def keywords(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the library was asked for."""
    asked: list[dict[str, Any]] = []

    def load(**given: Any) -> None:
        asked.append(given)
        raise Loaded("stop")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load)
    return asked


def comparable(keywords: dict[str, Any]) -> dict[str, Any]:
    quantization = keywords.pop("quantization_config", None)
    return {**keywords, "quantization": quantization and quantization.to_dict()}


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_measuring_and_training_load_alike(
    bits: Any, keywords: list[dict[str, Any]], tiny_base: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"^model '{tiny_base}' could not be loaded: Loaded: stop"):
        load_base(BaseRequest(str(tiny_base), device="cpu", dtype="float32", bits=bits))
    recipe = Recipe.model_validate(
        {
            "output_dir": str(tmp_path), "base": {"name": str(tiny_base)},
            "data": {"source": "x.txt"}, "quantization": {"bits": bits},
        }
    )  # fmt: skip
    source = training_base.request_of(recipe).locate()
    with pytest.raises(UsageError, match=r"^base model '.*' could not be loaded: Loaded: stop"):
        training_base.load_base(recipe, source, "cpu", "float32")
    measured, trained = map(comparable, keywords)
    assert measured == trained
    quantization = measured["quantization"]
    assert measured["use_safetensors"] is True
    assert measured["dtype"] == torch.float32
    assert (quantization is None) == (bits == 16)
    if quantization:
        assert (quantization["load_in_4bit"], quantization["load_in_8bit"]) == (
            bits == 4, bits == 8,
        )  # fmt: skip


@pytest.mark.parametrize("double", [True, False])
def test_double_quantization_pickles_and_code_are_as_asked(
    double: bool, keywords: list[dict[str, Any]], tiny_base: Path
) -> None:
    request = BaseRequest(
        str(tiny_base), bits=4, double_quantization=double, allow_pickle=True,
        trust_remote_code=True,
    )  # fmt: skip
    with pytest.raises(UsageError):
        load_model(request, request.locate(), "cpu", "float16")
    (asked,) = keywords
    assert asked["quantization_config"].bnb_4bit_use_double_quant is double
    assert asked["quantization_config"].bnb_4bit_compute_dtype == torch.float16
    assert (asked["use_safetensors"], asked["trust_remote_code"]) == (None, True)


def test_a_hub_name_is_asked_for_unless_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def reachable(name: str, revision: str | None = None) -> bool:
        asked.append((name, revision))
        return True

    monkeypatch.setattr(bases, "require_reachable", reachable)
    source = BaseRequest("org/name", revision="v1").locate()
    assert source == {
        "pretrained_model_name_or_path": "org/name", "revision": "v1",
        "trust_remote_code": False, "local_files_only": True,
    }  # fmt: skip
    assert asked == [("org/name", "v1")]
    assert BaseRequest("org/name", local_files_only=False).locate()["local_files_only"] is False
    assert "local_files_only" not in BaseRequest("./here").locate()
    assert BaseRequest("~/x").locate()["pretrained_model_name_or_path"] == str(Path.home() / "x")
    assert len(asked) == 1


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_loaded_models_multiply(bits: Any, tiny_base: Path) -> None:
    base = load_base(BaseRequest(str(tiny_base), device="cpu", dtype="float32", bits=bits))
    kinds = {type(module).__name__ for module in base.model.modules()}
    assert ("Linear4bit" in kinds, "Linear8bitLt" in kinds) == (bits == 4, bits == 8)
    assert not any(
        getattr(module, "support_avx512bf16_for_cpu", False) for module in base.model.modules()
    )
    with torch.no_grad():
        assert base.model(input_ids=torch.arange(5, 12)[None]).logits.isfinite().all()
