"""Where and in what precision models run: shared by the trainer and the runner."""

from __future__ import annotations

from typing import Any

from arabench.errors import UsageError


def pick_device(wanted: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: CUDA is asked for and there is none.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("device is 'cuda' but torch sees no CUDA device. Use 'auto' or 'cpu'.")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def nf4(compute_dtype: str, double_quantization: bool = True) -> Any:
    """The bitsandbytes configuration of NF4 weights (Dettmers et al. 2023)."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=double_quantization,
        bnb_4bit_compute_dtype=getattr(torch, compute_dtype),
    )


def disable_cpu_repacking(model: Any) -> None:
    """Keep bitsandbytes from repacking 4-bit weights on CPUs with AVX512-BF16.

    A forward without gradients repacks them there, after which training fails loudly on
    Qwen2 and silently on Qwen3 (bitsandbytes 0.50).
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
