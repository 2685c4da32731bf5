"""A text's likelihood is a float that knows its tokens, on every way through lm-eval."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from arabench.evaluation.harness.own_tokens import Likelihood, own_tokens


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda value: pickle.loads(pickle.dumps(value, 0)),  # noqa: S301
        lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301
    ],
)
def test_a_copy_keeps_value_and_tokens(copied: Any) -> None:
    found = copied(Likelihood(-12.5, 7))
    assert type(found) is Likelihood
    assert (found, found.tokens) == (-12.5, 7)


def test_it_is_a_float_wherever_one_is_expected() -> None:
    value = Likelihood(-12.5, 7)
    assert isinstance(value, float)
    assert value == -12.5
    assert hash(value) == hash(-12.5)
    assert sorted([value, -13.0, Likelihood(-1.0, 2)]) == [-13.0, -12.5, -1.0]
    assert json.dumps([value]) == "[-12.5]"
    assert f"{value:.2f}" == "-12.50"
    assert type(value + 1) is float
    assert Likelihood(-1.0).tokens == 0


def test_the_score_function_gets_it_under_lm_eval(tmp_path: Path, monkeypatch: Any) -> None:
    for package in ("torch", "lm_eval", "peft", "transformers"):
        pytest.importorskip(package, reason="needs the extra arabench[eval]")
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from transformers import PreTrainedTokenizerFast

    from arabench.evaluation.harness.run import task_manager
    from tests.evaluation.families import build

    # llama-has-none reads the first token and does not score it.
    for kind, unscored in (("llama3-adds-bos", 0), ("llama-has-none", 1)):
        folder = build(kind, tmp_path / kind)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        for cache in (None, str(tmp_path / f"{kind}.cache"), str(tmp_path / f"{kind}.cache")):
            results = simple_evaluate(
                model=HFLM(pretrained=str(folder), device="cpu", batch_size=4, dtype="float32"),
                tasks=["arabench_tax_egy"], task_manager=task_manager({}), limit=3,
                bootstrap_iters=0, log_samples=True, use_cache=cache,
            )  # fmt: skip
            for row in results["samples"]["arabench_tax_egy"]:
                assert [value.tokens for value in row["filtered_resps"]] == [
                    len(own_tokens(tokenizer, text)) - unscored for text in row["doc"]["texts"]
                ]
