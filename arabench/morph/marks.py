"""How tokens of a word are told from words, and what literal text is escaped for it.

Escaped, with a backslash, is only what stands between two Arabic words and is exactly what a
mark would write there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import add
from typing import Final, Literal, Protocol

from arabench.errors import UsageError, did_you_mean
from arabench.morph.join import attach_enclitic, attach_proclitic
from arabench.morph.memo import Memo
from arabench.morph.schemes import WORD_CLASS, Tokens

MarkName = Literal["marked", "plus", "split"]

#: Name -> what it writes, for help texts.
MARKS: Final[dict[MarkName, str]] = {
    "marked": "tokens apart, a plus sign where they attach",
    "plus": "inside the word, plus signs between its pieces as spelled",
    "split": "tokens apart, an invisible U+2060 where they attach",
}

DEFAULT_MARK: Final[MarkName] = "marked"

_PLUS: Final = "+"
_WORD_JOINER: Final = "\u2060"  # WORD JOINER
SIGNS: Final[dict[MarkName, str]] = {"marked": _PLUS, "plus": _PLUS, "split": _WORD_JOINER}


def mark_named(name: str) -> MarkName:
    """The mark of that name.

    Raises:
        UsageError: there is none.
    """
    for known in MARKS:
        if known == name:
            return known
    raise UsageError(f"unknown mark {name!r}. {did_you_mean(name, MARKS)}")


class Notation(Protocol):
    """Writes the tokens of words, and reads them again."""

    def write(self, tokens: Tokens) -> str:
        """Tokens as they stand in the text."""
        ...

    def escape(self, between: str) -> str:
        """What stands between two words, so that it is not taken for a seam."""
        ...

    def read(self, text: str, *, surface: bool) -> str:
        """The text of which this is the tokenized form.

        Args:
            text: with marks; one without comes back as it is.
            surface: the tokens are pieces of the word as spelled, not citation forms.
        """
        ...


class Apart:
    """Tokens apart: the sign where one attaches, twice where it does letter by letter."""

    def __init__(self, sign: str) -> None:
        self._sign = sign
        seam = f"{re.escape(sign)}{{1,2}}"
        word = f"[{WORD_CLASS}]"
        self._literal_before = re.compile(rf"\\*{seam} ")
        self._literal_after = re.compile(rf" \\*{seam}")
        self._before = re.compile(rf"(?<={word})\\(?=\\*{seam} {word})")
        self._after = re.compile(rf"(?<={word}) \\(?=\\*{seam}{word})")
        self._chain = re.compile(
            rf"((?:{word}++{seam} )+{word}++(?: {seam}{word}++)*|{word}++(?: {seam}{word}++)+)"
        )
        self._surfaces = Memo(self._join_surfaces)
        self._words = Memo(self._join_by_rules)

    def write(self, tokens: Tokens) -> str:
        """Tokens as they stand in the text."""
        texts, host, plain = tokens
        sign = self._sign
        if len(texts) == 1:
            return texts[0]
        if True in plain:
            signs = [sign * (1 + is_plain) for is_plain in plain]
        else:
            signs = [sign] * len(texts)
        return " ".join(
            [
                *map(add, texts[:host], signs),
                texts[host],
                *map(add, signs[host + 1 :], texts[host + 1 :]),
            ]
        )

    def escape(self, between: str) -> str:
        """What stands between two words, so that it is not taken for a seam."""
        if self._literal_before.fullmatch(between):
            return "\\" + between
        if self._literal_after.fullmatch(between):
            return " \\" + between[1:]
        return between

    def read(self, text: str, *, surface: bool) -> str:
        """The text of which this is the tokenized form."""
        if self._sign not in text:
            return text
        known = self._surfaces if surface else self._words
        parts = self._chain.split(text)
        parts[1::2] = map(known.__getitem__, parts[1::2])
        known.make_room()
        text = "".join(parts)
        if "\\" in text:
            text = self._after.sub(" ", self._before.sub("", text))
        return text

    def _join_surfaces(self, chains: Sequence[str]) -> list[str]:
        return [chain.replace(" ", "").replace(self._sign, "") for chain in chains]

    def _join_by_rules(self, chains: Sequence[str]) -> list[str]:
        return [self._join(chain.split(" ")) for chain in chains]

    def _join(self, tokens: Sequence[str]) -> str:
        sign = self._sign
        host = sum(token.endswith(sign) for token in tokens)
        word = tokens[host]
        for token in tokens[host + 1 :]:
            text = token.lstrip(sign)
            is_plain = len(token) - len(text) == 2
            word = word + text if is_plain else attach_enclitic(word, text)
        for token in reversed(tokens[:host]):
            text = token.rstrip(sign)
            is_plain = len(token) - len(text) == 2
            word = text + word if is_plain else attach_proclitic(text, word)
        return word


class Inside:
    """Pieces of a word with plus signs between them."""

    def __init__(self) -> None:
        word = f"[{WORD_CLASS}]"
        self._literal = re.compile(r"\\*\+")
        self._seam = re.compile(rf"(?<={word})\+(?={word})")
        self._escaped = re.compile(rf"(?<={word})\\(?=\\*\+{word})")

    def write(self, tokens: Tokens) -> str:
        """Tokens as they stand in the text."""
        return _PLUS.join(tokens.texts)

    def escape(self, between: str) -> str:
        """What stands between two words, so that it is not taken for a seam."""
        return "\\" + between if self._literal.fullmatch(between) else between

    def read(self, text: str, *, surface: bool) -> str:
        """The text of which this is the tokenized form."""
        if _PLUS not in text:
            return text
        text = self._seam.sub("", text)
        return self._escaped.sub("", text) if "\\" in text else text


def notation_of(mark: MarkName) -> Notation:
    """What writes and reads tokens with that mark."""
    return Inside() if mark == "plus" else Apart(SIGNS[mark])
