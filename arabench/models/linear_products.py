"""Products of a model's linear layers on CPUs, by oneDNN.

For float32 torch asks MKL, which keeps to AVX2 on processors that are not Intel's; oneDNN, in the
same build of torch, takes what the processor has (2.1 times as fast on an EPYC with AVX-512, see
docs/log.md). Weights stay as they are: nothing is packed, and no memory is added.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

#: Rows of activations from which on the call pays.
_LEAST_ROWS: Final = 16
#: Tokens of a pass from which on watching its calls pays.
_LEAST_TOKENS: Final = 64
#: By how much float32 products of the trial may differ.
_CLOSE: Final = 1e-4


def fast_products(device: torch.device, tokens: int) -> contextlib.AbstractContextManager[object]:
    """Within it oneDNN multiplies linear layers in float32 on a CPU; other calls are as ever.

    Args:
        device: of the model; on others than a CPU nothing changes.
        tokens: of the pass, padding among them. Every call of torch costs a microsecond more
            within, so that a pass over few tokens, as in answering, is better left alone.
    """
    if device.type != "cpu" or tokens < _LEAST_TOKENS or not _works():
        return contextlib.nullcontext()
    found: contextlib.AbstractContextManager[object] = _mode_class()()
    return found


@functools.cache
def _works() -> bool:
    """Whether this build of torch has the product, and it is right; tried once."""
    import torch

    if not torch._C._has_mkldnn:
        return False
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(2, _LEAST_ROWS, 24, generator=generator)
    weight, bias = (torch.randn(*size, generator=generator) for size in ((40, 24), (40,)))
    try:
        with torch.no_grad():
            found = [_product(rows, weight, one) for one in (None, bias)]
            wanted = [torch.nn.functional.linear(rows, weight, one) for one in (None, bias)]
    except (RuntimeError, AttributeError):  # a build without this operator
        return False
    return all(
        torch.allclose(one, other, rtol=_CLOSE, atol=_CLOSE)
        for one, other in zip(found, wanted, strict=True)
    )


def _product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    import torch

    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
        rows.contiguous(), weight, bias, "none", [], ""
    )
    return found


@functools.cache
def _mode_class() -> type[contextlib.AbstractContextManager[object]]:
    import torch
    from torch.overrides import TorchFunctionMode

    linear = torch.nn.functional.linear
    plain = (torch.Tensor, torch.nn.Parameter)

    def is_plain(tensor: object) -> bool:
        return (
            type(tensor) in plain
            and tensor.dtype is torch.float32  # type: ignore[attr-defined]
            and tensor.device.type == "cpu"  # type: ignore[attr-defined]
        )

    class FastProducts(TorchFunctionMode):
        """Takes calls of `linear` in its thread."""

        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Sequence[type],
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:
            if func is linear and not kwargs:
                rows, weight, *rest = args
                bias = rest[0] if rest else None
                if (
                    is_plain(rows)
                    and is_plain(weight)
                    and weight.is_contiguous()
                    and rows.numel() >= _LEAST_ROWS * weight.shape[1]
                    and (bias is None or is_plain(bias))
                    and not torch.is_grad_enabled()
                    and not torch.is_autocast_enabled("cpu")
                ):
                    return _product(rows, weight, bias)
            return func(*args, **(kwargs or {}))

    return FastProducts
