"""Rules about what surrounds the letters: invisible characters, digits, punctuation, space."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from arabench import chars
from arabench.text.rules.rule import Rule, char_map, substitution


def replace_surrogates() -> Rule:
    r"""Lone surrogates, which no UTF-8 file can hold, become U+FFFD.

    >>> replace_surrogates().apply("a\ud800")
    'a�'
    >>> replace_surrogates().apply("😀")
    '😀'
    """
    return char_map(
        "surrogates",
        "half of a broken UTF-16 pair becomes the replacement character",
        dict.fromkeys(chars.SURROGATES, chars.REPLACEMENT),
    )


def strip_controls() -> Rule:
    r"""C0 and C1 control characters except tab and line breaks.

    >>> strip_controls().apply("a\x00b")
    'ab'
    >>> strip_controls().apply("a\tb\n")
    'a\tb\n'
    """
    return char_map("controls", "control characters are removed", dict.fromkeys(chars.CONTROLS, ""))


def strip_zero_width() -> Rule:
    r"""Zero-width characters, except a joiner that holds an emoji together.

    >>> strip_zero_width().apply("مر\u200cحبا")
    'مرحبا'
    >>> strip_zero_width().apply("👨\u200d👩")
    '👨\u200d👩'
    """
    emoji = chars.char_class(chars.EMOJI_PARTS)
    others = chars.char_class(chars.ZERO_WIDTH - {chars.ZERO_WIDTH_JOINER})
    joiner = chars.ZERO_WIDTH_JOINER
    return substitution(
        "zero-width",
        "invisible characters are removed (joiners inside emoji stay)",
        f"[{others}]|(?<![{emoji}]){joiner}|{joiner}(?![{emoji}])",
        "",
    )


def strip_bidi() -> Rule:
    r"""Directional marks, embeddings, overrides and isolates.

    >>> strip_bidi().apply("\u200fنعم")
    'نعم'
    >>> strip_bidi().apply("نعم")
    'نعم'
    """
    return char_map(
        "bidi-controls",
        "characters that reorder the display are removed",
        dict.fromkeys(chars.BIDI_CONTROLS, ""),
    )


def digits_to_latin() -> Rule:
    """Arabic-Indic and Extended digits, and their separators, to ASCII.

    >>> digits_to_latin().apply("٢٠٢٤ و٪١٫٥")
    '2024 و%1.5'
    >>> digits_to_latin().apply("²")
    '²'
    """
    table = dict(zip(chars.ARABIC_INDIC_DIGITS, chars.LATIN_DIGITS, strict=True))
    table |= dict(zip(chars.EXTENDED_DIGITS, chars.LATIN_DIGITS, strict=True))
    return char_map("digits-to-latin", "digits become 0-9", table | chars.NUMBER_SEPARATORS)


def digits_to_arabic() -> Rule:
    """ASCII and Extended digits to Arabic-Indic ones; separators stay as they are.

    >>> digits_to_arabic().apply("2024 ۲")
    '٢٠٢٤ ٢'
    >>> digits_to_arabic().apply("x.y%")
    'x.y%'
    """
    table = dict(zip(chars.LATIN_DIGITS, chars.ARABIC_INDIC_DIGITS, strict=True))
    table |= dict(zip(chars.EXTENDED_DIGITS, chars.ARABIC_INDIC_DIGITS, strict=True))
    return char_map("digits-to-arabic", "digits become Arabic-Indic", table)


def digits_to_extended() -> Rule:
    """ASCII and Arabic-Indic digits to Extended (Persian, Urdu) ones; separators stay.

    >>> digits_to_extended().apply("2024 ٤")
    '۲۰۲۴ ۴'
    >>> digits_to_extended().apply("x.y%")
    'x.y%'
    """
    table = dict(zip(chars.LATIN_DIGITS, chars.EXTENDED_DIGITS, strict=True))
    table |= dict(zip(chars.ARABIC_INDIC_DIGITS, chars.EXTENDED_DIGITS, strict=True))
    return char_map("digits-to-extended", "digits become Extended Arabic-Indic", table)


def plain_forms() -> Rule:
    """Styled characters to plain ones, as NFKC does where that loses nothing.

    >>> plain_forms().apply("ＡＢＣ ﬁ")
    'ABC fi'
    >>> plain_forms().apply("m² ½")
    'm² ½'
    """
    return char_map(
        "compatibility",
        "full-width, circled, squared and mathematical characters and ligatures become plain",
        chars.COMPATIBILITY_FORMS,
    )


def unify_punctuation() -> Rule:
    """Typographic quotes, dashes and ellipses to keyboard ones; Arabic marks stay.

    >>> unify_punctuation().apply("«نعم» – …")
    '"نعم" - ...'
    >>> unify_punctuation().apply("نعم؟")
    'نعم؟'
    """
    return char_map(
        "punctuation-variants",
        "typographic quotes, dashes and ellipses become the keyboard's",
        chars.PUNCTUATION_UNIFIED,
    )


def ascii_punctuation() -> Rule:
    """As `unify_punctuation`, and the Arabic comma, semicolon and question mark to ASCII.

    >>> ascii_punctuation().apply("نعم؟ «لا»")
    'نعم? "لا"'
    >>> ascii_punctuation().apply("no?")
    'no?'
    """
    return char_map(
        "punctuation-to-ascii",
        "all punctuation becomes ASCII",
        chars.PUNCTUATION_UNIFIED | chars.PUNCTUATION_ASCII,
    )


def strip_punctuation() -> Rule:
    """Every punctuation mark to a space.

    >>> strip_punctuation().apply("نعم، لا!")
    'نعم  لا '
    >>> strip_punctuation().apply("نعم 😀")
    'نعم 😀'
    """
    return char_map(
        "punctuation", "punctuation becomes a space", dict.fromkeys(chars.PUNCTUATION, " ")
    )


def keep_arabic_script() -> Rule:
    """Runs of anything but Arabic script, digits, punctuation and space become one space.

    >>> keep_arabic_script().apply("قال hello ثم")
    'قال   ثم'
    >>> keep_arabic_script().apply("قال ٣، ثم 4!")
    'قال ٣، ثم 4!'
    """
    return substitution(
        "non-arabic",
        "characters outside Arabic script, digits and punctuation become a space",
        f"[^{chars.char_class(chars.ARABIC_TEXT)}]+",
        " ",
    )


def keep_scripts(latin: bool, allowed: str) -> Rule:
    """As `keep_arabic_script`, with Latin letters, single characters, or both kept too.

    >>> keep_scripts(latin=True, allowed="é|").apply("да é")
    '  é'
    >>> keep_scripts(latin=True, allowed="é|").apply("قال hello é|")
    'قال hello é|'
    """
    kept = chars.ARABIC_TEXT | frozenset(allowed) | (chars.LATIN_TEXT if latin else frozenset())
    return substitution(
        "outside-scripts",
        "characters outside the chosen scripts become a space",
        f"[^{chars.char_class(kept)}]+",
        " ",
    )


def separate_words() -> Rule:
    """A space around punctuation and tags, and between a number and an Arabic word.

    Square brackets stay where they are, and so do Latin letters and digits beside each
    other (mp3), as AraBERT has it. Spaces are put only where none is.

    >>> separate_words().apply("نعم،لا 5كتب")
    'نعم ، لا 5 كتب'
    >>> separate_words().apply("mp3 [1]")
    'mp3 [1]'
    """
    space = chars.char_class(chars.HORIZONTAL_SPACE | chars.LINE_BREAKS)
    mark = chars.char_class((chars.PUNCTUATION - {"[", "]"}) | frozenset(chars.TAG_PLACES))
    letter = chars.char_class(chars.LETTERS)
    digit = chars.char_class(chars.LATIN_DIGITS + chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS)
    return substitution(
        "spacing",
        "punctuation and numbers are set apart from words",
        f"[{mark}](?=[^{space}])|[^{space}](?=[{mark}])"
        f"|[{digit}](?=[{letter}])|[{letter}{chars.char_class(chars.MARKS)}](?=[{digit}])",
        lambda match: f"{match.group()} ",
    )


def map_characters(name: str, keep_tags: bool) -> Rule:
    """Every character through a named map of character_maps.toml, as another tool has it.

    Args:
        name: table in character_maps.toml.
        keep_tags: the characters that stand for tags pass the map.

    >>> map_characters("camel_arclean", keep_tags=False).apply("کتاب، ١")
    'كتاب, 1'
    >>> map_characters("camel_arclean", keep_tags=False).apply("كتاب")
    'كتاب'
    """
    tables = tomllib.loads(
        files("arabench.text.rules").joinpath("character_maps.toml").read_text(encoding="utf-8")
    )
    default: str = tables[name]["default"]
    kept = frozenset().union(*map(_range, tables[name]["keep"]))
    if keep_tags:
        kept |= frozenset(chars.TAG_PLACES)
    mapped = {char: after for key, after in tables[name]["map"].items() for char in _range(key)}
    return substitution(
        "character-map",
        f"every character as {name} maps it",
        f"[^{chars.char_class(kept - mapped.keys())}]",
        lambda match: mapped.get(match.group(), default),
    )


def _range(text: str) -> frozenset[str]:
    """The characters of "a" or of "a-z"."""
    return frozenset(map(chr, range(ord(text[0]), ord(text[-1]) + 1)))


def collapse_whitespace() -> list[Rule]:
    r"""One space between words, at most one empty line, none at the ends.

    >>> from arabench.text.rules.rule import apply_rules
    >>> apply_rules(collapse_whitespace(), " نعم  لا\n\n\n")
    'نعم لا'
    >>> apply_rules(collapse_whitespace(), "نعم لا")
    'نعم لا'
    """
    spaces = chars.char_class(chars.HORIZONTAL_SPACE)
    breaks = chars.char_class(chars.LINE_BREAKS)
    return [
        substitution(
            "trim",
            "white space at both ends is removed",
            # The looks behind keep a long run from being searched from each of its places.
            f"\\A[{spaces}{breaks}]+|(?<![{spaces}{breaks}])[{spaces}{breaks}]++\\Z",
            "",
        ),
        substitution(
            "line-breaks",
            "line breaks become LF, without spaces around, at most two in a row",
            f"(?<![{spaces}])[{spaces}]*+(?:(?:\r\n|[{breaks}])[{spaces}]*)+",
            lambda match: "\n\n" if _breaks_in(match.group()) > 1 else "\n",
        ),
        substitution("spaces", "runs of spaces become one", f"[{spaces}]+", " "),
    ]


def _breaks_in(text: str) -> int:
    return sum(char in chars.LINE_BREAKS for char in text.replace("\r\n", "\n"))
