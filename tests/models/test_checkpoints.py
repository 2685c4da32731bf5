"""Model and adapter folders: every reason to accept or refuse one."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from arabench.errors import ArabenchError, DataError, UnsafeInputError, UsageError
from arabench.models.checkpoints import (
    ADAPTER_KINDS,
    RECORD_NAME,
    check_same_base,
    inspect_adapter,
    inspect_base,
    is_local,
    nearest_paths,
    weights_sha256,
)


def base(
    folder: Path, config: Any = None, weights: tuple[str, ...] = ("model.safetensors",)
) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"model_type": "llama", "vocab_size": 32} if config is None else config
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    for name in weights:
        (folder / name).write_bytes(name.encode())
    return str(folder)


def adapter(folder: Path, *, weights: Any = "adapter_model.safetensors", **config: Any) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"peft_type": "LORA", "base_model_name_or_path": "some/base", **config}
    (folder / "adapter_config.json").write_text(json.dumps(content), encoding="utf-8")
    if weights:
        (folder / weights).write_bytes(b"weights")
    return str(folder)


# --- base ----------------------------------------------------------------------------------------


def test_base(tmp_path: Path) -> None:
    names = ("model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors")
    info = inspect_base(base(tmp_path, weights=names))
    assert (info.path, info.model_type, info.vocab_size) == (tmp_path, "llama", 32)
    assert [file.name for file in info.weights] == sorted(names)


@pytest.mark.parametrize(
    ("config", "size"),
    [({}, 0), ({"vocab_size": 7}, 7), ({"text_config": {"vocab_size": 9}}, 9),
     ({"text_config": None}, 0), ({"text_config": ["x"]}, 0), ({"text_config": {}}, 0),
     ({"vocab_size": None}, 0)],
)  # fmt: skip
def test_vocabulary(tmp_path: Path, config: dict[str, Any], size: int) -> None:
    assert inspect_base(base(tmp_path, {"model_type": "x", **config})).vocab_size == size


@pytest.mark.parametrize("size", ["many", [1], {"a": 1}, 1.5])
def test_vocabulary_that_is_no_number(tmp_path: Path, size: Any) -> None:
    with pytest.raises(DataError, match=r"vocab_size is .* no number"):
        inspect_base(base(tmp_path, {"model_type": "x", "vocab_size": size}))


@pytest.mark.parametrize("name", ["none", "", "~nobody-of-this-name/x", "x\0y"])
@pytest.mark.parametrize("inspect", [inspect_base, inspect_adapter])
def test_no_folder(name: str, inspect: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"is no folder\. Give a"):
        inspect(name)


def test_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is no folder"):
        inspect_base(str(tmp_path / "file"))


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no model folder: it has no config\.json"):
        inspect_base(str(tmp_path))
    with pytest.raises(UsageError, match=r"is no adapter folder: it has no adapter_config\.json"):
        inspect_adapter(str(tmp_path))


def test_no_model_type(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no model_type"):
        inspect_base(base(tmp_path, {"vocab_size": 3}))


@pytest.mark.parametrize(
    "content",
    [b"", b"[1, 2]", b"null", b'"x"', b"\xff\xd8\xff\x00", b"[" * 100_000, b"{",
     b"\0" * 9]
)  # fmt: skip
def test_config_that_is_no_object(tmp_path: Path, content: bytes) -> None:
    base(tmp_path / "b")
    adapter(tmp_path / "a")
    (tmp_path / "b" / "config.json").write_bytes(content)
    (tmp_path / "a" / "adapter_config.json").write_bytes(content)
    with pytest.raises(DataError, match=r"config\.json (cannot be read|does not hold)"):
        inspect_base(str(tmp_path / "b"))
    with pytest.raises(DataError, match=r"adapter_config\.json (cannot be read|does not hold)"):
        inspect_adapter(str(tmp_path / "a"))


def test_symbolic_links_as_in_the_hub_cache(tmp_path: Path) -> None:
    """snapshots/REVISION/config.json points to ../../blobs/HASH."""
    base(tmp_path / "blobs")
    snapshot = tmp_path / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).symlink_to(tmp_path / "blobs" / name)
    assert inspect_base(str(snapshot)).weights == (snapshot / "model.safetensors",)


@pytest.mark.parametrize("target", ["nowhere", "config.json", "/dev/zero", "pipe"])
def test_links_to_no_file(tmp_path: Path, target: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "config.json").symlink_to(target)
    with pytest.raises(ArabenchError, match=r"config\.json"):
        inspect_base(str(tmp_path))


def test_links_out_do_not_show_what_they_point_to(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password=hunter2")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").symlink_to(secret)
    with pytest.raises(DataError) as caught:
        inspect_base(str(folder))
    assert "hunter2" not in str(caught.value)


def test_own_code(tmp_path: Path) -> None:
    config = {"model_type": "x", "auto_map": {"AutoModelForCausalLM": "modeling.Evil"}}
    with pytest.raises(UnsafeInputError, match=r"auto_map.*trust_remote_code"):
        inspect_base(base(tmp_path, config))
    assert inspect_base(str(tmp_path), allow_remote_code=True).model_type == "x"
    assert inspect_base(base(tmp_path / "empty", {"model_type": "x", "auto_map": {}}))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "a.pt", "a.pth", "a.ckpt", "a.pkl"])
def test_pickled_weights(tmp_path: Path, name: str) -> None:
    base(tmp_path, weights=(name,))
    with pytest.raises(UnsafeInputError, match=rf"only pickled weights \({name}\)"):
        inspect_base(str(tmp_path))
    assert inspect_base(str(tmp_path), allow_pickle=True).weights == ()
    (tmp_path / "model.safetensors").touch()
    assert len(inspect_base(str(tmp_path)).weights) == 1


def test_no_weights(tmp_path: Path) -> None:
    base(tmp_path, weights=())
    for folder in ("model", "model.safetensors"):
        (tmp_path / folder).mkdir()
        with pytest.raises(UsageError, match=r"holds no weights \(\*\.safetensors\)"):
            inspect_base(str(tmp_path))


def test_local_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    local = ["here", "./gone", "/gone", "~/gone", "~nobody-of-this-name/x", ".."]
    assert all(map(is_local, local))
    assert not any(map(is_local, ["org/model", "model", ""]))


# --- adapters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(ADAPTER_KINDS))
def test_adapter_kinds(tmp_path: Path, kind: str) -> None:
    info = inspect_adapter(adapter(tmp_path, peft_type=kind))
    assert (info.kind, info.base_name, info.record) == (kind, "some/base", {})
    assert info.weights == tmp_path / "adapter_model.safetensors"


@pytest.mark.parametrize(
    ("kind", "says"), [("EVIL", "EVIL"), ("lora", "lora"), ("", "nameless"), (["LORA"], "LORA")]
)
def test_other_kinds(tmp_path: Path, kind: Any, says: str) -> None:
    with pytest.raises(UsageError, match=rf"is a .*{says}.* adapter; allowed: ADALORA, BOFT"):
        inspect_adapter(adapter(tmp_path, peft_type=kind))


@pytest.mark.parametrize("key", ["auto_mapping", "megatron_config"])
def test_settings_that_import(tmp_path: Path, key: str) -> None:
    with pytest.raises(UnsafeInputError, match=f"sets {key}, which imports modules"):
        inspect_adapter(adapter(tmp_path, **{key: {"parent_library": "evil"}}))
    assert inspect_adapter(adapter(tmp_path, **{key: None})).kind == "LORA"


@pytest.mark.parametrize(
    "library",
    ["evil", "transformers.models.bert.modeling_bert; evil", "transformers.models.bert.evil",
     "transformers.models.bert.modeling_bert\n", "xtransformers.models.bert.modeling_bert"],
)  # fmt: skip
def test_only_models_of_transformers_are_named(tmp_path: Path, library: str) -> None:
    named = {"base_model_class": "BertForMaskedLM", "parent_library": library}
    with pytest.raises(UnsafeInputError, match="sets auto_mapping"):
        inspect_adapter(adapter(tmp_path, auto_mapping=named))
    # As PEFT writes it beside the adapter of an encoder, for which it has no task type.
    named["parent_library"] = "transformers.models.bert.modeling_bert"
    assert inspect_adapter(adapter(tmp_path, auto_mapping=named)).kind == "LORA"


def test_adapter_weights(tmp_path: Path) -> None:
    adapter(tmp_path, weights="adapter_model.bin")
    with pytest.raises(UnsafeInputError, match="pickled adapter weights"):
        inspect_adapter(str(tmp_path))
    (tmp_path / "adapter_model.safetensors").touch()
    assert inspect_adapter(str(tmp_path))


@pytest.mark.parametrize("other", ["", "adapter_model.safetensors.index.json"])
def test_no_adapter_weights(tmp_path: Path, other: str) -> None:
    with pytest.raises(UsageError, match=r"holds no adapter_model\.safetensors"):
        inspect_adapter(adapter(tmp_path, weights=other))


@pytest.mark.parametrize("content", ["[]", "{", "[" * 100_000])
def test_damaged_record(tmp_path: Path, content: str) -> None:
    adapter(tmp_path)
    (tmp_path / RECORD_NAME).write_text(content)
    with pytest.raises(DataError, match=RECORD_NAME):
        inspect_adapter(str(tmp_path))


def test_adapter_fits_a_base_that_was_quantized_from_its_own(tmp_path: Path) -> None:
    info = inspect_base(base(tmp_path / "nf4"))
    adapter(tmp_path / "adapter")
    (tmp_path / "adapter" / RECORD_NAME).write_text(json.dumps({"base_sha256": "1" * 64}))
    found = inspect_adapter(str(tmp_path / "adapter"))
    (tmp_path / "nf4" / RECORD_NAME).write_text(json.dumps({"base_sha256": "1" * 64}))
    check_same_base(found, info)
    (tmp_path / "nf4" / RECORD_NAME).write_text(json.dumps({"base_sha256": "2" * 64}))
    with pytest.raises(UsageError, match="another base"):
        check_same_base(found, info)


@pytest.mark.parametrize("name", ["missing/", "a/b/c", "./x", "~/x", "/x", ".hidden", "~x"])
def test_names_that_no_hub_repository_can_have_are_local(name: str) -> None:
    assert is_local(name)


def test_names_below_a_folder_that_is_here_are_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not is_local("models/qwen2")
    (tmp_path / "models").mkdir()
    assert is_local("models/qwen2")
    (tmp_path / "org").touch()
    assert not is_local("org/model")  # a file has nothing below it


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("models/qwen3-1.5b", "Did you mean 'models/qwen2-1.5b'? It is taken for a path, because"),
        ("models/x", "is no folder. It is taken for a path, because 'models' is a folder here."),
        ("./modls/qwen2-1.5b", "Did you mean 'models/qwen2-1.5b'? Give a"),
        ("./modls/llama", "Did you mean 'models'? Give a"),
        ("./models/llama", "is no folder. Give a"),
        ("./models/qwen2-1.5b.json", "Did you mean 'models/qwen2-1.5b'? Give a"),
        ("./models/notes.txt", "is no folder. Give a"),
        ("./models/" + "x" * 300, "is no folder. Give a"),
    ],
)
@pytest.mark.parametrize("inspect", [inspect_base, inspect_adapter])
def test_nearest_folders_are_named(
    name: str, near: str, inspect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "qwen2-1.5b").mkdir(parents=True)
    (tmp_path / "models" / "notes.txt").touch()
    with pytest.raises(UsageError) as caught:
        inspect(name)
    assert near in str(caught.value)


def test_nearest_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "llama").mkdir(parents=True)
    (tmp_path / "model.jsonl").touch()
    for name, near in (
        ("modls/llama", ["models/llama"]),
        ("modls/lama", ["models"]),
        ("models/lama", ["models/llama"]),
        ("models", []),  # is here
        ("other", []),
        ("", []),
    ):
        assert nearest_paths(name) == near
    assert nearest_paths("modls/lama", whole=True) == []
    assert nearest_paths("model.json") == ["models"]
    assert nearest_paths("model.json", files=True) == ["model.jsonl", "models"]


def test_adapter_of_another_base(tmp_path: Path) -> None:
    info = inspect_base(base(tmp_path / "base"))
    folder = tmp_path / "adapter"
    adapter(folder)
    check_same_base(inspect_adapter(str(folder)), info)  # no record: shapes are checked on load
    right = hashlib.sha256(b"model.safetensors").hexdigest()
    for digest in (right, "0" * 64):
        record = {"base_sha256": digest, "base_name": "its-own"}
        (folder / RECORD_NAME).write_text(json.dumps(record))
        found = inspect_adapter(str(folder))
        assert found.record == record
        if digest == right:
            check_same_base(found, info)
        else:
            with pytest.raises(UsageError, match=r"another base \(its-own, weights 000000000000"):
                check_same_base(found, info)


def test_hash_is_over_the_bytes_in_name_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one" * 3_000_000)
    (tmp_path / "b").write_bytes(b"two")
    expected = hashlib.sha256(b"one" * 3_000_000 + b"two").hexdigest()
    assert weights_sha256((tmp_path / "b", tmp_path / "a")) == expected
