"""`arabench demo`: normalize, train, lm_eval and gate on a toy model, offline."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from arabench.demo.base_model import ToySize
from arabench.demo.steps import Say, Workshop, executable
from arabench.errors import ArabenchError, UsageError
from arabench.files.atomic import write_text_atomically
from arabench.models.checkpoints import RECORD_NAME, inspect_base, weights_sha256
from arabench.models.devices import nf4
from arabench.models.saved_tokenizers import load_tokenizer, save_tokenizer

Scale = Literal["full", "small"]

#: Shorter wiki paragraphs are captions, list items and stubs.
MIN_PARAGRAPH_CHARS = 60

#: What the gate demands of the demo's adapters: EGY must improve; the other varieties are
#: reported. Toy models cannot translate or answer, so no other metric keeps its default rule.
#: Forty items are what the small scale measures; thirty are enough for a gain of several per cent.
POLICY = {
    "min_items": 30,
    "improve": ["egy"],
    "varieties": ["egy"],
    "rules": {
        "bits_per_char": {"margin": 0.0},
        "bleu": None,
        "chrf++": None,
        "f1": None,
        "acc": None,
    },
}


#: Exit statuses with which the gate wrote a report: passed, stopped, undecided.
GATE_DECIDES = (0, 1, 3)


@dataclass(frozen=True)
class Plan:
    """Sizes of one demo run.

    Attributes:
        data: folder with wiki/ and flores200/ (the layout of real data), None for packaged text.
        corpus_bytes: UTF-8 bytes of wiki text read per variety.
        toy: shape of the base.
        adapter_steps: optimizer steps of the adapter.
        limit: documents per task, None for all.
        gen_tokens: longest generated answer.
    """

    data: str | None
    corpus_bytes: int
    toy: ToySize
    adapter_steps: int
    limit: int | None
    gen_tokens: int


def plan_for(data: str | None, scale: Scale) -> Plan:
    """Sizes for packaged or real text, in full or reduced for CI."""
    if data is None:
        plan = Plan(None, 0, ToySize(vocab_size=1024, steps=240, learning_rate=2e-3), 60, None, 24)
    else:
        toy = ToySize(vocab_size=3072, steps=1000)
        plan = Plan(data, 4_000_000, toy, 200, 200, 16)
    if scale == "small":
        toy = replace(plan.toy, steps=plan.toy.steps // 4)
        plan = replace(
            plan, toy=toy, adapter_steps=40, limit=40, corpus_bytes=400_000, gen_tokens=8
        )
    return plan


def run_demo(output: str, data: str | None, scale: Scale, say: Say) -> Path:
    """Run or continue the demo; returns the HTML report.

    Raises:
        UsageError: `data` lacks wiki/ or flores200/.
        ArabenchError: a step failed, or the gate decided otherwise than it must.
    """
    plan = plan_for(data, scale)
    if data is not None:
        _check_data(Path(data))
    folder = Path(output)
    shop = Workshop(folder, say, total=10)
    settings = asdict(plan)
    arabench = executable("arabench")

    recipe = _recipe(plan, folder)
    measured = [plan.limit, plan.gen_tokens, plan.data]
    step = shop.step
    step("collect raw text", settings, ["raw/egy.jsonl"], lambda: _collect(plan, folder / "raw"))
    step("normalize", "llm", ["clean/egy.jsonl"], lambda: _normalize(shop, arabench))
    step(
        "build a toy base", asdict(plan.toy), ["base/config.json"], lambda: _base(plan, folder, say)
    )
    step("store the base in NF4", "nf4", ["base-nf4/config.json"], lambda: _store_nf4(folder))
    step("train", recipe, ["run/adapter/arabench.json"], lambda: _train(shop, arabench, recipe))
    step("damage a copy", "negate", ["damaged/adapter_config.json"], lambda: _damage(folder))
    for name, model in model_arguments(folder).items():
        step(
            f"measure the {name} with lm_eval",
            [name, *measured],
            [f"results/{name}"],
            partial(_measure, shop, plan, name, model),
        )
    step("gate and report", POLICY, ["report.html"], lambda: _guard(shop, arabench, plan))
    return folder / "report.html"


def _check_data(data: Path) -> None:
    for part in ("wiki/ar.tsv", "wiki/arz.tsv", "flores200"):
        if not (data / part).exists():
            raise UsageError(
                f"--data {str(data)!r} has no {part}. It must hold wiki/ar.tsv, wiki/arz.tsv "
                "(doc_id, paragraph) and flores200/*.txt; without --data the packaged text is used."
            )


def _collect(plan: Plan, raw: Path) -> None:
    """Raw text per variety as JSON lines."""
    from arabench.evaluation.data.parallel import load_parallel
    from arabench.evaluation.data.source import Source

    for variety, wiki in (("msa", "ar"), ("egy", "arz")):
        if plan.data is not None:
            texts = _wiki(Path(plan.data) / "wiki" / f"{wiki}.tsv", plan.corpus_bytes)
        else:
            corpus = files("arabench.demo").joinpath("data", f"{variety}.txt")
            texts = corpus.read_text(encoding="utf-8").splitlines()
            texts += [
                item.texts[variety] for item in load_parallel(Source()) if item.split == "train"
            ]
        rows = (
            json.dumps({"text": text, "variety": variety}, ensure_ascii=False) for text in texts
        )
        write_text_atomically(raw / f"{variety}.jsonl", "\n".join(rows) + "\n")


def _wiki(path: Path, limit_bytes: int) -> list[str]:
    texts, size = [], 0
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            text = line.rstrip("\n").partition("\t")[2]
            size += len(text.encode("utf-8"))
            if size > limit_bytes:
                break
            if len(text) >= MIN_PARAGRAPH_CHARS:
                texts.append(text)
    return texts


def _normalize(shop: Workshop, arabench: str) -> None:
    raw = [str(shop.folder / "raw" / f"{variety}.jsonl") for variety in ("msa", "egy")]
    shop.command([arabench, "normalize", *raw, "-o", str(shop.folder / "clean"), "--preset", "llm"])


def _texts(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def _base(plan: Plan, folder: Path, say: Say) -> None:
    from arabench.demo.base_model import build_base

    every = max(1, plan.toy.steps // 6)

    def on_step(step: int, loss: float) -> None:
        if step % every == 0:
            say(f"    base: step {step}/{plan.toy.steps}, loss {loss:.3f} nats per token")

    losses = build_base(_texts(folder / "clean" / "msa.jsonl"), folder / "base", plan.toy, on_step)
    write_text_atomically(folder / "base-losses.json", json.dumps(losses))


def _store_nf4(folder: Path) -> None:
    """Save the base in NF4: lm_eval's own load_in_4bit does not work with transformers 5."""
    import torch
    from transformers import AutoModelForCausalLM

    source, target = folder / "base", folder / "base-nf4"
    model = AutoModelForCausalLM.from_pretrained(
        source, quantization_config=nf4("float32"), dtype=torch.float32, use_safetensors=True
    )
    model.save_pretrained(target)
    save_tokenizer(load_tokenizer({"pretrained_model_name_or_path": str(source)})[0], target)
    made_from = {"base_sha256": weights_sha256(inspect_base(str(source)).weights)}
    write_text_atomically(target / RECORD_NAME, json.dumps(made_from))


def _recipe(plan: Plan, folder: Path) -> dict[str, Any]:
    """The paper's recipe at the size of a toy: larger rate, fewer steps, float32 on CPU."""
    return {
        "output_dir": str(folder / "run"),
        "device": "cpu",
        "base": {"name": str(folder / "base")},
        "data": {"source": str(folder / "clean" / "egy.jsonl")},
        "quantization": {"compute_dtype": "float32"},
        "training": {
            "max_steps": plan.adapter_steps,
            "batch_size": 8,
            "gradient_accumulation": 1,
            "learning_rate": 2.0e-3,
            "warmup_steps": 5,
            "max_length": 128,
            "gradient_checkpointing": False,
            "save_every": 20,
        },
    }


def _train(shop: Workshop, arabench: str, recipe: dict[str, Any]) -> None:
    import yaml

    path = shop.folder / "recipe.yaml"
    write_text_atomically(path, yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True))
    shop.command([arabench, "train", str(path), "--overwrite"])


def _damage(folder: Path) -> None:
    """A copy of the adapter whose updates point the other way, three times as far."""
    from safetensors.torch import load_file, save_file

    source, target = folder / "run" / "adapter", folder / "damaged"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    weights = load_file(source / "adapter_model.safetensors")
    damaged = {name: -3 * value if "lora_B" in name else value for name, value in weights.items()}
    save_file(damaged, target / "adapter_model.safetensors", metadata={"format": "pt"})


def model_arguments(folder: Path) -> dict[str, str]:
    """lm_eval's --model_args for the base, the adapter and the damaged adapter."""
    base = f"pretrained={folder / 'base-nf4'}"
    return {
        "base": base,
        "adapter": f"{base},peft={folder / 'run' / 'adapter'}",
        "damaged": f"{base},peft={folder / 'damaged'}",
    }


def _measure(shop: Workshop, plan: Plan, name: str, model: str) -> None:
    output = shop.folder / "results" / name
    shutil.rmtree(output, ignore_errors=True)
    command = [
        executable("lm_eval"),
        "--tasks", "arabench_dialects",
        "--model", "hf",
        "--model_args", model,
        "--device", "cpu",
        "--batch_size", "128",
        "--gen_kwargs", f"max_gen_toks={plan.gen_tokens}",
        "--output_path", str(output),
        "--log_samples",
    ]  # fmt: skip
    if plan.limit is not None:
        command += ["--limit", str(plan.limit)]
    if plan.data is not None:
        command += ["--metadata", json.dumps({"arabench_data": f"{plan.data}/flores200"})]
    shop.command(command)


def _guard(shop: Workshop, arabench: str, plan: Plan) -> None:
    import yaml

    from arabench.demo.report import write_report

    folder = shop.folder
    policy = folder / "gate.yaml"
    write_text_atomically(policy, yaml.safe_dump(POLICY, sort_keys=False))
    codes = {}
    for name in ("adapter", "damaged"):
        codes[name] = shop.command(
            [
                arabench, "gate", str(folder / "results" / "base"), str(folder / "results" / name),
                "--policy", str(policy),
                "--markdown", str(folder / f"gate-{name}.md"),
                "--junit", str(folder / f"gate-{name}.xml"),
            ],
            allowed=GATE_DECIDES,
        )  # fmt: skip
    write_report(folder, plan.data, codes, shop.seconds)
    wrong = _unexpected(codes)
    if wrong:
        raise ArabenchError(f"{wrong} See {folder}/gate-*.md.")


def _unexpected(codes: dict[str, int]) -> str:
    if codes["adapter"] != 0:
        return "the gate did not pass the trained adapter, which it must let through on EGY."
    if codes["damaged"] != 1:
        return "the gate did not stop the damaged adapter, which it must."
    return ""
