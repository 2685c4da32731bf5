"""The segmenter's candidates, features and scores, compiled.

A word has one candidate per way to cut it that the grammar allows. A candidate's features
are indices into one table of weights, hashed from small numbers: which affixes, which
letters beside the cuts, how often the pieces were seen as words in running text. Everything
is whole numbers up to the sum of weights.

Numba compiles the functions on first use and caches the result on disk; they release the GIL.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np

from arabench.morph.letters import CODE, FOLD, MAX_LETTERS
from arabench.morph.segmenter_templates import (
    BEGINNING_AT,
    BEGINNINGS,
    ENDING_AT,
    ENDINGS,
    FACTS,
    PLACE,
    compiled_templates,
)

#: Places of the table of weights, a power of two.
WEIGHTS: Final = 1 << 20
#: Most candidates of one word that are looked at.
MAX_CANDIDATES: Final = 512

_BASE: Final = np.uint64(0x100000001B3)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_MIX_3: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_4: Final = np.uint64(0xD6E8FEB86659FD93)
_U33, _U29, _U1, _U0 = np.uint64(33), np.uint64(29), np.uint64(1), np.uint64(0)
_U8, _U16, _U6 = np.uint64(8), np.uint64(16), np.uint64(6)
_WEIGHT_MASK = np.uint64(WEIGHTS - 1)
_FOLD = np.frombuffer(FOLD, dtype=np.uint8).copy()
_POWERS = np.array([pow(int(_BASE), n, 1 << 64) for n in range(MAX_LETTERS + 2)], dtype=np.uint64)
_NOTHING = -1


class Grammar(NamedTuple):
    """The affix sequences as arrays.

    Attributes:
        before_key: (places,) uint64, and before_start: (places,) int32: hash of letters -> first
            place in `before_ids`, as a table of open addressing; -1 where a place is free.
        before_ids: (any,) int32: numbers of sequences; each list ends with -1.
        before_last: (sequences,) int32: number of the single affix at the end, 0 for none.
        before_alone: (sequences,) uint8: whether the stem may be missing behind it.
        after_key, after_start, after_ids: the same of the affixes behind the stem.
        after_first, after_last: (sequences,) int32: number of the single affix at that end, 0 for
            none.
        after_alone: (sequences,) uint8: whether it begins with a pronoun.
        longest_before, longest_after: letters of the longest sequence.
        singles: how many numbers single affixes have, 0 for none among them.
    """

    before_key: Any
    before_start: Any
    before_ids: Any
    before_last: Any
    before_alone: Any
    after_key: Any
    after_start: Any
    after_ids: Any
    after_first: Any
    after_last: Any
    after_alone: Any
    longest_before: int
    longest_after: int
    singles: int


@numba.njit(cache=True, nogil=True)
def mix(h):
    h ^= h >> _U33
    h *= _MIX_1
    h ^= h >> _U29
    h *= _MIX_2
    return h ^ (h >> _U33)


@numba.njit(cache=True, nogil=True)
def hash_letters(codes):
    """Hash of folded letters; that of a joined string follows from its parts."""
    h = _U0
    for code in codes:
        h = h * _BASE + np.uint64(_FOLD[code]) + _U1
    return h


@numba.njit(cache=True, nogil=True)
def level(lexicon, h):
    """Stored levels of a word in 6 bits, 0 where it was not seen.

    Args:
        lexicon: (places,) uint16, read: table of `store`.
        h: uint64, hash of the letters of the word.
    """
    m = mix(h)
    mask = np.uint64(lexicon.size - 1)
    tag = np.uint16(m >> np.uint64(54))
    place = m & mask
    while True:
        entry = lexicon[place]
        if entry == 0:
            return 0
        if (entry >> np.uint16(6)) == tag:
            return np.int64(entry & np.uint16(63))
        place = (place + _U1) & mask


@numba.njit(cache=True, nogil=True)
def store(lexicon, hashes, levels):
    """Fill an empty lexicon; of two words with one tag in one run of places the first stays.

    Args:
        lexicon: (places,) uint16, written: a power of two of places, all 0; 10 bits of the mixed
            hash as a tag, 6 bits of levels.
        hashes: (words,) uint64, read.
        levels: (words,) uint16, read: 1 to 63 each.
    """
    mask = np.uint64(lexicon.size - 1)
    for n in range(hashes.size):
        m = mix(hashes[n])
        tag = np.uint16(m >> np.uint64(54))
        place = m & mask
        while lexicon[place] != 0 and (lexicon[place] >> np.uint16(6)) != tag:
            place = (place + _U1) & mask
        if lexicon[place] == 0:
            lexicon[place] = np.uint16((tag << np.uint16(6)) | levels[n])


@numba.njit(cache=True, nogil=True)
def _find(keys, starts, h):
    mask = np.uint64(keys.size - 1)
    place = mix(h) & mask
    while starts[place] >= 0:
        if keys[place] == h:
            return starts[place]
        place = (place + _U1) & mask
    return _NOTHING


@numba.njit(cache=True, nogil=True)
def candidates(word, sums, grammar, out):
    """Every analysis of a word.

    Args:
        word: (n,) uint8, read: codes of the letters.
        sums: (n + 1 or more,) uint64, written: hashes of its beginnings.
        grammar: read.
        out: (MAX_CANDIDATES, 4) int32, written: before, after, start and end of the stem.

    Returns:
        How many.
    """
    n = word.size
    sums[0] = _U0
    for k in range(n):
        sums[k + 1] = sums[k] * _BASE + np.uint64(_FOLD[word[k]]) + _U1
    count = 0
    for i in range(min(n, grammar.longest_before) + 1):
        at = _find(grammar.before_key, grammar.before_start, sums[i])
        if at < 0:
            continue
        for j in range(max(i, n - grammar.longest_after), n + 1):
            bt = _find(grammar.after_key, grammar.after_start, sums[n] - sums[j] * _POWERS[n - j])
            if bt < 0:
                continue
            p = at
            while grammar.before_ids[p] >= 0:
                before = grammar.before_ids[p]
                p += 1
                if i == j and grammar.before_alone[before] == 0:
                    continue
                q = bt
                while grammar.after_ids[q] >= 0:
                    after = grammar.after_ids[q]
                    q += 1
                    if i == j and grammar.after_alone[after] == 0:
                        continue
                    if count < MAX_CANDIDATES:
                        out[count, 0] = before
                        out[count, 1] = after
                        out[count, 2] = i
                        out[count, 3] = j
                        count += 1
    return count


#: Salts of the entries of the lexicon that say something of a stem, not of a word.
VERB_STEM: Final = np.uint64(0x5BD1E9955BD1E995)
AUTO_STEM: Final = np.uint64(0x2545F4914F6CDD1D)
_ALEF, _WAW, _YEH, _TEH, _NUN = (np.uint64(CODE[c]) for c in "اويتن")


# Strings looked up beside a stem: hashes of the folded letters and their lengths.
def _string(letters: str) -> tuple[int, int]:
    return int(hash_letters(np.array([CODE[c] for c in letters], dtype=np.uint8))), len(letters)


_ENDINGS = [_string(letters) for letters in ENDINGS]
_STARTS = [_string(letters) for letters in BEGINNINGS]
_END_HASH = np.array([h for h, _ in _ENDINGS], dtype=np.uint64)
_END_LEN = np.array([n for _, n in _ENDINGS], dtype=np.int64)
_START_HASH = np.array([h for h, _ in _STARTS], dtype=np.uint64)
#: Letters that often are no root: shapes of stems.
_SHAPE = np.zeros(64, dtype=np.uint64)
for _n, _letter in enumerate("اويتمنةهسلء", start=1):
    _SHAPE[CODE[_letter]] = _n
del _n, _letter

_places, _GENERAL = compiled_templates()
_TEMPLATE = np.array(_places, dtype=np.int64)
#: Most features of one candidate.
MAX_FEATURES: Final = len(_TEMPLATE)
#: A feature is the hash of its template's number times the salt, plus each of its four facts
#: times the multiplier of its place.
TEMPLATE_SALT: Final = _MIX_2
MULTIPLIERS: Final = (_BASE, _MIX_1, _MIX_3, _MIX_4)


@numba.njit(cache=True, nogil=True)
def describe(word, sums, grammar, lexicon, before, after, i, j, facts):
    """The facts of one candidate.

    Args:
        word: (n,) uint8, read: codes of the letters.
        sums: (n + 1 or more,) uint64, read: as `candidates` wrote them.
        grammar: read.
        lexicon: (places,) uint16, read: table of `store`.
        before, after, i, j: the candidate.
        facts: (FACTS,) uint64, written.
    """
    describe_stem(word, sums, lexicon, i, j, facts)
    describe_affixes(grammar, before, after, facts)


@numba.njit(cache=True, nogil=True)
def describe_affixes(grammar, before, after, facts):
    """The facts of a candidate's affixes; those of its stem stay as they are.

    Args:
        grammar, before, after: as for `describe`.
        facts: (FACTS,) uint64, written in part.
    """
    bl = np.uint64(grammar.before_last[before])
    af = np.uint64(grammar.after_first[after])
    facts[_BEFORE] = np.uint64(before)
    facts[_AFTER] = np.uint64(after)
    facts[_LAST_BEFORE] = bl
    facts[_FIRST_AFTER] = af
    facts[_LAST_AFTER] = np.uint64(grammar.after_last[after])
    facts[_BOTH] = (bl << _U8) | af


@numba.njit(cache=True, nogil=True)
def describe_stem(word, sums, lexicon, i, j, facts):
    """The facts of all candidates with this stem; those of affixes are set to nothing.

    Args:
        word, sums, lexicon, i, j: as for `describe`.
        facts: (FACTS,) uint64, written.
    """
    n = word.size
    facts[:] = _U0
    stem = sums[j] - sums[i] * _POWERS[j - i]
    headless = sums[n] - sums[i] * _POWERS[n - i]
    facts[_LENGTH] = np.uint64(min(j - i, 9))
    facts[_TYPED_FIRST] = np.uint64(word[0])
    facts[_TYPED_END] = np.uint64(word[n - 1])
    facts[_SEEN_WORD] = np.uint64(level(lexicon, sums[n]))
    facts[_SEEN_WITHOUT_BEFORE] = np.uint64(level(lexicon, headless))
    facts[_SEEN_WITHOUT_AFTER] = np.uint64(level(lexicon, sums[j]))
    facts[_STEM] = stem
    facts[_WORD] = sums[n]
    facts[_WITHOUT_BEFORE] = headless
    facts[_WITHOUT_AFTER] = sums[j]
    if j == i:
        return
    facts[_TYPED_START] = np.uint64(word[i])
    shape = _U1
    for m in range(i, min(j, i + 9)):
        code = np.uint64(_FOLD[word[m]])
        shape = shape * np.uint64(12) + _SHAPE[code]
        if m < i + 3:
            facts[_START1 + m - i] = code
    facts[_SHAPE_OF] = shape
    for m in range(min(3, j - i)):
        facts[_END1 + m] = np.uint64(_FOLD[word[j - 1 - m]])
    facts[_SEEN_STEM] = np.uint64(level(lexicon, stem))
    facts[_VERB] = _as_verb(lexicon, sums, stem, facts[_START1], facts[_END1], i, j)
    facts[_STEM_OF] = np.uint64(level(lexicon, stem ^ AUTO_STEM))
    seen = _U0
    for m in range(_END_LEN.size):
        packed = level(lexicon, stem * _POWERS[_END_LEN[m]] + _END_HASH[m])
        facts[ENDING_AT + m] = np.uint64(max(packed & 7, packed >> 3))
        if packed > 0 and m < 6:
            seen |= _U1 << np.uint64(m)
    facts[_SEEN_ENDINGS] = seen
    seen = _U0
    for m in range(_START_HASH.size):
        packed = level(lexicon, _START_HASH[m] * _POWERS[j - i] + stem)
        facts[BEGINNING_AT + m] = np.uint64(max(packed & 7, packed >> 3))
        if packed > 0:
            seen |= _U1 << np.uint64(m)
    facts[_SEEN_BEGINNINGS] = seen


@numba.njit(cache=True, nogil=True)
def _as_verb(lexicon, sums, stem, first, last, i, j):
    """Aspects in which the stem stands in the list of verbs.

    Bits 0 to 2 as listed; bit 3 where it stands there without its last weak letter; bit 4
    where it is an imperfect stem with a letter for the person before it.
    """
    verb = np.uint64(level(lexicon, stem ^ VERB_STEM))
    person = _U0
    if first == _YEH or first == _TEH or first == _NUN or first == _ALEF:
        letter = sums[i + 1] - sums[i] * _BASE
        rest = stem - letter * _POWERS[j - i - 1]
        person = (np.uint64(level(lexicon, rest ^ VERB_STEM)) >> _U1) & _U1
    if verb == _U0 and person == _U0 and (last == _ALEF or last == _WAW or last == _YEH):
        short = sums[j - 1] - sums[i] * _POWERS[j - 1 - i]
        if level(lexicon, short ^ VERB_STEM) > 0:
            verb = np.uint64(8)
    return verb | (person << np.uint64(4))


(
    _BEFORE, _AFTER, _LAST_BEFORE, _FIRST_AFTER, _LAST_AFTER, _BOTH, _LENGTH, _START1, _END1,
    _TYPED_START, _TYPED_END, _TYPED_FIRST, _SHAPE_OF, _SEEN_STEM, _SEEN_WORD,
    _SEEN_WITHOUT_BEFORE, _SEEN_WITHOUT_AFTER, _VERB, _STEM_OF, _SEEN_ENDINGS, _SEEN_BEGINNINGS,
    _STEM, _WORD, _WITHOUT_BEFORE, _WITHOUT_AFTER,
) = (
    PLACE[name] for name in (
        "before", "after", "last_before", "first_after", "last_after", "both", "length", "start1",
        "end1", "typed_start", "typed_end", "typed_first", "shape", "seen_stem", "seen_word",
        "seen_without_before", "seen_without_after", "verb", "stem_of", "seen_endings",
        "seen_beginnings", "stem", "word", "without_before", "without_after",
    )
)  # fmt: skip


@numba.njit(cache=True, nogil=True)
def features(facts, memory, feats):
    """Indices of the weights that the facts of a candidate choose.

    Args:
        facts: (FACTS,) uint64, read: of `describe`.
        memory: with the templates that only know words and stems by heart.
        feats: (MAX_FEATURES,) int32, written.

    Returns:
        How many.
    """
    count = _TEMPLATE.shape[0] if memory else _GENERAL
    for t in range(count):
        h = np.uint64(t + 1) * _MIX_2 + facts[_TEMPLATE[t, 0]] * _BASE
        h += facts[_TEMPLATE[t, 1]] * _MIX_1 + facts[_TEMPLATE[t, 2]] * _MIX_3
        h += facts[_TEMPLATE[t, 3]] * _MIX_4
        feats[t] = np.int32(mix(h) & _WEIGHT_MASK)
    return count


@numba.njit(cache=True, nogil=True)
def decide(words, offsets, grammar, lexicon, weights, best, margin):
    """The best candidate of each word.

    Args:
        words: (letters,) uint8, read: the codes of all words, one after another.
        offsets: (words + 1,) int64, read: where each starts, and the end of the last.
        grammar: read.
        lexicon: (places,) uint16, read: table of `store`.
        weights: (WEIGHTS,) int8, read.
        best: (words, 4) int32, written: before, after, start and end of the stem.
        margin: (words,) float32, written: how far the best way to cut is ahead of the next.
    """
    out = np.empty((MAX_CANDIDATES, 4), dtype=np.int32)
    facts = np.empty(FACTS, dtype=np.uint64)
    feats = np.empty(MAX_FEATURES, dtype=np.int32)
    sums = np.empty(MAX_LETTERS + 2, dtype=np.uint64)
    for w in range(offsets.size - 1):
        word = words[offsets[w] : offsets[w + 1]]
        total = candidates(word, sums, grammar, out)
        top = -1e30
        start, end = -1, -1
        for c in range(total):
            # Candidates with the same stem follow each other.
            if out[c, 2] != start or out[c, 3] != end:
                start, end = out[c, 2], out[c, 3]
                describe_stem(word, sums, lexicon, start, end, facts)
            describe_affixes(grammar, out[c, 0], out[c, 1], facts)
            count = features(facts, True, feats)
            s = 0.0
            for m in range(count):
                s += weights[feats[m]]
            if s > top:
                margin[w] = np.float32(s - top)
                top = s
                best[w, 0] = out[c, 0]
                best[w, 1] = out[c, 1]
                best[w, 2] = out[c, 2]
                best[w, 3] = out[c, 3]
            elif np.float32(top - s) < margin[w]:
                margin[w] = np.float32(top - s)
