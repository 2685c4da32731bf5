"""lm-eval's other models under `arabench eval`, and what cannot be built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.cli.main import main  # noqa: E402
from arabench.errors import UsageError  # noqa: E402
from arabench.evaluation.harness.other_backends import other_backend  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.completions_server import serve  # noqa: E402

TASKS = ["arabench_lm_egy", "arabench_tax_egy", "arabench_mmlu_physics"]


def request(output: Path, **changes: Any) -> Request:
    given: dict[str, Any] = {
        "model": "", "adapters": {}, "tasks": TASKS, "output": str(output), "metadata": {},
        "limit": 3, "device": "cpu", "dtype": "float32", "threads": 1,
    }  # fmt: skip
    return Request(**{**given, **changes})


def test_a_server_gives_the_bits_of_the_model_behind_it(tiny_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("tenacity", reason="needs lm_eval[api]")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    said: list[str] = []
    with serve(model, tokenizer) as (address, seen):
        arguments = (
            f"model=tiny,base_url={address},tokenizer={tiny_base},tokenizer_backend=huggingface,"
            f"max_length={model.config.max_position_embeddings + 1},num_concurrent=1"
        )
        served = request(tmp_path / "served", backend="local-completions", model_args=arguments)
        folder = evaluate(served, said.append)["base"]
        assert seen
    direct = evaluate(request(tmp_path / "direct", model=str(tiny_base)), said.append)["base"]
    one, other = load_evaluation(folder), load_evaluation(direct)
    assert set(one.tasks) == set(TASKS)
    for name, task in one.tasks.items():
        for metric, sums in task.scores.items():
            if metric in {"token_perplexity", "tokenizer_tax", "model_tax"}:
                continue  # a server says nothing of tokens
            assert sums.sums == pytest.approx(other.tasks[name].scores[metric].sums, rel=1e-6), name
    assert one.settings["backend"] == "LocalCompletionsAPI"
    assert one.settings["own_tokens"] == "not applied"
    assert "kind:backend local-completions" in one.signature
    assert any("own-token rules are not applied" in note for note in said)
    # What the arguments hold may be a key: it stands nowhere in the results.
    (file,) = folder.glob("results_*.json")
    assert address not in json.dumps(json.loads(file.read_text(encoding="utf-8")))


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        "lm_eval.models.api_models.find_spec",
        lambda name, *rest: None if name == "tenacity" else find(name, *rest),
    )
    with pytest.raises(UsageError, match=r"pip install 'lm_eval\[api\]'") as caught:
        other_backend("local-completions", "model=x,base_url=http://127.0.0.1:9/v1", 1, None)
    assert "tenacity" in str(caught.value)
    if find("vllm") is None:
        with pytest.raises(UsageError, match=r"pip install 'lm_eval\[vllm\]'"):
            other_backend("vllm", "pretrained=x", 1, None)


def test_unknown_backends_and_arguments() -> None:
    with pytest.raises(UsageError, match="Did you mean 'local-completions'"):
        other_backend("local-completion", "", 1, None)
    with pytest.raises(UsageError, match="KEY=VALUE pairs"):
        other_backend("hf", "pretrained", 1, None)
    with pytest.raises(UsageError, match=r"of --model-args secret, pretrained: ") as caught:
        other_backend("hf", "secret=abc,pretrained=/nowhere", 1, "cpu")
    assert "abc" not in str(caught.value).partition(": ")[0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"adapters": {"a": "x"}}, "--adapter"), ({"cache": "c"}, "--cache"),
     ({"bits": 4}, "--bits 4"), ({"model_type": "mlm"}, "--model-type")],
)  # fmt: skip
def test_what_does_not_go_with_a_backend(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"{named} does not go with --backend"):
        evaluate(request(tmp_path, backend="hf", model_args="pretrained=x", **changes), print)


def test_the_command_names_one_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["eval", "-o", str(tmp_path), "--backend", "hf", "--model-args", "pretrained=x"]
    assert main([*options, "--model", "y"]) != 0
    assert "name the model in --model-args" in capsys.readouterr().err
    assert main(["eval", "-o", str(tmp_path)]) != 0
    assert "--model is not given" in capsys.readouterr().err
