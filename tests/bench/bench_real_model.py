"""A real model on this machine: the number type that `auto` picks beside bfloat16.

    python tools/prepare_smollm2.py FOLDER
    python tests/bench/bench_real_model.py FOLDER [--steps N] [--sentences N] [--threads N]

On the CPUs of most people (AVX2, or AVX512 without BF16) bfloat16 is emulated. A CPU that has it
can stand for one that has not, with the limits of oneDNN and torch in the environment:

    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python tests/bench/bench_real_model.py FOLDER

The two types run alternately in one process: QLoRA steps of the paper's recipe (NF4, gradient
checkpointing) on 4 rows of 256 tokens, through the trainer's own model, loss and optimizer; and
lm-eval's rolling likelihood of packaged sentences under the whole base. Seconds are medians over
the rounds, of the wall clock and of the CPU's own (all threads), which tells less of what else
runs here. Where `auto` is bfloat16, float32 stands beside it to show that it should be.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from arabench.cli.quiet import quiet_libraries
from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.models.devices import DtypeName, disable_cpu_repacking, pick_precision, use_threads

#: What a released model is stored in, and what was taken before `auto` looked at the machine.
BEFORE: DtypeName = "bfloat16"
ROWS, TOKENS = 4, 256

Timed = tuple[float, float]


def timed(work: Callable[[], object]) -> Timed:
    """Seconds of the wall clock and of the CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


class Kept:
    """A function that keeps what it returned."""

    def __init__(self, work: Callable[[], float]) -> None:
        self.work = work
        self.answers: list[float] = []

    def __call__(self) -> None:
        self.answers.append(self.work())


def alternate(works: dict[DtypeName, Kept], rounds: int) -> dict[DtypeName, list[Timed]]:
    """Run each once per round."""
    seconds: dict[DtypeName, list[Timed]] = {dtype: [] for dtype in works}
    for _ in range(rounds):
        for dtype, work in works.items():
            seconds[dtype].append(timed(work))
    return seconds


def show(label: str, seconds: dict[DtypeName, list[Timed]]) -> None:
    """A row of the table."""
    (before, before_cpu), (other, other_cpu) = (
        [statistics.median(kind) for kind in zip(*pairs, strict=True)] for pairs in seconds.values()
    )
    print(
        f"| {label} | {before:.2f} | {other:.2f} | {before / other:.1f} x | "
        f"{before_cpu / other_cpu:.1f} x |",
        flush=True,
    )


def training_step(folder: str, dtype: DtypeName, place: Path) -> Callable[[], float]:
    """One optimizer step of the paper's recipe on the same rows; returns the loss."""
    from arabench.trainers.data.rows import load_rows
    from arabench.trainers.data.sources import find_places
    from arabench.trainers.methods.table import METHODS
    from arabench.trainers.recipe import Recipe
    from arabench.trainers.run import base, trainer

    text = files("arabench.demo").joinpath("data", "egy.txt").read_text(encoding="utf-8")
    (place / "text.jsonl").write_text(json.dumps({"text": text}), encoding="utf-8")
    recipe = Recipe.model_validate(
        {
            "output_dir": str(place / dtype),
            "device": "cpu",
            "base": {"name": folder},
            "data": {"source": str(place / "text.jsonl")},
            "quantization": {"compute_dtype": dtype},
            "training": {"batch_size": ROWS, "gradient_accumulation": 1, "max_length": TOKENS},
        }
    )
    source = base.request_of(recipe).locate()
    tokenizer = base.find_base(recipe, source).tokenizer
    places, _ = find_places(recipe.data)
    method, end = METHODS[recipe.method], tokenizer.eos_token
    rows = load_rows(recipe.data, places, lambda row: method.row(row, recipe.data, end)).dataset
    encoded = method.encode(rows, tokenizer, TOKENS).dataset
    loaded = base.load_base(recipe, source, "cpu", dtype)
    made = trainer.build(recipe, "cpu", dtype, loaded, tokenizer, encoded, place)
    made.create_optimizer()
    made.model.gradient_checkpointing_enable({"use_reentrant": False})
    made.model.train()
    batch = made.data_collator([encoded[row] for row in range(ROWS)])
    assert batch["input_ids"].shape == (ROWS, TOKENS)

    def step(width: int = TOKENS) -> float:
        inputs = {name: values[:, :width] for name, values in batch.items()}
        with made.compute_loss_context_manager():
            loss = made.compute_loss(made.model, inputs)
        loss.backward()
        made.optimizer.step()
        made.optimizer.zero_grad()
        return float(loss)

    step(8)  # what happens once
    return step


def rolling(folder: str, dtype: DtypeName, sentences: list[str]) -> Callable[[], float]:
    """Rolling likelihood of the sentences as lm-eval takes it; returns bits per character."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    disable_cpu_repacking(model)
    wrapped: Any = HFLM(
        pretrained=model.eval(), tokenizer=AutoTokenizer.from_pretrained(folder), batch_size=8,
        softmax_dtype="float32",
    )  # fmt: skip
    requests = [
        Instance("loglikelihood_rolling", {}, (text,), number)
        for number, text in enumerate(sentences)
    ]

    def score(requests: list[Any] = requests) -> float:
        nats = sum(wrapped.loglikelihood_rolling(requests, disable_tqdm=True))
        chars = sum(len(request.args[0]) for request in requests)
        return float(-nats / math.log(2) / chars)

    score(requests[:1])
    return score


def main() -> int:
    """Print a table of both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="folder that tools/prepare_smollm2.py wrote, or another")
    parser.add_argument("--steps", type=int, default=3, help="rounds of training [3]")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of likelihood [3]")
    parser.add_argument("--sentences", type=int, default=50, help="for likelihood [50]")
    parser.add_argument("--threads", type=int, help="of the CPU [those that are free]")
    options = parser.parse_args()
    quiet_libraries()
    logging.disable(logging.WARNING)
    precision, threads = pick_precision("auto", "cpu"), use_threads(options.threads)
    other: DtypeName = "float32" if precision.dtype == BEFORE else precision.dtype
    types: tuple[DtypeName, ...] = (BEFORE, other)
    print(f"auto is {precision.dtype} ({precision.reason}); {threads.count} threads\n")
    print(f"| | {BEFORE}, s | {other}, s | {other} is faster | in CPU seconds |")
    print("|---|---|---|---|---|")

    sentences = [text for item in load_parallel(Source()) for text in item.texts.values()]
    sentences = sentences[: options.sentences]
    scores = {dtype: Kept(rolling(options.model, dtype, sentences)) for dtype in types}
    show(f"rolling likelihood, {len(sentences)} sentences", alternate(scores, options.rounds))
    bits = {dtype: score.answers[0] for dtype, score in scores.items()}
    scores.clear()

    with tempfile.TemporaryDirectory() as scratch:
        steps = {dtype: Kept(training_step(options.model, dtype, Path(scratch))) for dtype in types}
        show(f"QLoRA step, {ROWS} x {TOKENS} tokens", alternate(steps, options.steps))
    difference = bits[other] / bits[BEFORE] - 1
    shown = ", ".join(f"{dtype} {value:.5f}" for dtype, value in bits.items())
    print(f"\nbits per character: {shown} ({difference:+.4%})")
    print(
        "first loss: "
        + ", ".join(f"{dtype} {step.answers[0]:.4f}" for dtype, step in steps.items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
