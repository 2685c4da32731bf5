"""What share of the adapter training moved: its values before the first step are kept meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

#: In the folder of checkpoints.
INITIAL_NAME: Final = "initial.safetensors"


def keep_initial(model: torch.nn.Module, folder: Path, *, again: bool) -> None:
    """Write the trainable values, unless those of this run are there.

    Args:
        model: before its first step in this process.
        folder: of checkpoints.
        again: a run begins; else it goes on, and what was kept when it began stays.
    """
    from safetensors.torch import save_file

    file = folder / INITIAL_NAME
    if file.exists() and not again:
        return
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    values = {name: value.detach().cpu().contiguous() for name, value in _trainable(model)}
    save_file(values, partial)
    partial.replace(file)


def share_moved(model: torch.nn.Module, folder: Path) -> float:
    """Share of the trainable numbers that differ from those that were kept, 0 to 1.

    Rounding swallows updates that are small beside a number: in bfloat16 nearly all of those of a
    learning rate of 1e-6.
    """
    from safetensors import safe_open

    moved = total = 0
    with safe_open(str(folder / INITIAL_NAME), "pt") as kept:
        for name, value in _trainable(model):
            moved += int((value.detach().cpu() != kept.get_tensor(name)).sum())
            total += value.numel()
    return moved / total


def _trainable(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, value) for name, value in model.named_parameters() if value.requires_grad]
