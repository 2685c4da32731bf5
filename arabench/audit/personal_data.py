"""Personal data in text: e-mail, telephone, national numbers, IBAN, payment cards, handles.

Shapes are found by expressions and then checked as far as the number itself allows: IBAN
by ISO 13616 (country length and mod 97), cards by ISO/IEC 7812 (Luhn), the national
numbers by their check digit, date or place code. A shape with a valid check is not proof
of a person; a number without one is not proof of none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Final, Literal, NamedTuple, cast, get_args

from arabench import chars
from arabench.text.rules.entities import LOCAL_CHARS

Kind = Literal["email", "phone", "national_id", "iban", "card", "handle"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

MASK: Final = "\u2022"  # BULLET


class Hit(NamedTuple):
    """Personal data at `text[start:end]`; `detail` says which country or form."""

    kind: Kind
    start: int
    end: int
    detail: str


# --- expressions ------------------------------------------------------------------------
_DIGIT: Final = "0-9" + chars.char_class(chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS)
_TO_LATIN: Final = {
    ord(digit): str(place % 10)
    for place, digit in enumerate(chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS)
}
_NOT_DIGIT: Final = re.compile(r"[^0-9]+")

# Not the links of `text.rules.entities`, which are what can be replaced without a loss: of a
# person's data the audit finds more, so local parts in any letters (RFC 6531), and as handles
# only names that services give out, so no Arabic word behind an `@`. Quoted local parts are
# not looked for.
_DOMAIN: Final = re.compile(
    r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.([A-Za-z]{2,24})(?![\w@])"
)
_HANDLE: Final = re.compile(r"(?<![\w@.+/-])@[A-Za-z0-9_]{2,30}(?![\w@]|\.\w)")
#: No form below has fewer digits, apart from telephone numbers of small exchanges.
MIN_DIGITS: Final = 9
# Groups are parted by at most two of space, dot, hyphen and bracket. What stands in a decimal
# or a longer token is no number of a person.
_NUMBER: Final = re.compile(
    f"(?<![\\w=#&%.,:@+-])[(+]{{0,2}}"
    f"[{_DIGIT}](?:[-. \u00a0()]{{0,2}}[{_DIGIT}]){{{MIN_DIGITS - 1},18}}"
    f"(?![\\w=%]|/[A-Za-z]|[.,:-][{_DIGIT}])"
)
#: What goes before a number in an address of the web; "050.../056..." is two numbers.
_IN_ADDRESS: Final = re.compile(r"[A-Za-z:]\S*/\Z")
_ADDRESS_REACH: Final = 100
#: Widest match of `_NUMBER`, for those who search only around digits.
NUMBER_REACH: Final = 64
_GROUP: Final = re.compile(f"[0-9]{{{MIN_DIGITS},}}")

#: Length of an IBAN per country of the Arab League (SWIFT IBAN registry).
IBAN_LENGTHS: Final = {
    "AE": 23,
    "BH": 22,
    "DJ": 27,
    "EG": 29,
    "IQ": 23,
    "JO": 30,
    "KW": 30,
    "LB": 28,
    "LY": 25,
    "MR": 27,
    "OM": 23,
    "PS": 29,
    "QA": 29,
    "SA": 24,
    "SD": 18,
    "SO": 23,
    "TN": 24,
    "YE": 30,
}
_IBAN: Final = re.compile(
    f"(?<![A-Za-z0-9])(?:{'|'.join(IBAN_LENGTHS)})[{_DIGIT}]{{2}}(?:[ -]?[A-Z{_DIGIT}]){{12,30}}"
)

# --- telephone numbers ------------------------------------------------------------------
#: Country code -> country and its national number (ITU-T E.164 national numbering plans).
_PHONE_COUNTRIES: Final = {
    "20": ("Egypt", r"1[0125]\d{8}|[2-9]\d{7,8}"),
    "212": ("Morocco", r"[5-8]\d{8}"),
    "213": ("Algeria", r"[5-7]\d{8}|[1-4]\d{7}"),
    "216": ("Tunisia", r"[24579]\d{7}"),
    "218": ("Libya", r"9[1-5]\d{7}|[2-8]\d{6,7}"),
    "222": ("Mauritania", r"[2-4]\d{7}"),
    "249": ("Sudan", r"[19]\d{8}"),
    "252": ("Somalia", r"[1-9]\d{6,8}"),
    "253": ("Djibouti", r"[27]7\d{6}"),
    "269": ("Comoros", r"[37]\d{6}"),
    "961": ("Lebanon", r"[13-9]\d{6}|7\d{7}|81\d{6}"),
    "962": ("Jordan", r"7[789]\d{7}|[2356]\d{7}"),
    "963": ("Syria", r"9\d{8}|[1-5]\d{6,8}"),
    "964": ("Iraq", r"7\d{9}|[1-6]\d{6,8}"),
    "965": ("Kuwait", r"[124569]\d{7}"),
    "966": ("Saudi Arabia", r"5\d{8}|1\d{8}|9200\d{5}"),
    "967": ("Yemen", r"7[01378]\d{7}|[1-7]\d{6}"),
    "968": ("Oman", r"[279]\d{7}"),
    "970": ("Palestine", r"5[69]\d{7}|[2-4]\d{6,7}"),
    "971": ("United Arab Emirates", r"5[024568]\d{7}|[2-4679]\d{7}"),
    "973": ("Bahrain", r"[136]\d{7}"),
    "974": ("Qatar", r"[3-7]\d{7}"),
}
#: Mobile numbers as dialled at home. Where one form serves several countries, all are named.
_LOCAL_PHONES: Final = (
    (re.compile(r"01[0125]\d{8}"), "Egypt, local form"),
    (re.compile(r"07[3-9]\d{8}"), "Iraq, local form"),
    (re.compile(r"07[789]\d{7}"), "Jordan, Morocco or Algeria, local form"),
    (re.compile(r"05[0-9]\d{7}"), "Saudi Arabia, Emirates, Palestine, Morocco or Algeria, local"),
    (re.compile(r"0[67]\d{8}"), "Morocco or Algeria, local form"),
    (re.compile(r"09[0-9]\d{7}"), "Syria, Libya or Sudan, local form"),
)


def _phone(digits: str, written: str) -> str | None:
    """Country or form of a telephone number, None when it is none."""
    marked = "+" in written
    if marked or digits.startswith("00"):
        number = digits if marked else digits[2:]
        number = number.removeprefix("00") if marked else number
        for size in (2, 3):
            country = _PHONE_COUNTRIES.get(number[:size])
            # "+966 (0) 5..." keeps the zero of the local form.
            national = number[size:].removeprefix("0")
            if country is not None and re.fullmatch(country[1], national):
                return country[0]
        return None
    if re.match(r"\D*\d(?!\d)", written):
        return None  # "0-521-...": a book number; no mobile prefix has one digit
    for pattern, name in _LOCAL_PHONES:
        if pattern.fullmatch(digits):
            return name
    # Without plus or zeros, a country code counts only before a whole mobile number.
    if digits.startswith("966") and re.fullmatch(r"9665\d{8}", digits):
        return "Saudi Arabia"
    if re.fullmatch(r"201[0125]\d{8}", digits):
        return "Egypt"
    if re.fullmatch(r"9715[024568]\d{7}", digits):
        return "United Arab Emirates"
    return None


# --- national numbers -------------------------------------------------------------------
#: Egypt: two digits of the governorate of birth; 88 is abroad.
_GOVERNORATES: Final = frozenset([*range(1, 5), *range(11, 20), *range(21, 30), *range(31, 36), 88])
#: Qatar: ISO 3166-1 numeric codes of the nationalities most of its residents have.
_QATAR_NATIONALITIES: Final = frozenset((
    "634", "356", "524", "050", "818", "608", "144", "586", "729", "400", "760", "422", "275",
    "788", "364", "682", "887", "826", "840", "504", "012", "404",
))  # fmt: skip
_KUWAIT_WEIGHTS: Final = (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1 annex B."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    plain = [int(digit) for digit in digits[-1::-2]]
    return (sum(value - 9 if value > 9 else value for value in doubled) + sum(plain)) % 10 == 0


def _birth_date(century: int, yymmdd: str) -> bool:
    try:
        born = date(century + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        return False
    return born <= date.today()


def _egypt(digits: str) -> bool:
    century = {"2": 1900, "3": 2000}.get(digits[0])
    return (
        century is not None
        and _birth_date(century, digits[1:7])
        and int(digits[7:9]) in _GOVERNORATES
    )


def _saudi(digits: str) -> bool:
    return digits[0] in "12" and luhn_valid(digits)


def _emirates(digits: str) -> bool:
    return (
        digits.startswith("784")
        and 1900 <= int(digits[3:7]) <= date.today().year
        and luhn_valid(digits)
    )


def _kuwait(digits: str) -> bool:
    century = {"2": 1900, "3": 2000}.get(digits[0])
    if century is None or not _birth_date(century, digits[1:7]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_KUWAIT_WEIGHTS, digits, strict=False))
    return 11 - total % 11 == int(digits[11])


def _qatar(digits: str) -> bool:
    if digits[0] not in "23" or digits[3:6] not in _QATAR_NATIONALITIES:
        return False
    return (1900 if digits[0] == "2" else 2000) + int(digits[1:3]) <= date.today().year


#: Number of digits -> checks that a national number of that length must pass.
_NATIONAL_IDS: Final[dict[int, tuple[tuple[str, Callable[[str], bool]], ...]]] = {
    10: (("Saudi Arabia", _saudi),),
    11: (("Qatar", _qatar),),
    12: (("Kuwait", _kuwait),),
    14: (("Egypt", _egypt),),
    15: (("United Arab Emirates", _emirates),),
}


def _national_id(digits: str, written: str) -> str | None:
    # National numbers are written in one piece (the Emirates' with three hyphens): a group
    # of shorter numbers must not add up to one.
    pieces = re.split(r"[^0-9]+", written)
    if len(pieces) > 1 and [len(piece) for piece in pieces] != [3, 4, 7, 1]:
        return None
    for country, check in _NATIONAL_IDS.get(len(digits), ()):
        if check(digits):
            return country
    return None


# --- cards and accounts -----------------------------------------------------------------
_CARD: Final = re.compile(
    r"4\d{15}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|64[4-9]\d|65\d\d|62\d\d|9792|5078|60[34]\d|588\d|968\d)\d{12}"
)


def _card(digits: str, written: str) -> str | None:
    """Scheme of a payment card, None when it is none."""
    pieces = [len(piece) for piece in re.split(r"[^0-9]+", written) if piece]
    if pieces not in ([len(digits)], [4, 4, 4, 4], [4, 6, 5]):
        return None
    if not _CARD.fullmatch(digits) or not luhn_valid(digits) or len(set(digits)) == 1:
        return None
    return {"4": "Visa range", "5": "Mastercard range", "2": "Mastercard range"}.get(
        digits[0], "other scheme"
    )


def iban_valid(iban: str) -> bool:
    """Whether country, length and the mod-97 check of ISO 13616 hold.

    Args:
        iban: without spaces, capitals, digits 0-9.
    """
    if IBAN_LENGTHS.get(iban[:2]) != len(iban):
        return False
    rotated = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in rotated)) % 97 == 1


def _ibans(text: str, start: int, end: int) -> Iterator[Hit]:
    for match in _IBAN.finditer(text, start, end):
        country = match.group()[:2]
        compact = ""
        # The expression may run into what follows: stop at the country's length.
        for offset, char in enumerate(match.group().translate(_TO_LATIN)):
            compact += char if char not in " -" else ""
            if len(compact) == IBAN_LENGTHS[country]:
                if iban_valid(compact):
                    yield Hit("iban", match.start(), match.start() + offset + 1, country)
                break


def _numbers(text: str, start: int, end: int) -> Iterator[Hit]:
    for match in _NUMBER.finditer(text, start, end):
        begin = match.start()
        if text[begin - 1 : begin] == "/" and _IN_ADDRESS.search(
            text[max(0, begin - _ADDRESS_REACH) : begin]
        ):
            continue
        written = match.group().translate(_TO_LATIN)
        found = _number_kind(written)
        if found is not None:
            yield Hit(found[0], match.start(), match.end(), found[1])
            continue
        # Two numbers side by side: each group of digits on its own.
        groups = list(_GROUP.finditer(written))
        for group in groups if groups and groups[0].group() != written else ():
            found = _number_kind(group.group())
            if found is not None:
                offset = match.start()
                yield Hit(found[0], offset + group.start(), offset + group.end(), found[1])


def _number_kind(written: str) -> tuple[Kind, str] | None:
    digits = _NOT_DIGIT.sub("", written)
    if written == digits or ("+" not in written and "(" not in written):
        for kind, check in (("national_id", _national_id), ("card", _card)):
            detail = check(digits, written)
            if detail is not None:
                return cast(Kind, kind), detail
    detail = _phone(digits, written)
    return None if detail is None else ("phone", detail)


def _around_at_signs(text: str) -> Iterator[Hit]:
    position = text.find("@")
    while position >= 0:
        end = position + 1
        domain = _DOMAIN.match(text, position)
        start = _local_part(text, position) if domain else position
        if domain is not None and start < position:
            end = domain.end()
            yield Hit("email", start, end, domain[1].lower())
        else:
            handle = _HANDLE.match(text, position)
            if handle is not None:
                end = handle.end()
                yield Hit("handle", position, end, "")
        position = text.find("@", end)


def _local_part(text: str, end: int) -> int:
    """Where the local part of an address before `text[end]` begins; `end` if there is none."""
    start = end
    while start and (text[start - 1].isalnum() or text[start - 1] in "._+-"):
        start -= 1
        if end - start > LOCAL_CHARS:
            return end
    return start


def find_personal_data(text: str, windows: Iterable[tuple[int, int]] | None = None) -> list[Hit]:
    """All personal data in `text`, in order and without overlaps.

    Args:
        text: any text; lines may be joined by line feeds, no shape spans them.
        windows: where to look for numbers, when it is known where digits are.
    """
    hits = list(_around_at_signs(text))
    for start, end in [(0, len(text))] if windows is None else windows:
        hits += _ibans(text, start, end)
        hits += _numbers(text, start, end)
    # Of two that begin together the longer, of two equal ones the stricter (an IBAN).
    hits.sort(key=lambda hit: (hit.start, -hit.end))
    kept: list[Hit] = []
    for hit in hits:
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def mask(value: str) -> str:
    """`value` with its letters and digits hidden but the first and the last two.

    >>> mask("someone@example.org")
    's••••••@•••••••.•rg'
    """
    places = [place for place, char in enumerate(value) if char.isalnum()]
    shown = {*places[:1], *places[-2:]} if len(places) > 5 else set(places[:1])
    return "".join(
        MASK if char.isalnum() and place not in shown else char for place, char in enumerate(value)
    )


#: So many digits in a row may be a telephone number that no rule knows.
_LONG_RUN: Final = re.compile(f"[{_DIGIT}]{{7,}}")


def mask_personal_data(text: str) -> str:
    """`text` for showing: all it has of personal data is masked, and every long number.

    The number of characters stays.
    """
    parts: list[str] = []
    position = 0
    for hit in find_personal_data(text):
        parts += [text[position : hit.start], mask(text[hit.start : hit.end])]
        position = hit.end
    masked = "".join(parts) + text[position:]
    return _LONG_RUN.sub(lambda match: mask(match.group()), masked)
