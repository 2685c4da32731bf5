"""Arabic normalization: options, presets, and the reference engine that applies them.

One definition: `rules_for` turns options into an ordered list of rules, and
`Normalizer` runs them. The order makes the result idempotent: characters are mapped
and deleted first, so that marks meet the letter they will stay on; then marks are
ordered and composed; then whole letters (with the hamza marks that belong to them)
are rewritten; rules that look at word ends come after all deletions inside words;
white space is collapsed last.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal, get_args, get_type_hints

from arabench import chars
from arabench.errors import UsageError, did_you_mean
from arabench.text import clean, diacritics, letters
from arabench.text.rule import Edit, Rule

#: Rises whenever some option's output changes for some text.
RULES_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Options:
    """What to normalize. Every field defaults to keeping the text as it is."""

    presentation_forms: Literal["keep", "expand"] = "keep"
    """Shaped glyph code points (U+FB50-FDFF, U+FE70-FEFC) to letters."""
    zero_width: Literal["keep", "strip"] = "keep"
    """Zero-width spaces, joiners, soft hyphens, byte order marks."""
    bidi: Literal["keep", "strip"] = "keep"
    """Directional marks, embeddings, overrides, isolates."""
    controls: Literal["keep", "strip"] = "keep"
    """C0 and C1 control characters except tab and line breaks."""
    persian_letters: Literal["keep", "arabic"] = "keep"
    """Keheh, Farsi yeh, heh variants to the Arabic letters."""
    tatweel: Literal["keep", "strip"] = "keep"
    """The stretching character U+0640."""
    quranic_marks: Literal["keep", "strip"] = "keep"
    """Pause signs, honorifics, small annotation letters."""
    diacritics: Literal["keep", "strip", "shadda", "no_case_endings"] = "keep"
    """Vowel marks: all kept, all removed, only shadda kept, or only word endings removed."""
    mark_order: Literal["keep", "canonical"] = "keep"
    """Canonical order of marks; hamza and madda composed with their carriers (NFC)."""
    alif: Literal["keep", "wasla", "unify"] = "keep"
    """Alif forms: keep, only wasla to alif, or all to bare alif (needs canonical marks)."""
    hamza: Literal["keep", "carrier", "line"] = "keep"
    """Waw/ya with hamza: to plain waw/ya, or to hamza on the line (needs canonical marks)."""
    alif_maqsura: Literal["keep", "to_ya", "from_final_ya"] = "keep"
    """Alif maqsura to ya everywhere, or final ya to alif maqsura (Egyptian print)."""
    ta_marbuta: Literal["keep", "to_ha"] = "keep"
    """Ta marbuta to ha."""
    digits: Literal["keep", "latin", "arabic"] = "keep"
    """Digits to 0-9 or to Arabic-Indic."""
    punctuation: Literal["keep", "unify", "ascii", "strip"] = "keep"
    """Typographic variants unified, everything to ASCII, or all removed."""
    scripts: Literal["keep", "arabic"] = "keep"
    """Everything outside Arabic script, digits and punctuation to a space."""
    whitespace: Literal["keep", "collapse"] = "keep"
    """Runs of white space to one; ends trimmed; at most one empty line."""

    def __post_init__(self) -> None:
        for name, allowed in option_values().items():
            value = getattr(self, name)
            if value not in allowed:
                raise UsageError(
                    f"option {name}={value!r} is not known. {did_you_mean(str(value), allowed)}"
                )
        if self.mark_order != "canonical":
            for name, value in (("alif", "unify"), ("hamza", "carrier"), ("hamza", "line")):
                if getattr(self, name) == value:
                    raise UsageError(
                        f"{name}={value!r} needs mark_order='canonical': a decomposed letter "
                        "would keep its hamza otherwise"
                    )

    @property
    def signature(self) -> str:
        """Short stable text naming every non-default option and the rule version."""
        chosen = [
            f"{field.name}:{getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return "|".join([f"normalize:{RULES_VERSION}", *chosen])


@functools.cache
def option_values() -> dict[str, tuple[str, ...]]:
    """Allowed values of every option, the default first."""
    hints = get_type_hints(Options)
    return {field.name: get_args(hints[field.name]) for field in dataclasses.fields(Options)}


@functools.cache
def presets() -> dict[str, dict[str, str]]:
    """All presets as in presets.toml: option values and a `description`."""
    text = files("arabench.text").joinpath("presets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def options_from(preset: str = "none", overrides: Mapping[str, str] | None = None) -> Options:
    """Options of a preset with some fields replaced.

    Raises:
        UsageError: unknown preset, option or value, or a contradiction.
    """
    known = presets()
    if preset not in known:
        raise UsageError(f"preset {preset!r} is not known. {did_you_mean(preset, known)}")
    values = {key: value for key, value in known[preset].items() if key != "description"}
    for key, value in (overrides or {}).items():
        if key not in option_values():
            raise UsageError(f"option {key!r} is not known. {did_you_mean(key, option_values())}")
        values[key] = value
    if values.get("alif") == "unify" or values.get("hamza", "keep") != "keep":
        values.setdefault("mark_order", "canonical")
    return Options(**values)  # type: ignore[arg-type]  # values are checked in __post_init__


def rules_for(options: Options) -> list[Rule]:
    """The ordered rules that the options ask for."""
    rules: list[Rule] = [clean.replace_surrogates()]
    if options.controls == "strip":
        rules.append(clean.strip_controls())
    if options.bidi == "strip":
        rules.append(clean.strip_bidi())
    if options.presentation_forms == "expand":
        rules.append(letters.expand_presentation_forms())
    if options.persian_letters == "arabic":
        rules.append(letters.persian_letters())
    if options.tatweel == "strip":
        rules.append(letters.strip_tatweel())
    if options.quranic_marks == "strip":
        rules.append(diacritics.strip_quranic_marks())
    if options.zero_width == "strip":
        rules.append(clean.strip_zero_width())
    if options.scripts == "arabic":
        rules.append(clean.keep_arabic_script())
    if options.digits != "keep":
        to_latin = options.digits == "latin"
        rules.append(clean.digits_to_latin() if to_latin else clean.digits_to_arabic())
    if options.punctuation != "keep":
        rules.append(
            {
                "unify": clean.unify_punctuation,
                "ascii": clean.ascii_punctuation,
                "strip": clean.strip_punctuation,
            }[options.punctuation]()
        )
    if options.diacritics != "keep":
        rules.append(
            {
                "strip": diacritics.strip_diacritics,
                "shadda": diacritics.keep_only_shadda,
                "no_case_endings": diacritics.strip_case_endings,
            }[options.diacritics]()
        )
    if options.alif == "wasla":
        rules.append(letters.alif_wasla())
    if options.alif_maqsura == "to_ya":
        rules.append(letters.maqsura_to_ya())
    if options.mark_order == "canonical":
        rules.append(letters.compose_marks())
    if options.alif == "unify":
        rules.append(letters.unify_alif())
    if options.hamza != "keep":
        rules.append(letters.hamza_carriers(to_hamza=options.hamza == "line"))
        rules.append(letters.strip_loose_hamza_marks())
    if options.alif_maqsura == "from_final_ya":
        rules.append(letters.final_ya_to_maqsura())
    if options.ta_marbuta == "to_ha":
        rules.append(letters.ta_marbuta_to_ha())
    if options.whitespace == "collapse":
        rules += clean.collapse_whitespace()
    return rules


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
