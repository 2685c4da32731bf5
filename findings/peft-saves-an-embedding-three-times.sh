#!/usr/bin/env bash
# PEFT 0.21.2 (transformers 5.23.0): after tokens were added, LoRA with
# modules_to_save=["embed_tokens", "lm_head"] writes each of the two matrices three times into
# adapter_model.safetensors: the trained copy under ".modules_to_save.weight" and once more under the plain
# name, and the untrained one under ".original_module.weight". Without added tokens it writes each once. Half a
# gigabyte of embedding becomes three of adapter, and a tool that compares keys with the configuration
# finds four that belong to nothing. Expected by an engineer: the trained copy, once.
#
# Seen on 2026-11-30, Python 3.11, CPU:
#   tokens added: False -> 2 matrices of the vocabulary's size in the file
#   tokens added: True -> 6 matrices of the vocabulary's size in the file
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
$pip install torch==2.13.0
$pip install transformers==5.23.0 peft==0.21.2
cd "$work"
HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'PY' 2>"$work/log" || { tail -n 20 "$work/log"; exit 1; }
import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
    tie_word_embeddings=False,
)
LlamaForCausalLM(config).save_pretrained("base")
counts = {}
for added in (False, True):
    model = AutoModelForCausalLM.from_pretrained("base")
    if added:
        model.resize_token_embeddings(66, mean_resizing=False)
    lora = LoraConfig(
        r=4, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"], task_type="CAUSAL_LM"
    )
    get_peft_model(model, lora).save_pretrained(f"adapter{added}")
    with safe_open(f"adapter{added}/adapter_model.safetensors", "pt") as file:
        sizes = [file.get_slice(key).get_shape() for key in file.keys()]
    counts[added] = sum(size[0] in (64, 66) and size[1] == 32 for size in sizes)
    print(f"tokens added: {added} -> {counts[added]} matrices of the vocabulary's size in the file")
assert counts == {False: 2, True: 6}, "this has changed"
PY
