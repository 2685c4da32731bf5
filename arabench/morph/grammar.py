"""Which clitics and suffixes may stand before and after a stem, in which order.

Written by hand after the descriptions of the segmentation of dialect tweets (Samih et al.
2017, "Learning from Relatives", CoNLL; Darwish and Mubarak 2016, "Farasa", LREC) and of the
varieties' grammars. The inventory only says what is possible; a trained model chooses.
Everything is in folded letters: bare alef for its hamza forms, yeh for alef maksura.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Final

from arabench.morph.analysis import Kind

#: (letters, kind) of one clitic or suffix.
Affix = tuple[str, Kind]
AffixSequence = tuple[Affix, ...]


def _affixes(letters: str, kind: Kind) -> tuple[Affix, ...]:
    return tuple((form, kind) for form in letters.split())


_CONJUNCTIONS: Final = _affixes("و ف", "conjunction")
_ARTICLES: Final = _affixes("ال ل", "article")
_DEMONSTRATIVES: Final = _affixes("ه ها", "demonstrative")
#: bi-, li-, ka-; fi-, 3ala and min shortened, before the article above all.
_PREPOSITIONS: Final = _affixes("ب ل ك ف ع م", "preposition")
#: ma- of the tweets is written mim alone before a verb with -sh.
_NEGATIONS: Final = _affixes("ما م لا مو", "negation")
_VOCATIVES: Final = _affixes("يا ي", "particle")
#: Verb particles: Egypt and the Levant b-, m- (b- before n-), 3am; Morocco k-, ka-, t-, ta-;
#: the Maghreb and Iraq d-, da-.
_PROGRESSIVES: Final = _affixes("ب م عم ك كا ت د دا", "progressive")
#: Egypt h-, ha-; Levant h- (hah), rah; Morocco gh-, gha-; the Gulf b-; Tunisia ta-; MSA sa-.
_FUTURES: Final = _affixes("ه ها ح رح غ غا ب تا", "future")
_VERB_PARTICLES: Final = _affixes("س ل ش ك ف", "particle")

_NOUN_SUFFIXES: Final = _affixes("ة ه ات ت ين ون ان ا ي يات يين هات ن", "noun_suffix")
#: Those after which a pronoun may stand: the teh opened, the nun of -in kept by dialects.
_BOUND_NOUN_SUFFIXES: Final = _affixes("ت ات ين ون ان ا ي يات هات ن", "noun_suffix")
_VERB_SUFFIXES: Final = _affixes(
    "ت وا و نا ين ون ا ي ن تي تو توا يت يتي ات او تم تا ان", "verb_suffix"
)
_PRONOUNS: Final = _affixes(
    "ي ني ك ه ها هم هن نا كم كن و يا ج كي كو كوا هو هي هوم كوم كون نه هما كما ا ن ة", "pronoun"
)
#: Those after the -l- of an indirect object.
_DATIVE_PRONOUNS: Final = _affixes("ي ك ه ها هم هن نا كم كن و يا ج كي كو كوا ا ن", "pronoun")
_DATIVE: Final[Affix] = ("ل", "indirect_object")
_NOT: Final[Affix] = ("ش", "negation")
_CASES: Final = _affixes("ا", "case")
#: The waw of the five nouns (abu-k), cut before a pronoun.
_FIVE_NOUNS: Final = _affixes("و", "case")
#: Subjects of two written pieces in the tweets: -t-u, -t-i, -i-t.
_SPLIT_SUBJECTS: Final[tuple[AffixSequence, ...]] = (
    (("ت", "verb_suffix"), ("و", "verb_suffix")),
    (("ت", "verb_suffix"), ("وا", "verb_suffix")),
    (("ت", "verb_suffix"), ("ي", "verb_suffix")),
    (("ي", "verb_suffix"), ("ت", "verb_suffix")),
)


#: Set phrases written as one word: in sha'a llah, ma sha'a llah, 3an jadd, law kan.
_PHRASES: Final[tuple[AffixSequence, ...]] = (
    (("ان", "particle"), ("شاء", "particle")),
    (("ان", "particle"), ("شا", "particle")),
    (("ان", "particle"), ("ش", "particle")),
    (("ما", "particle"), ("شاء", "particle")),
    (("ما", "particle"), ("شا", "particle")),
    (("عن", "preposition"),),
    (("لو", "conjunction"),),
)


def _proclitics() -> Iterator[AffixSequence]:
    """Sequences after the conjunction."""
    yield ()
    yield from _PHRASES
    for outer in (*_VOCATIVES, *_NEGATIONS):
        yield (outer,)
        yield (outer, ("ال", "article"))
    for article in _ARTICLES:
        yield (article,)
        for demonstrative in _DEMONSTRATIVES:
            yield demonstrative, article
    for preposition in _PREPOSITIONS:
        yield (preposition,)
        for article in _ARTICLES:
            yield preposition, article
            yield preposition, ("ه", "demonstrative"), article
        for negation in _NEGATIONS[:2]:
            yield negation, preposition
    for marker in (*_PROGRESSIVES, *_FUTURES, *_VERB_PARTICLES):
        yield (marker,)
        for negation in _NEGATIONS[:3]:
            yield negation, marker


def _enclitics() -> Iterator[AffixSequence]:
    """Sequences before the -sh of negation."""
    yield ()
    subjects: list[AffixSequence] = [(suffix,) for suffix in _VERB_SUFFIXES]
    subjects += _SPLIT_SUBJECTS
    nouns: list[AffixSequence] = [(suffix,) for suffix in _BOUND_NOUN_SUFFIXES]
    datives: list[AffixSequence] = [(_DATIVE, pronoun) for pronoun in _DATIVE_PRONOUNS]
    yield from subjects
    for pronoun in _PRONOUNS:
        yield (pronoun,)
        for subject in subjects:
            yield *subject, pronoun
    for dative in datives:
        yield dative
        for subject in subjects:
            yield *subject, *dative
        for pronoun in _affixes("ها ه هم و", "pronoun"):
            yield pronoun, *dative
            yield ("و", "verb_suffix"), pronoun, *dative
    for noun in nouns:
        for pronoun in _PRONOUNS:
            yield *noun, pronoun
    for suffix in _affixes("ت ين ا ان", "noun_suffix"):
        for dative in datives:
            yield suffix, *dative


def _unnegated() -> Iterator[AffixSequence]:
    """Sequences that take no -sh."""
    for suffix in _NOUN_SUFFIXES:
        yield (suffix,)
    for case in _CASES:
        yield (case,)
    for case in _FIVE_NOUNS:
        for pronoun in _PRONOUNS:
            yield case, pronoun
    yield ("ت", "noun_suffix"), ("ين", "noun_suffix")
    yield ("ت", "noun_suffix"), ("ان", "noun_suffix")


def _distinct(sequences: Iterable[AffixSequence]) -> tuple[AffixSequence, ...]:
    return tuple(dict.fromkeys(sequences))


@functools.cache
def prefixes() -> tuple[AffixSequence, ...]:
    """Every sequence that may stand before a stem; the first is the empty one."""
    inner = list(_proclitics())
    return _distinct([*inner, *((c, *rest) for c in _CONJUNCTIONS for rest in inner)])


@functools.cache
def suffixes() -> tuple[AffixSequence, ...]:
    """Every sequence that may stand after a stem; the first is the empty one."""
    inner = list(_enclitics())
    return _distinct([*inner, *_unnegated(), *((*rest, _NOT) for rest in inner)])


def letters_of(sequence: AffixSequence) -> str:
    """The folded letters of a sequence in one string."""
    return "".join(form for form, _ in sequence)


def stands_alone(before: AffixSequence, after: AffixSequence) -> bool:
    """Whether clitics may form a word without a stem: a preposition and a pronoun (la-ka)."""
    if not before or before[-1] not in {("ل", "preposition"), ("ب", "preposition")}:
        return False
    return bool(after) and after[0][1] == "pronoun"
