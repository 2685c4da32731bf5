"""How words with the same affixes are written in a scheme, worked out once per pair of affixes.

Most words differ from their tokens in nothing but where they are cut. Which letters are
clitics depends on the affixes alone, so that a word is cut at places known beforehand. A plan
does what `decision.analyse_plain`, `schemes.tokens_of` and a notation do together, and leaves
to them every word in which a citation form or a joining rule might change a letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, compress, pairwise
from typing import Any, Final

import numpy as np

from arabench import chars
from arabench.morph import grammar
from arabench.morph.answers import pieces_of
from arabench.morph.decision import analyse_plain
from arabench.morph.join import CHANGING_ENDS, LAM_TAKES
from arabench.morph.schemes import Scheme, Tokens, spans, tokens_of
from arabench.morph.segmenter import BuiltinSegmenter

#: A word as it is written, or None where a rule might change a letter.
Plan = Callable[[str], str | None]

_LAM: Final = "\u0644"  # LAM
_TEH: Final = "\u062a"  # TEH
#: Last letters of a stem that a pronoun may have changed: the seats of hamza, and the yeh that
#: stands for alef maksura in a few particles. All of `CHANGING_ENDS` are checked anyway.
_CHANGED_ENDS: Final = CHANGING_ENDS | {chars.WAW_HAMZA, chars.YA_HAMZA, chars.YA}
#: Instead of the number of a plan: clitics alone, left to the segments.
_NO_STEM: Final = -1
#: What is left of allah after li-.
_LLAH: Final = "\u0644\u0647"


def plan_for(
    before: int, after: int, scheme: Scheme, write: Callable[[Tokens], str], *, surface: bool
) -> Plan:
    """The plan of words with a stem between two affix sequences.

    It takes words of plain letters, one per character.

    Args:
        before, after: places in `grammar.prefixes()` and `grammar.suffixes()`.
        scheme: which segments to split.
        write: tokens as they stand in the text.
        surface: spell tokens as in the word whatever the scheme says.
    """
    kinds = pieces_of(before, after, True).kinds
    first, last = grammar.prefixes()[before], grammar.suffixes()[after]
    start, _, _, end = spans(kinds, scheme.split)
    # Cuts before the host from the start of the word, those behind it from its end.
    heads = _ends(first)[:start]
    tails = [-n for n in _ends(last[::-1])[: len(kinds) - end]][::-1]
    if not heads and not tails:
        return lambda word: word
    cut = _cutter(heads, tails, write)
    if surface or scheme.surface:
        return cut
    if _always_changes(first, last):
        return lambda word: None
    stem_end = -len(grammar.letters_of(last)) if last and last[0][1] == "pronoun" else 0
    lams = [place for place, (letters, _) in zip(heads, first, strict=False) if letters[0] == _LAM]
    after_lam = len(grammar.letters_of(first)) if first and not last and first[-1][0] == _LAM else 0

    def cut_unless_changed(word: str) -> str | None:
        for place in tails:
            if word[place - 1] in CHANGING_ENDS:
                return None
        if stem_end and word[stem_end - 1] in _CHANGED_ENDS:
            return None
        for place in lams:
            if word[place] in LAM_TAKES:
                return None
        if after_lam and word[after_lam:] == _LLAH:
            return None
        return cut(word)

    return cut_unless_changed


def _ends(sequence: Sequence[grammar.Affix]) -> list[int]:
    return list(accumulate(len(letters) for letters, _ in sequence))


def _always_changes(first: grammar.AffixSequence, last: grammar.AffixSequence) -> bool:
    """Whether `restoration.citation_forms` changes an affix of every such word."""
    return any(one[0] == _LAM and two == (_LAM, "article") for one, two in pairwise(first)) or any(
        one in {(_TEH, "noun_suffix"), (chars.WAW, "verb_suffix")} and two[1] == "pronoun"
        for one, two in pairwise(last)
    )


def _cutter(
    heads: Sequence[int], tails: Sequence[int], write: Callable[[Tokens], str]
) -> Callable[[str], str]:
    """What puts the marks of a notation where words are cut."""
    count = len(heads) + len(tails) + 1
    seams = write(Tokens(("\0",) * count, len(heads), (False,) * count)).split("\0")[1:-1]
    places = [*heads, *tails]
    if len(places) == 1:
        (place,), (seam,) = places, seams
        return lambda word: word[:place] + seam + word[place:]
    pieces = [slice(a, b) for a, b in pairwise([None, *places, None])]
    template = "%s".join(["", *(seam.replace("%", "%%") for seam in seams), ""])
    return lambda word: template % tuple([word[piece] for piece in pieces])


class PlannedWriter:
    """Writes words of plain letters in one scheme and notation; keeps a plan per affixes.

    Threads may share one.

    Args:
        segmenter: chooses the affixes.
        scheme: which segments to split.
        write: tokens as they stand in the text.
        surface: spell tokens as in the word whatever the scheme says.
    """

    def __init__(
        self,
        segmenter: BuiltinSegmenter,
        scheme: Scheme,
        write: Callable[[Tokens], str],
        *,
        surface: bool,
    ) -> None:
        self._segmenter = segmenter
        self._scheme = scheme
        self._write = write
        self._surface = surface
        self._plans: dict[int, Plan] = {}

    def write(self, words: Sequence[str]) -> list[str | None]:
        """Each word with its tokens marked; None where it is not of plain letters alone.

        Args:
            words: none empty; any strings.
        """
        is_plain, cuts = self._segmenter.cut_plain(words)
        # The sequences without letters are the first of their kind: 0 stands for no affixes.
        numbers = cuts[:, 0] * np.int32(len(grammar.suffixes())) + cuts[:, 1]
        numbers[(cuts[:, 2] == cuts[:, 3]) & (numbers > 0)] = _NO_STEM
        plans, plan_of = self._plans, self._plan_of
        written: list[str | None] = []
        plain_words = compress(words, is_plain.tolist())
        for row, (word, number) in enumerate(zip(plain_words, numbers.tolist(), strict=True)):
            if number == 0:
                written.append(word)
                continue
            text = None if number == _NO_STEM else (plans.get(number) or plan_of(number))(word)
            written.append(text if text is not None else self._by_segments(word, cuts[row]))
        if len(written) == len(words):
            return written
        plain_ones = iter(written)
        return [next(plain_ones) if plain else None for plain in is_plain.tolist()]

    def _plan_of(self, number: int) -> Plan:
        before, after = divmod(number, len(grammar.suffixes()))
        plan = plan_for(before, after, self._scheme, self._write, surface=self._surface)
        self._plans[number] = plan
        return plan

    def _by_segments(self, word: str, cut: Any) -> str:
        analysis = analyse_plain(word, *cut.tolist())
        return self._write(tokens_of(word, analysis, self._scheme, surface=self._surface))
