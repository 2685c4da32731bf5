"""The reference engine of normalization: the rules of some options, one after the other.

One definition: `rules_for` turns options into an ordered list of rules, and
`Normalizer` runs them. The order makes the result idempotent (`is_idempotent` says for
which options): markup goes first, for it hides characters; characters are mapped and
deleted next, so that entities are found whole and marks meet the letter they will stay on;
then marks are ordered and composed; then whole letters (with the hamza marks that belong to
them) are rewritten; rules that look at word ends or at runs come after all deletions inside
words; white space is collapsed last, and tags are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arabench import chars
from arabench.text.options import DEFAULTS, Options
from arabench.text.rules import (
    boilerplate,
    clean,
    diacritics,
    elongation,
    entities,
    letters,
    markup,
)
from arabench.text.rules.rule import Edit, Rule, apply_rules


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
            for name, default in DEFAULTS.items()
            if name not in {"character_map", "whitespace"}
        ))
    )  # fmt: skip


class Normalizer:
    """The reference engine: applies the rules of `options` one after the other.

    >>> from arabench.text.presets import options_from
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
        return apply_rules(self.rules, text)

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
