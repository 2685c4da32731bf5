"""What the dialect model sees of a text: folded words and hashed features of them.

This module defines both; `arabench.dialect.compiled.feature_kernel` is the same compiled, over the
bytes of Arrow columns, and tests compare the two on any text.

**Words.** Web addresses and @mentions are dropped as `arabench.text.rules.entities` defines them.
Every Arabic letter is folded as `arabench.text.rules.folding` does (forms of alif, hamza, ya and
ta marbuta, presentation forms, letters of the Persian keyboard); the letters for p, ch, v
and g stay, for they tell a lot. Marks, tatweel and what shows nothing are ignored, and every
other character parts words: digits, Latin, punctuation, emoji, and the two
ligatures that are whole phrases. A letter repeated is kept twice, so that drawn-out words
are one, and of a word only the first `MAX_LETTERS` letters count.

**Features.** Of each word: the word itself, and the n-grams of `char_min` to `char_max`
symbols of it with a mark at either end, but for the one that is the whole; the n-grams of
the word as it is spelled in which folding changed a letter, for spelling habits tell too; and
each pair of neighbouring words. Each is hashed to 64 bits with FNV-1a (Fowler, Noll, Vo
1991) over its code units, then the finalizer of MurmurHash3 (Appleby 2011), salted by its
kind. The high bits are its bucket in the table of weights (feature hashing: Weinberger et al.
2009, arXiv 0902.2206).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_type_hints

from arabench import chars
from arabench.errors import UsageError
from arabench.text.hashes import MASK, fnv1a, murmur_finish
from arabench.text.rules import entities
from arabench.text.rules.folding import folding

#: Rises whenever some text has other words or other features.
FEATURES_VERSION: Final = 2
#: Letters of a word that count. The longest words with clitics have some fifteen.
MAX_LETTERS: Final = 32
#: Longest n-gram: longer ones are hardly ever seen in two words.
MAX_NGRAM: Final = 8
#: Most buckets, as a power of two: five bytes each make 20 MB.
MAX_BUCKETS_LOG2: Final = 22

#: Code units of the marks at the ends of a word; no letter folds to one.
WORD_START: Final = 1
WORD_END: Final = 2

#: Distinguishes the kinds of features: any different odd numbers do.
SALTS: Final = {
    "ngram": 0x9E3779B97F4A7C15,
    "word": 0xD1B54A32D192ED03,
    "pair": 0x8CB92BA72F3D8DD7,
    "spelling": 0xA0761D6478BD642F,
}
#: Shortest n-gram of a word as spelled: one letter alone tells a habit, not a variety.
SPELLING_MIN: Final = 2
#: Letters from here on are presentation forms and other rarities: spelled as folded.
SPELLED_END: Final = 0x800


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """Which features a model looks at; stored in its file."""

    char_min: int = 2
    """Shortest n-gram, the marks at word ends counted."""
    char_max: int = 5
    """Longest n-gram; 0 for none."""
    words: bool = True
    """Whole words."""
    pairs: bool = True
    """Pairs of neighbouring words."""
    spelling: bool = False
    """N-grams of the word as spelled, of `SPELLING_MIN` letters or more, too."""
    buckets_log2: int = 20
    """The table of weights has 2**buckets_log2 rows."""
    alpha: float = 0.5
    """The sum of the weights of a text of n words is multiplied by n**-alpha: 0 adds up
    evidence, 1 takes its mean."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(FeatureSpec).items():
            value = getattr(self, name)
            given = int if kind is float and type(value) is int else type(value)
            if given is not kind and not (kind is float and given is int):
                raise UsageError(f"{name}={value!r} is not a {kind.__name__}.")
        if self.char_max and not 1 <= self.char_min <= self.char_max <= MAX_NGRAM:
            raise UsageError(
                f"n-grams of {self.char_min} to {self.char_max} are not possible. Use lengths from "
                f"1 to {MAX_NGRAM}, the shorter first, or char_max=0 for none."
            )
        if not 1 <= self.buckets_log2 <= MAX_BUCKETS_LOG2:
            raise UsageError(
                f"buckets_log2={self.buckets_log2} is not allowed. Use 1 to {MAX_BUCKETS_LOG2}."
            )
        if not 0 <= self.alpha <= 1:
            raise UsageError(f"alpha={self.alpha!r} is not allowed. Use a number from 0 to 1.")
        if not (self.char_max or self.words or self.pairs):
            raise UsageError("a model needs features: n-grams, words or pairs.")

    @property
    def buckets(self) -> int:
        """Rows of the table of weights."""
        return 1 << self.buckets_log2

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the metadata of a model file."""
        return {"version": FEATURES_VERSION, **dataclasses.asdict(self)}


@functools.cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    letters, _, ignored = folding()
    word = chars.char_class(letters)
    skipped = chars.char_class(ignored)
    return (
        re.compile(f"[{word}][{word}{skipped}]*"),
        re.compile(f"[{skipped}]"),
        re.compile(r"(.)\1\1+"),
    )


@functools.cache
def _entity_rules() -> tuple[Any, Any]:
    return entities.urls("drop"), entities.mentions("drop")


class Word(NamedTuple):
    """A word as the model sees it, and where it stands in the text (characters).

    Attributes:
        folded: Its folded letters.
        spelled: As many letters, as `spell_word` gives them.
        start, end: Its place.
    """

    folded: str
    spelled: str
    start: int
    end: int


def words_of(text: str) -> list[str]:
    """The folded words of a text.

    >>> words_of("مش عارفـــة @user ليهههه!")
    ['مش', 'عارفه', 'ليهه']
    """
    return [fold_word(word) for word in _runs(text)]


def spelled_words_of(text: str) -> list[str]:
    """The words of a text as they are spelled; `fold_word` makes `words_of` of them.

    >>> spelled_words_of("مش عارفـــة @user ليهههه!")
    ['مش', 'عارفة', 'ليهه']
    """
    return [spell_word(word) for word in _runs(text)]


def _runs(text: str) -> list[str]:
    for rule in _entity_rules():
        text = rule.apply(text)
    run, _, _ = _patterns()
    return run.findall(text)


def words_with_places(text: str) -> list[Word]:
    """The words of a text with their offsets in it.

    Dropped addresses and mentions are overwritten with as many spaces to keep the places.
    """
    for rule in _entity_rules():
        text = rule.pattern.sub(lambda match: " " * len(match.group()), text)
    run, _, _ = _patterns()
    return [
        Word(fold_word(match.group()), spell_word(match.group()), match.start(), match.end())
        for match in run.finditer(text)
    ]


def fold_word(written: str) -> str:
    """A run of Arabic letters and ignored characters as the model sees it."""
    letters = folding().letters
    _, skipped, drawn_out = _patterns()
    folded = "".join([letters[char] for char in skipped.sub("", written)])
    return drawn_out.sub(r"\1\1", folded)[:MAX_LETTERS]


def spell_word(written: str) -> str:
    """The same run without what is ignored and drawn out: one letter per folded letter.

    The letter as typed, or the folded one where it is a rarity or stands for several.
    """
    letters, _, ignored = folding()
    spelled: list[str] = []
    last = last_but_one = ""
    for char in written:
        if char in ignored:
            continue
        folded = letters[char]
        as_typed = len(folded) == 1 and ord(char) < SPELLED_END
        for letter in folded:
            if letter == last == last_but_one:
                continue
            spelled.append(char if as_typed else letter)
            last_but_one, last = last, letter
            if len(spelled) == MAX_LETTERS:
                return "".join(spelled)
    return "".join(spelled)


def word_hash(folded: str) -> int:
    """FNV-1a of a folded word; what pairs and words are made of."""
    return fnv1a(map(ord, folded))


def word_features(spelled: str, spec: FeatureSpec) -> Iterator[int]:
    """Hashes of the features of one word, in the order of the kernel.

    Args:
        spelled: as `spell_word` gives it; a folded word is spelled as it is folded.
        spec: which features.
    """
    folded = fold_word(spelled)
    if spec.char_max:
        units = [WORD_START, *map(ord, folded), WORD_END]
        longest = min(spec.char_max, len(units) - 1)  # the whole is a feature of its own
        for start in range(len(units)):
            for length in range(spec.char_min, min(longest, len(units) - start) + 1):
                yield murmur_finish(fnv1a(units[start : start + length]) ^ SALTS["ngram"])
    if spec.spelling and spec.char_max:
        units = [WORD_START, *map(ord, spelled), WORD_END]
        changed = [False, *(one != two for one, two in zip(spelled, folded, strict=True)), False]
        for start in range(len(units)):
            longest = min(spec.char_max, len(units) - start)
            for length in range(max(spec.char_min, SPELLING_MIN), longest + 1):
                if any(changed[start : start + length]):
                    yield murmur_finish(fnv1a(units[start : start + length]) ^ SALTS["spelling"])
    if spec.words:
        yield murmur_finish(word_hash(folded) ^ SALTS["word"])


def pair_feature(first: str, second: str) -> int:
    """Hash of the feature of two neighbouring words."""
    return murmur_finish((word_hash(first) * SALTS["pair"] + word_hash(second)) & MASK)


def features_of(text: str, spec: FeatureSpec) -> Iterator[int]:
    """Hashes of all features of a text, word by word, each with the pair it ends.

    The definition of what `compiled.feature_kernel` computes: tests hold the two equal.
    """
    before = None
    for spelled in spelled_words_of(text):
        yield from word_features(spelled, spec)
        word = fold_word(spelled)
        if spec.pairs and before is not None:
            yield pair_feature(before, word)
        before = word


def bucket(feature: int, spec: FeatureSpec) -> int:
    """Row of a feature in the table of weights."""
    return feature >> (64 - spec.buckets_log2)
