"""Loading a base model for measuring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from arabench.errors import ArabenchError, UsageError
from arabench.models.checkpoints import is_local
from arabench.models.devices import (
    DtypeName,
    compute_in,
    disable_cpu_repacking,
    nf4,
    pick_device,
    pick_precision,
)
from arabench.models.hub import require_reachable
from arabench.models.kinds import check_causal


@dataclass(frozen=True)
class BaseRequest:
    """How to load a base.

    Attributes:
        name: a local folder or a hub name.
        bits: 4 quantizes to NF4 on loading; 16 loads a folder as it says of itself.
    """

    name: str
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    bits: Literal[4, 16] = 16
    allow_pickle: bool = False
    trust_remote_code: bool = False


@dataclass(frozen=True)
class Base:
    """A loaded base, ready to be measured.

    Attributes:
        model, tokenizer: of transformers.
        dtype: type of its weights (of those that are not quantized) and products.
        why: why that type was taken, in words.
    """

    model: Any
    tokenizer: Any
    device: str
    dtype: DtypeName
    why: str


def load_base(request: BaseRequest) -> Base:
    """Load from safetensors only (unless pickles are allowed), in the type that suits the device.

    Raises:
        UsageError: no such device, no causal language model, or whatever the libraries make of
            a broken folder.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    device = pick_device(request.device)
    precision = pick_precision(request.dtype, device)
    # Only when asked for: an explicit None would undo what a quantized folder says of itself.
    quantized = request.bits == 4
    quantization = {"quantization_config": nf4(precision.dtype)} if quantized else {}
    name = request.name
    source: dict[str, Any] = {"trust_remote_code": request.trust_remote_code}
    if is_local(name):
        name = str(Path(name).expanduser())
    else:
        source["local_files_only"] = require_reachable(name)
    try:
        check_causal(AutoConfig.from_pretrained(name, **source))
        tokenizer = AutoTokenizer.from_pretrained(name, **source)
        model = AutoModelForCausalLM.from_pretrained(
            name, dtype=getattr(torch, precision.dtype), device_map={"": device},
            use_safetensors=None if request.allow_pickle else True,
            **source, **quantization,
        )  # fmt: skip
    except ArabenchError:
        raise
    except Exception as error:  # whatever the libraries make of a broken folder
        raise UsageError(
            f"model {request.name!r} could not be loaded: {type(error).__name__}: "
            f"{str(error)[:400]}"
        ) from error
    disable_cpu_repacking(model)
    compute_in(model, precision.dtype)
    model.eval()
    return Base(model, tokenizer, device, precision.dtype, precision.reason)
