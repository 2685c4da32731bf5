r"""Web addresses, e-mails, mentions, hashtags, telephone numbers and emoji: drop or tag them.

Every entity is defined over ASCII classes and the tables of `chars`, so that the same text
is found by any engine and any Python. In the definitions below

    alnum    an ASCII letter or digit
    digit    0-9, an Arabic-Indic or an Extended digit
    word     alnum, `_`, a digit, a letter of `chars.LETTERS` or a mark of `chars.MARKS`
    white    a character of `chars.HORIZONTAL_SPACE` or `chars.LINE_BREAKS`

and "up to" and "as long as" are greedy: a match never gives back what it took, except where
said. Each rule reads from left to right and goes on after what it replaced. Dropping leaves
one space; a tag takes exactly the entity's place.

Tags are written in two steps. An entity rule puts one character of `chars.TAG_PLACES`, which
no other rule changes; the last rule of all (`write_tags`) turns it into the tag's text. The
first rule (`read_tags`) turns tags that the text already holds into the same characters, so
that a tagged text stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from arabench import chars
from arabench.text.rules.rule import Rule, char_map, scanner, substitution

Kind = Literal["urls", "emails", "mentions", "hashtags", "phones", "emoji"]
KINDS: Final[tuple[Kind, ...]] = ("urls", "emails", "mentions", "hashtags", "phones", "emoji")

#: Style -> kind -> tag. The Arabic texts for urls, emails and mentions are those that
#: AraBERT was trained with (Antoun et al. 2020); the others follow their pattern.
TAGS: Final[dict[str, dict[Kind, str]]] = {
    "arabic": {
        "urls": "[\u0631\u0627\u0628\u0637]",  # rabit, link
        "emails": "[\u0628\u0631\u064a\u062f]",  # barid, mail
        "mentions": "[\u0645\u0633\u062a\u062e\u062f\u0645]",  # mustakhdim, user
        "hashtags": "[\u0648\u0633\u0645]",  # wasm, mark
        "phones": "[\u0647\u0627\u062a\u0641]",  # hatif, telephone
        "emoji": "[\u0631\u0645\u0632]",  # ramz, symbol
    },
    "latin": {
        "urls": "<url>",
        "emails": "<email>",
        "mentions": "<user>",
        "hashtags": "<hashtag>",
        "phones": "<phone>",
        "emoji": "<emoji>",
    },
}
#: Kind -> the character that stands for its tag.
PLACE: Final[dict[Kind, str]] = dict(zip(KINDS, chars.TAG_PLACES, strict=True))

# Bodies of character classes, as the definitions above name them.
DIGITS = chars.LATIN_DIGITS + chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS
ALNUM = "A-Za-z0-9"
DIGIT = chars.char_class(DIGITS)
LETTER = chars.char_class(chars.LETTERS)
WORD = f"A-Za-z_{DIGIT}{LETTER}{chars.char_class(chars.MARKS)}"
WHITE = chars.char_class(chars.HORIZONTAL_SPACE)

#: What ends a web address besides white space: RFC 3986's excluded characters, quotes,
#: Arabic punctuation, controls, tags.
URL_STOPS: Final = (
    chars.HORIZONTAL_SPACE
    | chars.LINE_BREAKS
    | chars.CONTROLS
    | frozenset('<>"{}|\\^`')
    | frozenset("\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e\u2039\u203a")  # quotation marks
    | frozenset("\u060c\u061b\u061f")  # ARABIC COMMA, SEMICOLON, QUESTION MARK
    | frozenset(chars.TAG_PLACES)
)
#: What an address does not end with, though it may stand inside one.
URL_TAIL: Final = frozenset(".,;:!?')]*\u2026\u06d4")  # ELLIPSIS, ARABIC FULL STOP

#: Character class of the part of an e-mail address before its `@`, and its longest (RFC 5321).
LOCAL_PART: Final = f"[{ALNUM}._%+\\-]"
LOCAL_CHARS: Final = 64


def urls(action: str) -> Rule:
    r"""Web addresses with a scheme or www.

    `http://`, `https://`, `ftp://` or `www.` (ASCII letters of either case), not after an
    alnum; then an alnum or a letter of `chars.LETTERS`; then everything up to a character of
    `URL_STOPS`, without the characters of `URL_TAIL` at its end. A bare host
    (example.com) is none, nor is `http://` with nothing after it.

    >>> urls("drop").apply("انظر https://example.com/a، ثم")
    'انظر  ، ثم'
    >>> urls("drop").apply("example.com")
    'example.com'
    """
    stops, tail = chars.char_class(URL_STOPS), chars.char_class(URL_TAIL)
    return _entity(
        "urls",
        action,
        f"(?<![{ALNUM}])(?:[Hh][Tt][Tt][Pp][Ss]?://|[Ff][Tt][Pp]://|[Ww][Ww][Ww]\\.)"
        f"[{ALNUM}{LETTER}][^{stops}]*(?<![{tail}])",
    )


def emails(action: str) -> Rule:
    r"""E-mail addresses.

    A run of at most 64 (RFC 5321) alnum and `._%+-`, whole from where it begins; `@`; one to
    eight labels of 1-63 alnum and `-`, each with its `.`; a last label of 2-63 ASCII
    letters with no alnum or `-` after it. Of the places where the last label may end the
    furthest counts.

    >>> emails("drop").apply("إلى me@example.org.")
    'إلى  .'
    >>> emails("drop").apply("me@home")
    'me@home'
    """
    return _entity(
        "emails",
        action,
        f"(?<!{LOCAL_PART}){LOCAL_PART}{{1,{LOCAL_CHARS}}}+@(?:[{ALNUM}\\-]{{1,63}}\\.){{1,8}}"
        f"[A-Za-z]{{2,63}}(?![{ALNUM}\\-])",
    )


def emoji(action: str) -> Rule:
    r"""Emoji, each sequence that shows as one picture being one (UTS #51).

    One of: two `chars.FLAG_LETTERS`, or one alone; a digit 0-9, `#` or `*`, an optional
    `chars.EMOJI_SELECTOR` and `chars.KEYCAP`; or elements joined by ZERO WIDTH JOINER. An
    element is a character of `chars.EMOJI` with no `chars.TEXT_SELECTOR` after it and an
    optional selector, or a character of `chars.EMOJI_IF_SELECTED` with its selector; then
    an optional skin tone; then any `chars.FLAG_TAGS`.

    >>> emoji("drop").apply("نعم👍🏽")
    'نعم '
    >>> emoji("drop").apply("نعم ©")
    'نعم ©'
    """
    flag, selector = chars.char_class(chars.FLAG_LETTERS), chars.EMOJI_SELECTOR
    element = (
        f"(?:[{chars.char_class(chars.EMOJI)}](?!{chars.TEXT_SELECTOR}){selector}?+"
        f"|[{chars.char_class(chars.EMOJI_IF_SELECTED)}]{selector})"
        f"[{chars.char_class(chars.SKIN_TONES)}]?+[{chars.char_class(chars.FLAG_TAGS)}]*+"
    )
    return _entity(
        "emoji",
        action,
        f"[{flag}][{flag}]?+"
        f"|[{chars.char_class(chars.KEYCAP_BASES)}]{selector}?{chars.KEYCAP}"
        f"|{element}(?:{chars.ZERO_WIDTH_JOINER}{element})*+",
    )


def mentions(action: str) -> Rule:
    r"""@user: `@` or its full-width form, not after an alnum, `_` or `/`, and a run of word.

    More of them directly behind are one match, and each is replaced for itself.

    >>> mentions("drop").apply("يا @user تعال")
    'يا   تعال'
    >>> mentions("drop").apply("me@example.org")
    'me@example.org'
    """
    return _entity(
        "mentions", action, f"(?<![{ALNUM}_/])(?:[@\uff20][{WORD}]++)++", _count("@\uff20")
    )


def hashtags(action: str) -> Rule:
    r"""#tag: `#` or its full-width form, not after an alnum, either form or `_&/`, and a body.

    The body is a run of word, letters of `chars.LATIN_LETTERS` and ZERO WIDTH NON-JOINER, as
    long as can be, with a letter in it (Arabic or Latin; digits alone are an item number)
    and no `@` of either form after it. More of them directly behind are one match, and each
    is replaced for itself. `split` keeps the words: `#` goes, `_` becomes a space, and a
    space comes first where a character of a body stands before the `#`.

    >>> hashtags("split").apply("#تونس_الخضراء")
    'تونس الخضراء'
    >>> hashtags("split").apply("#1")
    '#1'
    """
    latin = chars.char_class(chars.LATIN_LETTERS)
    body = f"{WORD}{latin}\u200c"
    no_letter = f"_{DIGIT}{chars.char_class(chars.MARKS)}\u200c"
    tag = f"[#\uff03](?=[{no_letter}]*+[{LETTER}{latin}])[{body}]++(?![@\uff20])"
    pattern = f"(?<![{ALNUM}_&/#\uff03])(?:{tag})++"
    if action != "split":
        return _entity("hashtags", action, pattern, _count("#\uff03"))
    inside = re.compile(f"[{body}]")

    def split(match: re.Match[str]) -> str:
        words = match.group()[1:].replace("\uff03", " ").replace("#", " ").replace("_", " ")
        start = match.start()
        return f" {words}" if start and inside.match(match.string[start - 1]) else words

    return substitution("hashtags", "hashtags become the words in them", pattern, split)


def phones(action: str) -> Rule:
    r"""Telephone numbers, international and national.

    A separator is any number of HORIZONTAL_SPACE, at most two of `-.()` HYPHEN and
    NON-BREAKING HYPHEN, any number of HORIZONTAL_SPACE; not empty. No number starts after a
    digit, an ASCII letter or one of `+=/_.,:#@-`, and none ends before a digit, an ASCII
    letter, one of `_@#%`, or one of `.,:/-` and a digit (full-width `#` and `@` count as the
    plain ones): dates, prices, decimals, ranges and codes stay.

    International: `+` and an optional `(`, or two zeros; a digit that is not zero; groups
    of digits with a separator between two, 8 to 15 digits in all (ITU-T E.164). It ends before
    a group that would make more than 15, and, once it has 11, at the first separator that
    holds white space.

    National: a zero and a digit that is not zero, then either 7 to 9 more digits; or groups
    parted by one HORIZONTAL_SPACE, `-`, `.` or NON-BREAKING HYPHEN, the first (with the zero) of
    3 to 5 digits and one or two more of 3 or 4, as many as there are; or, as in the Maghreb,
    five pairs so parted. Groups count only if the digits from the zero to the eleventh, with
    at most one such part between two, are 9 or more and a number may end after them: a
    longer series is something else. Numbers without a zero before them cannot be told from
    others.

    >>> phones("drop").apply("اتصل 0501234567")
    'اتصل  '
    >>> phones("drop").apply("عام 2024")
    'عام 2024'
    """
    return scanner("phones", _REASON["phones"][action], _PHONE_START.pattern, _phone_scan(action))


_PHONE_BEFORE = f"(?<![{DIGIT}A-Za-z+=/_.,:#@\uff03\uff20\\-])"
_PHONE_AFTER = f"(?![{DIGIT}A-Za-z_@#\uff03\uff20%]|[.,:/\\-][{DIGIT}])"
ZERO = "0\u0660\u06f0"  # and ARABIC-INDIC, EXTENDED ARABIC-INDIC DIGIT ZERO
NOT_ZERO = chars.char_class(set(DIGITS) - set(ZERO))
_PHONE_START = re.compile(f"{_PHONE_BEFORE}[+{ZERO}]")
_ABROAD = re.compile(f"(?:\\+\\(?|[{ZERO}]{{2}})(?=[{NOT_ZERO}])")
_GROUP = re.compile(f"[{DIGIT}]{{1,16}}+")
HYPHENS = "\\-.()\u2010\u2011"
_SEPARATOR = re.compile(
    f"[{WHITE}]++(?:[{HYPHENS}]{{1,2}}+[{WHITE}]*+)?+|[{HYPHENS}]{{1,2}}+[{WHITE}]*+"
)
_SPACE = re.compile(f"[{WHITE}]")
PART = f"[{WHITE}\\-.\u2011]"
_HOME = re.compile(
    f"(?:[{ZERO}][{NOT_ZERO}][{DIGIT}]{{7,9}}+"
    f"|(?=(?:{PART}?[{DIGIT}]){{9,11}}+{_PHONE_AFTER})[{ZERO}][{NOT_ZERO}][{DIGIT}]{{1,3}}+"
    f"(?:{PART}[{DIGIT}]{{3,4}}+){{1,2}}+"
    f"|[{ZERO}][{NOT_ZERO}](?:{PART}[{DIGIT}]{{2}}){{4}}){_PHONE_AFTER}"
)
_AFTER = re.compile(_PHONE_AFTER)


def _phone_scan(action: str) -> Callable[[str], Iterator[tuple[int, int, str]]]:
    after = " " if action == "drop" else PLACE["phones"]

    def scan(text: str) -> Iterator[tuple[int, int, str]]:
        position = 0
        while found := _PHONE_START.search(text, position):
            start = found.start()
            end = _phone_end(text, start)
            if end is None:
                position = start + 1
            else:
                yield start, end, after
                position = end

    return scan


def _phone_end(text: str, start: int) -> int | None:
    sign = _ABROAD.match(text, start)
    if sign is None:
        home = _HOME.match(text, start)
        return home.end() if home else None
    digits, end, position = 0, start, sign.end()
    while group := _GROUP.match(text, position):
        if digits + len(group.group()) > 15:
            break
        digits += len(group.group())
        end = group.end()
        gap = _SEPARATOR.match(text, end)
        if gap is None or (digits >= 11 and _SPACE.search(gap.group())):
            break
        position = gap.end()
    return end if digits >= 8 and _AFTER.match(text, end) else None


#: In the order in which they run: addresses first because the others may stand inside
#: them, telephone numbers last because keycaps and hashtags hold digits.
_MAKERS: Final[dict[Kind, Callable[[str], Rule]]] = {
    "urls": urls,
    "emails": emails,
    "emoji": emoji,
    "mentions": mentions,
    "hashtags": hashtags,
    "phones": phones,
}


def entity_rules(actions: Mapping[Kind, str]) -> list[Rule]:
    """The rules for entities whose action is not "keep", in the order in which they run."""
    return [make(actions[kind]) for kind, make in _MAKERS.items() if actions[kind] != "keep"]


def read_tags(kinds: tuple[Kind, ...], style: str) -> Rule:
    r"""Tags that the text holds already to the characters that stand for them.

    Raw `chars.TAG_PLACES` become the replacement character: only rules may write them.

    >>> read_tags(("urls",), "latin").apply("<url>")
    '\ufdd0'
    >>> read_tags(("urls",), "latin").apply("<email>")
    '<email>'
    """
    places = {TAGS[style][kind]: PLACE[kind] for kind in kinds}
    literal = "|".join(map(re.escape, places))
    return substitution(
        "tags-read",
        "tags in the text are protected from the other rules",
        f"{literal}|[{chars.char_class(chars.TAG_PLACES)}]",
        lambda match: places.get(match.group(), chars.REPLACEMENT),
    )


def write_tags(kinds: tuple[Kind, ...], style: str) -> Rule:
    r"""The characters that stand for tags to the tags' texts.

    >>> write_tags(("urls",), "latin").apply("\ufdd0")
    '<url>'
    >>> write_tags(("urls",), "latin").apply("<email>")
    '<email>'
    """
    return char_map(
        "tags-write",
        "the tags' texts are written",
        {PLACE[kind]: TAGS[style][kind] for kind in kinds},
    )


_REASON: Final = {
    kind: {"drop": f"{kind} are removed", "tag": f"{kind} become a tag"} for kind in KINDS
}


def _entity(
    kind: Kind, action: str, pattern: str, count: Callable[[str], int] = lambda _: 1
) -> Rule:
    after = " " if action == "drop" else PLACE[kind]
    return substitution(
        kind, _REASON[kind][action], pattern, lambda match: after * count(match.group())
    )


def _count(signs: str) -> Callable[[str], int]:
    return lambda text: sum(map(text.count, signs))
