"""What a BOS counted as text costs: lm-eval's own rolling likelihood beside ours.

    python tests/bench/bench_own_tokens.py [wiki/ar.tsv]

A toy of the Llama type (its tokenizer adds BOS) is trained on the packaged MSA text, or on a
file of (doc_id, paragraph) lines, for a minute. Bits per character of the packaged sentences are
then those of lm-eval 0.4.13 by itself, of arabench inside it, and of a forward pass written here.
"""

from __future__ import annotations

import math
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.evaluation.harness import backends
from arabench.varieties import VARIETIES

STEPS, BATCH, CONTEXT, SEED = 300, 12, 128, 0


def read(arguments: list[str]) -> list[str]:
    """Training texts."""
    if arguments:
        lines = Path(arguments[0]).read_text(encoding="utf-8").splitlines()[:6000]
        return [text for line in lines if len(text := line.partition("\t")[2]) > 60]
    return files("arabench.demo").joinpath("data", "msa.txt").read_text("utf-8").splitlines()


def tokenizer_of(texts: list[str]) -> Any:
    """Byte-level BPE that puts BOS in front, as Llama 3's does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=2048,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    inner.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    roles = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **roles)


def train(texts: list[str], tokenizer: Any) -> Any:
    """A small Llama that has seen every text after one BOS."""
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=384, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
        bos_token_id=0, eos_token_id=1, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rows = [tokenizer(text)["input_ids"][:CONTEXT] for text in texts]
    generator = torch.Generator().manual_seed(SEED)
    for step in range(STEPS):
        chosen = [rows[i] for i in torch.randint(len(rows), (BATCH,), generator=generator)]
        width = max(map(len, chosen))
        inputs = torch.tensor([row + [1] * (width - len(row)) for row in chosen])  # (B, T)
        labels = torch.tensor([row + [-100] * (width - len(row)) for row in chosen])
        loss = model(input_ids=inputs, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            print(f"step {step}/{STEPS}, loss {float(loss.detach()):.2f}", file=sys.stderr)
    return model.eval()


def by_hand(model: Any, tokenizer: Any, text: str) -> float:
    """Natural-log likelihood of a text after one BOS."""
    ids = tokenizer(text)["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0].double()
    return float(logits.log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None]).sum())


def main() -> None:
    """Train, measure three ways, print."""
    texts = read(sys.argv[1:])
    tokenizer = tokenizer_of(texts)
    model = train(texts, tokenizer)
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=16)
    print("| | lm-eval alone | arabench | by hand | lm-eval / by hand |\n|---|---|---|---|---|")
    for variety in VARIETIES:
        sentences = [i.texts[variety] for i in load_parallel(Source()) if i.split == "test"]
        plain = [Instance("loglikelihood_rolling", {}, (text,), 0) for text in sentences]
        theirs = lm.loglikelihood_rolling(plain, disable_tqdm=True)
        marked = [Instance("loglikelihood_rolling", {}, (text,), 0) for text in sentences]
        backends.mark(marked)
        ours = lm.loglikelihood_rolling(marked, disable_tqdm=True)
        hand = [by_hand(model, tokenizer, text) for text in sentences]
        characters = sum(map(len, sentences))
        bits = [-sum(row) / math.log(2) / characters for row in (theirs, ours, hand)]
        shown = " | ".join(f"{value:.4f}" for value in bits)
        print(f"| {variety.upper()} | {shown} | {bits[0] / bits[2]:.3f} |")


if __name__ == "__main__":
    main()
