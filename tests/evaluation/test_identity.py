"""One signature, one number; and every ingredient of a run is in its signature."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

from arabench.cli.main import main  # noqa: E402
from arabench.evaluation.runner import Request, evaluate, identity  # noqa: E402
from arabench.evaluation.runner.identity import ModelIdentity, RunIdentity, signature  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.test_runner import make_adapter  # noqa: E402

TASKS = ["arabench_lm_egy", "arabench_mmlu_physics"]


def request(base: Path, output: Path, **changes: Any) -> Request:
    given = Request(
        str(base), {}, TASKS, str(output), {}, limit=3, dtype="float32", threads=1, device="cpu"
    )
    return dataclasses.replace(given, **changes)


def run(asked: Request, name: str = "base") -> tuple[str, dict[str, Any]]:
    """Signature and results of a model."""
    folder = evaluate(asked, lambda message: None)[name]
    (file,) = folder.glob("results_*.json")
    results = json.loads(file.read_text(encoding="utf-8"))
    assert results["arabench"]["signature"] == signature(results["arabench"]["identity"])
    assert load_evaluation(folder).signature == results["arabench"]["signature"]
    return results["arabench"]["signature"], results["results"]


@pytest.fixture(scope="module")
def model(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of our own, with an adapter and data beside it."""
    folder = tmp_path_factory.mktemp("identity")
    shutil.copytree(tiny_base, folder / "base")
    make_adapter(tiny_base, folder / "adapter", 0.5)
    (folder / "data").mkdir()
    (folder / "data" / "egy.txt").write_text("ازيك يا باشا\nعامل ايه\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def before(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    adapters = {"mine": str(model / "adapter")}
    output = tmp_path_factory.mktemp("before")
    return run(request(model / "base", output, adapters=adapters), "mine")


def test_one_signature_is_one_number(
    before: tuple[str, dict[str, Any]], model: Path, tmp_path: Path
) -> None:
    # Elsewhere, under another name, and beside another adapter.
    shutil.copytree(model, tmp_path / "moved")
    adapters = {
        "first": str(make_adapter(model / "base", tmp_path / "first", 0.3, seed=5)),
        "second": str(tmp_path / "moved" / "adapter"),
    }
    asked = request(tmp_path / "moved" / "base", tmp_path / "out", adapters=adapters)
    assert run(asked, "second") == before
    other = load_evaluation(tmp_path / "out" / "first")
    assert other.signature != before[0]


def _flip(path: Path, place: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def _edit(path: Path, key: str, value: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, key: value}), encoding="utf-8")


CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, Any], str]] = {
    "a byte of the base": (lambda at: _flip(at / "base" / "model.safetensors"), {}, "base"),
    "its configuration": (lambda at: _edit(at / "base/config.json", "rope", 1), {}, "config"),
    "a byte of the adapter": (
        lambda at: _flip(at / "adapter" / "adapter_model.safetensors"), {}, "adapter",
    ),
    "its configuration's": (
        lambda at: _edit(at / "adapter/adapter_config.json", "lora_alpha", 9), {},
        "adapter_config",
    ),
    "the chat template": (
        lambda at: (at / "base" / "chat_template.jinja").write_text("{{ messages }}"), {},
        "tokenizer",
    ),
    "the number type": (lambda at: None, {"dtype": "bfloat16"}, "dtype"),
    "the batch": (lambda at: None, {"batch_size": 3}, "batch"),
    "the seed": (lambda at: None, {"seed": 1}, "seed"),
    "the system prompt": (lambda at: None, {"system_prompt": "أجب"}, "chat"),
    "the tasks": (lambda at: None, {"tasks": TASKS[:1]}, "tasks"),
    "the limit": (lambda at: None, {"limit": 2}, "options"),
    "the cap of answers": (lambda at: None, {"max_gen_tokens": 9}, "options"),
    "the threads": (lambda at: None, {"threads": 2}, "threads"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CHANGES))
def test_every_ingredient_is_in_the_signature(
    what: str, before: tuple[str, dict[str, Any]], model: Path, tmp_path: Path
) -> None:
    change, options, name = CHANGES[what]
    shutil.copytree(model, tmp_path / "model")
    change(tmp_path / "model")
    adapters = {"mine": str(tmp_path / "model" / "adapter")}
    asked = request(tmp_path / "model" / "base", tmp_path / "out", adapters=adapters, **options)
    found, _ = run(asked, "mine")
    assert differing(before[0], found) == {name}


def differing(one: str, other: str) -> set[str]:
    """Names of the parts in which two signatures differ."""
    ours, theirs = (dict(part.split(":", 1) for part in line.split("|")) for line in (one, other))
    assert ours.keys() == theirs.keys()
    return {name for name, value in ours.items() if value != theirs[name]}


def test_data_count_by_content(model: Path, tmp_path: Path) -> None:
    def of(folder: Path, output: str) -> str:
        asked = request(
            model / "base", tmp_path / output, tasks=TASKS[:1],
            metadata={"arabench_data": str(folder)},
        )  # fmt: skip
        return run(asked)[0]

    first = of(model / "data", "first")
    shutil.copytree(model / "data", tmp_path / "moved")
    assert of(tmp_path / "moved", "second") == first
    (tmp_path / "moved" / "egy.txt").write_text("ازيك يا باشا\nعامل إيه\n", encoding="utf-8")
    assert differing(first, of(tmp_path / "moved", "third")) == {"data"}
    assert "data:none" in run(request(model / "base", tmp_path / "fourth"))[0]


def test_every_field_of_an_identity_is_in_signature_and_digest() -> None:
    names = [field.name for field in dataclasses.fields(ModelIdentity)]
    model = ModelIdentity(**{name: f"of {name}" for name in names})
    rest = [field.name for field in dataclasses.fields(RunIdentity) if field.name != "model"]
    whole = RunIdentity(model, **{name: f"of {name}" for name in rest})
    line = signature(whole.flat())
    for name in names:
        other = dataclasses.replace(model, **{name: "else"})
        assert other.digest() != model.digest()
        changed = signature(dataclasses.replace(whole, model=other).flat())
        assert differing(line, changed) == {name}
    for name in rest:
        changed = signature(dataclasses.replace(whole, **{name: "else"}).flat())
        assert differing(line, changed) == {name}


def test_versions_and_packaged_tasks_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = identity.packages_in_words(quantized=False)
    assert "torch 2." in words
    assert "bitsandbytes" not in words
    assert "bitsandbytes" in identity.packages_in_words(quantized=True)
    tasks = tmp_path / "tasks"
    shutil.copytree(identity.tasks_dir(), tasks)
    found = identity.templates_sha256()
    monkeypatch.setattr(identity, "tasks_dir", lambda: tasks)
    assert identity.templates_sha256() == found
    (tasks / "README.md").write_text("for people", encoding="utf-8")
    assert identity.templates_sha256() == found
    file = tasks / "arabench_dialects" / "_lm_template"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert identity.templates_sha256() != found


def test_long_values_and_digests_are_short_in_a_signature() -> None:
    line = signature({"base": "0a" * 32, "tasks": "a," * 100, "chat": "none", "odd": "a|b"})
    base, tasks, chat, odd = line.split("|")
    assert base == "base:0a0a0a0a0a0a"
    assert len(tasks) == len("tasks:") + 12
    assert (chat, odd) == ("chat:none", "odd:a/b")


def test_report_prints_signatures(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = run(request(tiny_base, tmp_path, tasks=TASKS[:1]))
    assert main(["report", "--signature", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if " bits_per_char: " in line]
    assert line.startswith("base arabench_lm_egy bits_per_char: bits_per_char|")
    assert "|task:arabench_lm_egy, 2." in line
    assert line.endswith(found)
    assert main(["report", "--format", "json", str(tmp_path)]) == 0
    records = json.loads(capsys.readouterr().out)
    assert all(record["signature"].endswith(found) for record in records)
    assert main(["report", "--signature", "--orthography", str(tmp_path)]) == 2
    assert "Give one of them" in capsys.readouterr().err


def test_a_hub_base_counts_by_its_files_once_they_are_here(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    monkeypatch.setattr(identity, "cached_folder", lambda name: None)
    base, config = identity.base_digests("someone/model")
    assert base == config == "hub someone/model"
    names = [field.name for field in dataclasses.fields(ModelIdentity)]
    model = ModelIdentity(**{**dict.fromkeys(names, ""), "base": base, "config": config})
    early = RunIdentity(model, "", "", "", "", "")
    monkeypatch.setattr(identity, "cached_folder", lambda name: tiny_base)
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    late = early.loaded("someone/model", tokenizer)
    assert (late.model.base, late.model.config) == identity.base_digests(str(tiny_base))
    assert late.model.tokenizer == identity.tokenizer_sha256(tokenizer)
    tokenizer.add_tokens(["حرف"])
    assert late.model.tokenizer != identity.tokenizer_sha256(tokenizer)
