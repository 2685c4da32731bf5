"""Arabic letters as Latin ones, one for one: Buckwalter and its relatives, and back.

Sources: Buckwalter (2002), LDC2002L49, and its XML form (LDC2004L02); SafeBW as in CAMeL
Tools (Obeid et al., 2020); Habash, Soudi and Buckwalter (2007), "On Arabic Transliteration".
Tables equal those of camel-tools, letter by letter, which a test compares; they are here
because importing camel-tools takes more than half a second.

Every scheme has one Latin letter for each of 51 Arabic ones and leaves all other characters
as they are. So Arabic text comes back unchanged, unless it has characters that the scheme
also writes Arabic with (`clashes`).
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from arabench.errors import UsageError, did_you_mean

Scheme = Literal["buckwalter", "safebw", "xmlbw", "hsb"]
SCHEMES: Final[tuple[Scheme, ...]] = get_args(Scheme)
#: Other names of schemes, as camel-tools and others have them.
ALIASES: Final[dict[str, Scheme]] = {
    "bw": "buckwalter",
    "safe-bw": "safebw",
    "xml-bw": "xmlbw",
    "habash-soudi-buckwalter": "hsb",
}

#: Arabic letter -> its letters in Buckwalter, SafeBW, XML Buckwalter and HSB.
TABLE: Final[dict[str, str]] = {
    "\u0621": "'C''",  # ARABIC LETTER HAMZA
    "\u0622": "|M|\u0100",  # ARABIC LETTER ALEF WITH MADDA ABOVE
    "\u0623": ">OO\u00c2",  # ARABIC LETTER ALEF WITH HAMZA ABOVE
    "\u0624": "&WW\u0175",  # ARABIC LETTER WAW WITH HAMZA ABOVE
    "\u0625": "<II\u0102",  # ARABIC LETTER ALEF WITH HAMZA BELOW
    "\u0626": "}Q}\u0177",  # ARABIC LETTER YEH WITH HAMZA ABOVE
    "\u0627": "AAAA",  # ARABIC LETTER ALEF
    "\u0628": "bbbb",  # ARABIC LETTER BEH
    "\u0629": "ppp\u0127",  # ARABIC LETTER TEH MARBUTA
    "\u062a": "tttt",  # ARABIC LETTER TEH
    "\u062b": "vvv\u03b8",  # ARABIC LETTER THEH
    "\u062c": "jjjj",  # ARABIC LETTER JEEM
    "\u062d": "HHHH",  # ARABIC LETTER HAH
    "\u062e": "xxxx",  # ARABIC LETTER KHAH
    "\u062f": "dddd",  # ARABIC LETTER DAL
    "\u0630": "*V*\u00f0",  # ARABIC LETTER THAL
    "\u0631": "rrrr",  # ARABIC LETTER REH
    "\u0632": "zzzz",  # ARABIC LETTER ZAIN
    "\u0633": "ssss",  # ARABIC LETTER SEEN
    "\u0634": "$c$\u0161",  # ARABIC LETTER SHEEN
    "\u0635": "SSSS",  # ARABIC LETTER SAD
    "\u0636": "DDDD",  # ARABIC LETTER DAD
    "\u0637": "TTTT",  # ARABIC LETTER TAH
    "\u0638": "ZZZ\u010e",  # ARABIC LETTER ZAH
    "\u0639": "EEE\u03c2",  # ARABIC LETTER AIN
    "\u063a": "ggg\u03b3",  # ARABIC LETTER GHAIN
    "\u0640": "____",  # ARABIC TATWEEL
    "\u0641": "ffff",  # ARABIC LETTER FEH
    "\u0642": "qqqq",  # ARABIC LETTER QAF
    "\u0643": "kkkk",  # ARABIC LETTER KAF
    "\u0644": "llll",  # ARABIC LETTER LAM
    "\u0645": "mmmm",  # ARABIC LETTER MEEM
    "\u0646": "nnnn",  # ARABIC LETTER NOON
    "\u0647": "hhhh",  # ARABIC LETTER HEH
    "\u0648": "wwww",  # ARABIC LETTER WAW
    "\u0649": "YYY\u00fd",  # ARABIC LETTER ALEF MAKSURA
    "\u064a": "yyyy",  # ARABIC LETTER YEH
    "\u064b": "FFF\u00e3",  # ARABIC FATHATAN
    "\u064c": "NNN\u0169",  # ARABIC DAMMATAN
    "\u064d": "KKK\u0129",  # ARABIC KASRATAN
    "\u064e": "aaaa",  # ARABIC FATHA
    "\u064f": "uuuu",  # ARABIC DAMMA
    "\u0650": "iiii",  # ARABIC KASRA
    "\u0651": "~~~~",  # ARABIC SHADDA
    "\u0652": "ooo.",  # ARABIC SUKUN
    "\u0670": "`e`\u00e1",  # ARABIC LETTER SUPERSCRIPT ALEF
    "\u0671": "{L{\u00c4",  # ARABIC LETTER ALEF WASLA
    "\u067e": "PPPp",  # ARABIC LETTER PEH
    "\u0686": "JJJc",  # ARABIC LETTER TCHEH
    "\u06a4": "VBVv",  # ARABIC LETTER VEH
    "\u06af": "GGGg",  # ARABIC LETTER GAF
}

_TO_LATIN: Final[dict[Scheme, dict[int, str]]] = {
    scheme: {ord(letter): latin[place] for letter, latin in TABLE.items()}
    for place, scheme in enumerate(SCHEMES)
}
_TO_ARABIC: Final[dict[Scheme, dict[int, str]]] = {
    scheme: {ord(latin): chr(letter) for letter, latin in table.items()}
    for scheme, table in _TO_LATIN.items()
}


def scheme_named(name: str) -> Scheme:
    """A scheme by its name or another name of it.

    Raises:
        UsageError: there is none of that name.
    """
    found = ALIASES.get(name.lower(), name.lower())
    if found not in SCHEMES:
        raise UsageError(
            f"no transliteration scheme {name!r}. {did_you_mean(name, [*SCHEMES, *ALIASES])}"
        )
    return found


def transliterate(text: str, to: str = "buckwalter") -> str:
    """Arabic text in Latin letters; other characters stay.

    Args:
        text: any text. Presentation forms and letters beyond the 51 are left as they are;
            normalize first to have them written too.
        to: a scheme.

    Raises:
        UsageError: no such scheme.
    """
    return text.translate(_TO_LATIN[scheme_named(to)])


def from_latin(text: str, scheme: str = "buckwalter") -> str:
    """Transliterated text in Arabic letters; other characters stay.

    Raises:
        UsageError: no such scheme.
    """
    return text.translate(_TO_ARABIC[scheme_named(scheme)])


def clashes(text: str, scheme: str = "buckwalter") -> frozenset[str]:
    """Characters of a text that would come back as Arabic letters though they are none.

    Where there are none, `from_latin(transliterate(text, scheme), scheme)` is the text.

    Raises:
        UsageError: no such scheme.
    """
    return frozenset(map(chr, _TO_ARABIC[scheme_named(scheme)])).intersection(text)
