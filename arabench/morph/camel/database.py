"""A CAMeL morphology database, compiled for finding the segments of many words.

`camel_tools.morphology.analyzer.Analyzer` merges some forty features for every analysis of a
word, to throw nearly all away. Here the three tables of the database are looked up the same
way and in the same order, but an analysis stays a triple of entries until its features are
asked for: candidates are the analyses of `Analyzer.analyze`, place by place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from arabench.camel_data import import_camel
from arabench.chars import TATWEEL, char_class
from arabench.errors import DataError
from arabench.morph.analysis import Analysis
from arabench.morph.camel.database_tables import (
    Entry,
    LazyStems,
    check_stem,
    entries_of,
    entry_of,
    first_letters,
    outermost,
)
from arabench.morph.camel.morphemes import Morph, joined, letters_of, segments, whole

if TYPE_CHECKING:
    from camel_tools.morphology.database import MorphologyDB

#: What camel-tools writes for "no such probability": log10.
NO_LOGPROB: Final = -99.0
#: How proper nouns that are in no table are analyzed, by databases that can: as a word of any
#: letters between known prefixes and suffixes. What camel-tools' disambiguators use.
BACKOFF: Final = "NOAN_PROP"
_NOAN: Final = "NOAN"

#: What the rules for diacritized spellings need to change more than plus signs: the sign of
#: the article, alef wasla, alef and fatha, two shaddas, fathatan.
_REWRITTEN: Final = (
    "#", "\u0671", "\u0627\u064e", "\u0627+\u064e", "\u0651\u0651", "\u0651+\u0651", "\u064b"
)  # fmt: skip


class Candidate(NamedTuple):
    """An analysis: its three entries, and the stem's letters where they are in no table."""

    prefix: Entry
    stem: Entry
    suffix: Entry
    unknown_stem: str | None


class CompiledDatabase:
    """The tables of a `MorphologyDB`, ready to list and rank analyses.

    Attributes:
        database: the `MorphologyDB`.
        backoff: `BACKOFF` where the database has what it takes and it was asked for, or `NONE`.
        left_out: sections of the file that were left out.
    """

    def __init__(
        self, database: MorphologyDB, backoff: bool = True, left_out: tuple[str, ...] = ()
    ) -> None:
        analyzer = import_camel("camel_tools.morphology.analyzer")
        charsets = import_camel("camel_tools.utils.charsets")
        self.database = database
        self.left_out = left_out
        self._arabic: frozenset[str] = charsets.AR_CHARSET
        self._unmarked: dict[int, Any] = {ord(mark): None for mark in charsets.AR_DIAC_CHARSET}
        # Its normalization as a table of str.translate, which is some 20 times as fast.
        self._normal = self._unmarked | str.maketrans(
            {char: analyzer.DEFAULT_NORMALIZE_MAP(char) for char in charsets.AR_LETTERS_CHARSET}
        )
        self._other = re.compile(f"[^{char_class(self._arabic)}\n]")
        utilities = import_camel("camel_tools.morphology.utils")
        self._rewrite_diac = utilities.rewrite_diac
        self._normalize_tanwyn = utilities.normalize_tanwyn
        try:
            self._prefixes = entries_of(database.prefix_hash, "prefix")
            self._suffixes = entries_of(database.suffix_hash, "suffix")
            self._stems = LazyStems(database.stem_hash)
            for rows in database.stem_hash.values():
                for _, features in rows:
                    check_stem(features)
            unknown = self._unknown_stems() if backoff else []
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"the database has an entry without what an analysis needs ({error!r})."
            ) from error
        self._unknown = unknown
        self._heads = outermost(self._prefixes, slice(0, 1), slice(0, 2))
        tails = outermost(self._suffixes, slice(-1, None), slice(-2, None))
        self._tails = {letters: longest[::-1] for letters, longest in tails.items()}
        self._stem_heads = first_letters(database.stem_hash, self._arabic)
        self._allowed: dict[tuple[str, str], frozenset[str]] = {}
        self.backoff = BACKOFF if unknown else "NONE"

    def _unknown_stems(self) -> list[Entry]:
        categories = self.database.stem_backoffs.get("PROP", ())
        return [
            entry_of(category, features, "stem")
            for category, features in self.database.stem_hash.get(_NOAN, ())
            if category in categories and "NOUN_PROP" in features.get("bw", "")
        ]

    def unmarked(self, word: str) -> str:
        """A word without the marks that camel-tools takes off."""
        return word.translate(self._unmarked)

    def normalized(self, words: Sequence[str]) -> list[str]:
        """Words as the tables spell them; nothing for those of other letters."""
        text = "\n".join(words)
        if words and self._other.search(text) is None and text.count("\n") == len(words) - 1:
            return text.translate(self._normal).split("\n")  # most batches
        return [
            word.translate(self._normal) if self._arabic.issuperset(word) else "" for word in words
        ]

    def candidates(self, word: str) -> list[Candidate]:
        """The analyses of a word in the order of `Analyzer.analyze`.

        Args:
            word: letters and marks of camel-tools' Arabic set; others give none.
        """
        return self.candidates_of(self.normalized([word])[0])

    def candidates_of(self, normal: str) -> list[Candidate]:
        """As `candidates`, of a word as `normalized` gives it."""
        found: list[Candidate] = []
        size = len(normal)
        if not size:
            return found
        # The prefixes that may begin with these two letters: most words have a few. A word is
        # done with when no stem begins with the three letters after any of them.
        heads, unknown, stem_heads = self._heads, self._unknown, self._stem_heads
        outer = normal[:2]
        possible = heads.get(outer)
        if possible is None:
            possible = heads[outer] = heads.get(outer[0]) or heads[""]
        prefixes = []
        for start, before in possible:
            if start < size and (normal[start : start + 3] in stem_heads or unknown):
                entries = before or self._prefixes.get(normal[:start])
                if entries is not None:
                    prefixes.append((start, entries))
        if not prefixes:
            return found
        tails = self._tails
        outer = normal[-2:]
        possible = tails.get(outer)
        if possible is None:
            possible = tails[outer] = tails.get(outer[-1]) or tails[""]
        suffixes = []
        for length, after in possible:
            if length < size:
                entries = after or self._suffixes.get(normal[size - length :])
                if entries is not None:
                    suffixes.append((size - length, entries))
        stems, stem_hash = self._stems, self.database.stem_hash
        for start, entries in prefixes:
            for end, endings in suffixes:
                if start < end and normal[start:end] in stem_hash:
                    self._combine(found, entries, stems.get(normal[start:end]), endings, None)
        if not found and unknown:
            for start, entries in prefixes:
                for end, endings in suffixes:
                    if start < end:
                        self._combine(found, entries, unknown, endings, normal[start:end])
        return found

    def _combine(
        self,
        found: list[Candidate],
        prefixes: list[Entry],
        stems: list[Entry],
        suffixes: list[Entry],
        unknown: str | None,
    ) -> None:
        """Add the analyses of one way to split a word."""
        for prefix in prefixes:
            for stem in stems:
                allowed = self._allowed.get((prefix.category, stem.category))
                if allowed is None:
                    allowed = self._suffixes_after(prefix.category, stem.category)
                if allowed:
                    found += [
                        Candidate(prefix, stem, suffix, unknown)
                        for suffix in suffixes
                        if suffix.category in allowed
                    ]

    def _suffixes_after(self, prefix: str, stem: str) -> frozenset[str]:
        """Categories of the suffixes that a prefix and a stem allow."""
        database = self.database
        allowed: frozenset[str] = frozenset()
        if stem in database.prefix_stem_compat.get(prefix, ()):
            allowed = frozenset(database.stem_suffix_compat.get(stem, ())) & frozenset(
                database.prefix_suffix_compat.get(prefix, ())
            )
        self._allowed[prefix, stem] = allowed
        return allowed

    def best(self, word: str) -> Candidate | None:
        """The analysis that stands first by `rank`; None where there is none."""
        return self.best_of(self.candidates(word), word)

    def best_of(self, found: list[Candidate], word: str) -> Candidate | None:
        """The first by `rank` of the analyses of a word; None of none."""
        if len(found) < 2:
            return found[0] if found else None
        spelled = self.unmarked(word).replace(TATWEEL, "")
        keys = [rank(candidate, spelled) for candidate in found]
        least = min(keys)
        tied = [candidate for candidate, key in zip(found, keys, strict=True) if key == least]
        return tied[0] if len(tied) == 1 else min(tied, key=self.diacritized)

    def merged(self, candidate: Candidate) -> dict[str, Any]:
        """The features of an analysis, as `Analyzer.analyze` gives them."""
        merge = import_camel("camel_tools.morphology.utils").merge_features
        prefix, stem, suffix, unknown = candidate
        features = stem.features
        if unknown is not None:
            features = {
                **features,
                **{name: features[name].replace(_NOAN, unknown) for name in ("bw", "diac", "lex")},
            }
        found: dict[str, Any] = merge(self.database, prefix.features, features, suffix.features)
        return found

    def diacritized(self, candidate: Candidate) -> str:
        """The feature `diac` of an analysis."""
        prefix, stem, suffix, unknown = candidate
        own = stem.features["diac"]
        if "diac" in self.database.defines:
            middle = own if unknown is None else own.replace(_NOAN, unknown)
            parts = (prefix.features.get("diac", ""), middle, suffix.features.get("diac", ""))
            own = "+".join([part for part in parts if part])
        if not any(sign in own for sign in _REWRITTEN):
            return own.replace("+", "")
        rewritten = self._rewrite_diac(own)
        return str(self._normalize_tanwyn(rewritten))

    def lexeme(self, candidate: Candidate) -> str:
        """The feature `lex` of an analysis."""
        own = candidate.stem.features.get("lex", "")
        unknown = candidate.unknown_stem
        return own if unknown is None else own.replace(_NOAN, unknown)

    def tagged(self, candidate: Candidate) -> str:
        """The feature `bw` of an analysis."""
        prefix, stem, suffix, unknown = candidate
        own = stem.features.get("bw", "")
        middle = own if unknown is None else own.replace(_NOAN, unknown)
        parts = (prefix.features.get("bw", ""), middle, suffix.features.get("bw", ""))
        return "+".join([part for part in parts if part])

    def candidate_of(self, word: str, features: dict[str, Any]) -> Candidate | None:
        """The analysis of a word that has these features; None where none has its tags."""
        same = [
            candidate
            for candidate in self.candidates(word)
            if self.tagged(candidate) == features.get("bw")
            and self.lexeme(candidate) == features.get("lex")
        ]
        diac = features.get("diac")
        exact = (candidate for candidate in same if self.diacritized(candidate) == diac)
        return next(exact, same[0] if same else None)

    def segments(self, word: str, candidate: Candidate | None) -> Analysis:
        """The segments of a word by one of its analyses."""
        if candidate is None:
            return whole(word)
        prefix, stem, suffix, unknown = candidate
        if unknown is None:
            middle, lexeme = stem.morphs, letters_of(stem.features.get("lex", ""))
        else:
            middle, lexeme = (Morph(unknown, "stem"),), ""
        return segments(word, joined(prefix.morphs, middle, suffix.morphs), lexeme)


def rank(candidate: Candidate, spelled: str) -> tuple[bool, float, float, bool, int, int, int]:
    """Key by which the best analysis out of context is the least; ties go by `diac`.

    First those spelled as the word is (the analyzer takes all alefs for one, teh marbuta for
    heh and alef maqsura for yeh); then the probability of part of speech and lexeme, that of
    the lexeme, for a guessed noun the article, fewer morphemes, waw and feh as conjunctions,
    and a shorter tag.

    Args:
        candidate: an analysis.
        spelled: letters of the word.
    """
    prefix, stem, suffix, unknown = candidate
    middle = stem.letters if unknown is None else unknown
    return (
        spelled != prefix.letters + middle + suffix.letters,
        -logprob(candidate, "pos_lex_logprob"),
        -logprob(candidate, "lex_logprob"),
        unknown is not None and not prefix.has_article,
        prefix.morph_count + stem.morph_count + suffix.morph_count,
        prefix.oaths,
        prefix.bw_length + stem.bw_length + suffix.bw_length,
    )


def logprob(candidate: Candidate, name: str) -> float:
    """A log10 probability as `merge_features` merges it: of prefix, else suffix, else stem."""
    prefix, stem, suffix, _ = candidate
    own = stem.logprobs.get(name)
    if own is None:
        return NO_LOGPROB
    return prefix.logprobs.get(name, suffix.logprobs.get(name, own))
