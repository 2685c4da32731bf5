"""Score a model and its adapters per variety, each number with a 95 % interval.

Only arabench's tasks are indexed, the base is loaded once, and an adapter that does
not change the model's logits is refused. Results have lm-eval's format; `arabench gate`
and `arabench compare` read them. A run that was killed goes on where it stopped: give the
same command again. Encoders are measured by pseudo-likelihood (--model-type mlm), a classifier
on embeddings is a floor (--model-type probe), and lm-eval's other models answer the same
tasks (--backend).
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
  arabench eval --model chat/ --chat-template --system-prompt @system.txt -o results/
  arabench eval --model chat/ --chat-template --max-gen-tokens 2000 -o results/
  arabench eval --model base/ --cache ~/.cache/arabench -o results/
  arabench eval --model base/ --exclude contaminated.jsonl -o results/
  arabench eval --model CAMeL-Lab/bert-base-arabic-camelbert-mix --model-type mlm -o results/
  arabench eval --model base/ --model-type probe -o results/
  arabench eval --backend local-completions -o results/ \\
    --model-args model=NAME,base_url=http://localhost:8000/v1/completions,tokenizer=base/
  torchrun --nproc_per_node 2 -m arabench.cli eval --model base/ -o results/
  arabench eval --model base/ --ray auto --threads 8 -o results/
  arabench eval --list-tasks
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Model, adapters, tasks, data and resources."""
    parser.add_argument("--model", help="model folder or hub name")
    parser.add_argument(
        "--adapter", action="append", default=[], metavar="NAME=DIR", help="adapter (repeatable)"
    )
    parser.add_argument(
        "--model-type", choices=["causal", "mlm", "probe"], default="causal",
        help="mlm: an encoder, by pseudo-likelihood; probe: logistic regression on the mean "
        "embeddings of a model, fitted to the train split [causal]",
    )  # fmt: skip
    parser.add_argument(
        "--masking", choices=["within-word", "original"], default="within-word",
        help="with mlm: mask what follows a token in its word too, or the token alone "
        "[within-word]",
    )  # fmt: skip
    parser.add_argument(
        "--backend", metavar="NAME",
        help="another model of lm-eval answers (vllm, local-completions, gguf, ...)",
    )  # fmt: skip
    parser.add_argument(
        "--model-args", default="", metavar="KEY=VALUE,...", help="of the backend, as lm_eval has"
    )
    parser.add_argument(
        "--tasks",
        help="comma-separated [arabench_dialects; mlm: arabench_lm,arabench_tax; probe: "
        "arabench_did]",
    )
    parser.add_argument(
        "--list-tasks", action="store_true", help="print the names of tasks and groups, and stop"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR",
        help="folder for the results; one that holds a part of this run is gone on with",
    )  # fmt: skip
    parser.add_argument(
        "--metadata", default="{}", help="JSON with arabench_data etc. (tasks/README.md)"
    )
    parser.add_argument(
        "--exclude", metavar="FILE", help="leave out the items that arabench contamination -o names"
    )
    parser.add_argument("--limit", type=int, help="documents per task")
    parser.add_argument(
        "--batch-size", type=int, default=8, metavar="ROWS",
        help="a batch holds as many tokens as so many rows of 128, padding among them [8]",
    )  # fmt: skip
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument(
        "--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="auto"
    )
    parser.add_argument("--threads", type=int, help="of the CPU [those that are free now]")
    parser.add_argument("--bits", type=int, choices=[4, 16], default=16, help="4: NF4 base [16]")
    parser.add_argument("--max-gen-tokens", type=int, help="shorten generated answers")
    parser.add_argument(
        "--chat-template", nargs="?", const=True, default=False, metavar="NAME",
        help="prompts as the tokenizer's chat template writes them; NAME picks one of several",
    )  # fmt: skip
    parser.add_argument(
        "--chat-template-args", default="{}", metavar="JSON",
        help='handed to the template, such as \'{"enable_thinking": false}\'',
    )  # fmt: skip
    parser.add_argument("--system-prompt", metavar="TEXT|@FILE", help="put before every prompt")
    parser.add_argument(
        "--single-turn", action="store_true",
        help="shots in one turn of the chat template, not each in a turn of its own",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=1234, help="of sampled shots and of sampled answers [1234]"
    )
    parser.add_argument(
        "--cache", metavar="DIR",
        help="keep answers there, and take those that the very same model gave before",
    )  # fmt: skip
    parser.add_argument(
        "--ray", metavar="ADDRESS|local",
        help="every task on a worker of a Ray cluster (host:port, auto), or of a Ray of this "
        "machine",
    )  # fmt: skip
    parser.add_argument(
        "--allow-pickle", action="store_true", help="load pickled weights; they can run code"
    )
    parser.add_argument(
        "--trust-remote-code", action="store_true", help="run code of the model repository"
    )


def run(options: argparse.Namespace) -> int:
    """Evaluate and print the table."""
    from arabench.cli.console import document_progress, say
    from arabench.errors import UsageError, require_extra

    require_extra("eval", "torch", "transformers", "lm_eval", "peft", "sacrebleu", "datasets")
    if options.list_tasks:
        return _list_tasks()
    _check_model(options)
    if options.output is None:
        raise UsageError("--output is not given. See arabench eval --help.")
    if options.bits == 4:
        require_extra("train", "bitsandbytes")
    for name in ("limit", "batch_size", "max_gen_tokens", "threads"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} is {value}; allowed is 1 or more.")
    from arabench.cli.quiet import quiet_libraries

    quiet_libraries()
    from arabench.evaluation.reports.summary import markdown_table
    from arabench.evaluation.runner import Request, UnfinishedError, evaluate
    from arabench.evaluation.runner.results import load_evaluation

    request = Request(
        model=_model_name(options),
        adapters=_adapters(options.adapter),
        tasks=_tasks(options),
        output=options.output,
        metadata={
            **_json_object("metadata", options.metadata),
            **_exclusion(options.exclude),
        },
        limit=options.limit,
        batch_size=options.batch_size,
        device=options.device,
        dtype=options.dtype,
        bits=options.bits,
        max_gen_tokens=options.max_gen_tokens,
        allow_pickle=options.allow_pickle,
        trust_remote_code=options.trust_remote_code,
        threads=options.threads,
        seed=options.seed,
        cache=options.cache,
        chat_template=options.chat_template,
        chat_template_args=_json_object("chat-template-args", options.chat_template_args),
        system_prompt=_system_prompt(options.system_prompt),
        multiturn=not options.single_turn,
        model_type=options.model_type,
        masking=options.masking,
        backend=options.backend,
        model_args=options.model_args,
    )
    unfinished: UnfinishedError | None = None
    try:
        if options.ray is not None:
            from arabench.engines.ray_tasks import evaluate_with_ray

            folders = evaluate_with_ray(request, _address(options.ray), say)
        else:
            with document_progress() as watcher:
                folders = evaluate(request, say, watcher)
    except UnfinishedError as error:
        unfinished, folders = error, error.folders
    table = markdown_table([load_evaluation(folder) for folder in folders.values()])
    from arabench.files.atomic import write_text_atomically

    if folders:
        write_text_atomically(Path(options.output) / "summary.md", table)
        sys.stdout.write(table)
        say(f"results: {', '.join(str(folder) for folder in folders.values())}")
    if unfinished is not None:
        raise unfinished
    return 0


def _check_model(options: argparse.Namespace) -> None:
    from arabench.errors import UsageError

    if options.backend is None and options.model_args:
        raise UsageError(
            "--model-args are those of a --backend, and none is given. Our own model is described "
            "by --model, --dtype, --bits and --device."
        )
    if options.backend is not None and options.model is not None:
        raise UsageError(
            f"--model {options.model!r} does not go with --backend {options.backend}: name the "
            "model in --model-args, by the argument that the backend has for it."
        )
    if options.backend is None and options.model is None:
        raise UsageError("--model is not given. See arabench eval --help.")


def _model_name(options: argparse.Namespace) -> str:
    if options.backend is None:
        return str(options.model)
    from arabench.evaluation.harness.other_backends import model_named

    return model_named(options.model_args) or str(options.backend)


def _address(named: str) -> str | None:
    return None if named == "local" else named


def _tasks(options: argparse.Namespace) -> list[str]:
    """Those that are asked for, or what a model of its type can answer."""
    usual = {"mlm": "arabench_lm,arabench_tax", "probe": "arabench_did"}
    names = options.tasks or usual.get(options.model_type, "arabench_dialects")
    return [task.strip() for task in names.split(",") if task.strip()]


def _list_tasks() -> int:
    """Names of groups with what is in them, and of tasks in none; nothing is loaded."""
    from arabench.cli.quiet import quiet_libraries

    quiet_libraries()
    from arabench.evaluation.harness.assemble import select_tasks
    from arabench.evaluation.harness.run import task_manager

    manager = task_manager({})
    groups = select_tasks(manager, manager.all_groups).groups
    inside = {member for members in groups.values() for member in members}
    lines = [f"{name}: {' '.join(groups[name])}" for name in sorted(groups)]
    lines += [name for name in manager.all_subtasks if name not in inside]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _exclusion(path: str | None) -> dict[str, str]:
    from arabench.evaluation.contamination.exclusion import exclusion_metadata

    return {} if path is None else exclusion_metadata(path)


def _system_prompt(text: str | None) -> str | None:
    """The text, or that of the file behind @."""
    from arabench.errors import UsageError

    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"--system-prompt {text!r} cannot be read: {why}.") from error


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


def _json_object(name: str, text: str) -> dict[str, Any]:
    from arabench.errors import UsageError

    try:
        content = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--{name} is no JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"--{name} must be a JSON object.")
    return content
