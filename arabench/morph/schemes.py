"""Tokenization schemes: which segments of an analysis become tokens, and how each is spelled.

Schemes follow Habash and Sadat (2006, "Arabic Preprocessing Schemes for Statistical Machine
Translation") and Habash (2010, chapter 5); docs/morphology.md has the table of differences.
A token is written in its citation form only where the rules of `arabench.morph.join` give the
word back from it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from arabench import chars
from arabench.errors import UsageError, did_you_mean
from arabench.morph.analysis import KINDS, PROCLITICS, Analysis, Kind
from arabench.morph.join import attach_enclitic, attach_proclitic, join_tokens, may_change

#: Rises when a scheme, a joining rule or a mark changes what is written.
SCHEMES_VERSION: Final = 1

SchemeName = Literal["words", "d1", "d2", "d3", "atb", "bw", "clitics", "seg"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """Which segments stand on their own.

    Attributes:
        split: kinds that become tokens; the others stay with the stem.
        surface: tokens are spelled as in the word, and joined without any rule.
        summary: what it is for, for help texts.
    """

    split: frozenset[Kind]
    surface: bool
    summary: str


_D1: Final[frozenset[Kind]] = frozenset({"conjunction"})
_D2: Final[frozenset[Kind]] = _D1 | {
    "preposition", "particle", "progressive", "future", "negation", "demonstrative",
}  # fmt: skip
_ATB: Final[frozenset[Kind]] = _D2 | {"pronoun", "indirect_object"}
_D3: Final[frozenset[Kind]] = _ATB | {"article"}

SCHEMES: Final[dict[SchemeName, Scheme]] = {
    "words": Scheme(frozenset(), True, "no split"),
    "d1": Scheme(_D1, False, "conjunctions"),
    "d2": Scheme(_D2, False, "d1, prepositions and particles"),
    "d3": Scheme(_D3, False, "d2, article and pronouns"),
    "atb": Scheme(_ATB, False, "d3 without the article"),
    "bw": Scheme(frozenset(KINDS), False, "every morpheme, citation forms"),
    "clitics": Scheme(_D3, True, "d3, spelled as in the word"),
    "seg": Scheme(frozenset(KINDS), True, "every morpheme, spelled as in the word"),
}

DEFAULT_SCHEME: Final[SchemeName] = "d3"

#: What a word and each of its tokens is made of.
WORD_CLASS: Final = chars.char_class(
    chars.LETTERS | chars.MARKS | set(chars.PRESENTATION_FORMS) | {chars.TATWEEL}
)
_WORD: Final = re.compile(f"[{WORD_CLASS}]+")

#: States kept while the spelling of a word's tokens is searched. Words have one or two
#: uncertain seams; more only come from analyses that make no sense.
_MAX_STATES: Final = 32


def scheme_named(name: str) -> Scheme:
    """The scheme of that name.

    Raises:
        UsageError: there is none.
    """
    for known, scheme in SCHEMES.items():
        if known == name:
            return scheme
    raise UsageError(f"unknown scheme {name!r}. {did_you_mean(name, SCHEMES)}")


class Token(NamedTuple):
    """A token of a word before its spelling is chosen; see `analysis.Segment`."""

    surface: str
    form: str


class Tokens(NamedTuple):
    """Tokens of one word in their final spelling.

    Attributes:
        texts: in order; proclitics, the host, enclitics.
        host: which one the others attach to.
        plain: for each, whether it is attached to what lies between it and the host, letter
            by letter, although a rule would change letters. Never true of the host.
    """

    texts: tuple[str, ...]
    host: int
    plain: tuple[bool, ...]


def group_segments(analysis: Analysis, split: frozenset[Kind]) -> tuple[list[Token], int]:
    """Segments merged into the tokens of a scheme.

    A clitic farther from the stem than one that is split is split too, so that every token
    is one piece of the word.

    Args:
        analysis: at least one segment.
        split: kinds that become tokens.

    Returns:
        The tokens in order, and the place of the host: the token with the stem; of clitics
        alone the last proclitic.
    """
    start, first, last, end = spans(tuple([segment.kind for segment in analysis]), split)
    host = Token(
        "".join([segment.surface for segment in analysis[start:end]]),
        join_tokens(
            [segment.form for segment in analysis[start:first]],
            "".join([segment.form for segment in analysis[first : last + 1]]),
            [segment.form for segment in analysis[last + 1 : end]],
        ),
    )
    before = [Token(segment.surface, segment.form) for segment in analysis[:start]]
    after = [Token(segment.surface, segment.form) for segment in analysis[end:]]
    return [*before, host, *after], start


@functools.lru_cache(maxsize=4096)
def spans(kinds: tuple[Kind, ...], split: frozenset[Kind]) -> tuple[int, int, int, int]:
    """Where the host token starts, its first and last stem segment, and where it ends.

    Args:
        kinds: of the segments of a word.
        split: kinds that become tokens.
    """
    if "stem" in kinds:
        first = kinds.index("stem")
        last = len(kinds) - 1 - kinds[::-1].index("stem")
    else:
        proclitics = 0
        while proclitics < len(kinds) and kinds[proclitics] in PROCLITICS:
            proclitics += 1
        first = last = max(proclitics - 1, 0)
    start, end = first, last + 1
    while start > 0 and kinds[start - 1] not in split:
        start -= 1
    while end < len(kinds) and kinds[end] not in split:
        end += 1
    return start, first, last, end


def tokens_of(word: str, analysis: Analysis, scheme: Scheme, *, surface: bool = False) -> Tokens:
    """The tokens of `word`; one, the word itself, where `analysis` does not rejoin to it.

    Args:
        word: as it is spelled.
        analysis: what a segmenter answered.
        scheme: which segments to split.
        surface: spell tokens as in the word whatever the scheme says.
    """
    surfaces = [segment.surface for segment in analysis]
    if len(analysis) < 2 or not scheme.split or "".join(surfaces) != word:
        return Tokens((word,), 0, (False,))
    start, _, _, end = spans(tuple([segment.kind for segment in analysis]), scheme.split)
    count = start + 1 + len(analysis) - end
    if count == 1:
        return Tokens((word,), 0, (False,))
    is_surface = surface or scheme.surface
    # Most words by far: every form is the surface, and no seam has letters that a rule knows.
    is_plain = is_surface or [segment.form for segment in analysis] == surfaces
    if is_plain and "" not in surfaces:
        texts = (*surfaces[:start], "".join(surfaces[start:end]), *surfaces[end:])
        if is_surface or not may_change(texts, start):
            return Tokens(texts, start, (False,) * count)
    tokens, host = group_segments(analysis, scheme.split)
    return _as_spelled(tokens, host) if is_surface else _fit(word, tokens, host)


def _as_spelled(tokens: Sequence[Token], host: int) -> Tokens:
    """Surfaces, those without letters left out."""
    kept = [place for place, token in enumerate(tokens) if token.surface]
    texts = tuple(tokens[place].surface for place in kept)
    at = sum(place < host for place in kept)
    return Tokens(texts, min(at, len(texts) - 1), (False,) * len(texts))


class _State(NamedTuple):
    """A way to spell the tokens from the host to where the search stands."""

    cost: int
    texts: tuple[str, ...]
    plain: tuple[bool, ...]


def _fit(word: str, tokens: Sequence[Token], host: int) -> Tokens:
    """Spellings that join to `word`, with the fewest surfaces and plain seams."""
    before, after = tokens[:host], tokens[host + 1 :]
    forms = [token.form for token in tokens]
    if (
        all(map(_WORD.fullmatch, forms))
        and join_tokens(forms[:host], forms[host], forms[host + 1 :]) == word
    ):
        return Tokens(tuple(forms), host, (False,) * len(forms))
    if not all(token.surface for token in tokens):
        return _plain_seams(_as_spelled(tokens, host))
    states = {
        text: _State(cost, (text,), (False,)) for cost, text in enumerate(_spellings(tokens[host]))
    }
    for token in after:
        states = _step(states, token, is_proclitic=False)
    for token in reversed(before):
        states = _step(states, token, is_proclitic=True)
    best = states.get(word)
    if best is None:
        return _plain_seams(_as_spelled(tokens, host))
    return Tokens(best.texts, host, best.plain)


def _spellings(token: Token) -> list[str]:
    """The citation form, where it may stand in a text, and the surface."""
    if token.form == token.surface or not _WORD.fullmatch(token.form):
        return [token.surface]
    return [token.form, token.surface]


def _step(states: dict[str, _State], token: Token, *, is_proclitic: bool) -> dict[str, _State]:
    """The cheapest way to each string that attaching `token` may give."""
    found: dict[str, _State] = {}
    for joined, state in states.items():
        for extra, text in enumerate(_spellings(token)):
            if is_proclitic:
                plain, ruled = text + joined, attach_proclitic(text, joined)
                texts = (text, *state.texts)
            else:
                plain, ruled = joined + text, attach_enclitic(joined, text)
                texts = (*state.texts, text)
            for is_plain, result in enumerate([ruled, plain]):
                if is_plain and plain == ruled:
                    continue
                flags = (bool(is_plain),)
                seams = (*flags, *state.plain) if is_proclitic else (*state.plain, *flags)
                new = _State(state.cost + extra + is_plain, texts, seams)
                if result not in found or new.cost < found[result].cost:
                    found[result] = new
    if len(found) > _MAX_STATES:
        kept = sorted(found.items(), key=lambda item: item[1].cost)[:_MAX_STATES]
        return dict(kept)
    return found


def _plain_seams(tokens: Tokens) -> Tokens:
    """The same tokens, plain where a rule would change what they join to."""
    texts, host, _ = tokens
    plain = [False] * len(texts)
    joined = texts[host]
    for place in range(host + 1, len(texts)):
        plain[place] = attach_enclitic(joined, texts[place]) != joined + texts[place]
        joined += texts[place]
    for place in range(host - 1, -1, -1):
        plain[place] = attach_proclitic(texts[place], joined) != texts[place] + joined
        joined = texts[place] + joined
    return Tokens(texts, host, tuple(plain))
