"""Fixtures shared by all tests. Nothing here or below reaches the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ROOT = Path(__file__).resolve().parent.parent


#: Folders whose files run first and last. Two workers take files in this order: what is long
#: should not be left to one of them, and Ray and Spark bring processes of their own.
_FIRST, _LAST = ("trainers", "cli"), ("adapters",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order test files by folder; the order within a file stays."""

    def turn(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return 0 if folder in _FIRST else 2 if folder in _LAST else 1

    items.sort(key=turn)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real corpora beside the checkout; read here, never copied."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real corpora: {folder} is absent")
    return folder


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an untrained toy model whose tokenizer has seen a few packaged sentences."""
    pytest.importorskip("transformers", reason="needs the extra arabench[eval]")
    from arabench.demo.base_model import ToySize, build_base
    from arabench.evaluation.data.parallel import load_parallel
    from arabench.evaluation.data.source import Source

    texts = [text for item in load_parallel(Source())[:30] for text in item.texts.values()]
    folder = tmp_path_factory.mktemp("tiny_base")
    size = ToySize(steps=0, vocab_size=512, hidden=64, layers=1, heads=2, context=512)
    build_base(texts, folder, size)
    return folder
