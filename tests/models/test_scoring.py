"""Likelihoods against a loop that reads one request at a time."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from arabench.errors import UsageError
from arabench.models.forward import CausalReader
from arabench.models.scoring import log_likelihoods
from tests.models.causal import CONTEXT, KINDS, VOCABULARY, build

#: Whose keys can be kept, and which have no window shorter than the rows here.
STEMS = [
    "qwen2", "qwen3", "llama3", "gemma2", "gemma3", "gpt2", "falcon", "falcon-alibi", "bloom",
]  # fmt: skip
Requests = list[tuple[list[int], list[int]]]


def _own_loop(model: Any, requests: Requests, longest: int = CONTEXT) -> list[tuple[float, bool]]:
    """One request, one forward pass, no padding, double precision behind the logits."""
    found = []
    for context, continuation in requests:
        ids = [*context, *continuation][-(longest + 1) :]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0, -len(continuation) :]
        said = logits.argmax(-1).tolist() == continuation
        logs = logits.double().log_softmax(-1)
        places = torch.arange(len(continuation))
        found.append((float(logs[places, torch.tensor(continuation)].sum()), said))
    return found


def _requests(model: Any, seed: int = 1) -> Requests:
    """Questions with choices, texts and their halves, rows too long, and some asked twice."""
    rng = random.Random(seed)

    def some(count: int) -> list[int]:
        return [rng.randrange(3, VOCABULARY) for _ in range(count)]

    shots, found = some(30), []
    for _ in range(5):
        context = shots[: rng.choice([30, 30, 0])] + some(rng.randrange(5, 20))
        found += [(context, some(rng.randrange(1, 6))) for _ in range(4)]
        letter = some(1)
        found += [(context, letter), (context, letter), (context, letter + some(2))]
        with torch.no_grad():
            best = int(model(input_ids=torch.tensor([context])).logits[0, -1].argmax())
        found.append((context, [best]))
    for _ in range(4):
        text = some(rng.randrange(2, 60))
        found += [([1], text), ([1, *text[: len(text) // 2]], text[len(text) // 2 :])]
        found.append((some(70), some(60)))
    return found


def _numbers(scores: list[tuple[float, bool]]) -> tuple[Any, list[bool]]:
    return np.asarray([value for value, _ in scores]), [said for _, said in scores]


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_gives_what_an_own_loop_gives(kind: str) -> None:
    model = build(kind)
    requests = _requests(model)
    own, said = _numbers(_own_loop(model, requests))
    assert sum(said) >= 5
    reader = CausalReader(model)
    found, greedy = _numbers(
        log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=256, stems=False)
    )
    # Mamba's scan sums in chunks, whose cuts depend on the padded length.
    np.testing.assert_allclose(found, own, rtol=1e-5 if kind == "mamba" else 1e-6)
    assert greedy == said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tokens", [64, 4096])
def test_rows_on_kept_keys_give_what_whole_rows_give(kind: str, tokens: int) -> None:
    model = build(kind)
    requests = _requests(model, seed=2)
    sizes = np.asarray([len(continuation) for _, continuation in requests])
    reader = CausalReader(model)
    read: list[int] = []
    model.get_input_embeddings().register_forward_hook(
        lambda module, inputs, output: read.append(inputs[0].numel())
    )
    plain, said = _numbers(
        log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=tokens, stems=False)
    )
    whole = sum(read)
    read.clear()
    stems, greedy = _numbers(
        log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=tokens)
    )
    assert np.abs((stems - plain) / sizes).max() < 1e-5
    assert greedy == said
    assert (sum(read) < 0.9 * whole) == (kind in STEMS)


def test_what_is_asked_twice_or_begins_another_is_read_once() -> None:
    model = build("qwen2")
    text = [1, *range(3, 40)]
    requests = [([1], text[1:])] * 3 + [(text[:size], [text[size]]) for size in range(1, 30)]
    read: list[int] = []
    model.get_input_embeddings().register_forward_hook(
        lambda module, inputs, output: read.append(inputs[0].numel())
    )
    scores = log_likelihoods(CausalReader(model), requests, max_length=CONTEXT, batch_tokens=64)
    assert read == [len(text) - 1]
    assert scores[0] == scores[1] == scores[2]


def test_numbers_do_not_depend_on_the_order_of_requests() -> None:
    model = build("llama3")
    requests = _requests(model)
    order = list(range(len(requests)))
    random.Random(5).shuffle(order)
    reader = CausalReader(model)
    ours = log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=200)
    shuffled = log_likelihoods(
        reader, [requests[place] for place in order], max_length=CONTEXT, batch_tokens=200
    )
    assert [ours[place] for place in order] == shuffled


def test_the_head_sees_the_places_that_are_asked_for_and_no_others() -> None:
    model = build("gemma2")
    seen: list[int] = []
    model.lm_head.register_forward_hook(
        lambda module, inputs, output: seen.append(inputs[0].shape[:-1].numel())
    )
    requests = [([1, 5, 6, 7, number], [8, 9]) for number in range(10, 20)]
    reader = CausalReader(model)
    log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=4096, stems=False)
    assert sum(seen) == 20


def test_a_row_stands_only_beside_rows_of_its_length_where_length_moves_the_angles() -> None:
    model = build("phi3-longrope")
    shapes: list[tuple[int, ...]] = []
    model.get_input_embeddings().register_forward_hook(
        lambda module, inputs, output: shapes.append(tuple(inputs[0].shape))
    )
    text = list(range(3, 40))
    requests = [([1], text[:10]), ([1], text[:30]), ([2], text[:30])]
    log_likelihoods(CausalReader(model), requests, max_length=CONTEXT, batch_tokens=4096)
    assert shapes == [(2, 30), (1, 10)]


def test_16_bit_models_are_summed_in_more() -> None:
    model = build("qwen2").bfloat16()
    requests = _requests(model)
    own, _ = _numbers(_own_loop(model, requests))
    reader = CausalReader(model)
    one_by_one = np.asarray(
        [
            log_likelihoods(reader, [request], max_length=CONTEXT, batch_tokens=1, stems=False)[0][
                0
            ]
            for request in requests
        ]
    )
    np.testing.assert_allclose(one_by_one, own, rtol=1e-6)


def test_of_equal_logits_greedy_decoding_takes_the_first() -> None:
    model = build("llama3")
    with torch.no_grad():
        model.lm_head.weight[10:20] = model.lm_head.weight[5]
        context = [1, 7, 9]
        hidden = model.model(input_ids=torch.tensor([context])).last_hidden_state[0, -1]
        model.lm_head.weight[5:20:5] = hidden * 9  # 5, 10 and 15 are equal, and the largest
    reader = CausalReader(model)
    scores = log_likelihoods(
        reader, [(context, [5]), (context, [10])], max_length=CONTEXT, batch_tokens=64
    )
    assert scores[0][0] == scores[1][0]
    assert [said for _, said in scores] == [True, False]


def test_a_model_that_miscounts_places_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("qwen2")
    requests = _requests(model)
    forward = type(model).forward

    def careless(self: Any, *args: Any, position_ids: Any = None, **kwargs: Any) -> Any:
        if position_ids is not None:
            position_ids = position_ids * 0
        return forward(self, *args, position_ids=position_ids, **kwargs)

    careless.__signature__ = __import__("inspect").signature(forward)  # type: ignore[attr-defined]
    monkeypatch.setattr(type(model), "forward", careless)
    reader = CausalReader(model)
    assert reader.window
    found, _ = _numbers(log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=256))
    monkeypatch.undo()
    np.testing.assert_allclose(found, _numbers(_own_loop(model, requests))[0], rtol=1e-6)


class _Small(CausalReader):
    """A reader whose memory holds so many rows."""

    rows = 3

    def read(self, rows: Any, places: Any) -> Any:
        if len(rows) > self.rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().read(rows, places)

    def keep(self, rows: Any, *places: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")


def test_batches_are_halved_until_the_memory_holds_them() -> None:
    model = build("qwen2")
    requests = _requests(model)
    reader = _Small(model)
    reader._keeps = True
    found, _ = _numbers(log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=4096))
    np.testing.assert_allclose(found, _numbers(_own_loop(model, requests))[0], rtol=1e-6)
    reader.rows = 0
    with pytest.raises(UsageError, match=r"a text of \d+ tokens does not fit into the memory"):
        log_likelihoods(reader, requests, max_length=CONTEXT, batch_tokens=4096)


def test_other_errors_of_the_model_are_not_taken_for_want_of_memory() -> None:
    model = build("qwen2")
    with pytest.raises(IndexError):
        log_likelihoods(
            CausalReader(model), [([1], [VOCABULARY + 3, 4])], max_length=9, batch_tokens=9
        )


@pytest.mark.parametrize("request_", [([], [3]), ([3], []), ([3], [4] * 10)])
def test_requests_that_mean_nothing_are_refused(request_: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ValueError, match="allowed are at least one each"):
        log_likelihoods(CausalReader(build("qwen2")), [request_], max_length=9, batch_tokens=9)


@pytest.mark.parametrize("tuning", ["PROMPT_TUNING", "PREFIX_TUNING", "LORA"])
def test_adapters_are_read_as_peft_computes_them(tuning: str) -> None:
    peft = pytest.importorskip("peft")
    options: dict[str, Any] = {"num_virtual_tokens": 4, "task_type": "CAUSAL_LM"}
    if tuning == "LORA":
        options = {"target_modules": ["q_proj", "lm_head"], "task_type": "CAUSAL_LM"}
        options["init_lora_weights"] = False
    torch.manual_seed(3)
    base = build("qwen2")
    model = peft.get_peft_model(base, peft.get_peft_config({"peft_type": tuning, **options})).eval()
    requests = _requests(base)
    found, said = _numbers(
        log_likelihoods(CausalReader(model), requests, max_length=CONTEXT, batch_tokens=256)
    )
    own, own_said = _numbers(_own_loop(model, requests))
    np.testing.assert_allclose(found, own, rtol=1e-6)
    assert said == own_said
