"""Train or measure the built-in segmenter.

python tools/train_segmenter.py --data ../shared/data                   # writes the weights
python tools/train_segmenter.py --data ../shared/data --cross-validate  # prints the table
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from arabench.errors import ArabenchError
from arabench.morph import training
from arabench.morph.model_file import write_model
from arabench.morph.segmenter import MODEL_PATH


def main() -> int:
    """Run the command line; 0 when the work is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--output", type=Path, default=MODEL_PATH, help="where the weights go")
    parser.add_argument("--cross-validate", action="store_true", help="measure, write nothing")
    parser.add_argument("--seeds", type=int, default=3, help="runs of the cross-validation")
    parser.add_argument("--errors", type=int, default=0, help="how many frequent errors to print")
    arguments = parser.parse_args()
    try:
        if arguments.cross_validate:
            cross_validate(arguments.data, arguments.seeds, arguments.errors)
        else:
            model = training.train(arguments.data)
            write_model(arguments.output, model)
            print(f"{arguments.output}: sha256 of the arrays {model.checksum}")
    except ArabenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def cross_validate(data: Path, seeds: int, errors: int) -> None:
    """Print one line per seed and source: percent of all tokens and of Arabic words right."""
    entries = training.read_entries(data)
    gold = training.read_gold(data)
    errors_of_all: Counter[tuple[str, str, str, str, bool]] = Counter()
    print("seed\tsource\ttokens\tright %\tArabic words\tright %")
    for seed in range(1, seeds + 1):
        report = training.cross_validate(gold, entries, training.Recipe(seed=seed))
        for source, score in report.scores.items():
            print(
                f"{seed}\t{source}\t{score.words}\t{100 * score.right / score.words:.2f}\t"
                f"{score.arabic}\t{100 * score.right_arabic / score.arabic:.2f}"
            )
        errors_of_all.update(report.errors)
    for (source, word, gold_cut, answer, seen), times in errors_of_all.most_common(errors):
        known = "seen" if seen else "new"
        print(f"{times}\t{source}\t{word}\tgold {gold_cut}\tours {answer}\t{known}")


if __name__ == "__main__":
    sys.exit(main())
