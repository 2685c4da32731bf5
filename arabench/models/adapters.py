"""An adapter on a base: every tensor of it loaded, shown to be live, and taken off again.

PEFT warns of missing tensors and goes on; an adapter of another family loads without a word
where module names agree; some kinds rewrite the base as they load (PiSSA, OLoRA, trained
biases, saved embeddings). So keys are compared, logits are compared with those of the bare
base, and the base is loaded again when taking the adapter off did not bring them back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arabench.errors import UsageError
from arabench.models.bases import BaseRequest, load_base
from arabench.models.checkpoints import AdapterInfo
from arabench.models.devices import tokens_apart
from arabench.models.kinds import is_encoder
from arabench.models.saved_tokenizers import check_ids, load_tokenizer

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Largest absolute logit difference below which an adapter counts as doing nothing: far
#: under one bfloat16 step of a typical logit, far above float32 noise of one run.
DEAD_LOGITS: Final = 1e-6
#: Share of the largest logit by which a later token may change an earlier one: rounding of
#: quantized models stays far below it, attention to the future far above.
FUTURE_LOGITS: Final = 1e-3
#: Texts on which an adapter must show an effect.
PROBES: Final = (
    "كيف حالك اليوم؟",
    "إزيك عامل إيه النهارده؟",
    "شلونك اليوم؟",
    "شو أخبارك؟",
    "واش راك لاباس؟",
)
#: Layers that PEFT saves whole beside an adapter with added tokens, under several names.
_EMBEDDINGS: Final = re.compile(
    r"\.(embed_tokens|wte|word_embeddings|lm_head|embed_in|embed_out)"
    r"(\.modules_to_save|\.original_module|\.base_layer)?\.weight$"
)
_SLOT: Final = "arabench"


@dataclass(frozen=True)
class Effect:
    """What an adapter does to the model.

    Attributes:
        logits: largest absolute change of a logit on the probes.
        resolved: False where the number type of the model is too coarse to show the change.
    """

    logits: float
    resolved: bool = True


class Bench:
    """One base in memory, on which adapters are put and taken off one after the other.

    Attributes:
        model, tokenizer: the bare base's, or with an adapter on.
        device, dtype, why: where and in what type it was loaded, and why in that one.
        note: what is to be said of its tokenizer, empty if nothing is.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase

    def __init__(self, request: BaseRequest) -> None:
        """Load it.

        Raises:
            UsageError: it cannot be loaded, its tokenizer is another model's, its logits are no
                numbers, or it sees what it has to predict.
        """
        self._request = request
        self._load()
        self._bare = self._logits()
        if not _finite(self._bare):
            raise UsageError(
                f"model {request.name!r} gives logits that are no numbers (NaN or infinite) in "
                f"{self.dtype}. Its weights are damaged, or the type is too narrow: try --dtype "
                "float32."
            )
        if not is_encoder(self.model.config):
            _check_sees_no_future(self.model, self.tokenizer, self.device)

    def _load(self) -> None:
        base = load_base(self._request)
        self.model, self.tokenizer, self._own_tokenizer = base.model, base.tokenizer, base.tokenizer
        self.device, self.dtype, self.why = base.device, base.dtype, base.why
        self.note = base.note

    def _rows(self) -> int:
        return int(self.model.get_input_embeddings().weight.shape[0])

    def _logits(self) -> list[torch.Tensor]:
        """Logits of each probe in the base's own tokens, (T, vocabulary), on the CPU.

        Raises:
            UsageError: the tokenizer gives a token that the model has no row for.
        """
        import torch

        found = []
        with torch.no_grad():
            for text in PROBES:
                tokens = self._own_tokenizer(text)["input_ids"]
                check_ids(self.model, tokens)
                ids = torch.tensor([tokens], device=self.device)
                logits = self.model(input_ids=ids).logits[0]
                found.append(logits[-len(tokens) :].float().cpu())  # virtual tokens come first
        return found

    def attach(self, adapter: AdapterInfo, name: str) -> Effect:
        """Put an adapter on the bare base, with the tokenizer beside it where that has more tokens.

        Raises:
            UsageError: it does not fit, lacks tensors, holds others, or does nothing.
        """
        self.tokenizer = _tokenizer_of(adapter, self._own_tokenizer)
        rows = _saved_rows(adapter)
        if rows and rows != self._rows():
            _check_rows(adapter, rows, len(self.tokenizer))
            self.model.resize_token_embeddings(rows, mean_resizing=False)
        if self.tokenizer is not self._own_tokenizer:
            _check_rows(adapter, self._rows(), len(self.tokenizer))
        try:
            from peft import PeftModel

            self.model = PeftModel.from_pretrained(
                self.model, str(adapter.path), adapter_name=_SLOT
            )
        except Exception as error:  # wrong shapes, missing modules, damaged weights
            raise UsageError(
                f"adapter {adapter.path} does not fit this base model: {type(error).__name__}: "
                f"{str(error)[:300]}"
            ) from error
        self.model.eval()
        check_keys(self.model, adapter, _SLOT)
        return self._effect(name, adapter)

    def _effect(self, name: str, adapter: AdapterInfo) -> Effect:
        largest = 0.0
        found = self._logits()
        if not _finite(found):
            raise UsageError(
                f"adapter {name!r} ({adapter.path}) makes logits that are no numbers (NaN or "
                "infinite): its training diverged, or its file is damaged."
            )
        for with_adapter, bare in zip(found, self._bare, strict=True):
            width = min(with_adapter.shape[-1], bare.shape[-1])  # rows may have been added
            change = (with_adapter[:, :width] - bare[:, :width]).abs().max()
            largest = max(largest, float(change))
        if largest > DEAD_LOGITS:
            return Effect(largest)
        if self.dtype != "float32" and _changes_weights(self.model):
            return Effect(largest, resolved=False)
        raise UsageError(
            f"adapter {name!r} ({adapter.path}) does not change the model's output "
            f"(largest logit change {largest:.1e}). It is untrained, or was made for other modules."
        )

    def detach(self) -> bool:
        """Take the adapter off; True if the base had to be loaded again to be what it was."""
        import gc

        import torch

        self.tokenizer = self._own_tokenizer
        try:
            inner = self.model.base_model
            bare = inner.unload() if hasattr(inner, "unload") else self.model.get_base_model()
            # PEFT leaves its configuration behind, and warns of it at the next adapter.
            if hasattr(bare, "peft_config"):
                del bare.peft_config
            self.model = bare
            del inner, bare
            if all(map(torch.equal, self._logits(), self._bare)):
                return False
        except Exception:  # noqa: S110 - a kind that cannot be taken off is loaded over
            pass
        self.model = None  # before the next one is loaded: two may not fit
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._load()
        return True


def check_keys(model: PeftModel, adapter: AdapterInfo, slot: str) -> None:
    """Refuse an adapter file that lacks tensors of its own configuration, or holds others.

    Raises:
        UsageError: naming how many of each, and one.
    """
    from peft.utils import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(str(adapter.weights), "pt") as file:
        saved = set(file.keys())
    wanted = set(get_peft_model_state_dict(model, adapter_name=slot, save_embedding_layers=False))
    missing = sorted(wanted - saved)
    beyond = sorted(key for key in saved - wanted if not _EMBEDDINGS.search(key))
    if missing or beyond:
        problems = [
            f"{len(keys)} of {total} tensors {what} (such as {keys[0]!r})"
            for keys, total, what in (
                (missing, len(wanted), "of its configuration are missing"),
                (beyond, len(saved), "belong to no module of this model"),
            )
            if keys
        ]
        raise UsageError(
            f"adapter {adapter.path} is not whole: {' and '.join(problems)}. It was cut, renamed, "
            "or made for another base: train or copy it again."
        )


def mismatch_with(adapter: AdapterInfo, base_name: str, model_type: str) -> str:
    """What an adapter's own configuration says against the base in use, empty if nothing.

    A name alone proves nothing (folders move), so this is said and not refused.
    """
    recorded = adapter.base_name
    if not recorded or _last_part(recorded) == _last_part(base_name):
        return ""
    config = Path(recorded).expanduser() / "config.json"
    try:
        from arabench.files.records import read_json_object

        kind = str(read_json_object(config).get("model_type")) if config.is_file() else ""
    except Exception:
        kind = ""
    other = f", a {kind} model while this is {model_type}" if kind not in {"", model_type} else ""
    return f"its configuration names the base {recorded!r}{other}; it is measured on {base_name!r}"


def _last_part(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].lower()


def _finite(logits: list[torch.Tensor]) -> bool:
    return all(bool(rows.isfinite().all()) for rows in logits)


def _check_rows(adapter: AdapterInfo, rows: int, tokens: int) -> None:
    """Refuse an embedding that has no row for some token of the tokenizer in use."""
    if tokens > rows:
        raise UsageError(
            f"adapter {adapter.path}: its tokenizer has {tokens} tokens and the embedding {rows} "
            "rows. The two do not belong together, or the embedding was not saved with the adapter "
            "(modules_to_save)."
        )


def _changes_weights(model: PeftModel) -> bool:
    """Whether any tensor of the adapter's second factor (or only factor) is not zero."""
    named = [(name, tensor) for name, tensor in model.named_parameters() if f".{_SLOT}" in name]
    second = [tensor for name, tensor in named if "lora_B" in name]
    return any(bool(tensor.any()) for tensor in second or [tensor for _, tensor in named])


def _saved_rows(adapter: AdapterInfo) -> int:
    """Rows of the embedding saved beside the adapter, 0 without one."""
    from safetensors import safe_open

    try:
        with safe_open(str(adapter.weights), "pt") as file:
            for key in file.keys():  # noqa: SIM118 - not a dict
                if _EMBEDDINGS.search(key):
                    return int(file.get_slice(key).get_shape()[0])
    except Exception:  # a damaged file: PEFT says what is wrong with it
        return 0
    return 0


def _tokenizer_of(adapter: AdapterInfo, base: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The tokenizer beside an adapter that has added tokens, else the base's."""
    if not (adapter.path / "tokenizer_config.json").is_file():
        return base
    try:
        beside, _ = load_tokenizer(
            {"pretrained_model_name_or_path": str(adapter.path), "trust_remote_code": False}
        )
    except Exception as error:
        raise UsageError(
            f"the tokenizer beside adapter {adapter.path} cannot be loaded: "
            f"{type(error).__name__}: {str(error)[:200]}. Remove its files to use the base's."
        ) from error
    return beside if beside.get_vocab() != base.get_vocab() else base


def _check_sees_no_future(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, device: str
) -> None:
    """Refuse a model in which the last token changes the logits before it."""
    import torch

    ids = tokenizer(" ".join(PROBES), add_special_tokens=False)["input_ids"][:16]
    other = next((token for token in ids if ids and token != ids[-1]), None)
    if other is None:
        return
    with torch.no_grad(), tokens_apart(model):
        first, second = (
            model(input_ids=torch.tensor([row], device=device)).logits[0, :-1].float()
            for row in (ids, [*ids[:-1], other])
        )
    scale = max(1.0, float(first.abs().max()))
    if float((first - second).abs().max()) > FUTURE_LOGITS * scale:
        raise UsageError(
            "this model sees the tokens that it would have to predict: changing the last token of "
            "a text changes its logits at earlier ones. It is no causal language model, and its "
            "likelihoods mean nothing."
        )
