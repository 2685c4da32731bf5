"""Which language a document is in, by letters and function words.

A heuristic with stated rules, not a trained model: it separates Arabic from the other
languages written in its script, and Arabizi (Arabic in Latin letters) from English and
French. Documents of a few words are often undecidable and then counted as such.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

from arabench.text.rules.links import blank, link_spans

Language = Literal[
    "arabic",
    "arabizi",
    "persian",
    "urdu",
    "kurdish",
    "pashto",
    "uyghur",
    "sindhi",
    "english",
    "french",
    "latin_other",
    "script_other",
    "none",
]

LANGUAGE_NAMES: Final[dict[Language, str]] = {
    "arabic": "Arabic",
    "arabizi": "Arabizi (Arabic in Latin letters)",
    "persian": "Persian",
    "urdu": "Urdu",
    "kurdish": "Kurdish (Sorani)",
    "pashto": "Pashto",
    "uyghur": "Uyghur",
    "sindhi": "Sindhi",
    "english": "English",
    "french": "French",
    "latin_other": "Latin script, undecided",
    "script_other": "another script",
    "none": "no letters",
}

#: Characters of a document that the word rules read: enough to decide, whatever its length.
READ_CHARS: Final = 800

# --- Arabic script -----------------------------------------------------------------------
#: Letters a document needs before its foreign letters are weighed; below, it is Arabic.
MIN_LETTERS: Final = 12
#: Share of a language's own letters among all Arabic-script letters from which on a document
#: may be in that language; running text of these languages has two to ten times as much.
#: Persian shares its letters with bad keyboards (keheh, Farsi yeh) and dialects (peh, gaf).
_OWN_LETTERS: Final[tuple[tuple[Language, tuple[str, ...], float], ...]] = (
    ("sindhi", ("sindhi",), 0.02),
    ("pashto", ("pashto",), 0.02),
    ("uyghur", ("uyghur", "kurdish"), 0.03),
    ("kurdish", ("kurdish", "ae"), 0.03),
    ("urdu", ("urdu",), 0.025),
    ("persian", ("persian", "persian_keys"), 0.03),
)
#: Function words it must have besides: decorated Arabic uses letters of all of them.
_OWN_WORDS: Final = 0.08
_ARABIC_WORDS: Final = re.compile(r"[\u0621-\u06d3\u06d5\u06ee-\u06fc]+")


def arabic_script_language(letters: int, own: Mapping[str, int], text: str) -> Language:
    """Language of a document in Arabic script.

    Args:
        letters: Arabic-script letters of the document.
        own: how many of them are in each class of `tables.LANGUAGE_LETTERS`.
        text: the document; read only where the letters leave a doubt.
    """
    if letters < MIN_LETTERS:
        return "arabic"
    words: list[str] = []
    for language, classes, share in _OWN_LETTERS:
        if sum(own.get(name, 0) for name in classes) < share * letters:
            continue
        words = words or _ARABIC_WORDS.findall(text[:READ_CHARS])
        known = _words(language)
        if sum(word in known for word in words) >= _OWN_WORDS * len(words):
            return language
    return "arabic"


# --- Latin script ------------------------------------------------------------------------
_TAG: Final = re.compile(r"<[^<>\n]{1,200}>")
_HASHTAG: Final = re.compile(r"#\w+")
_LATIN_WORDS: Final = re.compile(r"[^\W_]+(?:['\u2019\u02bc][^\W_]+)*")


@functools.cache
def _words(language: str) -> frozenset[str]:
    """Function words of a language (language.toml)."""
    text = files("arabench.audit").joinpath("language.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)[language].split())


#: A digit that stands for a letter (2 hamza, 3 ain, 5 kha, 6 ta, 7 ha, 8 gh, 9 qaf) inside
#: a word of at least two letters, in any place but alone at the end.
_LETTER_DIGITS: Final = re.compile(r"(?=.*[a-z].*[a-z])[a-z]*[2356789]{1,2}[a-z][a-z2356789]*")
#: The last letter as a digit, in short words: "m3a7", "fr7", "sba7".
_FINAL_DIGIT: Final = re.compile(r"[a-z2356789]{0,3}[a-z][35679]")
#: Ordinals, quantities and names with digits.
_NOT_ARABIZI: Final = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|km|kg|cm|mm|mb|gb|tb|kb|ghz|mhz|hz|min|sec|hrs?|yrs?|yo|px|ml|mg|oz"
    r"|lbs?|ft|bn|ers?|eme|d|k|m|x|s|g|h)|[a-z]*\d{2,}[a-z]?"
    r"|(?:mp|ps|co|vs|h|b|c|k|q|v|f|a|x)\d[a-z]?|[a-z]\d[a-z]"
)
#: Consonants that begin no English or French word, but do in Arabizi, where short vowels go
#: unwritten and the article is an "l": "lkhdma", "mchiti", "bzzaf", "ddar", "nchouf".
_ONSETS: Final = (
    r"(?:b[^aeiouylrh\W]|d[^aeiouyrwhj\W]|f[^aeiouylrj\W]|g[^aeiouyhlrnw\W]|h[^aeiouy\W]|j[^aeiouy\W]"
    r"|k[^aeiouyhlnrw\W]|l[^aeiouyl\W]|m[^aeiouycnrs\W]|mch|n[^aeiouyg\W]|q[^u\W]|r[^aeiouyh\W]"
    r"|ss|t[^aeiouyhrsw\W]|w[^aeiouyhr\W]|x[^aeiouy\W]|y[^aeiouy\W]|z[^aeiouyw\W]|gha|kha|khr|ghr|9)"
)
#: Also: verb prefixes, pronoun endings, long vowels written twice,
#: "kh", "q" without "u".
_SHAPES: Final = re.compile(
    rf"{_ONSETS}[a-z2-9]{{2,}}|(?:ghan|ghay|ghat|kay|kat|kan|tay|tan)[a-z2-9]{{3,}}"
    r"|[a-z]+(?:hom|kom|houm)|[a-z]+(?:aa|ii|uu)[a-z]*|[a-z]*(?:kh|q(?!u))[a-z]*"
)
#: The negation of Egypt and the Maghreb around a verb: "makanchrebch", "mab2ash".
_NEGATION: Final = re.compile(r"ma[a-z2-9]{3,}(?:ch|sh)")
#: Capitals inside a word mark emphatic letters in Maghrebi Arabizi: "beyDin", "gheTTi".
_EMPHATIC: Final = re.compile(r"[a-z]+[DTSHZR]{1,2}[a-z]*")

#: What a word adds to the score of Arabizi.
_DIGIT_SCORE: Final = 3.0
_WORD_SCORE: Final = 2.0
_SHAPE_SCORE: Final = 1.0
#: Arabizi needs this much in all (one sure word or two shapes), this much per word, and this
#: much more than English or French have function words.
_MIN_SCORE: Final = 1.5
_MIN_SCORE_PER_WORD: Final = 0.4
_MARGIN: Final = 1.5
_MIN_FUNCTION_SHARE: Final = 0.15


def prose(text: str) -> str:
    """`text` without links, tags and hashtags: their letters say nothing of it.

    Links are those of `arabench.text.rules.links`.
    """
    # Links first: a hashtag is often followed by one without a space.
    return _HASHTAG.sub(" ", _TAG.sub(" ", blank(text, link_spans(text))))


def latin_language(text: str) -> Language:
    """Arabizi, English, French or undecided, for a document in Latin letters.

    Only the first `READ_CHARS` characters are read.
    """
    words = _LATIN_WORDS.findall(prose(text[:READ_CHARS]).replace("\u2019", "'"))
    words = [word for word in words if not word.isdigit()]
    if not words:
        return "latin_other"
    in_english, in_french, in_arabizi = _words("english"), _words("french"), _words("arabizi")
    in_others = _words("others")
    english = french = others = 0
    arabizi = 0.0
    for written in words:
        word = written.lower()
        if word in in_arabizi or _NEGATION.fullmatch(word):
            arabizi += _WORD_SCORE
        elif word in in_english:
            english += 1
            french += word in in_french
        elif word in in_french:
            french += 1
        elif word in in_others:
            others += 1
        elif _has_letter_digit(word):
            arabizi += _DIGIT_SCORE
        elif not written.isupper() and (_SHAPES.fullmatch(word) or _EMPHATIC.fullmatch(written)):
            arabizi += _SHAPE_SCORE
    known = max(english, french, others)
    needed = max(_MIN_SCORE, _MIN_SCORE_PER_WORD * len(words))
    if arabizi >= needed and arabizi > _MARGIN * known:
        return "arabizi"
    if known > others and known >= _MIN_FUNCTION_SHARE * len(words):
        return "english" if english >= french else "french"
    return "latin_other"


def _has_letter_digit(word: str) -> bool:
    if word.isalpha() or not word.isascii() or _NOT_ARABIZI.fullmatch(word):
        return False
    return bool(_LETTER_DIGITS.fullmatch(word) or _FINAL_DIGIT.fullmatch(word))
