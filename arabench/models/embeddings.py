"""Embeddings of texts: the mean of a model's last hidden states over a text's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arabench.models.linear_products import fast_products
from arabench.models.token_rows import batches

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def mean_embeddings(
    model: PreTrainedModel | PeftModel, rows: Sequence[Sequence[int]], *, batch_tokens: int
) -> NDArray[np.float64]:
    """Mean over tokens of the last layer's output, (rows, hidden), in float64.

    Padding is not seen and does not count.

    Args:
        model: causal or an encoder, with or without an adapter.
        rows: ids of each text, none empty.
        batch_tokens: tokens of a batch, padding among them.
    """
    import torch

    base: PreTrainedModel = model.get_base_model() if hasattr(model, "get_base_model") else model
    inner = base.base_model
    pad = base.config.get_text_config().pad_token_id
    device = base.get_input_embeddings().weight.device
    found: dict[int, NDArray[np.float64]] = {}
    for batch in batches([len(row) for row in rows], [1] * len(rows), tokens=batch_tokens,
                         logits=len(rows)):  # fmt: skip
        width = max(len(rows[place]) for place in batch)
        ids = torch.full((len(batch), width), 0 if pad is None else int(pad))
        mask = torch.zeros((len(batch), width), dtype=torch.long)
        for number, place in enumerate(batch):
            ids[number, : len(rows[place])] = torch.tensor(list(rows[place]))
            mask[number, : len(rows[place])] = 1
        with torch.no_grad(), fast_products(device, ids.numel()):
            hidden = inner(
                input_ids=ids.to(device), attention_mask=mask.to(device)
            ).last_hidden_state.double()  # (B, T, H)
        seen = mask.to(device).double()[..., None]
        means = ((hidden * seen).sum(1) / seen.sum(1)).cpu().numpy()
        found.update(zip(batch, means, strict=True))
    return np.stack([found[place] for place in range(len(rows))])
