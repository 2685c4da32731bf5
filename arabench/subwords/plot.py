"""The report as a figure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from arabench.files.atomic import atomic_writer

Cell = dict[str, Any]
#: Bars of a group fill this much of the place between two groups.
_GROUP_WIDTH: Final = 0.8


def plot_report(data: dict[str, Any], paths: list[Path]) -> None:
    """Draw fertility, premium, whole words, and the costs of spelling, with 95 % intervals.

    Args:
        data: of a report.
        paths: files to write, PNG or SVG by suffix.
    """
    import matplotlib

    matplotlib.use("Agg")
    # Without these two the same report would give another SVG in every run.
    matplotlib.rcParams["svg.hashsalt"] = "arabench"
    import matplotlib.pyplot as plt

    tokenizers = data["tokenizers"]
    labels = list(data["data"]["labels"])
    premiums = list(tokenizers[0]["premium"]["to_msa"])
    presets = list(tokenizers[0]["normalization"])
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), constrained_layout=True)
    _bars(axes[0, 0], "Fertility: tokens per word", tokenizers, labels, _measure("fertility"))
    _bars(
        axes[0, 1],
        "Premium: tokens for the same meaning, MSA = 1",
        tokenizers,
        premiums,
        lambda item, label: item["premium"]["to_msa"].get(label),
    )
    _bars(axes[1, 0], "Words kept whole (share)", tokenizers, labels, _measure("whole_words"))
    _bars(
        axes[1, 1],
        "Tokens by spelling: vocalised / bare, normalized / raw",
        tokenizers,
        ["vocalised", *presets],
        lambda item, name: (
            item["diacritics_cost"] if name == "vocalised" else item["normalization"][name]
        ),
    )
    for axis in (axes[0, 1], axes[1, 1]):
        axis.axhline(1, color="black", linewidth=0.8)
    axes[0, 0].legend(fontsize=8)
    for path in paths:
        kind = path.suffix.removeprefix(".")
        metadata = {"Date": None} if kind == "svg" else None
        with atomic_writer(str(path)) as stream:
            figure.savefig(stream, format=kind, dpi=110, metadata=metadata)
    plt.close(figure)


def _measure(name: str) -> Callable[[dict[str, Any], str], Cell]:
    def cell(tokenizer: dict[str, Any], label: str) -> Cell:
        found: Cell = tokenizer["by_label"][label][name]
        return found

    return cell


def _bars(
    axis: Any,
    title: str,
    tokenizers: list[dict[str, Any]],
    groups: list[str],
    cell_of: Callable[[dict[str, Any], str], Cell | None],
) -> None:
    width = _GROUP_WIDTH / len(tokenizers)
    for number, tokenizer in enumerate(tokenizers):
        found = [(place, cell_of(tokenizer, group)) for place, group in enumerate(groups)]
        shown = [(place, cell) for place, cell in found if cell and cell["value"] is not None]
        offset = (number - (len(tokenizers) - 1) / 2) * width
        values = [cell["value"] for _, cell in shown]
        errors = [
            [cell["value"] - _bound(cell, "low") for _, cell in shown],
            [_bound(cell, "high") - cell["value"] for _, cell in shown],
        ]
        axis.bar(
            [place + offset for place, _ in shown],
            values,
            width,
            yerr=errors if values else None,
            capsize=2,
            label=_plain_label(tokenizer["name"]),
        )
    names = [_plain_label(group.upper() if len(group) <= 3 else group) for group in groups]
    axis.set_xticks(range(len(groups)), names, rotation=0 if len(groups) <= 8 else 60)
    axis.set_title(title, fontsize=10)
    axis.grid(axis="y", alpha=0.3)


def _bound(cell: Cell, name: str) -> float:
    bound = cell[name]
    return float(cell["value"] if bound is None else bound)


def _plain_label(text: str) -> str:
    """A dollar sign would start a formula, an underscore at the start hides a label."""
    return text.replace("$", r"\$").lstrip("_") or "?"
