"""Loading tokenizers: what works, and one clear message for everything else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from arabench.errors import DataError, UsageError
from arabench.subwords.loading import load_tokenizer, load_tokenizers, short_names
from arabench.subwords.measures import Counts
from tests.subwords.support import byte_level, unigram, word_piece, write_json

pytest.importorskip("transformers", reason="needs the extra arabench[eval]")


def refused(source: Path | str) -> str:
    with pytest.raises(UsageError) as caught:
        load_tokenizer(str(source))
    message = str(caught.value)
    assert str(source) in message
    assert len(message) < 700
    return message


def test_a_folder_and_the_file_in_it_are_the_same_tokenizer(tmp_path: Path) -> None:
    from_folder = byte_level(tmp_path)
    from_file = load_tokenizer(str(tmp_path / "byte-level" / "tokenizer.json"))
    assert from_file.name == from_folder.name == "byte-level"
    text = "كتب\nab 😀"
    assert from_file.encode([text])[0].ids.tolist() == from_folder.encode([text])[0].ids.tolist()
    assert from_file.decode(from_file.encode([text])) == [text]


def test_the_unknown_token_is_found_in_a_bare_file(tmp_path: Path) -> None:
    assert word_piece(tmp_path).unknown_id == 0
    assert unigram(tmp_path).unknown_id == 0
    assert byte_level(tmp_path).unknown_id is None


def test_context_is_read_beside_the_tokenizer(tmp_path: Path) -> None:
    byte_level(tmp_path)
    folder = tmp_path / "byte-level"
    write_json(folder / "config.json", {"max_position_embeddings": 2048, "model_type": "qwen2"})
    assert load_tokenizer(str(folder)).context == 2048
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 77}
    write_json(folder / "tokenizer_config.json", config)
    assert load_tokenizer(str(folder)).context == 77
    assert byte_level(tmp_path / "other").context is None


def test_a_tokenizer_that_transformers_saved_loads(tiny_base: Path) -> None:
    loaded = load_tokenizer(str(tiny_base))
    assert loaded.kind == "byte-level"
    assert loaded.context == 512
    text = "ما أجمل هذا الصباح!"
    item = loaded.encode([text])[0]
    assert item.spans is not None
    assert loaded.decode([item]) == [text]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read as JSON"),
        (b"\xff\xfe\x00", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[1, 2]", "has no 'model'"),
        (b'{"version": "1.0"}', "has no 'model'"),
        (b'{"version": "1.0", "model": {"type": "BPE"}}', "cannot be loaded"),
        (b'{"version": "1.0", "model": null}', "cannot be loaded"),
        (b'{"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 9}}', "cannot be loaded"),
    ],
)
def test_files_that_are_no_tokenizer(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    assert said in refused(path)


def test_paths_and_names_that_lead_nowhere(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "missing")
    assert "cannot be loaded" in refused("nobody/no-such-tokenizer")
    (tmp_path / "empty").mkdir()
    assert "is empty" in refused(tmp_path / "empty")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("hello", encoding="utf-8")
    assert "cannot be loaded" in refused(tmp_path / "other")


def test_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "custom"
    folder.mkdir()
    trap = tmp_path / "ran"
    (folder / "code.py").write_text(f"open({str(trap)!r}, 'w').write('x')\n", encoding="utf-8")
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["code.Own", None]}},
    )
    assert "Python code of its own" in refused(folder)
    assert not trap.exists()


def test_a_tokenizer_written_in_python_is_measured_too(tmp_path: Path) -> None:
    from transformers import ByT5Tokenizer

    ByT5Tokenizer().save_pretrained(tmp_path / "byt5")
    loaded = load_tokenizer(str(tmp_path / "byt5"))
    assert loaded.kind == "byte-level"
    counts = Counts(len(loaded.pieces))
    counts.add(loaded, ["كتب ab"])
    assert counts.total("tokens") == 9
    assert counts.total("byte_tokens") == 6
    # Without spans nothing is said about whole words.
    found = counts.estimates()
    assert found["whole_words"].value is None
    assert found["fertility"].value == pytest.approx(9 / 2)


def test_names_are_as_short_as_they_can_be() -> None:
    assert short_names(["a/b/c", "a/d/c"]) == ["b/c", "d/c"]
    assert short_names(["Qwen/Qwen2-1.5B", "runs/mine/"]) == ["Qwen2-1.5B", "mine"]
    assert short_names(["x/tokenizer.json", "y/tokenizer.json"]) == ["x", "y"]
    with pytest.raises(UsageError, match="named twice"):
        short_names(["x/", "x"])


def test_a_tokenizer_in_two_folders_keeps_two_names(tmp_path: Path) -> None:
    byte_level(tmp_path)
    shutil.copytree(tmp_path / "byte-level", tmp_path / "copy")
    loaded = load_tokenizers([str(tmp_path / "byte-level"), str(tmp_path / "copy")])
    assert [item.name for item in loaded] == ["byte-level", "copy"]


def test_a_damaged_record_of_a_training_is_named(tmp_path: Path) -> None:
    byte_level(tmp_path)
    folder = tmp_path / "byte-level"
    (folder / "arabench.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"arabench\.json"):
        load_tokenizer(str(folder))
    write_json(folder / "arabench.json", {"kind": "arabench tokenizer"})
    with pytest.raises(DataError, match="has no settings"):
        load_tokenizer(str(folder))
    write_json(folder / "arabench.json", {"kind": "something else"})
    assert load_tokenizer(str(folder)).preparation is None
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert content["model"]["type"] == "BPE"
