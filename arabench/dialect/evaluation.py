"""How well varieties are told apart, by source: tables, and training without the source tested.

A dialect model is as good as on text from a source that it has not seen. `leave_one_out`
trains once per group of sources without it; `evaluate` scores a model that exists, and says
which sources it was trained on.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from arabench.dialect.calibration import Sample, calibrated, calibration_error, fit_temperature
from arabench.dialect.fitting import Settings, Texts, fit, quantize, scores
from arabench.dialect.sources import PACKAGED, Labelled, read_sources
from arabench.varieties import VARIETIES

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

#: Source under test -> sources that training must not see. The rules rewrite sentences of
#: `wiki`; `written` and `parallel` have the same authors.
LEFT_OUT: Final[dict[str, tuple[str, ...]]] = {
    "flores": ("flores",),
    "madar": ("madar",),
    "arsarcasm": ("arsarcasm",),
    "segmentation": ("segmentation",),
    "shami": ("shami",),
    "wiki": ("wiki", "rules"),
    "written": PACKAGED,
}
#: Sources with several varieties, that are also tested on a part of which the rest is trained on.
HALVED: Final = ("flores", "madar", "arsarcasm")
#: A variety with fewer texts in a source is left out of its macro-F1.
LEAST_TEXTS: Final = 20


@dataclass(frozen=True)
class Scores:
    """How one source was labelled.

    Attributes:
        texts: How many.
        accuracy: Share of right labels.
        macro_f1: Mean F1 of the varieties with `LEAST_TEXTS` texts or more; a label that the
            source does not have counts as wrong.
        among_dialects: Macro-F1 of the dialect texts if only the dialects are compared.
        f1: Of each variety that the source has.
        calibration_error: Expected, of the label.
        confusion: Right variety (row), label (column), in the order of `VARIETIES`.
    """

    texts: int
    accuracy: float
    macro_f1: float
    among_dialects: float
    f1: dict[str, float]
    calibration_error: float
    confusion: list[list[int]]


def score(probabilities: F64, varieties: I64) -> Scores:
    """Scores of labels, the most probable variety each.

    Args:
        probabilities: (texts, 5), at least one text.
        varieties: (texts,) right answers, index into `VARIETIES`.
    """
    best = probabilities.argmax(axis=1)
    confusion = np.zeros((5, 5), dtype=np.int64)
    np.add.at(confusion, (varieties, best), 1)
    dialect = varieties > 0
    inside = np.zeros((5, 5), dtype=np.int64)
    there = [c for c in range(1, 5) if (varieties == c).sum() >= LEAST_TEXTS]
    if there:
        limited = np.full((int(dialect.sum()), 5), -1.0)
        limited[:, there] = probabilities[dialect][:, there]
        np.add.at(inside, (varieties[dialect], limited.argmax(axis=1)), 1)
    return Scores(
        texts=len(best),
        accuracy=float((best == varieties).mean()),
        macro_f1=_macro(confusion, range(5)),
        among_dialects=_macro(inside, range(1, 5)),
        f1={VARIETIES[c]: round(_f1(confusion, c), 4) for c in range(5) if confusion[c].sum() > 0},
        calibration_error=calibration_error(probabilities, varieties),
        confusion=confusion.tolist(),
    )


def _f1(confusion: npt.NDArray[np.int64], c: int) -> float:
    total = int(confusion[c].sum() + confusion[:, c].sum())
    return 2 * int(confusion[c, c]) / total if total else 0.0


def _macro(confusion: npt.NDArray[np.int64], classes: Sequence[int]) -> float:
    counted = [_f1(confusion, c) for c in classes if confusion[c].sum() >= LEAST_TEXTS]
    return sum(counted) / len(counted) if counted else 0.0


#: One text in so many is tested -> what the part is called.
PARTS: Final = {2: "half", 5: "fifth"}


def kept_back(items: Sequence[Labelled], one_in: int = 2) -> npt.NDArray[np.bool_]:
    """(items,) which texts of the `HALVED` sources are tested; renderings stay together."""
    return np.array(
        [
            item.source in HALVED and zlib.crc32(f"{item.source}/{item.key}".encode()) % one_in == 0
            for item in items
        ],
        dtype=bool,
    )


@dataclass(frozen=True)
class HeldOut:
    """Logits of texts of one source, of a model that was trained without them.

    Attributes:
        name: The source; with `/half` or `/fifth` where the rest of it was trained on.
        rows: Places of the texts in the corpus.
        logits: (rows, 5) not calibrated.
        varieties: (rows,) right answers.
        n_words: (rows,)
    """

    name: str
    rows: I64
    logits: F64
    varieties: I64
    n_words: I64

    def sample(self, total: float = 1.0) -> Sample:
        """For calibration; all texts together weigh `total`."""
        weights = np.full(len(self.rows), total / len(self.rows))
        return Sample(self.logits, self.varieties, self.n_words, weights)


def held_out(
    texts: Texts,
    settings: Settings,
    folds: Sequence[Sequence[str]],
    one_in: int = 2,
    say: Callable[[str], None] = lambda line: None,
) -> list[HeldOut]:
    """Logits of every source of the folds, and of parts of sources, without training on them.

    Args:
        texts: what `prepare` gave.
        settings: how to train.
        folds: sources that are left out together and tested.
        one_in: also train on all but one text in so many of the `HALVED` sources, and test
            those; one of `PARTS`, 0 for none.
        say: receives a line per training.
    """
    source = np.array([item.source for item in texts.items])
    found: list[HeldOut] = []

    def test(table: F64, bias: F64, rows: I64, name: str) -> None:
        rows = rows[texts.n_words[rows] > 0]
        logits = scores(texts, rows, table, bias, settings.spec)
        found.append(HeldOut(name, rows, logits, texts.varieties[rows], texts.n_words[rows]))

    for fold in folds:
        say(f"training without {', '.join(fold)}")
        unseen = sorted({left for tested in fold for left in LEFT_OUT[tested]})
        weights, bias = fit(texts, np.flatnonzero(~np.isin(source, unseen)), settings)
        for tested in fold:
            test(_rounded(weights), bias, np.flatnonzero(source == tested), tested)
    if one_in:
        say(f"training without one {PARTS[one_in]} of {', '.join(HALVED)}")
        is_tested = kept_back(texts.items, one_in)
        weights, bias = fit(texts, np.flatnonzero(~is_tested), settings)
        for name in HALVED:
            rows = np.flatnonzero(is_tested & (source == name))
            test(_rounded(weights), bias, rows, f"{name}/{PARTS[one_in]}")
    return found


def _rounded(weights: F64) -> F64:
    """Weights as the 8 bits of a model file keep them."""
    table, scales = quantize(weights)
    rounded: F64 = table * np.asarray(scales)
    return rounded


def pooled(parts: Sequence[HeldOut]) -> Sample:
    """Texts of several sources for calibration, every source with the same weight."""
    samples = [part.sample() for part in parts]
    return Sample(
        np.concatenate([sample.logits for sample in samples]),
        np.concatenate([sample.varieties for sample in samples]),
        np.concatenate([sample.n_words for sample in samples]),
        np.concatenate([sample.weights for sample in samples]),
    )


def honest_scores(parts: Sequence[HeldOut]) -> dict[str, Scores]:
    """Scores per source; temperatures are fitted to other sources only.

    To their halves if there are any, as in training the shipped model.
    """
    found = {}
    for part in parts:
        bare = part.name.split("/")[0]
        others = [other for other in parts if other.name.split("/")[0] != bare]
        probabilities = calibrated(part.logits, part.n_words, temperature_of(others))
        found[part.name] = score(probabilities, part.varieties)
    return found


def temperature_of(parts: Sequence[HeldOut]) -> tuple[float, float]:
    """Temperatures from the halves among the parts, or from all; 1 without any."""
    halves = [part for part in parts if part.name.endswith("/half")] or parts
    return fit_temperature(pooled(halves)) if halves else (1.0, 0.0)


def as_table(found: Mapping[str, Scores]) -> str:
    """A Markdown table, the worst source first."""
    lines = [
        "| source | texts | accuracy | macro-F1 | among dialects | ECE | "
        + " | ".join(VARIETIES)
        + " |",
        "|---|---|---|---|---|---|" + "---|" * len(VARIETIES),
    ]
    for name, row in sorted(found.items(), key=lambda pair: pair[1].macro_f1):
        by_variety = [f"{row.f1[v]:.2f}" if v in row.f1 else "" for v in VARIETIES]
        lines.append(
            f"| {name} | {row.texts:,} | {row.accuracy:.3f} | {row.macro_f1:.3f} | "
            f"{row.among_dialects:.3f} | {row.calibration_error:.3f} | {' | '.join(by_variety)} |"
        )
    return "\n".join(lines) + "\n"


def confusion_table(row: Scores) -> str:
    """A Markdown table: right variety by row, label by column."""
    lines = ["| | " + " | ".join(VARIETIES) + " |", "|---|" + "---|" * len(VARIETIES)]
    for variety, counts in zip(VARIETIES, row.confusion, strict=True):
        if sum(counts):
            lines.append(f"| {variety} | " + " | ".join(str(count) for count in counts) + " |")
    return "\n".join(lines) + "\n"


def evaluate(
    folder: str | Path, model: str | Path | None = None, output: str | Path | None = None
) -> dict[str, Any]:
    """Score a model on every labelled source and write the table.

    Args:
        folder: holds the public corpora.
        model: a model file; None takes the one of the package.
        output: a JSON file for all numbers; None writes the table to standard output.

    Raises:
        UsageError: a folder or file is missing.
        DataError: the model or a corpus is broken.
    """
    from arabench.dialect.identification import Identifier
    from arabench.dialect.model import load_model, shipped_model

    loaded = shipped_model() if model is None else load_model(model)
    identifier = Identifier(loaded)
    items = read_sources(folder)
    found: dict[str, Scores] = {}
    undecided: dict[str, float] = {}
    for source in Counter(item.source for item in items):
        chosen = [item for item in items if item.source == source]
        labels = identifier.label([item.text for item in chosen])
        varieties = np.array([VARIETIES.index(item.variety) for item in chosen], dtype=np.int64)
        found[source] = score(labels.probs, varieties)
        undecided[source] = float((labels.reasons > 0).mean())
    seen = sorted(set(found) & set(loaded.about.get("texts", {})))
    report = {
        "model": loaded.signature,
        "trained_on": seen,
        "sources": {
            name: {**asdict(row), "unknown": undecided[name]} for name, row in found.items()
        },
    }
    if output is None:
        text = as_table(found)
        if seen:
            text += (
                f"\nTrained on {', '.join(seen)}: scores on these are no forecast. The model card "
                "has scores without them.\n"
            )
        sys.stdout.write(text)
    else:
        Path(output).write_text(
            json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    return report
