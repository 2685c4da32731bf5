"""An encoder behind lm-eval's interface: likelihoods are pseudo-likelihoods.

Texts are scored with every token masked once; choices in place, behind their prompt, with the
tokens of the choice masked one by one. There is nothing left to right in it: greedy answers and
next words are refused when a task is loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from arabench.errors import UsageError
from arabench.evaluation.harness.marks import MARK, Mark
from arabench.evaluation.harness.own_tokens import Likelihood, Unread, added_around, read_texts
from arabench.evaluation.harness.room import check_ids
from arabench.evaluation.harness.settings import quantization_of, type_name
from arabench.models.masked import (
    Frame,
    MaskedReader,
    MaskedText,
    Masking,
    PseudoScore,
    pseudo_log_likelihoods,
    readable_length,
)

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Tokens of a batch for each row that `batch_size` allows, as for causal models.
ROW_TOKENS: Final = 128
#: `backend` in the settings of a run.
BACKEND: Final = "transformers, masked"


def masked_language_model(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int,
    masking: Masking = "within-word",
) -> LM:
    """A loaded encoder behind lm-eval's interface.

    Args:
        model: with its masked-language head, with or without an adapter.
        tokenizer: of the model.
        batch_size: rows of `ROW_TOKENS` tokens in a batch; the batch is filled by tokens.
        masking: what is masked beside a token.

    Raises:
        UsageError: the tokenizer has no mask, or does not say which word a token is of.
    """
    lm: LM = _masked_class()(model, tokenizer, batch_size, masking)
    return lm


def frame_of(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase) -> Frame:
    """What stands around a text, and how much the model reads.

    Raises:
        UsageError: the tokenizer has no mask.
    """
    base: PreTrainedModel = model.get_base_model() if hasattr(model, "get_base_model") else model
    if tokenizer.mask_token_id is None:
        raise UsageError(
            "the tokenizer has no mask token, so nothing can be masked. Set mask_token in its "
            "tokenizer_config.json to the token that the model was trained with."
        )
    front, behind = added_around(tokenizer)
    named = (tokenizer.pad_token_id, base.config.get_text_config().pad_token_id, 0)
    pad = next(token for token in named if token is not None)
    return Frame(
        tuple(front), tuple(behind), int(tokenizer.mask_token_id), int(pad),
        readable_length(base, tokenizer),
    )  # fmt: skip


def masked_texts(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], before: Sequence[int]
) -> list[MaskedText]:
    """Texts as tokens with the word that each is of.

    Args:
        tokenizer: a fast one.
        texts: whole texts.
        before: code points of each that are given and not scored.
    """
    if not texts:
        return []
    encoded = tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
    made = []
    for number, ids in enumerate(encoded["input_ids"]):
        words = [-1 if word is None else word for word in encoded.word_ids(number)]
        ends = [end for _, end in encoded["offset_mapping"][number]]
        start = next((at for at, end in enumerate(ends) if end > before[number]), len(ids))
        made.append(MaskedText(np.asarray(ids, np.int64), np.asarray(words, np.int64), start))
    return made


@functools.cache
def _masked_class() -> type[LM]:
    from lm_eval.api.model import LM

    class MaskedLM(LM):  # type: ignore[misc]
        """An encoder that answers requests for likelihoods."""

        raises_arabench_errors = True

        def __init__(
            self,
            model: PreTrainedModel | PeftModel,
            tokenizer: PreTrainedTokenizerBase,
            batch_size: int,
            masking: Masking,
        ) -> None:
            super().__init__()
            if not getattr(tokenizer, "is_fast", False):
                raise UsageError(
                    "the tokenizer is a slow one, which does not say which word a token is of. "
                    "Save it as a fast tokenizer (tokenizer.json)."
                )
            self.model, self.tokenizer, self.batch_size = model, tokenizer, batch_size
            self.config = model.config
            self.masking = masking
            self.reader = MaskedReader(model)
            self.frame = frame_of(model, tokenizer)
            self.max_length = self.frame.length

        @property
        def device(self) -> Any:
            return self.reader.device

        def own_settings(self) -> dict[str, str]:
            """What it is set to, as results carry it."""
            around = (self.tokenizer.decode(list(part)) for part in self._around)
            dtype = type_name(getattr(self.model, "dtype", ""))
            return {
                "backend": BACKEND,
                "likelihood": f"pseudo, masking {self.masking}",
                "dtype": dtype,
                "softmax_dtype": "float32",
                "quantization": quantization_of(self.model),
                "prefix": " … ".join(around),
                "max_length": str(self.max_length),
            }

        @property
        def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
            return self.frame.front, self.frame.behind

        def check_requests(self, requests: Sequence[Instance]) -> None:
            """Refuse ids without a row, choices that the tokenizer makes nothing of, and tasks no
            prompt of which fits: cut on the left, it has lost its question.
            """
            whole = ["".join(request.args) for request in requests]
            for reading in read_texts(self.tokenizer, whole):
                check_ids(self, reading.tokens)
            if requests[0].request_type == "loglikelihood":
                over = min(len(one.tokens) for one in self._texts(requests)) - self.frame.room
                if over > 0:
                    raise UsageError(
                        f"every prompt of task {requests[0].task_name!r} is longer with its choice "
                        f"than the {self.max_length} tokens that the model reads (the shortest by "
                        f"{over:,}). Leave the task out."
                    )

        def _texts(self, requests: Sequence[Instance]) -> list[MaskedText]:
            """Prompt and choice of each request as one text, scored from the choice on."""
            prompts = [str(request.args[0]) for request in requests]
            given = [len(prompt.rstrip()) for prompt in prompts]
            whole = ["".join(request.args) for request in requests]
            texts = masked_texts(self.tokenizer, whole, given)
            for request, text in zip(requests, texts, strict=True):
                if text.start == len(text.tokens):
                    raise UsageError(
                        f"task {request.task_name!r}: the tokenizer makes no token of the choice "
                        f"{request.args[1]!r}, so it has no likelihood. Leave the task out."
                    )
            return texts

        def loglikelihood(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[tuple[float, bool]]:
            texts = self._texts(requests)
            for request, text in zip(requests, texts, strict=True):
                mark: Mark = getattr(request, MARK, None) or Mark()
                mark.over = len(text.tokens) - self.frame.room
                mark.cut, mark.looked_at = mark.over > 0, True
            return [(one.total, one.hits == one.tokens) for one in self._scores(texts)]

        def loglikelihood_rolling(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[Likelihood]:
            whole = [str(request.args[0]) for request in requests]
            for request, reading in zip(requests, read_texts(self.tokenizer, whole), strict=True):
                mark: Mark = getattr(request, MARK, None) or Mark()
                mark.tokens, mark.unread = len(reading.tokens), reading.unread or Unread()
            found = self._scores(masked_texts(self.tokenizer, whole, [0] * len(whole)))
            return [Likelihood(one.total, one.tokens, one.hits) for one in found]

        def _scores(self, texts: Sequence[MaskedText]) -> list[PseudoScore]:
            return pseudo_log_likelihoods(
                self.reader,
                texts,
                self.frame,
                masking=self.masking,
                batch_tokens=ROW_TOKENS * self.batch_size,
            )

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            raise UsageError(f"task {requests[0].task_name!r} asks an encoder for an answer.")

    return MaskedLM
