"""Forward passes of a causal model that compute logits only where they are asked for.

The head of a large vocabulary costs as much as the layers below it: its input is cut to the places
that are read, so that softcaps and scales behind it stay the model's own business. A beginning that
many rows share is read once, and the rows go on from its keys and values.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from arabench.models.linear_products import fast_products
from arabench.models.token_rows import Ints

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedConfig, PreTrainedModel
    from transformers.cache_utils import Cache

#: Rotary embeddings whose angles depend on how long the whole row is.
_LENGTH_ROPE: Final = frozenset({"dynamic", "longrope"})
#: Attention that takes a mask with gaps.
_MASKED_ATTENTION: Final = frozenset({"sdpa", "eager"})
#: Families that count places from the mask and take no position ids.
_COUNTS_MASK: Final = frozenset({"bloom"})
#: By how much a logit may move when a row is read on kept keys instead of whole. More means that
#: the model does not count places as it is told to.
_DRIFT: Final = 1e-3
_DRIFT_HALF: Final = 0.5


@dataclass(frozen=True)
class Places:
    """Where logits are read.

    Attributes:
        row, column: in the ids of the pass, (N,); virtual tokens of an adapter do not count.
    """

    row: Ints
    column: Ints


_NOWHERE: Final = Places(np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Kept:
    """Keys and values of beginnings, one row each.

    Attributes:
        cache: what the model left, padded on the right to the longest.
        lengths: tokens of each row.
    """

    cache: Cache
    lengths: tuple[int, ...]


class CausalReader:
    """A loaded causal model, with or without an adapter, asked for logits.

    Attributes:
        model: as given, in evaluation mode.
        device: of its embedding, where ids go.
        vocabulary: rows of its head.
        length_matters: whether a token's logits depend on how much follows it, so that rows are
            read whole and beside rows of their own length only.
        window: tokens that rows on kept keys may have, 0 where a model allows none of them.
        gaps: whether padding may stand between kept keys and what follows.
    """

    _keeps: bool | None = None

    def __init__(self, model: PreTrainedModel | PeftModel) -> None:
        self.model = model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._head = base.get_output_embeddings()
        self.device: torch.device = base.get_input_embeddings().weight.device
        config = base.config.get_text_config()
        self.vocabulary = int(
            self._head.weight.shape[0]
            if getattr(self._head, "weight", None) is not None
            else config.vocab_size
        )
        accepted = inspect.signature(base.forward).parameters
        self._takes_positions = "position_ids" in accepted
        learned = bool(getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", 0))
        late = getattr(getattr(model, "active_peft_config", None), "alora_invocation_tokens", None)
        # Prefix tuning hands its keys over as a cache.
        self._options = {} if learned or "use_cache" not in accepted else {"use_cache": False}
        self.length_matters = bool(late) or _rope_kind(config) in _LENGTH_ROPE
        places = self._takes_positions or config.model_type in _COUNTS_MASK
        plain = not (learned or self.length_matters) and places and "past_key_values" in accepted
        self.window = _window(base, config) if plain else 0
        attention = getattr(config, "_attn_implementation", None)
        alibi = bool(getattr(config, "alibi", False)) and config.model_type not in _COUNTS_MASK
        self.gaps = attention in _MASKED_ATTENTION and not alibi

    def read(self, rows: Sequence[Ints], places: Places) -> torch.Tensor:
        """Logits (N, vocabulary) of rows padded on the right, which a causal model does not see."""
        return self._run(self._padded(rows), places, self._options)[0]

    def keep(self, rows: Sequence[Ints], places: Places = _NOWHERE) -> tuple[torch.Tensor, Kept]:
        """As `read`, with the keys and values of the rows."""
        from transformers import DynamicCache

        base = self._base_config()
        options: dict[str, Any] = {"use_cache": True, "past_key_values": DynamicCache(config=base)}
        logits, cache = self._run(self._padded(rows), places, options)
        return logits, Kept(cache, tuple(len(row) for row in rows))

    def read_on(
        self, kept: Kept, stems: Sequence[int], rows: Sequence[Ints], places: Places
    ) -> torch.Tensor:
        """Logits of rows that go on from kept ones.

        Args:
            kept: stays as it is.
            stems: the kept row of each row.
            rows: ids behind the kept ones.
            places: among `rows`.
        """
        import torch

        ids = self._padded(rows)
        lengths = torch.tensor([kept.lengths[stem] for stem in stems], device=self.device)  # (B,)
        options: dict[str, Any] = {
            "use_cache": True,
            "past_key_values": self.branch(kept, stems),
        }
        steps = torch.arange(ids.shape[1], device=self.device)
        if self._takes_positions:
            options["position_ids"] = lengths[:, None] + steps  # (B, T)
        longest = max(kept.lengths)
        if min(kept.lengths) < longest or not self._takes_positions:
            before = torch.arange(longest, device=self.device) < lengths[:, None]
            options["attention_mask"] = torch.cat(
                [before.long(), torch.ones_like(ids)], dim=1
            )  # (B, longest + T)
        return self._run(ids, places, options)[0]

    def keeps(self, row: Ints, length: int) -> bool:
        """Whether reading on kept keys gives what reading whole rows gives; tried once.

        Args:
            row: ids.
            length: tokens of it that are kept, fewer than all.
        """
        if self._keeps is None:
            parts = [(row[:length], row[length:])]
            if self.gaps and length > 1:
                parts.append((row[: length // 2], row[length:]))
            ends = np.asarray([len(before) + len(rest) - 1 for before, rest in parts])
            numbers = np.arange(len(parts))
            whole = self.read(
                [np.concatenate(part) for part in parts], Places(numbers, ends)
            ).double()
            _, kept = self.keep([before for before, _ in parts])
            last = np.full(len(parts), len(row) - length - 1)
            rest = [rest for _, rest in parts]
            found = self.read_on(kept, numbers.tolist(), rest, Places(numbers, last))
            largest = _DRIFT if found.dtype.itemsize >= 4 else _DRIFT_HALF
            self._keeps = bool((whole - found.double()).abs().max() <= largest)
        return self._keeps

    def branch(self, kept: Kept, stems: Sequence[int]) -> Cache:
        """A cache of its own for rows that go on from kept ones."""
        import copy

        import torch

        index = torch.tensor(list(stems), device=self.device)
        branched = copy.copy(kept.cache)
        branched.layers = [copy.copy(layer) for layer in kept.cache.layers]
        for layer in branched.layers:
            if layer.keys is None:  # a layer that shares another's
                continue
            # A view of one row is not copied before the model appends to it.
            one = layer.keys.shape[0] == 1
            size = (len(stems), -1, -1, -1)
            where = index.to(layer.keys.device)
            layer.keys = layer.keys.expand(size) if one else layer.keys[where]
            layer.values = layer.values.expand(size) if one else layer.values[where]
        return branched

    def begin(self, rows: Sequence[Ints], kept: Kept | None) -> Decoding:
        """Read prompts, padded on the left, that answers go on from.

        Args:
            rows: prompts, or what follows the one kept row in each.
            kept: one row that stands before all of them; stays as it is.
        """
        import torch
        from transformers import DynamicCache

        before = kept.lengths[0] if kept else 0
        width = max(len(row) for row in rows)
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.ones((len(rows), before + width), dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, width - len(row) :] = torch.from_numpy(row)
            ids[number, : width - len(row)] = int(row[0])
            mask[number, before : before + width - len(row)] = 0
        lengths = torch.tensor([before + len(row) for row in rows])
        cache = (
            self.branch(kept, [0] * len(rows)) if kept else DynamicCache(config=self._base_config())
        )
        state = Decoding(self, cache, mask.to(self.device), lengths.to(self.device))
        steps = torch.arange(width) - width
        state.advance(ids.to(self.device), (lengths[:, None] + steps).clamp_min(0))
        return state

    def step(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None, cache: Cache
    ) -> torch.Tensor:
        """Logits (B, vocabulary) of the last place of each row; the cache grows.

        Args:
            ids: (B, T).
            positions: (B, T).
            mask: of all that stands before and of `ids`, (B, ...); None where all of it counts.
        """
        options: dict[str, Any] = {"use_cache": True, "past_key_values": cache}
        if self._takes_positions:
            options["position_ids"] = positions.to(self.device)
        if mask is not None:
            options["attention_mask"] = mask
        last = np.full(len(ids), ids.shape[1] - 1)
        return self._run(ids, Places(np.arange(len(ids)), last), options)[0]

    def free_memory(self) -> None:
        """Give back what an attempt that did not fit has left."""
        import gc

        import torch

        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _base_config(self) -> PreTrainedConfig:
        model = self.model
        return model.get_base_model().config if hasattr(model, "get_base_model") else model.config

    def _padded(self, rows: Sequence[Ints]) -> torch.Tensor:
        import torch

        width = max(len(row) for row in rows)
        ids = np.empty((len(rows), width), np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            ids[number, len(row) :] = row[-1]  # models warn of rows that end in a padding token
        return torch.from_numpy(ids).to(self.device)

    def _run(
        self, ids: torch.Tensor, places: Places, options: dict[str, Any]
    ) -> tuple[torch.Tensor, Cache]:
        import torch

        row, column = torch.from_numpy(places.row), torch.from_numpy(places.column)
        products = fast_products(self.device, ids.numel())
        with torch.no_grad(), products, self._cut_head(ids.shape[1], row, column) as cut:
            output = self.model(input_ids=ids, **options)
        logits: torch.Tensor = output.logits
        if cut:
            return logits[0], getattr(output, "past_key_values", None)
        extra = logits.shape[1] - ids.shape[1]
        row, column = row.to(logits.device), column.to(logits.device)
        return logits[row, column + extra], getattr(output, "past_key_values", None)

    @contextmanager
    def _cut_head(
        self, width: int, row: torch.Tensor, column: torch.Tensor
    ) -> Iterator[list[bool]]:
        """Hand the head the hidden states of these places only; the list says that it was so."""
        import torch

        done: list[bool] = []
        if not isinstance(self._head, torch.nn.Module):
            yield done
            return

        def cut(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Any:
            hidden = inputs[0]
            done.append(True)
            extra = hidden.shape[1] - width  # virtual tokens come first
            chosen = hidden[row.to(hidden.device), column.to(hidden.device) + extra]
            return (chosen[None], *inputs[1:])

        handle = self._head.register_forward_pre_hook(cut)
        try:
            yield done
        finally:
            handle.remove()


@dataclass
class Decoding:
    """Rows that grow token by token.

    Attributes:
        mask: 0 where padding stands, (B, tokens).
        lengths: tokens of each row, padding aside, (B,).
        logits: of the next token, (B, vocabulary).
    """

    reader: CausalReader
    cache: Cache
    mask: torch.Tensor
    lengths: torch.Tensor

    def __post_init__(self) -> None:
        self._gaps = not bool(self.mask.all())

    def advance(self, ids: torch.Tensor, positions: torch.Tensor) -> None:
        """Read ids (B, T) at positions (B, T), which the mask holds already."""
        # Without gaps a model makes its own mask, which costs less than one that is given.
        mask = self.mask if self._gaps else None
        self.logits = self.reader.step(ids, positions, mask, self.cache)

    def append(self, tokens: torch.Tensor) -> None:
        """Read one more token of each row, (B,)."""
        import torch

        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        self.advance(tokens[:, None], self.lengths[:, None])
        self.lengths = self.lengths + 1

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        import torch

        index = torch.tensor(list(rows), device=self.mask.device)
        self.mask, self.lengths = self.mask[index], self.lengths[index]
        self._gaps = not bool(self.mask.all())
        self.logits = self.logits[index.to(self.logits.device)]
        for layer in self.cache.layers:
            if layer.keys is not None:
                layer.batch_select_indices(index.to(layer.keys.device))


def out_of_memory(error: Exception) -> bool:
    """Whether an error of torch says that memory ran out."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error)
        for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _rope_kind(config: PreTrainedConfig) -> str:
    stored = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    kinds = [stored, *(value for value in stored.values() if isinstance(value, dict))]
    found = [str(kind.get("rope_type") or kind.get("type") or "") for kind in kinds]
    return next((kind for kind in found if kind in _LENGTH_ROPE), "")


def _window(base: PreTrainedModel, config: PreTrainedConfig) -> int:
    """Tokens that every layer sees, if its cache is of the plain kind; else 0."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    if getattr(base, "_is_stateful", False):
        return 0
    try:
        layers = DynamicCache(config=base.config).layers
    except Exception:  # a configuration that names no layers it could be made for
        return 0
    if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return 0
    windows = [layer.sliding_window for layer in layers if hasattr(layer, "sliding_window")]
    # Older code keeps a window in its attention and not in its cache.
    named = getattr(config, "sliding_window", None) or getattr(config, "window_size", None)
    if isinstance(named, int) and getattr(config, "use_sliding_window", True):
        windows.append(named)
    return min(windows, default=1 << 30)
