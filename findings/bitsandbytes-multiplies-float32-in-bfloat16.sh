#!/usr/bin/env bash
# bitsandbytes 0.50.2, on CPUs with AVX512-BF16: a Linear4bit with compute_dtype float32 and float32 inputs
# repacks its weights in the first forward without gradients and multiplies in bfloat16 from then on. The
# outputs are float32 and carry bfloat16's three digits; with gradients, or on a CPU without that
# instruction, they carry float32's seven. No message. Expected by an engineer: compute_dtype is the type
# that is computed in, and the same weights give the same numbers in training and evaluation.
#
# Seen on 2026-11-30, Python 3.11, a CPU with avx512_bf16 (error relative to the largest output):
#   against dequantized weights in float32: with gradients below 1e-5, without gradients above 1e-4
set -euo pipefail
grep -qw avx512_bf16 /proc/cpuinfo || { echo "this CPU has no AVX512-BF16: nothing to see here"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
$pip install torch==2.13.0 bitsandbytes==0.50.2
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>"$work/log" || { tail -n 20 "$work/log"; exit 1; }
import bitsandbytes as bnb
import torch

torch.manual_seed(0)
layer = bnb.nn.Linear4bit(256, 256, bias=False, compute_dtype=torch.float32, quant_type="nf4")
layer.load_state_dict({"weight": torch.randn(256, 256)})
layer = layer.to("cpu")
layer(torch.zeros(1, 256, requires_grad=True))  # quantizes
plain = bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
rows = torch.randn(8, 256)
exact = rows @ plain.T

def error(found):
    assert found.dtype == torch.float32
    return float((found - exact).abs().max() / exact.abs().max())

layer.train()
trained = error(layer(rows.clone().requires_grad_()).detach())
layer.eval()
with torch.no_grad():
    evaluated = error(layer(rows))
print(f"against dequantized weights in float32: with gradients {trained:.1e}, without {evaluated:.1e}")
assert trained < 1e-5 < 1e-4 < evaluated, "this has changed"
PY
