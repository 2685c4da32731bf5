"""Loading a base model: one loader for measuring and for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
from arabench.models.kinds import check_causal, check_masked, is_encoder
from arabench.models.saved_tokenizers import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class BaseRequest:
    """How to load a base.

    Attributes:
        name: a local folder or a hub name.
        bits: 4 quantizes to NF4 on loading, 8 to LLM.int8(); 16 loads a folder as it says of
            itself.
        double_quantization: quantize the constants of NF4 too.
        revision: branch, tag or commit of a hub name.
        local_files_only: whether a hub name is only looked for in the cache; None asks
            `require_reachable`.
        kind: what it has to be: a causal model, an encoder with its head, or either of them.
    """

    name: str
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    bits: Literal[4, 8, 16] = 16
    allow_pickle: bool = False
    trust_remote_code: bool = False
    double_quantization: bool = True
    revision: str | None = None
    local_files_only: bool | None = None
    kind: Literal["causal", "masked", "any"] = "causal"

    def locate(self) -> dict[str, Any]:
        """Where the base is, as keywords of `from_pretrained`; imports no torch.

        Raises:
            UsageError: no such model on the hub, or neither hub nor cache can give it.
        """
        local = is_local(self.name)
        source: dict[str, Any] = {
            "pretrained_model_name_or_path": str(Path(self.name).expanduser())
            if local
            else self.name,
            "revision": self.revision,
            "trust_remote_code": self.trust_remote_code,
        }
        if not local:
            only = self.local_files_only
            source["local_files_only"] = (
                require_reachable(self.name, self.revision) if only is None else only
            )
        return source


@dataclass(frozen=True)
class Base:
    """A loaded base, ready to be measured.

    Attributes:
        model, tokenizer: one belongs to the other.
        dtype: type of its weights (of those that are not quantized) and products.
        why: why that type was taken, in words.
        note: what is to be said of the tokenizer, empty if nothing is.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: str
    dtype: DtypeName
    why: str
    note: str = ""


def load_base(request: BaseRequest) -> Base:
    """A base and its tokenizer for measuring, in the type that suits the device.

    Raises:
        UsageError: no such device, a model of another kind than asked for, or whatever the
            libraries make of a broken folder.
    """
    from transformers import AutoConfig

    device = pick_device(request.device)
    precision = pick_precision(request.dtype, device)
    source = request.locate()
    try:
        config = AutoConfig.from_pretrained(**source)
        if request.kind == "causal" or (request.kind == "any" and not is_encoder(config)):
            check_causal(config)
        elif request.kind == "masked":
            check_masked(config)
        tokenizer, note = load_tokenizer(source)
    except ArabenchError:
        raise
    except Exception as error:  # whatever the libraries make of a broken folder
        raise not_loaded(f"model {request.name!r}", error) from error
    load = load_encoder if is_encoder(config) else load_model
    model = load(request, source, device, precision.dtype)
    model.eval()
    return Base(model, tokenizer, device, precision.dtype, precision.reason, note)


def load_model(
    request: BaseRequest,
    source: dict[str, Any],
    device: str,
    dtype: DtypeName,
    what: str = "model",
) -> PreTrainedModel:
    """The weights, from safetensors only unless pickles are allowed, ready to multiply.

    Args:
        request: what is loaded, and in how many bits.
        source: from `request.locate`.
        device: a torch device.
        dtype: of products, and of weights that are not quantized.
        what: what a message calls the model.

    Raises:
        UsageError: whatever the libraries make of a broken folder.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            **source,
            dtype=getattr(torch, dtype),
            device_map={"": device},
            use_safetensors=None if request.allow_pickle else True,
            **_quantization(request, dtype),
        )
    except ArabenchError:
        raise
    except Exception as error:  # whatever the libraries make of a broken folder
        raise not_loaded(f"{what} {request.name!r}", error) from error
    disable_cpu_repacking(model)
    compute_in(model, dtype)
    return model


def load_encoder(
    request: BaseRequest, source: dict[str, Any], device: str, dtype: DtypeName
) -> PreTrainedModel:
    """As `load_model`, an encoder with the head that predicts masked tokens.

    Raises:
        UsageError: the folder holds no such head where one is asked for, or is broken.
    """
    import torch
    from transformers import AutoModelForMaskedLM

    try:
        model, found = AutoModelForMaskedLM.from_pretrained(
            **source,
            dtype=getattr(torch, dtype),
            device_map={"": device},
            use_safetensors=None if request.allow_pickle else True,
            output_loading_info=True,
            **_quantization(request, dtype),
        )
    except Exception as error:  # whatever the libraries make of a broken folder
        raise not_loaded(f"model {request.name!r}", error) from error
    missing = sorted(found["missing_keys"])
    if missing and request.kind == "masked":
        raise UsageError(
            f"model {request.name!r} lacks {len(missing)} tensors of a masked language model (such "
            f"as {missing[0]!r}), which would be random: it was saved without its head, or "
            "trained for something else. Take the model that was pretrained, or measure its "
            "embeddings with --model-type probe."
        )
    disable_cpu_repacking(model)
    compute_in(model, dtype)
    loaded: PreTrainedModel = model
    return loaded


def not_loaded(what: str, error: Exception) -> UsageError:
    """The error for a model that the libraries could not load, with their first words."""
    return UsageError(f"{what} could not be loaded: {type(error).__name__}: {str(error)[:400]}")


def _quantization(request: BaseRequest, dtype: DtypeName) -> dict[str, Any]:
    """Keywords that quantize; none for 16 bits: a quantized folder then speaks for itself."""
    if request.bits == 16:
        return {}
    if request.bits == 4:
        return {"quantization_config": nf4(dtype, request.double_quantization)}
    from transformers import BitsAndBytesConfig

    return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
