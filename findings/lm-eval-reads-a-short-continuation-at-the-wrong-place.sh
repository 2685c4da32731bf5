#!/usr/bin/env bash
# lm-eval 0.4.13 (transformers 5.23.0): two requests whose context and continuation are the same tokens but for
# the last one, divided otherwise, are answered from one forward pass (logits_cache, on by default). The logits
# are those of the longer continuation, and the shorter one is read from their front instead of their end: its
# log-likelihood is that of a token at another place, while is_greedy is right. No error; alone, or with
# logits_cache=False, the number is right. Winogrande-like tasks and long texts that repeat themselves meet this.
# Expected by an engineer: a request's log-likelihood does not depend on which others are asked with it.
# (Issue #2984 was the crash of the same case; the repair, #2987, made it silent.)
#
# Seen on 2026-11-30, Python 3.11, CPU: log-likelihood of "d" after "a b c"
#   alone and together without the cache equal; together with ("a b", "c e") off by more than 0.1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
$pip install torch==2.13.0
$pip install 'lm_eval[hf]==0.4.13' transformers==5.23.0 peft==0.21.2 datasets==5.2.0
cd "$work"
HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'PY' 2>"$work/log" || { tail -n 20 "$work/log"; exit 1; }
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(0)
words = {word: index for index, word in enumerate(["</s>", "a", "b", "c", "d", "e"])}
inner = Tokenizer(models.WordLevel(words, unk_token="</s>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="</s>")
config = LlamaConfig(vocab_size=6, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
model = LlamaForCausalLM(config).eval()
torch.nn.init.normal_(model.lm_head.weight, std=1.0)

def asked(pairs, **options):
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1, device="cpu", **options)
    requests = [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(pairs)]
    return [score for score, _ in lm.loglikelihood(requests, disable_tqdm=True)]

short, long = ("a b c", " d"), ("a b", " c e")
alone = asked([short])[0]
without = asked([short, long], logits_cache=False)[0]
together = asked([short, long])[0]
print(f"log-likelihood of 'd' after 'a b c': alone {alone:.4f}, without the cache {without:.4f}, together {together:.4f}")
assert abs(alone - without) < 1e-5 and abs(together - alone) > 0.1, "this has changed"
PY
