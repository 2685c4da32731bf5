"""What can be normalized: the options, their values, bounds and descriptions."""

from __future__ import annotations

import ast
import dataclasses
import functools
import itertools
import math
from importlib.resources import files
from typing import Any, Final, Literal, get_args, get_type_hints

from arabench.errors import UsageError, did_you_mean
from arabench.text.rules import entities

#: Rises whenever some option's output changes for some text.
RULES_VERSION = 2


#: Whole numbers and rates among the options: name -> (least, most).
_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "partial_rate": (0, 1),
    "partial_seed": (0, (1 << 63) - 1),
    "elongation_max": (1, 100),
    "punctuation_max": (1, 100),
}
#: Options that say more about another one -> that one and the values with which they count.
DETAILS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "partial_rate": ("diacritics", frozenset(["partial"])),
    "partial_seed": ("diacritics", frozenset(["partial"])),
    "elongation_max": ("elongation", frozenset(["cap"])),
    "punctuation_max": ("repeated_punctuation", frozenset(["cap"])),
    "allow_chars": ("scripts", frozenset(["arabic", "arabic_latin"])),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to normalize. Every field defaults to keeping the text as it is."""

    markup: Literal["keep", "strip"] = "keep"
    """HTML tags, comments, scripts and styles removed, then character references decoded."""
    controls: Literal["keep", "strip"] = "keep"
    """C0 and C1 control characters except tab and line breaks."""
    bidi: Literal["keep", "strip"] = "keep"
    """Directional marks, embeddings, overrides, isolates."""
    unicode: Literal["keep", "compatibility"] = "keep"
    """Full-width, circled, mathematical and ligature characters to plain ones, as NFKC does
    where it loses nothing: superscripts, subscripts and fractions stay (NFKC turns the square
    of a metre into m2), and so do Arabic letters, spaces and typographic punctuation, which
    have options of their own."""
    presentation_forms: Literal["keep", "expand"] = "keep"
    """Shaped glyph code points (U+FB50-FDFF, U+FE70-FEFC) to letters."""
    zero_width: Literal["keep", "strip"] = "keep"
    """Zero-width spaces, joiners, soft hyphens, byte order marks."""
    persian_letters: Literal["keep", "arabic"] = "keep"
    """Keheh, Farsi yeh, heh variants to the Arabic letters."""
    urdu_letters: Literal["keep", "arabic"] = "keep"
    """Urdu's retroflex letters and nasal noon to teh, dal, reh and noon."""
    maghrebi_letters: Literal["keep", "arabic"] = "keep"
    """Maghrebi shapes of feh, qaf and noon to the common ones."""
    loan_letters: Literal["keep", "arabic"] = "keep"
    """Letters for p, ch, zh, v and g (peh, tcheh, jeh, veh, gaf, ng) to beh, jeem, zain, feh,
    kaf: what a writer types without them. They are real letters; for matching only."""
    tatweel: Literal["keep", "strip"] = "keep"
    """The stretching character U+0640."""
    quranic_marks: Literal["keep", "strip"] = "keep"
    """Pause signs, honorifics, small annotation letters."""
    urls: Literal["keep", "drop", "tag"] = "keep"
    """Web addresses to a space or a tag. `arabench.text.rules.entities` defines all entities."""
    emails: Literal["keep", "drop", "tag"] = "keep"
    """E-mail addresses to a space or a tag."""
    mentions: Literal["keep", "drop", "tag"] = "keep"
    """@user to a space or a tag."""
    hashtags: Literal["keep", "drop", "tag", "split"] = "keep"
    """#tags to a space, a tag, or the words in them (# goes, _ becomes a space)."""
    phones: Literal["keep", "drop", "tag"] = "keep"
    """Telephone numbers, international or with a leading zero, to a space or a tag."""
    emoji: Literal["keep", "drop", "tag"] = "keep"
    """Emoji, whole sequences, to a space or a tag."""
    tags: Literal["arabic", "latin"] = "arabic"
    """Tags in Arabic between brackets, as AraBERT writes them, or <url> <email> <user> ..."""
    boilerplate: Literal["keep", "strip"] = "keep"
    """Lines of menus, notices and invitations, by the list in boilerplate.toml."""
    diacritics: Literal[
        "keep",
        "strip",
        "shadda",
        "no_case_endings",
        "first_vowel",
        "partial",
        "skeleton",
    ] = "keep"
    """Vowel marks: all kept, all removed, only shadda kept, only word endings removed, only
    those on the first letter of a word kept, a random part kept (see `partial_rate`), or all
    marks and all dots removed (skeleton: the letters before dots were invented)."""
    partial_rate: float = 0.5
    """With diacritics=partial: the share of letters that keep their vowel marks, 0 to 1."""
    partial_seed: int = 0
    """With diacritics=partial: another number keeps another part."""
    mark_order: Literal["keep", "canonical"] = "keep"
    """Canonical order of marks; hamza and madda composed with their carriers (NFC)."""
    alif: Literal["keep", "wasla", "hamza", "unify"] = "keep"
    """Alif forms: keep, only wasla to alif, hamza and wasla to alif (madda stays), or all to
    bare alif (needs canonical marks)."""
    hamza: Literal["keep", "carrier", "line", "drop"] = "keep"
    """Waw/ya with hamza to plain waw/ya; or to hamza on the line; or to plain waw/ya with
    every hamza on the line removed too (needs canonical marks). Alif has its own option."""
    alif_maqsura: Literal["keep", "to_ya", "to_final_ya", "from_final_ya"] = "keep"
    """Alif maqsura to ya everywhere or at word ends only, or final ya to alif maqsura
    (Egyptian print)."""
    ta_marbuta: Literal["keep", "to_ha"] = "keep"
    """Ta marbuta to ha. The way back is not offered: a final ha may be a pronoun."""
    elongation: Literal["keep", "cap"] = "keep"
    """Letters drawn out for effect cut to `elongation_max`: Arabic letters and small Latin
    ones but w. Beware of 1: real words double letters."""
    elongation_max: int = 2
    """With elongation=cap: the longest run of one letter, 1 to 100."""
    repeated_punctuation: Literal["keep", "cap"] = "keep"
    """One punctuation mark repeated for effect cut to `punctuation_max`."""
    punctuation_max: int = 3
    """With repeated_punctuation=cap: the longest run, 1 to 100. 3 leaves an ellipsis."""
    digits: Literal["keep", "latin", "arabic", "extended"] = "keep"
    """Digits to 0-9, to Arabic-Indic or to Extended (Persian, Urdu) ones. To 0-9 the Arabic
    percent sign and separators go with them, for they stand in no such number; the other
    ways leave % . and , alone, which may be ordinary punctuation."""
    punctuation: Literal["keep", "unify", "ascii", "strip"] = "keep"
    """Typographic variants unified, everything to ASCII, or all removed."""
    scripts: Literal["keep", "arabic", "arabic_latin"] = "keep"
    """Everything outside Arabic script (and Latin letters), digits, punctuation to a space."""
    allow_chars: str = ""
    """With scripts: single characters to keep besides."""
    spacing: Literal["keep", "separate"] = "keep"
    """A space around punctuation and tags, and between digits and Arabic letters."""
    character_map: Literal["keep", "camel_arclean", "arabert_v02"] = "keep"
    """Every character as another tool maps it, by the tables in character_maps.toml."""
    whitespace: Literal["keep", "collapse"] = "keep"
    """Runs of white space to one; ends trimmed; at most one empty line."""

    def __post_init__(self) -> None:
        for name, allowed in option_values().items():
            value = getattr(self, name)
            if value not in allowed:
                raise UsageError(
                    f"option {name}={value!r} is not known. {did_you_mean(str(value), allowed)}"
                )
        for name in _BOUNDS:
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if not isinstance(self.allow_chars, str):
            raise UsageError(f"option allow_chars={self.allow_chars!r} is not a text.")
        object.__setattr__(self, "allow_chars", "".join(sorted(set(self.allow_chars))))
        for name, (main, values) in DETAILS.items():
            if getattr(self, name) != DEFAULTS[name] and getattr(self, main) not in values:
                raise UsageError(
                    f"{name} says nothing without {main}={' or '.join(sorted(values))}. "
                    f"Choose that too, or leave out {name}."
                )
        if self.mark_order != "canonical":
            for name, value in (("alif", "unify"), ("hamza", self.hamza)):
                if value != "keep" and getattr(self, name) == value:
                    raise UsageError(
                        f"{name}={value!r} needs mark_order='canonical': a decomposed letter "
                        "would keep its hamza otherwise"
                    )

    @property
    def signature(self) -> str:
        """Short stable text naming every non-default option and the rule version."""
        chosen = [
            f"{name}:{_shown(getattr(self, name))}"
            for name, default in DEFAULTS.items()
            if getattr(self, name) != default
        ]
        return "|".join([f"normalize:{RULES_VERSION}", *chosen])

    @property
    def tagged(self) -> tuple[entities.Kind, ...]:
        """Kinds of entities that become tags."""
        return tuple(kind for kind in entities.KINDS if getattr(self, kind) == "tag")


#: Option -> its value where nothing is asked for.
DEFAULTS: Final[dict[str, Any]] = {
    field.name: field.default for field in dataclasses.fields(Options)
}


def _number(name: str, value: Any) -> int | float:
    """A number option as its type, from a number or from its text."""
    least, most = _BOUNDS[name]
    kind = type(DEFAULTS[name])
    try:
        if isinstance(value, bool) or (kind is int and isinstance(value, float)):
            raise ValueError
        number: int | float = kind(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise UsageError(
            f"option {name}={value!r} is not a {'whole number' if kind is int else 'number'} "
            f"from {least} to {most}."
        )
    return number


def _shown(value: str | int | float) -> str:
    """An option's value in a signature; allowed characters as code points."""
    if isinstance(value, str) and not value.replace("_", "").isalnum():
        return "+".join(f"{ord(char):04X}" for char in value)
    return str(value)


@functools.cache
def option_values() -> dict[str, tuple[str, ...]]:
    """Allowed values of every option that is a choice, the default first."""
    hints = get_type_hints(Options)
    return {
        field.name: get_args(hints[field.name])
        for field in dataclasses.fields(Options)
        if get_args(hints[field.name])
    }


@functools.cache
def option_docs() -> dict[str, str]:
    """What every option does, as written below its field."""
    source = files("arabench.text").joinpath("options.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Options"
    )
    docs = {}
    for field, after in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            docs[field.target.id] = " ".join(str(after.value.value).split())
    return docs


def option_hints() -> dict[str, str]:
    """What every option may be, as a command line shows it: "keep|strip", "1-100", "TEXT"."""
    hints = {}
    for name in DEFAULTS:
        if name in option_values():
            hints[name] = "|".join(option_values()[name])
        elif name in _BOUNDS:
            least, most = _BOUNDS[name]
            hints[name] = f"{least}-{most}" if most < 1 << 32 else "NUMBER"
        else:
            hints[name] = "TEXT"
    return hints
