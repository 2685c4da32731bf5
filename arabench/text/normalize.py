"""Arabic normalization: options, presets, and the reference engine that applies them.

One definition: `rules_for` turns options into an ordered list of rules, and
`Normalizer` runs them. The order makes the result idempotent (`is_idempotent` says for
which options): markup goes first, for it hides characters; characters are mapped and
deleted next, so that entities are found whole and marks meet the letter they will stay on;
then marks are ordered and composed; then whole letters (with the hamza marks that belong to
them) are rewritten; rules that look at word ends or at runs come after all deletions inside
words; white space is collapsed last, and tags are written.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, Literal, get_args, get_type_hints

from arabench import chars
from arabench.errors import UsageError, did_you_mean
from arabench.text.rules import (
    boilerplate,
    clean,
    diacritics,
    elongation,
    entities,
    letters,
    markup,
)
from arabench.text.rules.rule import Edit, Rule

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
_DETAILS: Final[dict[str, tuple[str, frozenset[str]]]] = {
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
        for name, (main, values) in _DETAILS.items():
            if getattr(self, name) != _DEFAULTS[name] and getattr(self, main) not in values:
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
            for name, default in _DEFAULTS.items()
            if getattr(self, name) != default
        ]
        return "|".join([f"normalize:{RULES_VERSION}", *chosen])

    @property
    def tagged(self) -> tuple[entities.Kind, ...]:
        """Kinds of entities that become tags."""
        return tuple(kind for kind in entities.KINDS if getattr(self, kind) == "tag")


_DEFAULTS: Final[dict[str, Any]] = {
    field.name: field.default for field in dataclasses.fields(Options)
}


def _number(name: str, value: Any) -> int | float:
    """A number option as its type, from a number or from its text."""
    least, most = _BOUNDS[name]
    kind = type(_DEFAULTS[name])
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
    source = files("arabench.text").joinpath("normalize.py").read_text(encoding="utf-8")
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
    for name in _DEFAULTS:
        if name in option_values():
            hints[name] = "|".join(option_values()[name])
        elif name in _BOUNDS:
            least, most = _BOUNDS[name]
            hints[name] = f"{least}-{most}" if most < 1 << 32 else "NUMBER"
        else:
            hints[name] = "TEXT"
    return hints


@functools.cache
def presets() -> dict[str, dict[str, Any]]:
    """All presets as in presets.toml: option values and a `description`."""
    text = files("arabench.text").joinpath("presets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def options_from(
    preset: str = "none", overrides: Mapping[str, str | int | float] | None = None
) -> Options:
    """Options of a preset with some fields replaced.

    Raises:
        UsageError: unknown preset, option or value, or a contradiction.
    """
    known = presets()
    if preset not in known:
        raise UsageError(f"preset {preset!r} is not known. {did_you_mean(preset, known)}")
    values = {key: value for key, value in known[preset].items() if key != "description"}
    for key, value in (overrides or {}).items():
        if key not in _DEFAULTS:
            raise UsageError(f"option {key!r} is not known. {did_you_mean(key, _DEFAULTS)}")
        values[key] = value
    if values.get("alif") == "unify" or values.get("hamza", "keep") != "keep":
        values.setdefault("mark_order", "canonical")
    for key, (main, needed) in _DETAILS.items():
        # An override that turns a rule off takes the preset's details of it along.
        if key not in (overrides or {}) and values.get(main) not in needed:
            values.pop(key, None)
    return Options(**values)


def rules_for(options: Options) -> list[Rule]:
    """The ordered rules that the options ask for."""
    return [
        clean.replace_surrogates(),
        *_markup_rules(options),
        *_character_rules(options),
        *entities.entity_rules({kind: getattr(options, kind) for kind in entities.KINDS}),
        *_symbol_rules(options),
        *_mark_rules(options),
        *_letter_rules(options),
        *_layout_rules(options),
    ]


def _markup_rules(options: Options) -> Iterator[Rule]:
    """What must see the text before any other rule: tags, and what hides characters."""
    if options.tagged:
        yield entities.read_tags(options.tagged, options.tags)
    if options.markup == "strip":
        yield markup.strip_tags()
        yield markup.decode_references()


def _character_rules(options: Options) -> Iterator[Rule]:
    """Characters mapped or deleted for what they are."""
    if options.controls == "strip":
        yield clean.strip_controls()
    if options.bidi == "strip":
        yield clean.strip_bidi()
    if options.unicode == "compatibility":
        yield clean.plain_forms()
    if options.presentation_forms == "expand":
        yield letters.expand_presentation_forms()
    if options.persian_letters == "arabic":
        yield letters.persian_letters()
    if options.urdu_letters == "arabic":
        yield letters.urdu_letters()
    if options.maghrebi_letters == "arabic":
        yield letters.maghrebi_letters()
    if options.loan_letters == "arabic":
        yield letters.loan_letters()
    if options.tatweel == "strip":
        yield letters.strip_tatweel()
    if options.hamza == "drop":
        yield letters.drop_hamza()
    if options.quranic_marks == "strip":
        yield diacritics.strip_quranic_marks()
    if options.zero_width == "strip":
        yield clean.strip_zero_width()


def _symbol_rules(options: Options) -> Iterator[Rule]:
    """Lines, scripts, digits, punctuation."""
    if options.boilerplate == "strip":
        yield boilerplate.strip_boilerplate()
    if options.scripts == "arabic" and not options.allow_chars:
        yield clean.keep_arabic_script()
    elif options.scripts != "keep":
        yield clean.keep_scripts(options.scripts == "arabic_latin", options.allow_chars)
    if options.digits != "keep":
        yield {
            "latin": clean.digits_to_latin,
            "arabic": clean.digits_to_arabic,
            "extended": clean.digits_to_extended,
        }[options.digits]()
    if options.punctuation != "keep":
        yield {
            "unify": clean.unify_punctuation,
            "ascii": clean.ascii_punctuation,
            "strip": clean.strip_punctuation,
        }[options.punctuation]()


def _mark_rules(options: Options) -> Iterator[Rule]:
    """Vocalisation."""
    if options.diacritics == "partial":
        yield diacritics.keep_some_vowels(options.partial_rate, options.partial_seed)
    elif options.diacritics != "keep":
        yield {
            "strip": diacritics.strip_diacritics,
            "shadda": diacritics.keep_only_shadda,
            "no_case_endings": diacritics.strip_case_endings,
            "first_vowel": diacritics.keep_first_vowel,
            "skeleton": diacritics.strip_for_skeleton,
        }[options.diacritics]()


def _letter_rules(options: Options) -> Iterator[Rule]:
    """Letters with the marks that belong to them, then word ends and runs of letters."""
    if options.alif == "wasla":
        yield letters.alif_wasla()
    if options.alif_maqsura == "to_ya":
        yield letters.maqsura_to_ya()
    if options.alif_maqsura == "to_final_ya":
        # Before marks are composed: a hamza mark joins ya and not alif maqsura.
        yield letters.final_maqsura_to_ya()
    if options.mark_order == "canonical":
        yield letters.compose_marks()
    if options.alif == "unify":
        yield letters.unify_alif()
    if options.alif == "hamza":
        yield letters.bare_hamza_alif()
    if options.hamza != "keep":
        yield letters.hamza_carriers(to_hamza=options.hamza == "line")
        yield letters.strip_loose_hamza_marks()
    if options.ta_marbuta == "to_ha":
        yield letters.ta_marbuta_to_ha()
    if options.elongation == "cap":
        yield elongation.cap_letters(options.elongation_max)
    if options.alif_maqsura == "from_final_ya":
        yield letters.final_ya_to_maqsura()
        if options.elongation == "cap":
            # The new final letter may lengthen a run that stood before it.
            yield elongation.cap_letters(options.elongation_max, "elongation-final")
    if options.diacritics == "skeleton":
        yield from letters.skeleton()


def _layout_rules(options: Options) -> Iterator[Rule]:
    """Runs of punctuation, foreign maps, white space, and the tags' texts."""
    if options.repeated_punctuation == "cap":
        yield elongation.cap_punctuation(options.punctuation_max)
    if options.spacing == "separate":
        yield clean.separate_words()
    if options.character_map != "keep":
        yield clean.map_characters(options.character_map, keep_tags=bool(options.tagged))
    if options.whitespace == "collapse":
        yield from clean.collapse_whitespace()
    if options.tagged:
        yield entities.write_tags(options.tagged, options.tags)


#: Options that rewrite the text after entities were looked for, in ways that may uncover one.
_AFTER_ENTITIES: Final = (
    "scripts", "digits", "punctuation", "diacritics", "elongation", "repeated_punctuation",
    "spacing", "character_map",
)  # fmt: skip


def is_idempotent(options: Options) -> bool:
    """Whether a second pass is promised to change nothing, whatever the text.

    Not promised where a rule cannot have the last word: partial diacritics draw anew;
    one level of markup may hide another; a line or an entity may appear once the rules after
    it have cleaned its neighbourhood; and where a rule makes the letters of another alike
    (elongation of one letter with case endings, skeletons, foreign character maps).
    """
    finds = [kind for kind in entities.KINDS if getattr(options, kind) != "keep"]
    maps = options.character_map != "keep"
    return not (
        (options.diacritics == "partial" and 0 < options.partial_rate < 1)
        or options.markup != "keep"
        or options.boilerplate != "keep"
        or (finds and any(getattr(options, name) != "keep" for name in _AFTER_ENTITIES))
        or (options.hashtags == "split" and len(finds) > 1)  # "@#name"
        or (options.emoji != "keep" and options.zero_width != "keep")  # a joiner left alone
        # Marks that follow no letter lose all but the first, and then change places.
        or (options.diacritics == "no_case_endings" and options.mark_order != "keep")
        or (options.elongation != "keep" and options.diacritics == "skeleton")
        or (
            options.elongation != "keep"
            and options.elongation_max == 1
            and options.diacritics == "no_case_endings"
        )
        or (maps and any(
            getattr(options, name) != default
            for name, default in _DEFAULTS.items()
            if name not in {"character_map", "whitespace"}
        ))
    )  # fmt: skip


class Normalizer:
    """The reference engine: applies the rules of `options` one after the other.

    >>> Normalizer(options_from("llm")).normalize("كتـــاب  جميل")
    'كتاب جميل'
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.rules = rules_for(options)

    @property
    def signature(self) -> str:
        """Options, rule version and Unicode version."""
        return f"{self.options.signature}|unicode:{chars.UNICODE_VERSION}"

    def normalize(self, text: str) -> str:
        """The normalized text. Total: any string, lone surrogates included, has a result."""
        for rule in self.rules:
            text = rule.apply(text)
        return text

    __call__ = normalize

    def explain(self, text: str) -> tuple[str, list[Edit]]:
        """The normalized text and every edit, rule by rule in order."""
        edits: list[Edit] = []
        for rule in self.rules:
            found = list(rule.edits(text))
            if found:
                edits += found
                text = rule.apply(text)
        return text, edits
