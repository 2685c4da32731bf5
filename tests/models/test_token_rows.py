"""Plans of rows against what they must hold, on thousands of small random requests."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from arabench.models import token_rows
from arabench.models.token_rows import Ints, batches, find_rows, find_stems, stages


def _requests(rng: random.Random, letters: int = 3) -> list[tuple[list[int], list[int]]]:
    def some(least: int, most: int) -> list[int]:
        return [rng.randrange(letters) for _ in range(rng.randint(least, most))]

    return [(some(1, 8), some(1, 5)) for _ in range(rng.randint(1, 30))]


@pytest.mark.parametrize("seed", range(100))
def test_every_token_is_read_behind_exactly_what_stands_before_it(seed: int) -> None:
    rng = random.Random(seed)
    requests, longest = _requests(rng), rng.choice([5, 8, 40])
    rows = find_rows(requests, longest)
    read: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    found = rows.readings
    for row, column, target, request in zip(
        found.row, found.column, found.target, found.request, strict=True
    ):
        before = tuple(rows.tokens[row][: column + 1].tolist())
        read.setdefault(int(request), []).append((int(target), before))
    for number, (context, continuation) in enumerate(requests):
        ids = [*context, *continuation][-(longest + 1) :]
        first = len(ids) - len(continuation)
        expected = [(ids[place], tuple(ids[:place])) for place in range(first, len(ids))]
        assert sorted(read[number], key=lambda one: len(one[1])) == expected


@pytest.mark.parametrize("seed", range(50))
def test_no_row_begins_another_unless_that_is_asked_for(seed: int) -> None:
    requests = _requests(random.Random(seed))
    rows = [tuple(row.tolist()) for row in find_rows(requests, 40).tokens]
    assert rows == sorted(rows)
    for one in rows:
        assert not any(other[: len(one)] == one for other in rows if other != one)
    wanted = {tuple([*context, *continuation][:-1]) for context, continuation in requests}
    whole = find_rows(requests, 40, share=False).tokens
    assert {tuple(row.tolist()) for row in whole} == wanted


def test_choices_of_one_token_and_prefixes_of_a_text_are_one_row() -> None:
    question, text = [7, 8, 9], [1, 4, 5, 6]
    choices = [(question, [letter]) for letter in (2, 3, 4, 5)]
    prefixes = [(text[:size], [text[size]]) for size in (1, 2, 3)]
    assert len(find_rows([*choices, *choices, *prefixes], 40).tokens) == 2


def _best(tokens: tuple[Ints, ...], low: int, high: int) -> int:
    """Tokens that stems can save at most, by trying every way to share."""
    if high - low < 2:
        return 0
    common = [token_rows._common(tokens[at], tokens[at + 1]) for at in range(low, high - 1)]
    depth = min(common)
    cuts = [low, *(low + at + 1 for at, size in enumerate(common) if size == depth), high]
    below = sum(_best(tokens, *pair) for pair in itertools.pairwise(cuts))
    return max((high - low - 1) * depth, below)


@pytest.mark.parametrize("seed", range(50))
def test_stems_save_as_much_as_can_be_saved(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_rows, "_STEM_TOKENS", 1)
    monkeypatch.setattr(token_rows, "_STEM_SHARE", 0.0)
    tokens = find_rows(_requests(random.Random(seed), letters=2), 40).tokens
    stems = find_stems(tokens)
    members = [row for stem in stems for row in stem.rows]
    assert len(members) == len(set(members))
    for stem in stems:
        assert len({tuple(tokens[row][: stem.length]) for row in stem.rows}) == 1
        assert all(len(tokens[row]) > stem.length for row in stem.rows)
    assert sum((len(stem.rows) - 1) * stem.length for stem in stems) == _best(
        tokens, 0, len(tokens)
    )


def test_a_stem_must_pay() -> None:
    long, short = list(range(3, 120)), [3, 4, 5]
    assert find_stems(find_rows([(long, [1, 1]), (long, [2, 2])], 512).tokens)
    assert not find_stems(find_rows([(short, [1, 1]), (short, [2, 2])], 512).tokens)


@pytest.mark.parametrize("seed", range(50))
def test_batches_hold_every_row_once_and_keep_their_bounds(seed: int) -> None:
    rng = random.Random(seed)
    lengths = [rng.randint(1, 60) for _ in range(rng.randint(1, 80))]
    cells = [rng.randint(1, length) for length in lengths]
    found = list(batches(lengths, cells, tokens=128, logits=90))
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    for batch in found:
        longest = max(lengths[row] for row in batch)
        if len(batch) > 1:
            assert longest * len(batch) <= 128
            assert sum(cells[row] for row in batch) <= 90
            assert sum(longest - lengths[row] for row in batch) <= 128 // 16
    longest_first = [max(lengths[row] for row in batch) for batch in found]
    assert longest_first == sorted(longest_first, reverse=True)


@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_stages_hold_each_row_beside_its_stem(seed: int, gaps: bool) -> None:
    rng = random.Random(seed)
    contexts = [[rng.randrange(99) for _ in range(rng.randint(40, 90))] for _ in range(8)]
    requests = [
        (context, [rng.randrange(99) for _ in range(rng.randint(2, 9))])
        for context in contexts
        for _ in range(4)
    ]
    rows = find_rows(requests, 200)
    stems = find_stems(rows.tokens)
    plan = list(stages(stems, rows, tokens=256, logits=100, window=90, gaps=gaps))
    answered = []
    for stage in plan:
        lengths = {stems[number].length for number in stage.stems}
        assert gaps or len(lengths) == 1
        for batch in stage.batches:
            for row, place in batch:
                assert row in stems[stage.stems[place]].rows
                answered.append(row)
            added = max(len(rows.tokens[row]) - stems[stage.stems[p]].length for row, p in batch)
            assert max(lengths) + added <= 90
    fits = [
        row
        for stem in stems
        for row in stem.rows
        if max(len(rows.tokens[one]) for one in stem.rows) <= 90
    ]
    assert sorted(answered) == sorted(fits)
    assert np.all(np.diff([stems[stage.stems[0]].length for stage in plan]) <= 0)
