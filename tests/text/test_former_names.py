"""What users import from where it was before the folders of text/."""

from __future__ import annotations

import importlib

import pytest

MOVED = {
    "arabench.text.rule": "arabench.text.rules.rule",
    "arabench.text.entities": "arabench.text.rules.entities",
    "arabench.text.transliteration": "arabench.script.transliteration",
}
#: Of `arabench.text.normalize`.
NORMALIZE = {
    "arabench.text.options": {
        "RULES_VERSION", "Options", "option_docs", "option_hints", "option_values"
    },
    "arabench.text.presets": {"options_from", "presets"},
    "arabench.text.normalizer": {"Normalizer", "is_idempotent", "rules_for"},
}  # fmt: skip


@pytest.mark.parametrize("former", MOVED)
def test_every_public_name_is_the_same_object_in_both_places(former: str) -> None:
    old, new = importlib.import_module(former), importlib.import_module(MOVED[former])
    assert MOVED[former] in (old.__doc__ or "")
    assert not [name for name in vars(new) if name in old.__all__ and name.startswith("_")]
    for name in old.__all__:
        assert getattr(old, name) is getattr(new, name)


def test_normalize_hands_on_options_presets_and_the_engine() -> None:
    old = importlib.import_module("arabench.text.normalize")
    assert set(old.__all__) == set().union(*NORMALIZE.values())
    for new, names in NORMALIZE.items():
        assert new in (old.__doc__ or "")
        for name in names:
            assert getattr(old, name) is getattr(importlib.import_module(new), name)
    assert old.Normalizer(old.options_from("llm"))("كتـــاب") == "كتاب"


def test_sentences_has_what_it_had() -> None:
    from arabench.text.sentences import (
        MAX_ENCLOSED_CHARS,
        SentenceSplitter,
        Span,
        sentence_spans,
        sentences,
        trimmed,
    )

    text = "نعم. لا."
    assert sentences(text) == ["نعم.", "لا."]
    assert (
        sentence_spans(text) == [Span(0, 5), Span(5, 8)] == SentenceSplitter().split_many([text])[0]
    )
    assert trimmed(text, Span(0, 5)) == Span(0, 4)
    assert MAX_ENCLOSED_CHARS == 200


def test_what_scripts_call_works_from_the_former_places() -> None:
    from arabench.text.entities import urls
    from arabench.text.rule import replay, substitution
    from arabench.text.transliteration import from_latin, transliterate

    assert urls("drop").apply("http://a.b هنا") == "  هنا"
    rule = substitution("ab", "a becomes b", "a", "b")
    assert replay("aa", ["ab"], list(rule.edits("aa"))) == "bb"
    assert from_latin(transliterate("كتاب")) == "كتاب"
