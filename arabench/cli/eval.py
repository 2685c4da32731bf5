"""Score a model and its adapters per variety, each number with a 95 % interval.

Only arabench's tasks are indexed, the base is loaded once, and an adapter that does
not change the model's logits is refused. Results have lm-eval's format; `arabench gate`
compares them. For other model types or chat templates use the lm_eval command itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLES = """\
examples:
  arabench eval --model Qwen/Qwen2-1.5B -o results/
  arabench eval --model base/ --adapter egy=runs/egy/adapter --tasks arabench_lm -o results/
  arabench eval --model base/ --bits 4 --metadata '{"arabench_data": "flores200/"}' -o results/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Model, adapters, tasks, data and resources."""
    parser.add_argument("--model", required=True, help="model folder or hub name")
    parser.add_argument(
        "--adapter", action="append", default=[], metavar="NAME=DIR", help="adapter (repeatable)"
    )
    parser.add_argument(
        "--tasks", default="arabench_dialects", help="comma-separated [arabench_dialects]"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--metadata", default="{}", help="JSON with arabench_data etc. (tasks/README.md)"
    )
    parser.add_argument("--limit", type=int, help="documents per task")
    parser.add_argument("--batch-size", type=int, default=8, help="[8]")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument(
        "--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="auto"
    )
    parser.add_argument("--threads", type=int, help="of the CPU [those that are free now]")
    parser.add_argument("--bits", type=int, choices=[4, 16], default=16, help="4: NF4 base [16]")
    parser.add_argument("--max-gen-tokens", type=int, help="shorten generated answers")
    parser.add_argument(
        "--allow-pickle", action="store_true", help="load pickled weights; they can run code"
    )
    parser.add_argument(
        "--trust-remote-code", action="store_true", help="run code of the model repository"
    )


def run(options: argparse.Namespace) -> int:
    """Evaluate and print the table."""
    from arabench.cli.console import say
    from arabench.errors import UsageError, require_extra

    require_extra("eval", "torch", "transformers", "lm_eval", "peft", "sacrebleu", "datasets")
    if options.bits == 4:
        require_extra("train", "bitsandbytes")
    for name in ("limit", "batch_size", "max_gen_tokens", "threads"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} is {value}; allowed is 1 or more.")
    from arabench.cli.quiet import quiet_libraries

    quiet_libraries()
    from arabench.evaluation.reports.summary import markdown_table
    from arabench.evaluation.runner import Request, evaluate
    from arabench.evaluation.runner.results import load_evaluation

    request = Request(
        model=options.model,
        adapters=_adapters(options.adapter),
        tasks=[task.strip() for task in options.tasks.split(",") if task.strip()],
        output=options.output,
        metadata=_metadata(options.metadata),
        limit=options.limit,
        batch_size=options.batch_size,
        device=options.device,
        dtype=options.dtype,
        bits=options.bits,
        max_gen_tokens=options.max_gen_tokens,
        allow_pickle=options.allow_pickle,
        trust_remote_code=options.trust_remote_code,
        threads=options.threads,
    )
    folders = evaluate(request, say)
    table = markdown_table([load_evaluation(folder) for folder in folders.values()])
    from arabench.files.atomic import write_text_atomically

    write_text_atomically(Path(options.output) / "summary.md", table)
    sys.stdout.write(table)
    say(f"results: {', '.join(str(folder) for folder in folders.values())}")
    return 0


def _adapters(pairs: list[str]) -> dict[str, str]:
    from arabench.errors import UsageError

    adapters: dict[str, str] = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not separator or not path:
            raise UsageError(f"--adapter {pair!r} is not NAME=DIR.")
        if name in adapters:
            raise UsageError(f"--adapter names {name!r} twice.")
        adapters[name] = path
    return adapters


def _metadata(text: str) -> dict[str, Any]:
    from arabench.errors import UsageError

    try:
        metadata = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--metadata is no JSON: {error}.") from error
    if not isinstance(metadata, dict):
        raise UsageError("--metadata must be a JSON object.")
    return metadata
