"""The affix sequences of `grammar` as the arrays that the kernel reads."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from arabench.morph import grammar
from arabench.morph.compiled.segmenter_kernel import Grammar, hash_letters, mix
from arabench.morph.grammar import AffixSequence
from arabench.morph.letters import CODE

_PLACES = 1 << 13


@functools.cache
def compiled() -> Grammar:
    """The arrays; made once per process."""
    before, after = grammar.prefixes(), grammar.suffixes()
    single: dict[tuple[str, str], int] = {}
    for sequence in (*before, *after):
        for affix in sequence:
            single.setdefault(affix, len(single) + 1)
    before_table = _by_letters(before)
    after_table = _by_letters(after)
    pronoun_first = [bool(s) and s[0][1] == "pronoun" for s in after]
    alone = [grammar.stands_alone(s, (("ك", "pronoun"),)) for s in before]
    return Grammar(
        before_key=before_table[0],
        before_start=before_table[1],
        before_ids=before_table[2],
        before_last=np.array([single[s[-1]] if s else 0 for s in before], dtype=np.int32),
        before_alone=np.array(alone, dtype=np.uint8),
        after_key=after_table[0],
        after_start=after_table[1],
        after_ids=after_table[2],
        after_first=np.array([single[s[0]] if s else 0 for s in after], dtype=np.int32),
        after_last=np.array([single[s[-1]] if s else 0 for s in after], dtype=np.int32),
        after_alone=np.array(pronoun_first, dtype=np.uint8),
        longest_before=max(len(grammar.letters_of(s)) for s in before),
        longest_after=max(len(grammar.letters_of(s)) for s in after),
        singles=len(single) + 1,
    )


def _by_letters(sequences: tuple[AffixSequence, ...]) -> tuple[Any, Any, Any]:
    """Open-addressing table from the hash of the letters to lists of sequence numbers."""
    lists: dict[str, list[int]] = {}
    for number, sequence in enumerate(sequences):
        lists.setdefault(grammar.letters_of(sequence), []).append(number)
    keys = np.zeros(_PLACES, dtype=np.uint64)
    starts = np.full(_PLACES, -1, dtype=np.int32)
    ids: list[int] = []
    for letters, numbers in lists.items():
        key = hash_letters(np.array([CODE[c] for c in letters], dtype=np.uint8))
        place = int(mix(np.uint64(key))) & (_PLACES - 1)
        while starts[place] >= 0:
            place = (place + 1) % _PLACES
        keys[place] = key
        starts[place] = len(ids)
        ids.extend([*numbers, -1])
    return keys, starts, np.array(ids, dtype=np.int32)
