"""Orthographic rules of joining: a word from its clitics and its stem in citation forms.

The rules are those of Arabic spelling that a clitic changes something at its seam (Habash
2010, "Introduction to Arabic Natural Language Processing", section 5.3). They see strings
only, so that tokens read from a file are joined as those just made. Where spelling leaves a
choice (hamza seats by case, lam before alef-lam that is no article) the more frequent form is
taken; `arabench.morph.schemes` marks the seams where a word has the other one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from arabench import chars

_LAM: Final = "\u0644"  # ARABIC LETTER LAM
_TEH: Final = "\u062a"  # ARABIC LETTER TEH
_MARKS: Final = chars.char_class(chars.MARKS | {chars.TATWEEL})
_MARK: Final = f"[{_MARKS}]*"
_ALEF: Final = f"[{chars.char_class({chars.ALIF, chars.ALIF_WASLA})}]{_MARK}"

#: One letter lam, with whatever marks.
_LI: Final = re.compile(f"{_LAM}{_MARK}")
#: The alef of the article, and its lam too where a lam follows (li-l-layl).
_ARTICLE: Final = re.compile(f"{_ALEF}(?:{_LAM}{_MARK}(?={_LAM})|(?={_LAM}))")
_LAST_LETTER: Final = re.compile(f"[^{_MARKS}]{_MARK}\\Z")
#: Waw and the silent alef of the plural.
_WAW_ALEF: Final = re.compile(f"{chars.WAW}{_MARK}{chars.ALIF}{_MARK}\\Z")
_ALEF_HAMZA: Final = re.compile(f"{chars.ALIF}{_MARK}{chars.HAMZA}{_MARK}\\Z")
_DROP_MARKS: Final = re.compile(f"[{_MARKS}]+")

#: Particles whose alef maksura becomes yeh before a pronoun; elsewhere it becomes alef.
_WITH_YEH: Final = frozenset(
    {
        "\u0639\u0644\u0649",  # ain lam alef-maksura: on
        "\u0625\u0644\u0649",  # alef-hamza-below lam alef-maksura: to
        "\u0627\u0644\u0649",  # the same without its hamza
        "\u0644\u062f\u0649",  # lam dal alef-maksura: at
    }
)
#: First letters of what follows a verb's subject: pronouns, -l- and -sh. Feminine and plural
#: endings of nouns are not among them (they follow waw-alef of a stem, as in adawat, tools).
_AFTER_VERB: Final = frozenset(
    {
        chars.HA,
        "\u0643",  # KAF
        "\u0646",  # NOON
        _LAM,
        "\u0634",  # SHEEN
    }
)
#: Of a pronoun before which a hamza behind alef takes a seat.
_PRONOUN_LETTERS: Final = frozenset(
    {
        chars.HA,
        "\u0643",  # KAF
        "\u0646",  # NOON
        chars.YA,
    }
)

#: Last characters of words that an enclitic may change.
CHANGING_ENDS: Final = (
    frozenset({chars.TA_MARBUTA, chars.ALIF_MAQSURA, chars.ALIF, chars.HAMZA, chars.TATWEEL})
    | chars.MARKS
)
#: Letters that a lam before them takes away, where another lam follows.
LAM_TAKES: Final = frozenset({chars.ALIF, chars.ALIF_WASLA})


def may_change(texts: Sequence[str], host: int) -> bool:
    """Whether joining these tokens might not give just their letters in a row.

    Args:
        texts: at least one letter each.
        host: which of them the others attach to.
    """
    for text in texts[host:-1]:
        if text[-1] in CHANGING_ENDS:
            return True
    return any(texts[at][0] == _LAM and texts[at + 1][0] in LAM_TAKES for at in range(host))


def attach_proclitic(proclitic: str, word: str) -> str:
    """`proclitic` and `word` as one word: lam takes the alef of alef-lam away.

    Where a third lam would come about, the one of the article is not written either.
    """
    if proclitic[:1] == _LAM and _LI.fullmatch(proclitic):
        match = _ARTICLE.match(word)
        if match:
            return proclitic + word[match.end() :]
    return proclitic + word


def attach_enclitic(word: str, enclitic: str) -> str:
    """`word` and `enclitic` as one word.

    Teh marbuta becomes teh. Alef maksura becomes yeh in four particles (and is not written
    before the pronoun yeh there), alef elsewhere. The silent alef of -uu falls before pronouns,
    -l- and -sh. Hamza behind alef sits on yeh before pronouns, as in the genitive, which is the
    most frequent case of such nouns in running text.
    """
    if not word or not enclitic:
        return word + enclitic
    match = _LAST_LETTER.search(word)
    if match is None:
        return word + enclitic
    at = match.start()
    last, head, marks = word[at], word[:at], word[at + 1 :]
    if last == chars.TA_MARBUTA:
        return f"{head}{_TEH}{marks}{enclitic}"
    if last == chars.ALIF_MAQSURA:
        if _DROP_MARKS.sub("", word) not in _WITH_YEH:
            return f"{head}{chars.ALIF}{marks}{enclitic}"
        if enclitic == chars.YA:
            return head + marks + enclitic
        return f"{head}{chars.YA}{marks}{enclitic}"
    if last == chars.ALIF and enclitic[0] in _AFTER_VERB and _WAW_ALEF.search(word):
        return head + enclitic
    if last == chars.HAMZA and enclitic[0] in _PRONOUN_LETTERS and _ALEF_HAMZA.search(word):
        return f"{head}{chars.YA_HAMZA}{marks}{enclitic}"
    return word + enclitic


def join_tokens(proclitics: Sequence[str], host: str, enclitics: Sequence[str]) -> str:
    """The word that these tokens in order are, enclitics attached first."""
    word = host
    for enclitic in enclitics:
        word = attach_enclitic(word, enclitic)
    for proclitic in reversed(proclitics):
        word = attach_proclitic(proclitic, word)
    return word
