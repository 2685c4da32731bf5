"""Train the dialect model that ships, and print the numbers of its card.

    python tools/train_dialect.py ../shared/data                # writes arabench/dialect/model.bin
    python tools/train_dialect.py ../shared/data --check        # does the shipped file come out?
    python tools/train_dialect.py ../shared/data --scores DIR   # leave-one-source-out tables

`--scores` trains once without each source and writes scores.json, tables.md and reliability.png.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from dialect_unseen import unseen_table

from arabench.dialect.calibration import calibrated, coverage, draw_reliability
from arabench.dialect.calibration import reliability as bins_of
from arabench.dialect.evaluation import (
    LEFT_OUT,
    HeldOut,
    as_table,
    confusion_table,
    held_out,
    honest_scores,
    pooled,
    temperature_of,
)
from arabench.dialect.fitting import Settings, neutral_words, prepare
from arabench.dialect.sources import read_sources
from arabench.dialect.training import train

SHIPPED = Path(__file__).resolve().parent.parent / "arabench" / "dialect" / "model.bin"


def say(line: str) -> None:
    """One line of progress."""
    sys.stderr.write(line + "\n")


def check(data: str) -> int:
    """Train again and compare with the shipped file."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "model.bin"
        train(data, again, say=say)
        same = again.read_bytes() == SHIPPED.read_bytes()
    say("the shipped model came out again" if same else "the file that came out is another one")
    return 0 if same else 1


def write_scores(data: str, folder: Path) -> None:
    """Train without each source; write what the model card shows."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings()
    texts = prepare(read_sources(data), settings.spec, neutral_words(data))
    parts = held_out(texts, settings, [[source] for source in LEFT_OUT], say=say)
    fifths = held_out(texts, settings, (), one_in=5, say=say)
    scores = honest_scores([*parts, *fifths])
    left_out = {name: row for name, row in scores.items() if "/" not in name}
    halves = {name: row for name, row in scores.items() if name.endswith("/half")}
    seen = {name: row for name, row in scores.items() if name.endswith("/fifth")}
    report = ["## Left-out sources\n", as_table(left_out), "\n## Half of the source seen\n"]
    report += [as_table(halves), "\n## Four fifths of the source seen\n", as_table(seen)]
    report += ["\n## Least probability of a label\n", _coverage_table(parts)]
    for name, row in scores.items():
        report += [f"\n### Confusion, {name}\n\n", confusion_table(row)]
    report += ["\n## Never trained on\n", unseen_table(Path(data))]
    (folder / "tables.md").write_text("\n".join(report), encoding="utf-8")
    (folder / "scores.json").write_text(
        json.dumps({name: asdict(row) for name, row in scores.items()}, indent=1) + "\n",
        encoding="utf-8",
    )
    of_sources = [part for part in parts if "/" not in part.name]
    sample = pooled(of_sources)
    probabilities = np.concatenate([_honest_probabilities(part, parts) for part in of_sources])
    draw_reliability(
        bins_of(probabilities, sample.varieties, sample.weights),
        str(folder / "reliability.png"),
        "left-out sources, each with the same weight",
    )


def _honest_probabilities(part: HeldOut, parts: list[HeldOut]) -> np.ndarray:
    others = [other for other in parts if other.name.split("/")[0] != part.name.split("/")[0]]
    return calibrated(part.logits, part.n_words, temperature_of(others))


def _coverage_table(parts: list[HeldOut]) -> str:
    thresholds = np.array([0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9])
    fitted = temperature_of(parts)
    lines = ["| source | " + " | ".join(f"{t:.2f}" for t in thresholds) + " |"]
    lines.append("|---|" + "---|" * len(thresholds))
    for part in parts:
        probabilities = calibrated(part.logits, part.n_words, fitted)
        cells = [
            f"{row.covered:.2f} / {row.accuracy:.2f}"
            for row in coverage(probabilities, part.varieties, thresholds)
        ]
        lines.append(f"| {part.name} | " + " | ".join(cells) + " |")
    for least, most in ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 99)):
        inside = [(part, (part.n_words >= least) & (part.n_words <= most)) for part in parts]
        probabilities = np.concatenate(
            [calibrated(part.logits, part.n_words, fitted)[mask] for part, mask in inside]
        )
        varieties = np.concatenate([part.varieties[mask] for part, mask in inside])
        cells = [
            f"{row.covered:.2f} / {row.accuracy:.2f}"
            for row in coverage(probabilities, varieties, thresholds)
        ]
        lines.append(f"| {least}-{most} words ({len(varieties):,}) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="folder of the labelled corpora")
    parser.add_argument("-o", "--output", default=str(SHIPPED), help="model file [the shipped one]")
    parser.add_argument("--check", action="store_true", help="compare with the shipped file")
    parser.add_argument("--scores", metavar="DIR", help="folder for tables and figure")
    options = parser.parse_args()
    if options.check:
        return check(options.data)
    if options.scores:
        write_scores(options.data, Path(options.scores))
        return 0
    train(options.data, options.output, say=say)
    say(f"wrote {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
