"""Training of the shipped dialect model: all sources in, one calibrated model file out.

`fitting` learns the weights; here the probabilities get their meaning. Temperatures and
the limits of `unknown` come from texts that the model was not trained on. The same data give
the same file bit for bit.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from arabench.dialect.calibration import temperatures
from arabench.dialect.evaluation import HeldOut, held_out, temperature_of
from arabench.dialect.fitting import Settings, fit, neutral_words, prepare, quantize
from arabench.dialect.model import DialectModel, UnknownPolicy, save_model
from arabench.dialect.neutral import NeutralWords
from arabench.dialect.sources import read_sources
from arabench.errors import UsageError

F64 = npt.NDArray[np.float64]

#: `unknown`: one word tells the variety one time in four, and of the labels with a lower
#: probability than this about as many are right. The model card has the table.
_UNKNOWN: Final = UnknownPolicy(min_words=2, min_prob=0.3)


def train(
    folder: str | Path,
    output: str | Path,
    settings: Settings | None = None,
    say: Callable[[str], None] | None = None,
) -> DialectModel:
    """Train on all sources, calibrate on texts left out, and write a model file.

    Calibration is that of a model that knows one half of three sources, on the other half:
    between text of sources that it has seen, where it is too modest with temperatures from
    left-out sources, and of sources that it has not.

    Args:
        folder: the labelled corpora, see `sources.read_sources`.
        output: the model file; it appears only when complete.
        settings: how to train; None takes the settings of the shipped model.
        say: receives a line per step.

    Raises:
        UsageError: a corpus or the output's folder is missing.
        DataError: a corpus is broken.
    """
    settings = settings or Settings()
    say = say or (lambda line: None)
    if not Path(output).parent.is_dir():
        raise UsageError(f"{str(Path(output).parent)!r} is no folder. Make it first.")
    items = read_sources(folder)
    counts = Counter(item.source for item in items)
    say("texts: " + ", ".join(f"{source} {count:,}" for source, count in counts.items()))
    neutral = neutral_words(folder)
    texts = prepare(items, settings.spec, neutral)
    parts = held_out(texts, settings, (), say=say)
    say("training on everything")
    table, bias = fit(texts, np.arange(len(items), dtype=np.int64), settings)
    model = as_model(table, bias, neutral, settings, counts, parts)
    save_model(output, model)
    return model


def as_model(
    table: F64,
    bias: F64,
    neutral: NeutralWords,
    settings: Settings,
    counts: Mapping[str, int],
    parts: Sequence[HeldOut],
) -> DialectModel:
    """A model with 8-bit weights, calibrated on texts left out.

    Args:
        table, bias: from `fit`.
        neutral: words without features.
        settings: how it was trained.
        counts: texts per source.
        parts: logits of texts that were left out; none leaves the probabilities as they are.
    """
    weights, scales = quantize(table)
    fitted = temperature_of(parts)
    return DialectModel(
        spec=settings.spec,
        weights=weights,
        scales=scales,
        bias=tuple(float(value) for value in bias),
        prior=(0.2, 0.2, 0.2, 0.2, 0.2),
        temperatures=temperatures(fitted),
        unknown=_UNKNOWN,
        neutral=neutral,
        about={
            "name": "arabench-dialect",
            "texts": dict(counts),
            "settings": _plain(settings),
            "temperature": list(fitted),
            "calibrated_on": [part.name for part in parts],
        },
    )


def _plain(settings: Settings) -> dict[str, Any]:
    plain = dataclasses.asdict(settings)
    plain.pop("spec")
    plain["mix_rates"] = list(settings.mix_rates)  # as JSON gives it back
    return plain
