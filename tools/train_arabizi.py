"""Train and measure the Arabizi models.

    python tools/train_arabizi.py                # count words, write arabench/script/*.model
    python tools/train_arabizi.py --check        # count again, exit 1 where the file differs
    python tools/train_arabizi.py --evaluate     # the tables of arabench/script/ARABIZI.md
    python tools/train_arabizi.py --errors       # the largest classes of errors on DODa

Training reads the sets named in arabench/script/training.py below --data. doda_pairs
(CC BY-NC) is only measured on.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from arabench.errors import ArabenchError
from arabench.script import vowels, words
from arabench.script.arabizi import ArabiziReader
from arabench.script.conventions import CONVENTIONS
from arabench.script.latin import ArabiziWriter
from arabench.script.measures import ErrorRate, edits, error_rate
from arabench.script.training import count_words, vocalised_words
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "arabench/script"
PAIRS = ROOT / "tests/script/data"

FLORES = {"egy": "arz_Arab", "lev": "apc_Arab", "glf": "acm_Arab", "mgr": "ary_Arab"}

#: One letter or digit, one Arabic letter: what a first attempt looks like.
ONE_TO_ONE = str.maketrans(
    dict(
        zip(
            "abcdefghijklmnopqrstuvwxyz2356789",
            "ابكديفغهيجكلمنوبقرستوفوكيزءعخطحهق",
            strict=True,
        )
    )
)


def baseline(text: str) -> str:
    """Letters replaced one by one."""
    return text.lower().translate(ONE_TO_ONE)


def systems(convention: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """What is compared, by name."""
    yield "one-to-one map", baseline
    yield "letters", ArabiziReader(convention, spelling="letters", foreign="convert").read
    yield "words", ArabiziReader(convention, foreign="convert").read
    yield "words, foreign kept", ArabiziReader(convention).read


def read_doda(data: Path) -> list[tuple[str, tuple[str, ...]]]:
    """(Arabizi, references) of DODa."""
    with (data / "doda_pairs/pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [(row["darija"].strip(), (row["darija_ar"].strip(),)) for row in rows]


def read_written(convention: str, split: str) -> list[tuple[str, tuple[str, ...]]]:
    """(Arabizi, references) of the pairs written for the project."""
    with (PAIRS / f"{convention}.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [
            (row["arabizi"], tuple(row["arabic"].split("|")))
            for row in rows
            if row["split"] == split
        ]


def measure(
    pairs: list[tuple[str, tuple[str, ...]]],
    read: Callable[[str], str],
    fold: Callable[[str], str] = str,
) -> ErrorRate:
    """Error rates of a system, both sides folded."""
    given = [fold(read(arabizi)) for arabizi, _ in pairs]
    return error_rate(given, [[fold(each) for each in wanted] for _, wanted in pairs])


def _line(name: str, raw: ErrorRate, fold: ErrorRate) -> str:
    cells = [
        f"{100 * raw.micro:.1f}",
        f"{100 * raw.macro:.1f}",
        f"{100 * fold.micro:.1f}",
        f"{100 * fold.macro:.1f} ± {100 * fold.half_width:.1f}",
        f"{100 * fold.exact:.1f}",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


HEAD = """| system | CER micro | CER macro | folded CER micro | folded CER macro | folded exact |
|---|--:|--:|--:|--:|--:|"""


def evaluate(data: Path, split: str) -> None:
    """Print the tables."""
    fold = Normalizer(options_from("search")).normalize
    if (data / "doda_pairs").is_dir():
        pairs = read_doda(data)
        print(f"\nDODa pairs ({len(pairs)} sentences, convention mgr), percent\n\n{HEAD}")
        for name, read in systems("mgr"):
            print(_line(name, measure(pairs, read), measure(pairs, read, fold)))
    for convention in CONVENTIONS:
        pairs = read_written(convention, split)
        print(f"\n{convention}: {len(pairs)} project-written phrases ({split}), percent\n\n{HEAD}")
        for name, read in systems(convention):
            print(_line(name, measure(pairs, read), measure(pairs, read, fold)))


def evaluate_writing(data: Path, split: str) -> None:
    """Print how Arabic to Arabizi compares with what was typed, and what comes back of it."""
    fold = Normalizer(options_from("search")).normalize
    print("\nArabic to Arabizi, percent: against the typed side of the project-written pairs")
    print(f"({split}), and read back: folded CER of sentences of FLORES-200\n")
    print("| convention | typed CER micro | come back, most common | come back, seed 1 |")
    print("|---|--:|--:|--:|")
    for convention in CONVENTIONS:
        pairs = read_written(convention, split)
        write = ArabiziWriter(convention).write
        typed = error_rate(
            [write(wanted[0]) for _, wanted in pairs], [[arabizi.lower()] for arabizi, _ in pairs]
        )
        cells = [f"{100 * typed.micro:.1f}"]
        path = data / f"flores200/{FLORES[convention]}.txt"
        if path.is_file():
            texts = [fold(text) for text in path.read_text(encoding="utf-8").splitlines()[:200]]
            read = ArabiziReader(convention, foreign="convert").read
            for writer in (ArabiziWriter(convention), ArabiziWriter(convention, seed=1)):
                back = [fold(read(writer.write(text))) for text in texts]
                cells.append(f"{100 * error_rate(back, [[text] for text in texts]).micro:.1f}")
        print(f"| {convention} | " + " | ".join(cells) + " |")


def show_errors(data: Path) -> None:
    """The commonest edits from what is read to what DODa has, both folded."""
    fold = Normalizer(options_from("search")).normalize
    read = ArabiziReader("mgr", foreign="convert").read
    found: Counter[tuple[str, str]] = Counter()
    length = 0
    for arabizi, (wanted,) in read_doda(data):
        wanted = fold(wanted)
        length += len(wanted)
        found.update(edits(fold(read(arabizi)), wanted))
    total = sum(found.values())
    print(f"{total} edits of {length} characters; read -> reference, share of the edits")
    for (given, wanted), count in found.most_common(30):
        print(f"{given or '-'} -> {wanted or '-'}  {count}  {100 * count / total:.1f} %")


def show_speed(data: Path) -> None:
    """Words per CPU second over the Latin side of DODa, twice: words new, words remembered."""
    with (data / "doda_darija/sentences.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["darija"] for row in csv.DictReader(file)]
    words = sum(len(text.split()) for text in texts)
    reader = ArabiziReader("mgr", foreign="convert")
    reader.read("salam")
    for state in ("new", "remembered"):
        start = time.process_time()
        reader.read_many(texts)
        seconds = time.process_time() - start
        print(
            f"{words} words, {state}: {seconds:.2f} s, {words / seconds:,.0f} words per CPU second"
        )


def train(data: Path, folder: Path, check: bool) -> int:
    """Write the model files, or compare them with those there."""
    models = {
        words.NAME: words.pack_words(count_words(data)),
        vowels.NAME: vowels.pack_vowels(vowels.count_vowels(vocalised_words(data))),
    }
    status = 0
    for name, model in models.items():
        path = folder / name
        if not check:
            path.write_bytes(model)
            print(f"{path}: {len(model):,} bytes")
        elif path.is_file() and path.read_bytes() == model:
            print(f"{path}: the same, bit for bit")
        else:
            print(f"{path}: differs")
            status = 1
    return status


def main() -> int:
    """Do what the options say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--output", type=Path, default=MODELS, metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--split", choices=["dev", "test"], default="test")
    options = parser.parse_args()
    try:
        if options.evaluate:
            evaluate(options.data, options.split)
            evaluate_writing(options.data, options.split)
        elif options.errors:
            show_errors(options.data)
        elif options.speed:
            show_speed(options.data)
        else:
            return train(options.data, options.output, options.check)
    except ArabenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
