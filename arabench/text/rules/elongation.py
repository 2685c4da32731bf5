"""Rules about repetition: letters drawn out for effect, punctuation hammered."""

from __future__ import annotations

import re

from arabench import chars
from arabench.text.rules.rule import Rule, substitution

_MARK = chars.char_class(chars.MARKS)


def cap_letters(longest: int, name: str = "elongation") -> Rule:
    """Runs of one letter longer than `longest` are cut to it.

    A cluster is a letter of `chars.ELONGATED` with the marks that follow it; a run is
    clusters of the same letter, whatever their marks. Each cluster beyond the cap takes the
    place of the last one kept: the first `longest - 1` clusters and the very last stay, so
    that the tanwin of a drawn-out final alif stays. Digits, punctuation, tatweel, Latin
    capitals (AAA, XXX) and w (www) have runs that mean something and are left.

    >>> cap_letters(2).apply("حلووووو")
    'حلوو'
    >>> cap_letters(2).apply("الله www")
    'الله www'
    """

    def cut(match: re.Match[str]) -> str:
        run, letter = match.group(), match.group(1)
        clusters = [letter + marks for marks in run.split(letter)[1:]]
        return "".join([*clusters[: longest - 1], clusters[-1]])

    return substitution(
        name,
        "letters drawn out for effect are cut to a few",
        f"([{chars.char_class(chars.ELONGATED)}])[{_MARK}]*+(?:\\1[{_MARK}]*+){{{longest},}}+",
        cut,
    )


def cap_punctuation(longest: int) -> Rule:
    """Runs of one punctuation mark of `chars.PUNCTUATION` longer than `longest` are cut to it.

    >>> cap_punctuation(3).apply("نعم!!!!!")
    'نعم!!!'
    >>> cap_punctuation(3).apply("نعم...")
    'نعم...'
    """
    return substitution(
        "repeated-punctuation",
        "punctuation repeated for effect is cut to a few",
        f"([{chars.char_class(chars.PUNCTUATION)}])\\1{{{longest},}}+",
        lambda match: match.group(1) * longest,
    )
