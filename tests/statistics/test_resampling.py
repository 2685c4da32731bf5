"""Draws that are kept are the draws that would be made."""

from __future__ import annotations

import numpy as np
import pytest

from arabench.statistics import resampling
from arabench.statistics.resampling import resample_weights


def test_kept_weights_are_those_drawn_anew_and_nobody_writes_into_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = np.concatenate(list(resample_weights(50, 200, 3)))
    assert next(resample_weights(50, 200, 3)) is next(resample_weights(50, 200, 3))
    with pytest.raises(ValueError, match="read-only"):
        next(resample_weights(50, 200, 3))[0, 0] = 7.0
    monkeypatch.setattr(resampling, "_WEIGHTS_KEPT", 0)
    monkeypatch.setattr(resampling, "WEIGHTS_IN_MEMORY", 50 * 30)
    parts = list(resample_weights(50, 200, 3))
    assert len(parts) == 7
    np.testing.assert_array_equal(np.concatenate(parts), kept)
