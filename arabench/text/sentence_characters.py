"""What characters and words are to the segmentation of sentences: classes, lists, limits.

Tables of `arabench.text.sentence_scanner`, which defines the rules, and of its compiled
form; `arabench.text.sentences` says what they are for.
"""

from __future__ import annotations

import re
from typing import Final

from arabench import chars

#: A quotation or bracket longer than this, or not closed, does not protect what is in it.
MAX_ENCLOSED_CHARS: Final = 200
#: Characters of a word that are looked at before a full stop. The longest vocalized words
#: have about thirty; an abbreviation is far shorter.
LOOK_BACK: Final = 40
#: More marks open at one place than this are no quotations: all are forgotten.
MAX_DEPTH: Final = 16
#: Longest word in the lists below (the compiled form packs them, 11 bits a letter).
MAX_LISTED: Final = 5
#: Words of several letters whose full stop is no end. One letter needs no listing.
ABBREVIATIONS: Final = frozenset(
    {
        "\u062a\u062d",  # TEH HAH: edited by
        "\u0631\u0636",  # REH DAD: an honorific
        # WAW (and) before the letters of titles and references
        *("\u0648" + letter for letter in "\u062f\u0645\u0623\u0634\u0635\u062a\u0637"),
        *("Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Jr", "Sr", "Gen", "Col", "Capt", "Rev", "Hon"),
        *("vs", "etc", "al", "cf", "ed", "eds", "Inc", "Ltd", "Co", "Corp", "Bros", "Ph"),
    }
)
#: Words whose full stop is no end before a number: page, volume, figure.
BEFORE_NUMBERS: Final = frozenset(
    {
        "\u0635\u0635",  # SAD SAD: pages
        "\u0645\u062c",  # MEEM JEEM: volume
        *("No", "no", "Nos", "pp", "Vol", "vol", "Fig", "fig", "Ch", "Sec", "Art", "Eq"),
    }
)
#: "and so on", whose full stop ends a sentence, but not before a closing mark.
AND_SO_ON: Final = frozenset(
    {
        "\u0627\u0644\u062e",  # ALEF LAM KHAH
        "\u0625\u0644\u062e",  # ALEF WITH HAMZA BELOW, LAM, KHAH
    }
)
#: Words behind a quotation that belong to its sentence although a full stop closes it.
GOES_ON: Final = frozenset(
    {
        "\u062b\u0645",  # thumma: then
        "\u0642\u0627\u0644",  # qala: he said
        "\u0642\u0627\u0644\u062a",  # qalat: she said
        "\u064a\u0642\u0648\u0644",  # yaqulu: he says
        "\u062a\u0642\u0648\u0644",  # taqulu: she says
        "\u0643\u0645\u0627",  # kama: as
        "\u062d\u064a\u062b",  # haythu: where
        "\u0628\u062d\u0633\u0628",  # bihasabi: according to
    }
)
#: Letters that behind a number stand for an era: miladi (AD) and hijri (AH).
ERA_LETTERS: Final = "\u0645\u0647"  # MEEM, HEH

# --- classes of characters, as bits -----------------------------------------------------
SPACE, BREAK, INVISIBLE, NEUTRAL = 1, 2, 4, 8
ARABIC, LATIN, LOWER, DIGIT = 16, 32, 64, 128
UNWRITTEN, STOP, CLOSER, REACTION = 256, 512, 1024, 2048
CONTINUING, TRAILING, ENDS_QUOTE, STARTS_QUOTE = 4096, 8192, 16384, 32768
BLANK: Final = SPACE | INVISIBLE
WHITE: Final = SPACE | BREAK

#: Opening mark -> its closing one.
DIRECTED: Final = {
    "\u00ab": "\u00bb",  # LEFT- and RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK
    "\u2039": "\u203a",  # SINGLE LEFT- and RIGHT-POINTING ANGLE QUOTATION MARK
    "(": ")",
    "[": "]",
}
#: Marks that open or close by what stands around them. The curly ones and the ornate
#: parentheses do not mirror, so that writers use either of the pair for either side.
UNDIRECTED: Final = (
    "\u201c\u201d",  # LEFT and RIGHT DOUBLE QUOTATION MARK
    '"',
    "\ufd3e\ufd3f",  # ORNATE LEFT and RIGHT PARENTHESIS: verses of the Quran
)
#: Mark -> number of its kind; brackets are those from BRACKETS on, before ORNATE.
KIND: Final[dict[str, int]] = {
    **{mark: kind for kind, pair in enumerate(["\u00ab\u00bb", "\u2039\u203a"]) for mark in pair},
    **dict.fromkeys(UNDIRECTED[0], 2),
    **dict.fromkeys(UNDIRECTED[1], 3),
    **dict.fromkeys("()", 4),
    **dict.fromkeys("[]", 5),
    **dict.fromkeys(UNDIRECTED[2], 6),
}
ROUND, SQUARE, ORNATE = 4, 5, 6
TURNING: Final = frozenset("".join(UNDIRECTED))

ARABIC_STOPS: Final = frozenset({chars.ARABIC_QUESTION, chars.ARABIC_FULL_STOP})
DOTS: Final = frozenset(".\u2026")  # FULL STOP, HORIZONTAL ELLIPSIS
STOPS: Final = (
    ARABIC_STOPS
    | DOTS
    | frozenset("!?")
    | frozenset("\u203c\u2047\u2048\u2049")  # DOUBLE EXCLAMATION, QUESTION and mixed marks
)
VERSE_END: Final = "\u06dd"  # ARABIC END OF AYAH
#: BULLET, TRIANGULAR and HYPHEN BULLET, BLACK SQUARE, BLACK SMALL SQUARE, BLACK DIAMOND,
#: BLACK CIRCLE, WHITE BULLET
BULLETS: Final = frozenset("\u2022\u2023\u2043\u25a0\u25aa\u25c6\u25cf\u25e6")
#: Characters that make a colon a face rather than punctuation.
AFTER_COLON: Final = "()DP*"
#: Characters before an opening parenthesis that make it a face when nothing follows it.
BEFORE_FACE: Final = ":;=-"
_VARIATION_SELECTOR = "\ufe0f"  # VARIATION SELECTOR-16: the character before it is an emoji


def _span(first: int, last: int) -> frozenset[str]:
    return frozenset(map(chr, range(first, last + 1)))


def _classes() -> dict[str, int]:
    """Character -> its bits. What is not in it is a letter of another script."""
    found: dict[str, int] = {}

    def add(members: frozenset[str] | str, bits: int) -> None:
        for char in members:
            found[char] = found.get(char, 0) | bits

    invisible = chars.ZERO_WIDTH | chars.BIDI_CONTROLS | chars.CONTROLS | {_VARIATION_SELECTOR}
    opens_direction = _span(0x202A, 0x202B) | _span(0x202D, 0x202E) | _span(0x2066, 0x2068)
    digits = chars.LATIN_DIGITS + chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS
    capitals = _span(0x41, 0x5A) | _span(0xC0, 0xDE) | _span(0x100, 0x24F)
    small = _span(0x61, 0x7A) | _span(0xDF, 0xFF)
    signs = frozenset("\u00d7\u00f7")  # MULTIPLICATION and DIVISION SIGN
    add(chars.HORIZONTAL_SPACE, SPACE | STARTS_QUOTE | ENDS_QUOTE)
    add(chars.LINE_BREAKS, BREAK | STARTS_QUOTE | ENDS_QUOTE)
    add(invisible, INVISIBLE)
    add(invisible - opens_direction, TRAILING)
    neutral = chars.PUNCTUATION | chars.EMOJI_PARTS | BULLETS | STOPS | signs
    neutral |= _span(0x2000, 0x206F) | {VERSE_END, "\u06de", "\u06e9"}  # RUB EL HIZB, SAJDAH
    add(neutral | chars.HORIZONTAL_SPACE | chars.LINE_BREAKS | invisible, NEUTRAL)
    add((chars.LETTERS - {chars.TATWEEL}) | frozenset(chars.PRESENTATION_FORMS), ARABIC)
    add((capitals | small) - signs, LATIN)
    add(small - signs, LOWER)
    add(digits, DIGIT)
    add(chars.MARKS | {chars.TATWEEL} | invisible, UNWRITTEN)
    add(STOPS, STOP | ENDS_QUOTE)
    add("".join(DIRECTED.values()) + "}", CLOSER | ENDS_QUOTE)
    add("".join(DIRECTED), STARTS_QUOTE)
    add("\u060c\u061b,;:", CONTINUING | ENDS_QUOTE)  # ARABIC COMMA, ARABIC SEMICOLON
    faces = _span(0x1F600, 0x1F64F) | _span(0x1F900, 0x1F97F) | _span(0x1F3FB, 0x1F3FF)
    hands_hearts = _span(0x1F44C, 0x1F44F) | _span(0x1F493, 0x1F49F) | {"\U0001f44a", "\U0001f64c"}
    party = "\U0001f339\U0001f389\U0001f525\U0001f4aa"  # ROSE, PARTY POPPER, FIRE, FLEXED BICEPS
    # HEAVY BLACK HEART, BLACK HEART SUIT, WHITE SMILING FACE, WHITE FROWNING FACE
    add(faces | hands_hearts | frozenset(party) | frozenset("\u2764\u2665\u263a\u2639"), REACTION)
    return found


CLASSES: Final = _classes()

_BREAKS = chars.char_class(chars.LINE_BREAKS)
_SPACES = chars.char_class(chars.HORIZONTAL_SPACE)
_STOPS = chars.char_class(STOPS)
_NOT_SEEN = chars.char_class(char for char, bits in CLASSES.items() if bits & INVISIBLE)
#: Characters at which something may have to be decided; stops with spaces between are one.
CANDIDATE = re.compile(
    f"[{_STOPS}](?:[{_SPACES}{_NOT_SEEN}]*[{_STOPS}])*"
    f"|[{_BREAKS}{chars.char_class({*KIND, *BULLETS, VERSE_END})}]"
)
GAP = re.compile(f"[{_SPACES}{_BREAKS}]*")
SAME_LINE_GAP = re.compile(f"[{_SPACES}{_NOT_SEEN}]*")
UNSEEN = re.compile(f"[{_NOT_SEEN}]*")
DIGITS = re.compile("[0-9\u0660-\u0669\u06f0-\u06f9]*")  # Latin, Arabic-Indic, Extended
CITATION = re.compile(r"\[[0-9\u0660-\u0669\u06f0-\u06f9]{1,3}\]")
