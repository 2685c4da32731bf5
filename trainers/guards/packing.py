"""Whether a model keeps packed rows apart: what it says of one must not depend on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arabench.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Tokens of each of the two rows of the probe.
_TOKENS: Final = 12
#: Share of the largest logit by which those of the second row may differ.
_TOLERANCE: Final = 1e-3


def check_packing(model: PreTrainedModel, name: str) -> None:
    """Refuse a model to which rows in one pack are one text.

    Args:
        model: that will be trained, as it will be.
        name: of the base, for the message.

    Raises:
        UsageError: its logits of a row change with the row before it, or with its place.
    """
    import torch

    device = model.get_input_embeddings().weight.device
    vocabulary = model.get_input_embeddings().weight.shape[0]
    draw = torch.Generator().manual_seed(0)
    one, two, row = torch.randint(vocabulary, (3, _TOKENS), generator=draw).to(device)
    positions = torch.arange(_TOKENS, device=device)

    def logits(*rows: torch.Tensor) -> torch.Tensor:
        said = model(
            input_ids=torch.cat(rows)[None],
            position_ids=positions.repeat(len(rows))[None],
            use_cache=False,
        ).logits[0, -_TOKENS:]
        return said.float()  # type: ignore[no-any-return]

    training = model.training
    model.eval()
    with torch.no_grad():
        behind_one, behind_two, alone = logits(one, row), logits(two, row), logits(row)
    model.train(training)
    scale = float(alone.abs().max())
    leak = float((behind_one - behind_two).abs().max()) / scale
    # Half-precision sums in another order differ in their last bits.
    moved = float((behind_one - alone).abs().max()) / scale
    if leak > _TOLERANCE or moved > (_TOLERANCE if alone.dtype == model.dtype else 0.1):
        raise UsageError(
            f"{name!r} does not keep packed rows apart: what it says of a row changes by "
            f"{max(leak, moved):.2g} of its largest logit with the row before it. Set "
            "training.packing to false."
        )
