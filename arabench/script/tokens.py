"""What in a text is a word of Arabizi, and what has to be left alone."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

from arabench.script.conventions import load_convention

#: "maybe" and "listed" are settled by the words beside them: foreign if they may be, and
#: function words of Arabizi that are spelled like a foreign word.
Kind = Literal["word", "foreign", "maybe", "listed", "number", "other"]


class Token(NamedTuple):
    """A piece of a text; the pieces join to the text."""

    text: str
    kind: Kind


#: Addresses, mentions and hashtags are names of things and never spelled anew. Wider than the
#: links of `text.rules.entities`, which are replaced: what is only like one is left alone here,
#: or `ar` of `#\u0455a\u043car` (in letters of two scripts) and `youm7` of `youm7.com` were words.
_ADDRESS: Final = (
    r"[A-Za-z][A-Za-z0-9+.\-]{0,20}://\S+|www\.\S+|[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,64})+"
    r"|[@#]\w+|[A-Za-z0-9\-]{2,63}\.(?:com|net|org|info|io|fr|ma|eg|sa|ae|tv|me)\b(?:/\S*)?"
)
#: Latin letters with their accents, digits, and the apostrophe of 3' 7' 9' and c'est.
_LATIN: Final = r"[A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]"
_APOSTROPHES: Final = "'\u2019\u2018\u00b4`\u02bc"  # quotes, acute, grave, modifier letter
_PIECE: Final = re.compile(
    rf"(?P<address>{_ADDRESS})"
    rf"|(?P<latin>(?:{_LATIN}|(?<=[A-Za-z])[{_APOSTROPHES}](?={_LATIN})"
    rf"|(?<=[3679])[{_APOSTROPHES}](?![{_APOSTROPHES}])|(?<![^\W_])'(?=[3679][A-Za-z]))+)"
)
_APOSTROPHE: Final = re.compile(f"[{_APOSTROPHES}]")
_LETTER: Final = re.compile(r"[^\W\d_]")

#: A number with what is counted: units, ordinals, times, and names of things with digits.
_MEASURE: Final = re.compile(
    r"\d+(?:kg|g|mg|km|cm|mm|ml|cl|gb|mb|kb|tb|k|m|h|hr|hrs|min|mn|sec|s|am|pm|st|nd|rd|th|eme|ème"
    r"|er|d|x|p|px|hz|mhz|ghz|w|v|go|mo|dh|dhs|le|egp|sar|usd|eur|jd|kd|bd|l)"
    r"|\d+h\d+(?:min|mn)?|\d+x\d+"
    r"|(?:mp|ps|covid|h1n|web|windows|win|iphone|galaxy|ios|usb|s|a|b|g|f|x|xbox|u|v)\d+"
)
#: Two different digits may stand for two letters inside a word (ma32oul), hardly at its
#: edges; three are a number.
_NUMBER_INSIDE: Final = re.compile(r"\d{3}|^(\d)(?!\1)\d|(\d)(?!\2)\d$|[01]")
#: Spellings of English and French that no convention of Arabizi uses.
_FOREIGN_SHAPE: Final = re.compile(
    r".{2,}(?:tion|tions|sion|ssion|ight|ough|ould|ment|ness|ique|eux|euse|eaux|aient|'s|n't|'re|'ve|'ll)"
    r"|.{3,}(?:ing|ings)|(?:qu'|c'|j'|d'|l'|s'|n'|m')[aeéêiou].+|.*(?:eau|ôt|ê|œ).*"
)
_LEAST_FOREIGN_SHAPE: Final = 5


@cache
def foreign_words() -> tuple[frozenset[str], frozenset[str]]:
    """(sure, ambiguous) words of English and French."""
    text = files("arabench.script").joinpath("foreign_words.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    sure = frozenset(word for table in tables.values() for word in table["sure"].split())
    maybe = frozenset(word for table in tables.values() for word in table["ambiguous"].split())
    return sure - maybe, maybe


def tokenize(text: str, convention: str, keep_foreign: bool = True) -> list[Token]:
    """Split a text into words of Arabizi and everything else.

    Foreign are words of the list `foreign_words.toml` and words of a shape that only
    English or French has; words that may be either are foreign beside one that is surely
    so. A word with a digit between letters is never foreign.

    Args:
        text: any string.
        convention: whose function words are never foreign.
        keep_foreign: tell foreign words apart; else they are words.
    """
    tokens: list[Token] = []
    end = 0
    for match in _PIECE.finditer(text):
        if match.start() > end:
            tokens.append(Token(text[end : match.start()], "other"))
        end = match.end()
        piece = match.group()
        if match.lastgroup == "address":
            tokens.append(Token(piece, "other"))
        else:
            tokens.append(Token(piece, _kind(piece, convention, keep_foreign)))
    if end < len(text):
        tokens.append(Token(text[end:], "other"))
    return _settled(tokens, load_convention(convention).words)


@lru_cache(maxsize=100_000)
def _kind(piece: str, convention: str, keep_foreign: bool) -> Kind:
    plain = _APOSTROPHE.sub("'", piece).lower()
    if not _LETTER.search(plain):
        return "number"
    words = load_convention(convention).words
    if any(char.isdigit() for char in plain):
        if plain in words:
            return "word"
        if _MEASURE.fullmatch(plain) or _NUMBER_INSIDE.search(plain):
            return "number"
        return "word"
    if not keep_foreign:
        return "word"
    sure, maybe = foreign_words()
    if plain in words:
        return "listed" if plain in maybe else "word"
    if plain in sure:
        return "foreign"
    if len(plain) >= _LEAST_FOREIGN_SHAPE and _FOREIGN_SHAPE.fullmatch(plain):
        return "foreign"
    return "maybe" if plain in maybe else "word"


def _settled(tokens: list[Token], function_words: Collection[str]) -> list[Token]:
    """The tokens, those that may be foreign told apart by their neighbours.

    They are foreign in a row with a surely foreign word; listed ones only between two.
    """
    kinds = [token.kind for token in tokens]
    places = [place for place, kind in enumerate(kinds) if kind not in {"number", "other"}]
    for order in (places, places[::-1]):
        near = False
        for place in order:
            if kinds[place] == "maybe" and near:
                kinds[place] = "foreign"
            near = kinds[place] == "foreign" or (near and kinds[place] == "listed")
    for before, place, after in zip(places, places[1:], places[2:], strict=False):
        if kinds[place] == "listed" and kinds[before] == kinds[after] == "foreign":
            kinds[place] = "foreign"
    _settle_sentences(tokens, kinds, function_words)
    return [
        token._replace(kind="word" if kind in {"maybe", "listed"} else kind)
        for token, kind in zip(tokens, kinds, strict=True)
    ]


def _settle_sentences(
    tokens: list[Token], kinds: list[Kind], function_words: Collection[str]
) -> None:
    """A sentence with more foreign words than others is foreign.

    Words with a digit stay, and function words that no foreign one is spelled like.
    """
    start = 0
    for end, token in enumerate([*tokens, Token("\n", "other")]):
        if token.kind != "other" or not _SENTENCE_END.search(token.text):
            continue
        words = [place for place in range(start, end) if kinds[place] not in {"number", "other"}]
        foreign = sum(kinds[place] == "foreign" for place in words)
        if foreign >= _LEAST_FOREIGN_WORDS and 2 * foreign > len(words):
            for place in words:
                listed = kinds[place] == "word" and tokens[place].text.lower() in function_words
                if not listed and not any(map(str.isdigit, tokens[place].text)):
                    kinds[place] = "foreign"
        start = end + 1


_SENTENCE_END: Final = re.compile("[.!?\u061f\n]")  # ARABIC QUESTION MARK
#: Foreign words that make a sentence foreign where they are more than the others.
_LEAST_FOREIGN_WORDS: Final = 3


#: Letters that spell emphatic consonants where they are capitals inside a word.
EMPHATIC: Final = frozenset("SDTZH")
_KEPT_ACCENTS: Final = frozenset("éèç")
_DRAWN_OUT: Final = re.compile(r"([^\W\d_])\1{2,}")


def folded(word: str, convention: str) -> str:
    """A Latin word as the tables know it: small letters, plain apostrophes, no accents.

    Capitals inside a word stay where they mean emphatic consonants; at its beginning only
    for the Maghreb, where sentences seldom begin with a capital. Letters drawn out for
    effect are cut to two.
    """
    word = _APOSTROPHE.sub("'", word)
    letters = []
    shouted = word.isupper() and len(word) > 1
    for place, char in enumerate(word):
        keep = char in EMPHATIC and not shouted and (place > 0 or convention == "mgr")
        low = char if keep else char.lower()
        if low not in _KEPT_ACCENTS and not low.isascii():
            low = unicodedata.normalize("NFD", low)[:1]
        letters.append(low)
    return _DRAWN_OUT.sub(r"\1\1", "".join(letters))
