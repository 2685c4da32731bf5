"""The file of a dialect model: round trip, damage, other versions; and what sums mean."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.dialect import model as model_module
from arabench.dialect.features import FEATURES_VERSION, FeatureSpec
from arabench.dialect.model import (
    CLASSES,
    DialectModel,
    UnknownPolicy,
    load_model,
    quantize,
    save_model,
)
from arabench.errors import DataError, UsageError
from tests.dialect.toy_model import FLAT, hand_made, random_model

HEADER = struct.Struct("<8sIII16s")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    save_model(path, random_model())
    return path


def test_a_model_comes_back_from_its_file(saved: Path) -> None:
    before, after = random_model(), load_model(saved)
    assert (after.weights == before.weights).all()
    assert after.neutral.bits.tolist() == before.neutral.bits.tolist()
    for field in dataclasses.fields(DialectModel):
        if field.name not in ("weights", "neutral"):
            assert getattr(after, field.name) == getattr(before, field.name)
    assert after.digest == before.digest
    assert after.signature == before.signature


def test_the_same_model_is_written_as_the_same_bytes(saved: Path) -> None:
    again = saved.with_name("again.bin")
    save_model(again, load_model(saved))
    assert again.read_bytes() == saved.read_bytes()
    assert random_model(seed=1).signature != random_model().signature


def test_a_large_model_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    save_model(path, random_model(spec=FeatureSpec(buckets_log2=20)))
    assert path.stat().st_size < 8_000_000
    load_model(path)
    started = time.process_time()
    load_model(path)
    assert time.process_time() - started < 0.1


def test_a_file_appears_only_when_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_model(tmp_path / "model.bin", hand_made())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_or_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        save_model(tmp_path / "none" / "model.bin", hand_made())
    with pytest.raises(UsageError, match="there is no dialect model"):
        load_model(tmp_path / "none.bin")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no dialect model"),
        (b"ARABDIAL", "is no dialect model"),
        (b"PK\x03\x04" + bytes(100), "is no dialect model"),
        (b"\x80\x04\x95" + bytes(100), "is no dialect model"),  # a pickle
        (HEADER.pack(b"ARABDIAL", 2, 0, 0, bytes(16)), "format version 2"),
        (HEADER.pack(b"ARABDIAL", 1, 2, 0, bytes(16)) + b"{}", "checksum"),
        (HEADER.pack(b"ARABDIAL", 1, 2, 4_000_000_000, bytes(16)) + b"{}", "is damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_model(path)


def test_folders_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        load_model(tmp_path)
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(DataError, match="too large"):
        load_model(huge)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_is_found(data: st.DataObject) -> None:
    content = bytearray(SMALL)
    kind = data.draw(st.sampled_from(["flip", "cut", "longer"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if kind == "flip":
        content[place] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del content[place:]
    else:
        content += b"\0"
    with pytest.raises(DataError):
        model_module._parse(bytes(content), "model.bin")


def _small() -> bytes:
    model = random_model(spec=FeatureSpec(buckets_log2=3))
    body = model._body()
    table = model.weights.nbytes + model.neutral.bits.nbytes
    checksum = xxhash.xxh3_128_digest(body)
    return HEADER.pack(b"ARABDIAL", 1, len(body) - table, table, checksum) + body


SMALL = _small()


def _with_metadata(changes: dict[str, Any]) -> bytes:
    _, _, size, table, _ = HEADER.unpack_from(SMALL)
    body = SMALL[HEADER.size :]
    metadata = {**json.loads(body[:size]), **changes}
    metadata = {name: value for name, value in metadata.items() if value is not ...}
    text = json.dumps(metadata).encode()
    body = text + body[size:]
    return HEADER.pack(b"ARABDIAL", 1, len(text), table, xxhash.xxh3_128_digest(body)) + body


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": ...}, "impossible metadata"),
        ({"scales": [1.0]}, "scales has 1 numbers"),
        ({"scales": ["1", 1, 1, 1, 1]}, "holds '1'"),
        ({"bias": [float("nan"), 0, 0, 0, 0]}, "holds nan"),
        ({"prior": [0.5, 0, 0, 0, 0]}, "does not sum to 1"),
        ({"prior": [2.0, -1.0, 0, 0, 0]}, "does not sum to 1"),
        ({"temperatures": []}, "temperatures has 0"),
        ({"temperatures": [0.0]}, "not all above 0"),
        ({"temperatures": 3}, "impossible metadata"),
        ({"dialectness": []}, "impossible metadata"),
        ({"unknown": {"min_words": -1}}, "impossible metadata"),
        ({"unknown": {"least": 1}}, "impossible metadata"),
        ({"classes": ["a", "b", "c", "d", "e"]}, "impossible metadata"),
        ({"features": {"version": FEATURES_VERSION, "buckets_log2": 20}}, "impossible metadata"),
        ({"features": {"version": FEATURES_VERSION, "buckets_log2": 99}}, "impossible metadata"),
        ({"features": {"version": FEATURES_VERSION, "ngrams": 3}}, "impossible metadata"),
        ({"features": {"version": 999}}, "other features"),
        ({"features": []}, "impossible metadata"),
        ({"about": "me"}, "impossible metadata"),
        ({"neutral_bytes": 31}, "impossible metadata"),
        ({"neutral_bytes": 10**9}, "impossible metadata"),
        ({"neutral_bytes": "32"}, "impossible metadata"),
    ],
)
def test_metadata_of_a_faulty_writer_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        model_module._parse(_with_metadata(changes), "model.bin")


def test_a_missing_shipped_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    model_module.shipped_model.cache_clear()
    monkeypatch.setattr(model_module, "SHIPPED", "absent.bin")
    with pytest.raises(DataError, match="dialect train"):
        model_module.shipped_model()


def test_quantized_weights_are_near_the_weights() -> None:
    weights = np.random.default_rng(0).normal(0, [1, 2, 0.1, 5, 0], (100, 5))
    table, scales = quantize(weights)
    assert table.dtype == np.int8
    assert np.abs(table * np.array(scales) - weights).max() <= max(scales) / 2 + 1e-12
    assert scales[4] == 1.0


def test_probabilities_are_those_of_the_formula() -> None:
    model = dataclasses.replace(hand_made(), temperatures=(1.0, 1.0, 2.0))
    sums = np.array([[0, 10, 0, 0, 0], [0, 10, 0, 0, 0]])
    probs, dialectness = model.scores(model.logits(sums, np.array([1, 7], dtype=np.int32)))
    for row, logit in enumerate((1.0, 0.5)):  # 0.1 a point, halved by the temperature
        expected = np.exp(logit) / (np.exp(logit) + 4)
        assert probs[row, 1] == pytest.approx(expected)
        assert dialectness[row] == pytest.approx(1 - (1 - expected) / 4)


def test_more_words_shrink_the_sum_by_their_power() -> None:
    spec = FeatureSpec(buckets_log2=3, alpha=0.5)
    table = np.zeros((8, 5), dtype=np.int8)
    model = DialectModel(spec, table, (1.0,) * 5, (0.0,) * 5, FLAT)
    sums = np.array([[4, 0, 0, 0, 0]])
    logits = model.logits(sums, np.array([16], dtype=np.int32))
    assert logits[0].tolist() == [1.0, 0, 0, 0, 0]


@given(
    st.lists(
        st.tuples(*[st.integers(-(10**9), 10**9)] * 5, st.integers(0, 10**6)),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=100, deadline=None)
def test_probabilities_sum_to_one_whatever_the_sums(rows: list[tuple[int, ...]]) -> None:
    model = random_model()
    sums = np.array([row[:5] for row in rows])
    n_words = np.array([row[5] for row in rows], dtype=np.int32)
    probs, dialectness = model.scores(model.logits(sums, n_words))
    assert np.allclose(probs.sum(axis=1), 1)
    assert ((dialectness >= 0) & (dialectness <= 1)).all()
    nothing = n_words == 0
    assert np.allclose(probs[nothing], model.prior)


def test_a_model_of_another_shape_is_refused() -> None:
    model = hand_made()
    with pytest.raises(DataError, match="int8"):
        dataclasses.replace(model, weights=model.weights[:-1])
    with pytest.raises(DataError, match="int8"):
        dataclasses.replace(model, weights=model.weights.astype(np.float32))


@pytest.mark.parametrize(
    "values", [{"min_words": -1}, {"min_words": 1.5}, {"min_prob": 2}, {"min_margin": "a"}]
)
def test_impossible_policies_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        UnknownPolicy(**values)


def test_classes_are_the_five_varieties() -> None:
    assert CLASSES == ("msa", "egy", "glf", "lev", "mgr")
