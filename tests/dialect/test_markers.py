"""The marker list: its form, its spellings, and what its errors say."""

from __future__ import annotations

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.chars import ARABIC_SCRIPT
from arabench.dialect.markers import (
    CLASSES,
    REGIONS,
    Lexicon,
    Marker,
    parse_lexicon,
    shipped_lexicon,
)
from arabench.errors import DataError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from arabench.varieties import DIALECTS, VARIETIES

GOOD: dict[str, Any] = {
    "forms": ["وين"],
    "varieties": ["glf", "lev"],
    "regions": ["najdi"],
    "gloss": "where",
    "strength": "shared",
}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return shipped_lexicon()


def changed(**fields: Any) -> dict[str, Any]:
    """A file of one good question word with some fields replaced; None takes a field out."""
    entry = copy.deepcopy(GOOD) | fields
    return {"question": [{key: value for key, value in entry.items() if value is not None}]}


def by_form(lexicon: Lexicon) -> dict[str, list[Marker]]:
    """Word or phrase -> every marker spelled so; affixes are left out."""
    found: dict[str, list[Marker]] = {}
    for marker in lexicon.markers:
        if marker.match == "word":
            for form in marker.forms:
                found.setdefault(form, []).append(marker)
    return found


def test_every_class_has_entries_and_no_other_class_exists(lexicon: Lexicon) -> None:
    assert {marker.kind for marker in lexicon.markers} == set(CLASSES)


@pytest.mark.parametrize(("variety", "at_least"), [("msa", 150), *((d, 250) for d in DIALECTS)])
def test_each_variety_has_a_broad_list(lexicon: Lexicon, variety: str, at_least: int) -> None:
    markers = [marker for marker in lexicon.markers if variety in marker.varieties]
    assert len(markers) >= at_least
    own = [marker for marker in markers if marker.varieties == (variety,)]
    assert len(own) >= at_least // 2, "most of a list must tell its variety from all others"


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_every_region_is_used(lexicon: Lexicon, region: str) -> None:
    assert any(region in marker.regions for marker in lexicon.markers)


def test_no_marker_is_common_to_all_varieties(lexicon: Lexicon) -> None:
    assert all(len(marker.varieties) < len(VARIETIES) for marker in lexicon.markers)


def test_spellings_hold_arabic_letters_only(lexicon: Lexicon) -> None:
    for marker in lexicon.markers:
        for form in (*marker.forms, *filter(None, [marker.ending])):
            assert form.strip() == form
            assert set(form) <= ARABIC_SCRIPT | {" "}, form


def test_spellings_survive_the_llm_preset(lexicon: Lexicon) -> None:
    normalizer = Normalizer(options_from("llm"))
    forms = [form for marker in lexicon.markers for form in marker.forms]
    assert [form for form in forms if normalizer.normalize(form) != form] == []


def test_an_exclusive_spelling_belongs_to_no_other_variety_in_any_class(lexicon: Lexicon) -> None:
    spelled = by_form(lexicon)
    for marker in lexicon.markers:
        if marker.strength == "exclusive" and marker.match == "word":
            for form in marker.forms:
                varieties = {v for other in spelled[form] for v in other.varieties}
                assert varieties == set(marker.varieties), form


def test_glosses_are_english(lexicon: Lexicon) -> None:
    assert [m.gloss for m in lexicon.markers if not m.gloss.isascii()] == []


@pytest.mark.parametrize(
    ("form", "kind", "varieties"),
    [
        ("ازاي", "question", {"egy"}),
        ("شو", "question", {"lev", "glf"}),
        ("ليش", "question", {"glf", "lev", "mgr"}),
        ("شنو", "question", {"glf", "mgr"}),
        ("علاش", "question", {"mgr"}),
        ("وش", "question", {"glf", "mgr"}),
        ("مش", "negation", {"egy", "lev", "mgr"}),
        ("ماشي", "negation", {"mgr"}),
        ("ماشي", "discourse", {"egy", "lev"}),
        ("هيك", "demonstrative", {"lev"}),
        ("ده", "demonstrative", {"egy"}),
        ("اللي", "relative", {"egy", "glf", "lev", "mgr"}),
        ("الذي", "relative", {"msa"}),
        ("بتاع", "possessive", {"egy", "mgr"}),
        ("ديال", "possessive", {"mgr"}),
        ("بدي", "wanting", {"lev"}),
        ("ابغى", "wanting", {"glf"}),
        ("عايز", "wanting", {"egy"}),
        ("اكو", "existential", {"glf"}),
        ("كاين", "existential", {"mgr"}),
        ("برشا", "degree", {"mgr"}),
        ("سوف", "aspect", {"msa"}),
        ("ليس", "negation", {"msa"}),
    ],
)
def test_well_known_markers_have_their_varieties(
    lexicon: Lexicon, form: str, kind: str, varieties: set[str]
) -> None:
    found = [marker for marker in by_form(lexicon)[form] if marker.kind == kind]
    assert {v for marker in found for v in marker.varieties} == varieties


@pytest.mark.parametrize(
    ("form", "region"),
    [("بزاف", "moroccan"), ("برشا", "tunisian"), ("هلبا", "libyan"), ("وايد", "kuwaiti"),
     ("كلش", "iraqi"), ("اشتي", "yemeni"), ("هيدا", "lebanese"), ("دلوكيت", "upper")],
)  # fmt: skip
def test_narrow_words_name_their_region(lexicon: Lexicon, form: str, region: str) -> None:
    markers = by_form(lexicon).get(form)
    if markers is None:
        pytest.fail(f"{form} is missing")
    assert any(region in marker.regions for marker in markers)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"questoin": [GOOD]}, "Did you mean 'question'"),
        ({"question": GOOD}, "array of tables"),
        ({"question": ["وين"]}, "is no table"),
        (changed(froms=["وين"]), "Did you mean 'forms'"),
        (changed(forms=None), "'forms' is empty or missing"),
        (changed(forms="وين"), "list of strings"),
        (changed(forms=["وين", "وين"]), "twice"),
        (changed(forms=["وَين"]), "only Arabic letters"),
        (changed(forms=["ويـن"]), "only Arabic letters"),
        (changed(forms=["wein"]), "only Arabic letters"),
        (changed(forms=["من  وين"]), "only Arabic letters"),
        (changed(forms=["وين "]), "only Arabic letters"),
        (changed(forms=[""]), "only Arabic letters"),
        (changed(varieties=["glf", "lve"]), "Did you mean 'lev'"),
        (changed(regions=["cairo"]), "'varieties' does not list"),
        (changed(regions=["cario"]), "Did you mean 'cairo'"),
        (changed(gloss=None), "'gloss' must say"),
        (changed(gloss=" "), "'gloss' must say"),
        (changed(strength=None), "unknown strength"),
        (changed(strength="exclusive"), "does not go with 2 varieties"),
        (changed(varieties=["glf"]), "does not go with 1 varieties"),
        (changed(match="infix"), "unknown match"),
        (changed(match="circumfix"), "'ending'"),
        (changed(ending="ش"), "'ending'"),
        (changed(match="prefix", forms=["ما ب"]), "in one word"),
        ({"question": [GOOD, GOOD]}, "twice in class 'question'"),
    ],
)
def test_a_bad_file_is_refused_with_a_hint(tables: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match="x: ") as caught:
        parse_lexicon(tables, "x")
    assert says in str(caught.value)


def test_the_same_spelling_may_stand_in_two_classes_or_varieties() -> None:
    one = GOOD | {"varieties": ["glf"], "regions": [], "strength": "typical"}
    other = one | {"varieties": ["lev"]}
    tables = {"question": [one, other], "place": [one]}
    assert len(parse_lexicon(tables, "x").markers) == 3


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*GOOD, "match", "ending", "question"]) | st.text(max_size=3),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_tables_give_markers_or_one_clear_error(value: Any) -> None:
    tables = value if isinstance(value, dict) else {"question": value}
    said = ""
    try:
        parse_lexicon(tables, "x")
    except DataError as error:
        said = str(error)
    assert said == "" or said.startswith("x: ")


def test_the_file_names_no_empty_optional_fields() -> None:
    text = files("arabench.dialect").joinpath("markers.toml").read_text(encoding="utf-8")
    for entries in tomllib.loads(text).values():
        for entry in entries:
            assert entry.get("regions", ["x"])
            assert entry.get("match", "prefix") != "word"
