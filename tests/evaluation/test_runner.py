"""`arabench eval`: base and adapters in one process give the numbers of separate runs."""

from __future__ import annotations

import json
import math
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM  # noqa: E402

from arabench.errors import ArabenchError, DataError, UsageError  # noqa: E402
from arabench.evaluation.harness.run import task_manager  # noqa: E402
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from arabench.models.checkpoints import RECORD_NAME, inspect_base, weights_sha256  # noqa: E402

LIMIT = 4
Scores = dict[str, dict[str, float]]


def make_adapter(base: Path, folder: Path, scale: float, seed: int = 0) -> Path:
    """A LoRA adapter whose B matrices are random, or zero as in an untrained one."""
    torch.manual_seed(seed)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"]),
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=scale) if scale else parameter.data.zero_()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapters(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two adapters under names that PEFT itself could not use."""
    folder = tmp_path_factory.mktemp("adapters")
    return {
        "keys": str(make_adapter(tiny_base, folder / "one", 0.5, seed=1)),
        "lora_2": str(make_adapter(tiny_base, folder / "two", 0.5, seed=2)),
    }


def run(model: Path, output: Path, **changes: Any) -> dict[str, Path]:
    request: dict[str, Any] = {
        "model": str(model), "adapters": {}, "tasks": ["arabench_lm"], "output": str(output),
        "metadata": {}, "limit": LIMIT, "device": "cpu", "dtype": "float32", "threads": 1,
    }  # fmt: skip
    return evaluate(Request(**{**request, **changes}), lambda message: None)


def numbers(results: dict[str, Any]) -> Scores:
    return {
        task: {
            key: value
            for key, value in scores.items()
            if isinstance(value, float) and "stderr" not in key
        }
        for task, scores in results["results"].items()
    }


def stored(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(load_evaluation(folder).path.read_text(encoding="utf-8"))
    return content


def assert_same(one: Scores, other: Scores) -> None:
    assert one.keys() == other.keys()
    for task, scores in one.items():
        assert scores == pytest.approx(other[task], rel=1e-6), task


@pytest.fixture(scope="module")
def evaluated(
    tiny_base: Path, adapters: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    return run(tiny_base, tmp_path_factory.mktemp("evaluated"), adapters=adapters)


def test_base_numbers_are_those_of_lm_eval(evaluated: dict[str, Path], tiny_base: Path) -> None:
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    expected = simple_evaluate(
        model=HFLM(pretrained=str(tiny_base), device="cpu", batch_size=8),
        tasks=["arabench_lm"],
        task_manager=task_manager({}),
        limit=LIMIT,
        bootstrap_iters=0,
    )
    scores = numbers(expected)
    assert len(scores) >= 5
    assert all(math.isfinite(value) for task in scores.values() for value in task.values())
    assert_same(numbers(stored(evaluated["base"])), scores)


def test_adapters_leave_the_base_numbers_alone(
    evaluated: dict[str, Path], tiny_base: Path, tmp_path: Path
) -> None:
    alone = run(tiny_base, tmp_path)
    assert list(alone) == ["base"]
    assert_same(numbers(stored(alone["base"])), numbers(stored(evaluated["base"])))


def test_each_adapter_has_its_own_numbers(
    evaluated: dict[str, Path], adapters: dict[str, str], tiny_base: Path, tmp_path: Path
) -> None:
    together = {name: numbers(stored(folder)) for name, folder in evaluated.items()}
    bits = {
        name: scores["arabench_lm_egy"]["bits_per_char,none"] for name, scores in together.items()
    }
    assert len(set(bits.values())) == 3
    alone = run(tiny_base, tmp_path, adapters={"second": adapters["lora_2"]})
    assert_same(numbers(stored(alone["second"])), together["lora_2"])


def test_results_are_read_back_with_their_provenance(
    evaluated: dict[str, Path], adapters: dict[str, str]
) -> None:
    for name, folder in evaluated.items():
        evaluation = load_evaluation(folder)
        assert evaluation.model == name
        assert {task.samples for task in evaluation.tasks.values()} == {LIMIT}
        provenance = stored(folder)["arabench"]
        assert provenance["name"] == name
        if name != "base":
            assert provenance["largest_logit_change"] > 1e-3
            weights = Path(adapters[name]) / "adapter_model.safetensors"
            assert provenance["adapter_sha256"] == weights_sha256((weights,))
        assert provenance["packages"] == {
            package: version(package)
            for package in ("lm_eval", "sacrebleu", "torch", "transformers", "peft")
        }


def test_four_bits(tiny_base: Path, adapters: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra arabench[train]")
    request = {"bits": 4, "tasks": ["arabench_lm_egy"]}
    with_adapter = run(tiny_base, tmp_path / "a", adapters={"one": adapters["keys"]}, **request)
    base = stored(with_adapter["base"])
    assert base["arabench"]["bits"] == 4
    assert_same(numbers(base), numbers(stored(run(tiny_base, tmp_path / "b", **request)["base"])))
    full = numbers(stored(run(tiny_base, tmp_path / "c", tasks=["arabench_lm_egy"])["base"]))
    key = "bits_per_char,none"
    assert numbers(base)["arabench_lm_egy"][key] != full["arabench_lm_egy"][key]
    assert numbers(base)["arabench_lm_egy"][key] == pytest.approx(
        full["arabench_lm_egy"][key], rel=0.1
    )


def test_a_folder_stored_in_four_bits_is_measured_as_it_is(
    tiny_base: Path, adapters: dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra arabench[train]")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from arabench.models.devices import nf4

    folder = tmp_path / "nf4"
    AutoModelForCausalLM.from_pretrained(
        tiny_base, quantization_config=nf4("float32"), dtype="float32"
    ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(folder)
    tasks = {"tasks": ["arabench_lm_egy"], "adapters": {"one": adapters["keys"]}}
    from_folder = run(folder, tmp_path / "a", **tasks)
    on_load = run(tiny_base, tmp_path / "b", bits=4, **tasks)
    for name in ("base", "one"):
        assert_same(numbers(stored(from_folder[name])), numbers(stored(on_load[name])))


def test_only_our_tasks_are_indexed() -> None:
    names = set(task_manager({}).all_tasks)
    assert "arabench_dialects" in names
    assert all(name.startswith("arabench_") for name in names), sorted(names)[:5]


def refusal(model: Path, output: Path, **changes: Any) -> str:
    with pytest.raises(ArabenchError) as caught:
        run(model, output, **changes)
    assert not list(output.rglob("results*.json"))
    return str(caught.value)


def test_an_untrained_adapter_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    dead = make_adapter(tiny_base, tmp_path / "dead", 0.0)
    message = refusal(tiny_base, tmp_path / "out", adapters={"mine": str(dead)})
    assert "adapter 'mine'" in message
    assert "does not change the model's output (largest logit change 0.0e+00)" in message


def test_adapters_of_other_bases_are_refused(
    tiny_base: Path, adapters: dict[str, str], tmp_path: Path
) -> None:
    config = Qwen2Config.from_pretrained(tiny_base)
    config.hidden_size = 32
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "small")
    other = make_adapter(tmp_path / "small", tmp_path / "other", 0.5)
    message = refusal(tiny_base, tmp_path / "out", adapters={"mine": str(other)})
    assert "does not fit this base model" in message

    recorded = tmp_path / "recorded"
    shutil.copytree(adapters["keys"], recorded)
    record = recorded / RECORD_NAME
    record.write_text('{"base_sha256": "00ff", "base_name": "theirs"}', encoding="utf-8")
    message = refusal(tiny_base, tmp_path / "out", adapters={"mine": str(recorded)})
    assert "trained on another base (theirs, weights 00ff" in message
    right = weights_sha256(inspect_base(str(tiny_base)).weights)
    record.write_text(json.dumps({"base_sha256": right}), encoding="utf-8")
    run(tiny_base, tmp_path / "out", adapters={"mine": str(recorded)}, tasks=["arabench_lm_egy"])


def test_damaged_weights_are_refused(
    tiny_base: Path, adapters: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(adapters["keys"], tmp_path / "cut")
    weights = tmp_path / "cut" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    message = refusal(tiny_base, tmp_path / "out", adapters={"mine": str(tmp_path / "cut")})
    assert "does not fit this base model: SafetensorError" in message
    shutil.copytree(tiny_base, tmp_path / "base")
    weights = tmp_path / "base" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert "could not be loaded: Saf" in refusal(tmp_path / "base", tmp_path / "out")


@pytest.mark.parametrize("name", ["base", "", "a/b", "..", "a b", "a.b", "-", "_"])
def test_adapter_names(name: str, tiny_base: Path, tmp_path: Path) -> None:
    message = refusal(tiny_base, tmp_path, adapters={name: "nowhere"})
    assert f"adapter name {name!r} is not allowed" in message


def test_wrong_requests(tiny_base: Path, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"tasks": ["arabench_lm_egi"]}, "Did you mean 'arabench_lm_egy'"),
        ({"tasks": ["hellaswag"]}, "task 'hellaswag' is not known"),
        ({"tasks": []}, "no task given"),
        ({"adapters": {"a": str(tmp_path / "none")}}, "is no folder"),
        ({"adapters": {"a": str(tiny_base)}}, "has no adapter_config.json"),
        ({"model": tmp_path / "none"}, "is no folder"),
    ]
    for changes, expected in cases:
        model = changes.pop("model", tiny_base)
        assert expected in refusal(model, tmp_path / "out", **changes)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="is a file"):
        run(tiny_base, file)
    if not torch.cuda.is_available():
        assert "no CUDA device" in refusal(tiny_base, tmp_path / "out", device="cuda")


def test_a_damaged_record_is_refused(
    tiny_base: Path, adapters: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(adapters["keys"], tmp_path / "odd")
    (tmp_path / "odd" / RECORD_NAME).write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        run(tiny_base, tmp_path / "out", adapters={"mine": str(tmp_path / "odd")})
