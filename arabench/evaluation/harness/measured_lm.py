"""lm-eval's model of transformers, answered by our own engine.

`lm_eval.models.huggingface.HFLM` stays the door: tasks, caches and settings see the same class and
the same methods. What changes is who computes: likelihoods come from `arabench.models.scoring`,
greedy answers from `arabench.models.generation`, and prompts are tokenized in batches, once for
all adapters of a run. What the engine does not know (sampling, encoder-decoders, answers of models
without a plain cache) goes through lm-eval's own code.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from arabench.evaluation.harness.encodings import SHARED, Encodings, tokenizer_key
from arabench.files.progress_bar import item_progress
from arabench.models.forward import CausalReader
from arabench.models.generation import Ending, greedy_answers, greedy_is_plain
from arabench.models.scoring import Score, log_likelihoods

if TYPE_CHECKING:
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Tokens of a batch for each row that `batch_size` allows.
ROW_TOKENS: Final = 128
#: lm-eval's settings of a generation that ask for nothing but greedy decoding.
_GREEDY: Final = frozenset({"until", "max_gen_toks", "do_sample", "temperature"})
#: Tokens beyond a stop's own that may hold it: they may be cut elsewhere.
_MORE_TOKENS: Final = 2

#: ((context, continuation) or None, context in ids, continuation in ids), as lm-eval passes them.
TokenPair = tuple[Any, list[int], list[int]]


def language_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> HFLM:
    """A loaded model behind lm-eval's interface.

    Weights are not tied anew: an adapter may have saved an embedding and a head that differ.

    Args:
        model: with or without an adapter.
        tokenizer: of the model.
        batch_size: rows of `ROW_TOKENS` tokens in a batch; the batch is filled by tokens.
    """
    with _without_tying(model):
        return _measured_class()(
            pretrained=model, tokenizer=tokenizer, batch_size=batch_size, softmax_dtype="float32"
        )


@contextlib.contextmanager
def _without_tying(model: PreTrainedModel) -> Iterator[None]:
    model.__dict__["tie_weights"] = lambda *args, **kwargs: None
    try:
        yield
    finally:
        del model.__dict__["tie_weights"]


@functools.cache
def _measured_class() -> type[HFLM]:
    """One class for all models of a process: what wraps its methods does so once."""
    from lm_eval.models.huggingface import HFLM

    class MeasuredLM(HFLM):  # type: ignore[misc]
        """`HFLM` whose likelihoods and greedy answers the engine computes."""

        raises_arabench_errors = True
        cuts_virtual_tokens = True
        reads_saved_tokenizers = True
        encodings: Encodings = SHARED

        @functools.cached_property
        def reader(self) -> CausalReader:
            return CausalReader(self.model)

        @property
        def batch_tokens(self) -> int:
            size = self.batch_size
            return ROW_TOKENS * (size if isinstance(size, int) else int(self.max_batch_size))

        def _model_call(self, inps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            # (B, virtual + T, vocabulary)
            logits: torch.Tensor = super()._model_call(inps, *args, **kwargs)
            return logits[:, -inps.shape[1] :]

        def tok_encode(
            self, string: str, add_special_tokens: bool | None = None, **kwargs: Any
        ) -> list[int]:
            cut = kwargs.pop("left_truncate_len", None)
            if kwargs:
                ids: list[int] = super().tok_encode(string, add_special_tokens, **kwargs)
            else:
                ids = self.encode_all([string], add_special_tokens)[0]
            return ids[-cut:] if cut else ids

        def encode_all(
            self, texts: Sequence[str], add_special_tokens: bool | None = None
        ) -> list[list[int]]:
            """Ids of texts as `tok_encode` gives them, those that were never seen in one batch."""
            return _encode_all(self, texts, add_special_tokens)

        def loglikelihood(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[Score]:
            if self.backend == "causal" and not self.enable_thinking:
                _encode_ahead(self, [request.args for request in requests])
            # Found in memory one by one: only the model's part is worth a bar.
            scores: list[Score] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
            return scores

        def _loglikelihood_tokens(
            self,
            requests: Sequence[TokenPair],
            disable_tqdm: bool = False,
            override_bs: int | None = None,
        ) -> list[Score]:
            if self.backend != "causal":
                found: list[Score] = super()._loglikelihood_tokens(
                    requests, disable_tqdm=disable_tqdm, override_bs=override_bs
                )
                return found
            pairs = [(context, continuation) for _, context, continuation in requests]
            total = sum(len(continuation) for _, continuation in pairs)
            bar = _progress(self, "scoring", total, "tokens", disable_tqdm)
            with _autocast(self), bar as on_done:
                scores = log_likelihoods(
                    self.reader,
                    pairs,
                    max_length=self.max_length,
                    batch_tokens=self.batch_tokens,
                    on_done=on_done,
                )
            for (texts, _, _), score in zip(requests, scores, strict=True):
                if texts is not None:
                    self.cache_hook.add_partial("loglikelihood", texts, score)
            return scores

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            answers: list[str | None] = [None] * len(requests)
            bar = _progress(self, "answering", len(requests), "answers", disable_tqdm)
            with _autocast(self), bar as on_done:
                for places, settings in _by_settings(requests):
                    if not _is_greedy(self, settings):
                        continue
                    prompts = [str(requests[place].args[0]) for place in places]
                    for place, text in zip(
                        places, _answer(self, prompts, settings, on_done), strict=True
                    ):
                        answers[place] = text
                        self.cache_hook.add_partial("generate_until", requests[place].args, text)
            left = [place for place, answer in enumerate(answers) if answer is None]
            if left:
                rest = super().generate_until([requests[place] for place in left], disable_tqdm)
                for place, text in zip(left, rest, strict=True):
                    answers[place] = text
            return [str(answer) for answer in answers]

    return MeasuredLM


def _autocast(lm: HFLM) -> contextlib.AbstractContextManager[object]:
    import torch

    kind = lm.mixed_precision_dtype
    return torch.autocast(device_type=lm.device.type, dtype=kind, enabled=kind is not None)


def _encode_all(lm: HFLM, texts: Sequence[str], add_special_tokens: bool | None) -> list[list[int]]:
    from lm_eval.models.utils import has_bos_prefix

    given = lm.add_bos_token if add_special_tokens is None else add_special_tokens
    marks = [given] * len(texts)
    if add_special_tokens is None:
        # lm-eval's rule: a text that writes its BOS itself gets no other.
        # lm-eval fails where there is none.
        prefix = None if lm.prefix_token_id is None else lm.tokenizer.decode(lm.prefix_token_id)
        marks = [False if has_bos_prefix(text, prefix) else given for text in texts]
    tokenizer = lm.tokenizer

    def encode(missing: Sequence[str], mark: bool | None) -> list[list[int]]:
        options = {} if mark is None else {"add_special_tokens": mark}
        found: list[list[int]] = tokenizer(list(missing), **options)["input_ids"]
        return found

    kept: Encodings = lm.encodings
    return kept.find(tokenizer_key(tokenizer), texts, marks, encode)


def _encode_ahead(lm: HFLM, pairs: Sequence[tuple[str, str]]) -> None:
    """Tokenize what lm-eval is about to ask for one by one: each context, and it with each choice.

    Blanks at the end of a context count as the continuation's (`TemplateLM._encode_pair`).
    """
    wanted: dict[str, None] = {}
    for context, continuation in pairs:
        if context:
            wanted[context + continuation] = wanted[context.rstrip() or context] = None
    lm.encode_all(list(wanted))


def _by_settings(requests: Sequence[Instance]) -> list[tuple[list[int], dict[str, Any]]]:
    """Places of the requests that ask for a generation in the same way."""
    groups: list[tuple[list[int], dict[str, Any]]] = []
    for place, request in enumerate(requests):
        settings = request.args[1]
        for places, known in groups:
            if known == settings:
                places.append(place)
                break
        else:
            groups.append(([place], settings))
    return groups


def _is_greedy(lm: HFLM, settings: dict[str, Any]) -> bool:
    from lm_eval.models.utils import normalize_gen_kwargs

    asked = normalize_gen_kwargs(settings, lm.max_gen_toks)
    model: PreTrainedModel = lm.model
    config = getattr(model, "generation_config", None)
    return (
        lm.backend == "causal"
        and set(asked) <= _GREEDY
        and not asked.get("do_sample")
        and not asked.get("temperature")
        and lm.reader.window > 0
        and (config is None or greedy_is_plain(config))
    )


def _answer(
    lm: HFLM, prompts: Sequence[str], settings: dict[str, Any], on_done: Callable[[int], None]
) -> list[str]:
    """Texts as lm-eval makes them of the same tokens: up to the first stop, after thinking."""
    from lm_eval.models.utils import (
        handle_stop_sequences,
        has_bos_prefix,
        normalize_gen_kwargs,
        postprocess_generated_text,
    )

    asked = normalize_gen_kwargs(settings, lm.max_gen_toks)
    cap = int(asked["max_gen_toks"])
    end = lm.tok_decode(lm.eot_token_id, skip_special_tokens=False)
    stops = handle_stop_sequences(list(asked.get("until") or []), eos=end)
    tokenizer = lm.tokenizer
    bos = getattr(tokenizer, "bos_token", None)
    bare = [has_bos_prefix(prompt, bos) for prompt in prompts]
    given = lm.add_bos_token
    ids = {
        mark: lm.encode_all(
            [prompt for prompt, own in zip(prompts, bare, strict=True) if own is mark],
            False if mark else given,
        )
        for mark in (True, False)
    }
    queues = {mark: iter(found) for mark, found in ids.items()}
    room = lm.max_length - cap
    encoded = [next(queues[own])[-room:] for own in bare]
    found = greedy_answers(
        lm.reader,
        encoded,
        Ending(cap, _end_tokens(lm), _stopped(lm, stops), _penalty(lm)),
        batch_tokens=lm.batch_tokens,
        on_done=on_done,
    )
    mark = lm.think_end_token
    texts = []
    for tokens in found:
        if isinstance(mark, int) and mark in tokens:
            tokens = tokens[len(tokens) - tokens[::-1].index(mark) :]
        text = lm.tok_decode(tokens)
        texts.append(
            postprocess_generated_text(
                generation=text.lstrip() if isinstance(mark, int) else text,
                stop=stops,
                think_end_token=mark if isinstance(mark, str) else None,
            )
        )
    return texts


def _end_tokens(lm: HFLM) -> set[int]:
    config = getattr(lm.model, "generation_config", None)
    ends = getattr(config, "eos_token_id", None)
    listed = [ends] if isinstance(ends, int) else list(ends or [])
    return {int(token) for token in (*listed, lm.eot_token_id) if token is not None}


def _penalty(lm: HFLM) -> float:
    config = getattr(lm.model, "generation_config", None)
    return float(getattr(config, "repetition_penalty", None) or 1.0)


def _stopped(lm: HFLM, stops: Sequence[str]) -> Callable[[Sequence[Sequence[int]]], list[bool]]:
    """Whether the last tokens of each answer hold a stop."""
    tokenizer = lm.tokenizer
    texts = [stop for stop in stops if stop]
    sizes = [len(tokenizer.encode(stop, add_special_tokens=False)) for stop in texts]
    width = max(sizes, default=0) + _MORE_TOKENS

    def stopped(answers: Sequence[Sequence[int]]) -> list[bool]:
        if not texts:
            return [False] * len(answers)
        ends = tokenizer.batch_decode([list(answer[-width:]) for answer in answers])
        return [any(stop in end for stop in texts) for end in ends]

    return stopped


def _progress(
    lm: HFLM, label: str, total: int, unit: str, quiet: bool
) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    if quiet or lm.rank != 0:
        return contextlib.nullcontext(lambda count: None)
    return item_progress(label, total, unit)
