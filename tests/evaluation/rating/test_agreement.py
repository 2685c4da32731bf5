"""Krippendorff's alpha against the `krippendorff` package and his own worked example."""

from __future__ import annotations

import math
import random

import krippendorff
import numpy as np
import pytest

from arabench.evaluation.rating.agreement import Scale, krippendorff_alpha

#: Krippendorff (2011), "Computing Krippendorff's alpha-reliability", example C: four observers,
#: twelve units, missing data.
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


@pytest.mark.parametrize(("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_published_example(scale: Scale, alpha: float) -> None:
    assert krippendorff_alpha(EXAMPLE, scale) == pytest.approx(alpha, abs=5e-4)


@pytest.mark.parametrize("scale", ["nominal", "ordinal"])
@pytest.mark.parametrize("seed", range(30))
def test_as_the_package_computes_it(scale: Scale, seed: int) -> None:
    draw = random.Random(seed)
    raters, items = draw.randint(2, 5), draw.randint(4, 30)
    truth = [draw.randrange(3) for _ in range(items)]
    ratings = [
        [
            None if draw.random() < 0.2 else value if draw.random() < 0.7 else draw.randrange(3)
            for value in truth
        ]
        for _ in range(raters)
    ]
    table = np.array([[math.nan if v is None else v for v in row] for row in ratings])
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement=scale)
    assert krippendorff_alpha(ratings, scale) == pytest.approx(expected, abs=1e-9)


def test_where_it_is_not_defined() -> None:
    assert math.isnan(krippendorff_alpha([[1, 2, 0]], "nominal"))
    assert math.isnan(krippendorff_alpha([[1, None], [None, 2]], "nominal"))
    assert math.isnan(krippendorff_alpha([[1, 1], [1, 1]], "ordinal"))
    assert krippendorff_alpha([[1, 0], [1, 0]], "nominal") == 1.0
