"""Greedy answers against `generate(do_sample=False)`, one prompt at a time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from arabench.errors import UsageError
from arabench.models.forward import CausalReader
from arabench.models.generation import Ending, greedy_answers, greedy_is_plain
from tests.models.causal import KINDS, VOCABULARY, build

CAP = 16
ENDS = frozenset({2, *range(5, 12)})


def _prompts(seed: int = 3) -> list[list[int]]:
    """Some with shots in common, some without, one that begins all others, one twice."""
    rng = random.Random(seed)

    def some(count: int) -> list[int]:
        return [rng.randrange(3, VOCABULARY) for _ in range(count)]

    shots = some(30)
    found = [shots + some(rng.randrange(1, 12)) for _ in range(8)]
    found += [some(rng.randrange(1, 20)) for _ in range(4)]
    return [*found, shots, found[0]]


def _stop(answers: Sequence[Sequence[int]]) -> list[bool]:
    return [len(answer) >= 3 and answer[-1] % 17 == 0 for answer in answers]


def _by_transformers(model: Any, prompt: list[int]) -> list[int]:
    ids = torch.tensor([prompt])
    made = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=CAP,
        eos_token_id=sorted(ENDS), pad_token_id=0,
    )  # fmt: skip
    answer: list[int] = made[0, len(prompt) :].tolist()
    for place in range(len(answer)):
        if _stop([answer[: place + 1]])[0]:
            return answer[: place + 1]
    return answer


@pytest.mark.parametrize("penalty", [1.0, 1.3])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_transformers(kind: str, penalty: float) -> None:
    model = build(kind)
    reader = CausalReader(model)
    if not reader.window:
        assert kind in {"mpt", "phi3-longrope", "mamba"}
        return
    model.generation_config.repetition_penalty = penalty
    found = greedy_answers(reader, _prompts(), Ending(CAP, ENDS, _stop, penalty), batch_tokens=64)
    assert found == [_by_transformers(model, prompt) for prompt in _prompts()]


def test_answers_end_in_each_way() -> None:
    """The comparison above would say little if all answers ran to the cap."""
    found = greedy_answers(
        CausalReader(build("qwen2")), _prompts(), Ending(CAP, ENDS, _stop), batch_tokens=64
    )
    assert any(len(answer) == CAP for answer in found)
    assert any(answer[-1] in ENDS for answer in found)
    assert any(_stop([answer])[0] for answer in found)


def test_shots_in_common_are_read_once_and_finished_rows_leave() -> None:
    model = build("qwen2")
    shots = list(range(20, 60))
    prompts = [[*shots, 100 + number] for number in range(20)]
    shapes: list[tuple[int, ...]] = []
    reader = CausalReader(model)
    assert reader.keeps(torch.arange(3, 60).numpy(), 40)
    model.get_input_embeddings().register_forward_hook(
        lambda module, inputs, output: shapes.append(tuple(inputs[0].shape))
    )
    short = {number: 1 + number % 3 for number in range(20)}

    def stopped(answers: Sequence[Sequence[int]]) -> list[bool]:
        return [len(answer) > short[place] for place, answer in enumerate(answers)]

    greedy_answers(reader, prompts, Ending(9, (), stopped), batch_tokens=512)
    assert shapes[0] == (1, 40)
    assert shapes[1] == (20, 1)
    rows = [shape[0] for shape in shapes[1:]]
    assert rows == sorted(rows, reverse=True)
    assert rows[-1] < 20


def test_pairs_that_begin_alike_share_the_batches_of_the_others() -> None:
    """A batch for each pair would cost a pass for each token of each pair's answers."""
    model = build("qwen2")
    pairs = [[100 + pair] * 70 for pair in range(8)]
    prompts = [[*beginning, 20 + number] for beginning in pairs for number in range(2)]
    shapes: list[tuple[int, ...]] = []
    model.get_input_embeddings().register_forward_hook(
        lambda module, inputs, output: shapes.append(tuple(inputs[0].shape))
    )
    ending = Ending(9, (), lambda answers: [False] * len(answers))
    found = greedy_answers(CausalReader(model), prompts, ending, batch_tokens=512)
    assert shapes == [(16, 71), *[(16, 1)] * 8]
    for prompt, answer in zip(prompts, found, strict=True):
        assert [answer] == greedy_answers(CausalReader(model), [prompt], ending, batch_tokens=512)


class _Small(CausalReader):
    rows = 2

    def begin(self, rows: Any, kept: Any) -> Any:
        if len(rows) > self.rows:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().begin(rows, kept)


def test_batches_are_halved_until_the_memory_holds_them() -> None:
    model = build("qwen2")
    ending = Ending(CAP, ENDS, _stop)
    expected = greedy_answers(CausalReader(model), _prompts(), ending, batch_tokens=4096)
    reader = _Small(model)
    reader._keeps = True
    assert greedy_answers(reader, _prompts(), ending, batch_tokens=4096) == expected
    reader.rows = 0
    with pytest.raises(UsageError, match="do not fit into the memory"):
        greedy_answers(reader, _prompts(), ending, batch_tokens=4096)


@pytest.mark.parametrize(
    ("settings", "plain"),
    [
        ({}, True),
        ({"do_sample": True, "temperature": 0.7, "top_p": 0.8}, True),
        ({"repetition_penalty": 1.1}, True),
        ({"no_repeat_ngram_size": 3}, False),
        ({"num_beams": 4}, False),
        ({"suppress_tokens": [5]}, False),
    ],
)
def test_configurations_that_change_greedy_answers_are_told(
    settings: dict[str, Any], plain: bool
) -> None:
    from transformers import GenerationConfig

    assert greedy_is_plain(GenerationConfig(eos_token_id=2, **settings)) is plain
