"""A new criterion is one file and one line of the table; an item set is drawn once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from arabench.errors import UsageError
from arabench.evaluation.metrics import contrast as contrasts
from arabench.evaluation.metrics.contrast import Contrast, Pair, contrast, contrast_all
from arabench.evaluation.metrics.table import SCORES
from arabench.gate.compare import compare
from arabench.gate.criteria.criterion import Criterion
from arabench.gate.criteria.table import CRITERIA
from arabench.gate.policy import load_policy
from arabench.gate.report import markdown
from arabench.statistics.resampling import Array
from tests.gate.synthetic import evaluation, lm_task, pair_of_bits
from tests.gate.test_contrast import sums, two_models


class Superiority(Criterion):
    """Passes where the candidate is shown to be better by the margin: a whole file of its own."""

    words: ClassVar[str] = "shown better by margin"

    def margin(self, allowed: float) -> float:
        return -allowed

    def passes(self, contrast: Contrast, margin: float, level: float) -> bool:
        return contrast.shown_better(margin) <= level


def test_a_new_criterion_is_one_file_and_one_line(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gate.yaml"
    file.write_text("rules: {bits_per_char: {margin: 0.02, test: superiority}}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"should be 'non_inferiority' or 'regression', not"):
        load_policy(file)
    monkeypatch.setitem(CRITERIA, "superiority", Superiority())
    policy = load_policy(file)

    def of(ratio: float) -> tuple[str, str]:
        chars, ours, theirs = pair_of_bits(200, ratio, 3)
        left, right = (evaluation([lm_task("egy", bits, chars)]) for bits in (ours, theirs))
        found = compare(left, right, policy)
        (row,) = found.rows
        assert (row.margin, row.rule) == (-0.02, "shown better by margin")
        assert "| shown better by margin |" in markdown(found)
        return found.decision, row.verdict

    assert of(-0.08) == ("pass", "pass")
    assert of(-0.02) == ("undecided", "undecided")
    assert of(0.02) == ("stop", "fail")


def test_every_criterion_says_what_it_is() -> None:
    assert list(CRITERIA) == ["non_inferiority", "regression", "improve"]
    assert len({criterion.words for criterion in CRITERIA.values()}) == len(CRITERIA)
    assert all(criterion.__doc__ for criterion in CRITERIA.values())
    with pytest.raises(TypeError, match="passes"):
        Criterion()  # type: ignore[abstract]


@pytest.mark.parametrize("held", [False, True], ids=["made in parts", "kept in memory"])
def test_metrics_of_an_item_set_share_their_draws(
    held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    resample = contrasts.resample_weights

    def counted(count: int, draws: int, seed: int) -> Iterator[Array]:
        for part in resample(count, draws, seed):
            made.append(len(part))
            yield part

    names = ["bits_per_char", "chrf++", "bleu", "acc"]
    pairs = [Pair(SCORES[name], *map(sums, two_models(name))) for name in names]
    few = Pair(SCORES["acc"], *(sums(values[:50]) for values in two_models("acc")))
    draws, seed = 1300, 77 + held
    alone = [contrast(*pair, draws, seed) for pair in (*pairs, few)]
    if not held:
        monkeypatch.setattr(contrasts, "WEIGHTS_IN_MEMORY", 0)
        monkeypatch.setattr("arabench.statistics.resampling.WEIGHTS_IN_MEMORY", 120 * 300)
    contrasts.kept_weights.cache_clear()
    monkeypatch.setattr(contrasts, "resample_weights", counted)
    together = contrast_all([*pairs, few], draws, seed)
    assert sum(made) == 2 * draws
    assert (len(made) > 2) != held
    for one, other in zip(together, alone, strict=True):
        assert one.items == other.items
        assert one.degradation == other.degradation
        np.testing.assert_allclose(one.paired.draws, other.paired.draws, rtol=1e-12, atol=1e-12)
    contrasts.kept_weights.cache_clear()
