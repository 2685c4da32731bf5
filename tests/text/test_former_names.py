"""What users import from where it was before the folders of text/."""

from __future__ import annotations

import importlib

import pytest

MOVED = {
    "arabench.text.rule": "arabench.text.rules.rule",
    "arabench.text.entities": "arabench.text.rules.entities",
    "arabench.text.transliteration": "arabench.script.transliteration",
}


@pytest.mark.parametrize("former", MOVED)
def test_every_public_name_is_the_same_object_in_both_places(former: str) -> None:
    old, new = importlib.import_module(former), importlib.import_module(MOVED[former])
    assert MOVED[former] in (old.__doc__ or "")
    assert not [name for name in vars(new) if name in old.__all__ and name.startswith("_")]
    for name in old.__all__:
        assert getattr(old, name) is getattr(new, name)


def test_what_scripts_call_works_from_the_former_places() -> None:
    from arabench.text.entities import urls
    from arabench.text.rule import replay, substitution
    from arabench.text.transliteration import from_latin, transliterate

    assert urls("drop").apply("http://a.b هنا") == "  هنا"
    rule = substitution("ab", "a becomes b", "a", "b")
    assert replay("aa", ["ab"], list(rule.edits("aa"))) == "bb"
    assert from_latin(transliterate("كتاب")) == "كتاب"
