"""`datasets.map` with the engine: same text as the reference, same cache file next time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arabench.engines.hf_datasets import normalize_examples
from arabench.errors import UsageError
from arabench.text import options
from arabench.text.presets import options_from
from tests.engines.support import PRESETS, SHORT_ROWS, expected, rows

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[eval]")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def dataset() -> Any:
    return datasets.Dataset.from_list(rows())


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("form", [None, "arrow"])
def test_map_gives_the_reference_text_and_keeps_the_rest(
    dataset: Any, form: str | None, preset: str
) -> None:
    after = dataset.with_format(form).map(normalize_examples(preset), batched=True, batch_size=7)
    assert after.with_format(None).to_list() == expected(preset)
    assert after.features == dataset.features


def test_map_in_two_processes_gives_the_same(dataset: Any) -> None:
    after = dataset.map(normalize_examples("llm"), batched=True, batch_size=7, num_proc=2)
    assert after.to_list() == expected("llm")


@pytest.mark.parametrize("form", [None, "arrow"])
def test_a_streamed_dataset_is_normalized_too(dataset: Any, form: str | None) -> None:
    stream = dataset.to_iterable_dataset().with_format(form)
    after = stream.map(normalize_examples("llm"), batched=True, batch_size=7)
    assert list(after.with_format(None)) == expected("llm")


def test_a_column_of_another_name_is_normalized_and_text_is_left_alone(dataset: Any) -> None:
    after = dataset.rename_column("text", "body").add_column("text", ["كتـــاب"] * len(dataset))
    after = after.map(normalize_examples("llm", "body"), batched=True)
    assert after["body"] == [row["text"] for row in expected("llm")]
    assert set(after["text"]) == {"كتـــاب"}


def test_the_second_map_reads_the_cache_of_the_first(dataset: Any, tmp_path: Path) -> None:
    dataset.select(range(SHORT_ROWS)).save_to_disk(tmp_path / "data")
    first = datasets.load_from_disk(tmp_path / "data").map(normalize_examples("llm"), batched=True)
    (cache,) = (tmp_path / "data").glob("cache-*.arrow")
    written = cache.stat()  # a second map that ran would replace the file
    second = datasets.load_from_disk(tmp_path / "data").map(normalize_examples("llm"), batched=True)
    assert list((tmp_path / "data").glob("cache-*.arrow")) == [cache]
    assert (cache.stat().st_ino, cache.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert second._fingerprint == first._fingerprint


def test_the_hash_is_the_same_in_other_processes_and_after_use(dataset: Any) -> None:
    from datasets.fingerprint import Hasher

    function = normalize_examples(options_from("llm", {"digits": "latin"}), "body")
    fresh = Hasher.hash(function)
    function({"body": ["كتـــاب", None]})
    assert Hasher.hash(function) == fresh
    code = (
        "from datasets.fingerprint import Hasher\n"
        "from arabench.engines.hf_datasets import normalize_examples\n"
        "from arabench.text.normalize import options_from\n"
        "function = normalize_examples(options_from('llm', {'digits': 'latin'}), 'body')\n"
        "print(Hasher.hash(function))\n"
    )
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert other.stdout.strip() == fresh


def test_the_hash_changes_with_options_column_and_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets.fingerprint import Hasher

    functions = [
        normalize_examples("llm"),
        normalize_examples("search"),
        normalize_examples("llm", "body"),
    ]
    monkeypatch.setattr(options, "RULES_VERSION", options.RULES_VERSION + 1)
    functions.append(normalize_examples("llm"))
    assert len({Hasher.hash(function) for function in functions}) == len(functions)


def test_wrong_use_of_map_is_refused_with_what_to_do(dataset: Any) -> None:
    short = dataset.select(range(3))
    with pytest.raises(UsageError, match="batched=True"):
        short.map(normalize_examples("llm"))
    with pytest.raises(UsageError, match=r"no column 'txt'\. Did you mean 'text'"):
        short.map(normalize_examples("llm", "txt"), batched=True)
    with pytest.raises(UsageError, match="'id' holds int, not text"):
        short.map(normalize_examples("llm", "id"), batched=True)
    with pytest.raises(UsageError, match="with_format"):
        short.with_format("pandas").map(normalize_examples("llm"), batched=True)
    with pytest.raises(UsageError, match="input_columns"):
        short.map(normalize_examples("llm"), batched=True, input_columns=["text"])
