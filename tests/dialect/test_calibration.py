"""Probabilities that mean what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.dialect.calibration import (
    Sample,
    calibrated,
    calibration_error,
    coverage,
    draw_reliability,
    fit_temperature,
    reliability,
    softmax,
    temperatures,
    warmth,
)
from arabench.errors import UsageError


def sample_of(truth: float, shown: float, texts: int = 4000, seed: int = 0) -> Sample:
    """Logits that favour one class with the probability `shown`, right with `truth`."""
    rng = np.random.default_rng(seed)
    best = rng.integers(0, 5, texts)
    logits = np.zeros((texts, 5))
    logits[np.arange(texts), best] = np.log(shown / ((1 - shown) / 4))
    right = rng.random(texts) < truth
    varieties = np.where(right, best, (best + rng.integers(1, 5, texts)) % 5)
    return Sample(logits, varieties, rng.integers(1, 40, texts), np.ones(texts))


def test_error_is_the_distance_of_confidence_and_accuracy() -> None:
    # Four texts at 0.8, three right: |0.8 - 0.75|; one at 0.5, wrong: 0.5; weights 4/5 and 1/5.
    rest = 0.2 / 4
    sure = [0.8, rest, rest, rest, rest]
    probabilities = np.array([sure, sure, sure, sure, [0.5, 0.125, 0.125, 0.125, 0.125]])
    error = calibration_error(probabilities, np.array([0, 0, 0, 1, 2]))
    assert error == pytest.approx(0.8 * 0.05 + 0.2 * 0.5)


def test_sure_and_right_has_no_error() -> None:
    assert calibration_error(np.eye(5), np.arange(5)) == 0


def test_weights_count_texts_more_than_once() -> None:
    probabilities = np.array([[1.0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0]])
    error = calibration_error(probabilities, np.array([0, 1]), np.array([3.0, 1.0]))
    assert error == pytest.approx(0.25)


def test_bins_hold_all_texts() -> None:
    sample = sample_of(0.6, 0.7)
    found = reliability(softmax(sample.logits), sample.varieties)
    assert sum(part.share for part in found) == pytest.approx(1)
    assert all(part.low <= part.confidence <= part.high for part in found if part.share)


def test_no_text_is_refused() -> None:
    nothing = Sample(np.zeros((0, 5)), np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    with pytest.raises(UsageError, match="no text"):
        calibration_error(nothing.logits, nothing.varieties)
    with pytest.raises(UsageError, match="no text"):
        fit_temperature(nothing)


@pytest.mark.parametrize(("truth", "shown"), [(0.6, 0.95), (0.9, 0.5), (0.7, 0.7)])
def test_temperature_repairs_too_sure_and_too_unsure_models(truth: float, shown: float) -> None:
    sample = sample_of(truth, shown)
    fitted = fit_temperature(sample)
    probabilities = calibrated(sample.logits, sample.n_words, fitted)
    assert calibration_error(probabilities, sample.varieties) < 0.03
    assert (probabilities.argmax(1) == sample.logits.argmax(1)).all()


def test_temperature_may_depend_on_length() -> None:
    short, long = sample_of(0.5, 0.9, seed=1), sample_of(0.9, 0.9, seed=2)
    both = Sample(
        np.concatenate([short.logits, long.logits]),
        np.concatenate([short.varieties, long.varieties]),
        np.repeat([2, 30], 4000),
        np.ones(8000),
    )
    of_words = temperatures(fit_temperature(both))
    assert of_words[2] > of_words[30] > 0
    assert of_words[30] == pytest.approx(1, abs=0.15)


def test_weight_of_a_text_decides_whose_temperature_it_is() -> None:
    sure, unsure = sample_of(0.95, 0.9, seed=3), sample_of(0.4, 0.9, seed=4)
    merged = [np.concatenate(pair) for pair in zip(sure, unsure, strict=True)]
    merged[3] = np.repeat([1.0, 0.0], 4000)
    fitted = fit_temperature(Sample(*merged))
    alone = fit_temperature(sure)
    assert fitted == pytest.approx(alone)


@given(st.floats(-50, 50), st.floats(-20, 20), st.integers(0, 10**6))
def test_temperatures_are_above_zero_and_finite(t0: float, t1: float, words: int) -> None:
    found = float(warmth((t0, t1), np.array([words]))[0])
    assert 0 < found < 100


def test_table_of_temperatures_is_what_long_texts_get() -> None:
    fitted = (1.5, -0.1)
    table = temperatures(fitted)
    assert table[-1] == pytest.approx(float(warmth(fitted, np.array([10_000]))[0]), abs=1e-6)


def test_fewer_labels_are_surer() -> None:
    rng = np.random.default_rng(5)
    probabilities = softmax(rng.normal(size=(3000, 5)) * 2)
    cumulated = probabilities.cumsum(1)
    varieties = (rng.random(3000)[:, None] > cumulated[:, :-1]).sum(1)
    rows = list(coverage(probabilities, varieties, np.array([0.0, 0.5, 0.8])))
    assert rows[0].covered == 1
    assert rows[0].covered > rows[1].covered > rows[2].covered > 0
    assert rows[0].accuracy < rows[1].accuracy < rows[2].accuracy


def test_no_label_is_left_above_one() -> None:
    (row,) = coverage(np.eye(5), np.arange(5), np.array([1.1]))
    assert (row.covered, row.accuracy) == (0, 0)


def test_diagram_is_an_image(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra arabench[eval]")
    path = tmp_path / "reliability.png"
    sample = sample_of(0.6, 0.7, texts=200)
    draw_reliability(reliability(softmax(sample.logits), sample.varieties), str(path), "test")
    assert path.read_bytes().startswith(b"\x89PNG")
