"""The hash functions: published numbers, and the same ones from arrays and compiled code."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.text import hashes
from arabench.text.compiled import hash_kernel
from arabench.text.hash_arrays import HashSet, mix, phrases, runs

_words64 = st.integers(0, hashes.MASK)


def test_the_functions_give_the_published_numbers() -> None:
    # FNV-1a of "a" and "foobar" (Noll's test vectors), fmix64 of 1 (MurmurHash3); SplitMix64
    # from state 1234567 (the Rosetta Code task, after Vigna's splitmix64.c).
    assert hashes.fnv1a(b"a") == 0xAF63DC4C8601EC8C
    assert hashes.fnv1a(b"foobar") == 0x85944171F73967E8
    assert hashes.murmur_finish(1) == 0xB456BCFC34C2CB2C
    states = [1234567 + n * hashes.SPLITMIX_STEP & hashes.MASK for n in range(5)]
    assert list(map(hashes.splitmix64, states)) == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]  # fmt: skip


@given(_words64)
@settings(max_examples=300, deadline=None)
def test_arrays_and_compiled_code_give_the_same(value: int) -> None:
    wide = np.array([value], dtype=np.uint64)
    assert int(mix(wide)[0]) == hashes.splitmix_finish(value)
    assert int(hash_kernel.splitmix64(wide[0])) == hashes.splitmix64(value)
    assert int(hash_kernel.murmur_finish(wide[0])) == hashes.murmur_finish(value)


@given(st.lists(st.integers(0, 0x10FFFF), max_size=12), st.integers(0, 30))
@settings(max_examples=300)
def test_a_run_has_the_hash_of_its_polynomial_wherever_it_stands(
    run: list[int], before: int
) -> None:
    value = sum(unit * pow(hashes.SPLITMIX_STEP, n) for n, unit in enumerate(run)) & hashes.MASK
    units = np.array([*range(7, 7 + before), *run, 5], dtype=np.uint32)
    start, end = np.array([before]), np.array([before + len(run)])
    assert int(runs(units, start, end)[0]) == hashes.splitmix_finish(value)


def test_a_long_text_has_the_hashes_of_its_parts() -> None:
    units = np.arange(300_000, dtype=np.uint32) % 1000
    starts = np.array([0, 131_000, 299_000])
    assert len(set(runs(units, starts, starts + 1000).tolist())) == 1


@pytest.mark.parametrize("length", [1, 2, 5])
def test_phrases_are_equal_where_their_words_are(length: int) -> None:
    words = mix(np.array([1, 2, 3, 1, 2, 3, 4, 1], dtype=np.uint64))
    found = phrases(words, length).tolist()
    windows = [tuple(words[at : at + length].tolist()) for at in range(len(words) - length + 1)]
    assert len(found) == len(windows)
    for (one, first), (two, second) in itertools.combinations(zip(found, windows, strict=True), 2):
        assert (one == two) == (first == second)
    assert len(phrases(words[: length - 1], length)) == 0


@given(st.lists(_words64, max_size=20), st.lists(_words64, max_size=20), st.sampled_from([1, 16]))
def test_a_set_finds_its_members_and_nothing_else(
    members: list[int], others: list[int], filter_bits: int
) -> None:
    known = HashSet(np.array(members, dtype=np.uint64), filter_bits)
    asked = [*others, *members]
    found = known.places(np.array(asked, dtype=np.uint64)).tolist()
    assert found == [place for place, value in enumerate(asked) if value in set(members)]
