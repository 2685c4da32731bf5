"""Training data: rows a second and memory from a JSONL file to mapped tokens, and of `--check`.

    python tests/bench/bench_train_data.py [--rows 1300000] [--words 40]

Rows are made of the words of packaged Egyptian sentences, drawn at random; the tokenizer is a
byte-level BPE of 4,096 pieces trained on some of them. Each figure is of a process of its own: rows
a second of processor time and of the clock, and the peak of resident bytes above that after the
imports and the tokenizer.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PEER = "a list of dicts and datasets.Dataset.from_list, as before 2026-11-30"


def write_rows(path: Path, rows: int, words: int) -> None:
    """A JSONL file of texts."""
    from arabench.evaluation.contamination.items import load_items

    items = load_items(("arabench_lm_egy",), {})
    known = sorted({word for item in items for part in item.parts for word in part.text.split()})
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as stream:
        for _ in range(rows):
            text = " ".join(draw.choices(known, k=draw.randint(words // 2, words * 3 // 2)))
            stream.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def make_tokenizer(path: Path) -> Any:
    """A tokenizer trained on the first rows of the file."""
    import itertools

    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    with path.open(encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in itertools.islice(stream, 2000)]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096, special_tokens=["<end>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>")  # noqa: S106


def recipe_of(path: Path, packing: bool) -> Any:
    """A recipe for the file."""
    from arabench.trainers.recipe import Recipe

    return Recipe.model_validate(
        {
            "output_dir": str(path.parent / "run"),
            "base": {"name": str(path.parent)},
            "data": {"source": str(path), "validation": 0.01},
            "training": {"max_length": 512, "packing": packing},
        }
    )


def measured(what: str, path: Path) -> dict[str, float]:
    """Seconds and bytes of one thing, in this process."""
    import datasets
    import torch

    from arabench.trainers.data import shapes
    from arabench.trainers.data.checks import check_rows
    from arabench.trainers.data.prepare import prepare
    from arabench.trainers.data.sources import find_places
    from arabench.trainers.methods.table import METHODS

    del datasets, torch
    recipe = recipe_of(path, what == "prepare, packed")
    tokenizer = make_tokenizer(path)
    tokenizer("نص")
    places, _ = find_places(recipe.data)
    section, _ = shapes.resolve(recipe.data, places)
    method = METHODS["sft"]

    def row_of(row: Any) -> Any:
        return method.row(row, section, "<end>")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, worked = time.perf_counter(), time.process_time()
    if what == "check":
        rows = check_rows(section, places, row_of, 42).rows
    elif what == "peer":
        rows = in_memory(path, tokenizer, row_of)
    else:
        folder = path.parent / "rows"
        prepared = prepare(recipe, places, tokenizer, folder)
        rows = len(prepared.rows.dataset)
        if what == "opened again":
            started, worked = time.perf_counter(), time.process_time()
            prepare(recipe, places, tokenizer, folder)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"rows": rows, "seconds": seconds, "work": work, "mebibytes": (peak - before) / 1024}


def in_memory(path: Path, tokenizer: Any, row_of: Any) -> int:
    """The peer: every row and its tokens as Python objects."""
    import datasets

    with path.open(encoding="utf-8") as stream:
        made = datasets.Dataset.from_list([row_of(json.loads(line)) for line in stream])
    ids: list[list[int]] = []
    for start in range(0, len(made), 1000):
        ids += tokenizer(text=made[start : start + 1000]["text"])["input_ids"]
    return len(datasets.Dataset.from_dict({"input_ids": ids, "labels": ids}))


def main() -> None:
    """Run each in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=40)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measured(options.only, options.file)))
        return
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.jsonl"
        write_rows(path, options.rows, options.words)
        print(f"{options.rows:,} rows, {path.stat().st_size / 2**20:,.0f} MiB; peer: {PEER}")
        for what in ("check", "prepare", "opened again", "prepare, packed", "peer"):
            done = subprocess.run(
                [sys.executable, __file__, "--only", what, "--file", str(path)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found = json.loads(done.stdout.splitlines()[-1])
            rates = [options.rows / found[name] for name in ("work", "seconds")]
            print(
                f"{what:<16} {rates[0]:>12,.0f} rows/s (clock {rates[1]:>10,.0f}) "
                f"{found['mebibytes']:>8,.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
