"""Behaviour of the normalization rules: goldens, properties, contradictions."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings

from arabench import chars
from arabench.errors import UsageError
from arabench.text.normalizer import Normalizer, is_idempotent, rules_for
from arabench.text.options import Options, option_hints, option_values
from arabench.text.presets import options_from, presets
from arabench.text.rules.rule import replay
from tests.strategies import any_text, few_options, idempotent_options, options, web_text

FOLDER = Path(__file__).parent.parent / "cases"
CASES = [
    case
    for name in ("normalize.json", "rules.json")
    for case in json.loads((FOLDER / name).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_golden_case(case: dict[str, object]) -> None:
    chosen = options_from(str(case.get("preset", "none")), case.get("options"))  # type: ignore[arg-type]
    assert Normalizer(chosen)(str(case["input"])) == case["output"]


@settings(max_examples=500, deadline=None)
@given(idempotent_options, any_text | web_text)
def test_second_pass_changes_nothing(chosen: Options, text: str) -> None:
    normalizer = Normalizer(chosen)
    once = normalizer(text)
    assert normalizer(once) == once


@settings(max_examples=300, deadline=None)
@given(options | few_options, any_text | web_text)
def test_explained_edits_replay_to_the_same_text(chosen: Options, text: str) -> None:
    normalizer = Normalizer(chosen)
    result, edits = normalizer.explain(text)
    assert result == normalizer(text)
    assert replay(text, [rule.name for rule in normalizer.rules], edits) == result


@settings(max_examples=300, deadline=None)
@given(options | few_options, any_text | web_text)
def test_output_is_always_encodable(chosen: Options, text: str) -> None:
    Normalizer(chosen)(text).encode("utf-8")


@settings(max_examples=300, deadline=None)
@given(options, any_text)
def test_table_rules_equal_their_patterns(chosen: Options, text: str) -> None:
    for rule in rules_for(chosen):
        if rule.table is not None:
            assert rule.apply(text) == rule.pattern.sub(rule.replace, text)


@settings(max_examples=800, deadline=None)
@given(any_text)
def test_canonical_mark_order_is_nfc_on_arabic_text(text: str) -> None:
    arabic = "".join(
        char for char in text if char in chars.MARKS or char in chars.LETTERS or char == " "
    )
    normalizer = Normalizer(Options(mark_order="canonical"))
    assert normalizer(arabic) == unicodedata.normalize("NFC", arabic)


def test_every_assigned_presentation_form_leaves_its_block() -> None:
    for form, letters in chars.PRESENTATION_FORMS.items():
        assert unicodedata.normalize("NFKC", form).lstrip(" ") == letters
        assert not any(char in chars.PRESENTATION_FORMS for char in letters)


def test_presets_are_valid_and_described() -> None:
    for name, values in presets().items():
        assert values["description"]
        options_from(name)


@pytest.mark.parametrize(
    ("preset", "overrides", "message"),
    [
        ("serch", {}, "Did you mean 'search'"),
        ("llm", {"tatwel": "strip"}, "Did you mean 'tatweel'"),
        ("llm", {"digits": "roman"}, "Allowed: arabic, extended, keep, latin"),
        ("none", {"alif": "unify", "mark_order": "keep"}, "needs mark_order"),
        ("none", {"hamza": "drop", "mark_order": "keep"}, "needs mark_order"),
        ("none", {"elongation": "cap", "elongation_max": "many"}, "whole number from 1 to 100"),
        ("none", {"elongation": "cap", "elongation_max": 0}, "whole number from 1 to 100"),
        ("none", {"elongation": "cap", "elongation_max": 2.5}, "whole number from 1 to 100"),
        ("none", {"elongation": "cap", "elongation_max": True}, "whole number from 1 to 100"),
        ("none", {"elongation_max": "3"}, "says nothing without elongation=cap"),
        ("none", {"diacritics": "partial", "partial_rate": "1.5"}, "number from 0 to 1"),
        ("none", {"diacritics": "partial", "partial_rate": "nan"}, "number from 0 to 1"),
        ("none", {"diacritics": "partial", "partial_seed": "-1"}, "whole number from 0"),
        ("none", {"partial_rate": 0.3}, "says nothing without diacritics=partial"),
        ("none", {"allow_chars": "x"}, "says nothing without scripts=arabic or arabic_latin"),
        ("none", {"scripts": "arabic", "allow_chars": 5}, "is not a text"),
    ],
)
def test_wrong_options_say_what_is_allowed(
    preset: str, overrides: dict[str, str | int | float], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        options_from(preset, overrides)


def test_signature_names_only_what_was_chosen() -> None:
    assert Options().signature == "normalize:2"
    assert Options(tatweel="strip").signature == "normalize:2|tatweel:strip"
    thinned = Options(diacritics="partial", partial_rate=0.25, partial_seed=7)
    assert thinned.signature == "normalize:2|diacritics:partial|partial_rate:0.25|partial_seed:7"


def test_signature_tells_allowed_characters_apart() -> None:
    one = Options(scripts="arabic", allow_chars="é|")
    assert one.signature == "normalize:2|scripts:arabic|allow_chars:007C+00E9"
    assert Options(scripts="arabic", allow_chars="|éé").signature == one.signature


def test_numbers_come_as_text_from_a_command_line() -> None:
    chosen = options_from(
        "none",
        {"diacritics": "partial", "partial_rate": "0.25", "partial_seed": "7"},
    )
    assert chosen == Options(diacritics="partial", partial_rate=0.25, partial_seed=7)


def test_override_that_turns_a_rule_off_drops_the_details_of_the_preset() -> None:
    chosen = options_from("arabert_v02", {"repeated_punctuation": "keep"})
    assert chosen.punctuation_max == Options().punctuation_max


def test_every_option_has_a_hint_and_a_value_that_is_allowed() -> None:
    hints = option_hints()
    assert list(hints) == [field.name for field in dataclasses.fields(Options)]
    assert hints["elongation_max"] == "1-100"
    assert hints["partial_rate"] == "0-1"
    assert hints["allow_chars"] == "TEXT"
    assert hints["tatweel"] == "keep|strip"


@settings(max_examples=300, deadline=None)
@given(few_options | options)
def test_rule_names_are_unique_within_a_run(chosen: Options) -> None:
    names = [rule.name for rule in rules_for(chosen)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", option_values())
def test_each_option_alone_is_idempotent_unless_said(name: str) -> None:
    text = (
        "<p>كِتَابٌٌ &amp;lt; http://a.b @u #x_y +966501234567 😀 هههه!!!! ٱلى ءأؤ ﻻ ٣ ﬁ é</p>\nشارك\n"
    )
    for value in option_values()[name]:
        extra = {"mark_order": "canonical"} if name in {"alif", "hamza"} else {}
        chosen = options_from("none", {**extra, name: value})
        once = Normalizer(chosen)(text)
        if is_idempotent(chosen):
            assert Normalizer(chosen)(once) == once
        else:
            assert name in {"markup", "boilerplate"} or value == "partial"


def test_exceptions_to_idempotence_are_real() -> None:
    for overrides, text in [
        ({"markup": "strip"}, "&amp;lt;"),
        ({"diacritics": "partial", "partial_seed": 3}, "كَتَبَ كُتُبًا كَثِيرَةً جِدًّا"),
        ({"urls": "drop", "elongation": "cap"}, "htttp://a.b"),
        ({"emails": "drop", "diacritics": "strip"}, "a\u064e@b.com"),
        ({"boilerplate": "strip", "scripts": "arabic"}, "shar شارك"),
        ({"elongation": "cap", "diacritics": "skeleton"}, "حجخ"),
        ({"elongation": "cap", "elongation_max": 1, "diacritics": "no_case_endings"}, "كتابًاا"),
        ({"mark_order": "canonical", "diacritics": "no_case_endings"}, " \u065a\u0651\u064e"),
    ]:
        chosen = options_from("none", overrides)  # type: ignore[arg-type]  # mixed value types
        assert not is_idempotent(chosen)
        once = Normalizer(chosen)(text)
        assert Normalizer(chosen)(once) != once, overrides
