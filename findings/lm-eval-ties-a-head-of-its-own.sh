#!/usr/bin/env bash
# lm-eval 0.4.13 (transformers 5.23.0): a checkpoint whose head differs from its embedding, while its
# config.json says tie_word_embeddings, is loaded by transformers as it is: both matrices, logits equal to
# those it was saved with. lm-eval's HFLM then calls tie_weights(), the head is lost, and another model is
# measured, without a word. Expected by an engineer: lm-eval measures what from_pretrained returns.
#
# Seen on 2026-11-30, Python 3.11, CPU:
#   from_pretrained: largest logit difference to the saved model 0.00
#   HFLM(pretrained=folder): largest logit difference to the saved model > 1, and head is embedding: True
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
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(0)
words = {word: index for index, word in enumerate(["</s>", "a", "b", "c"])}
inner = Tokenizer(models.WordLevel(words, unk_token="</s>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="</s>")
config = LlamaConfig(
    vocab_size=4, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
    tie_word_embeddings=True,
)
model = LlamaForCausalLM(config).eval()
model.lm_head.weight = torch.nn.Parameter(torch.randn(4, 32))
model.save_pretrained("model")
tokenizer.save_pretrained("model")
ids = torch.tensor([[1, 2, 3]])

def apart(other):
    with torch.no_grad():
        return float((other(ids).logits - model(ids).logits).abs().max())

loaded = AutoModelForCausalLM.from_pretrained("model").eval()
measured = HFLM(pretrained="model", device="cpu").model
same = bool((measured.lm_head.weight == measured.model.embed_tokens.weight).all())
print(f"from_pretrained: largest logit difference to the saved model {apart(loaded):.2f}")
print(f"HFLM: largest logit difference to the saved model {apart(measured):.2f}, head is embedding: {same}")
assert apart(loaded) == 0 and apart(measured) > 1 and same, "this has changed"
PY
