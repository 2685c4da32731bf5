#!/usr/bin/env bash
# transformers 5.23.0: a tokenizer saved by save_pretrained (class PreTrainedTokenizerFast) is read back as it
# is by AutoTokenizer, until a config.json of a Qwen2 model lies beside it. Then AutoTokenizer builds a
# Qwen2Tokenizer out of vocabulary and merges: normalizer and words of tokenizer.json are replaced by Qwen2's,
# <|endoftext|> is added as a token that the model has no row for, texts become other ids; no warning. Saved
# once more, the folder names that class, and gives other ids without the config.json as well.
# Expected by an engineer: the ids of tokenizer.json, as beside a Qwen3 or Llama model.
#
# Seen on 2026-11-30, Python 3.11:
#   alone: TokenizersBackend, same ids; beside qwen3: same ids; beside llama: same ids
#   beside qwen2: Qwen2Tokenizer, other ids, one token more; saved again and alone: other ids
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
$pip install transformers==5.23.0 tokenizers==0.23.3
cd "$work"
HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'PY' 2>"$work/log" || { tail -n 20 "$work/log"; exit 1; }
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

inner = Tokenizer(models.BPE())
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
text = "pages 2024 and 2025, قَرَأَ"
inner.train_from_iterator([text] * 9, trainers.BpeTrainer(
    vocab_size=300, special_tokens=["</s>"], show_progress=False,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
))
saved = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>")
wanted = saved(text)["input_ids"]

def look(folder, name):
    found = AutoTokenizer.from_pretrained(folder)
    same = found(text)["input_ids"] == wanted
    print(f"{name}: {type(found).__name__}, {'same' if same else 'other'} ids, {len(found) - len(saved)} tokens more")
    return found, same

results = {}
saved.save_pretrained("alone")
results["alone"] = look("alone", "alone")[1]
for kind in ("qwen3", "llama", "qwen2"):
    saved.save_pretrained(kind)
    Path(kind, "config.json").write_text(json.dumps({"model_type": kind}))
    found, results[kind] = look(kind, f"beside {kind}")
assert len(found) == len(saved) + 1, "this has changed"
found.save_pretrained("again")
results["again"] = look("again", "saved again and alone")[1]
expected = {"alone": True, "qwen3": True, "llama": True, "qwen2": False, "again": False}
assert results == expected, f"this has changed: {results}"
PY
