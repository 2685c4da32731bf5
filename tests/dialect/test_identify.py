"""Identification of texts: labels, reasons, deciding words, columns; both engines alike."""

from __future__ import annotations

import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arabench.dialect
from arabench.dialect.identification import (
    Identifier,
    identify,
    identify_column,
)
from arabench.dialect.model import CLASSES, NEVER_UNKNOWN, UnknownPolicy
from arabench.dialect.scoring import reference_sums
from arabench.errors import UsageError
from tests.dialect.toy_model import hand_made, random_model
from tests.strategies import any_text, web_text

HAND_MADE = hand_made()
RANDOM = random_model()
REFERENCE = Identifier(RANDOM, compile_after_chars=10**12)
COMPILED = Identifier(RANDOM, compile_after_chars=0)


@pytest.mark.parametrize(
    ("text", "variety"),
    [
        ("عايز كتاب دلوقتي", "egy"),
        ("شلون الأهل الحين", "glf"),
        ("شو بدي قول", "lev"),
        ("واش كاين بزاف", "mgr"),
        ("ماذا سوف نفعل", "msa"),
        ("ابغــــى أروح الحِين", "glf"),
        ("هذا كتاب جديد", "unknown"),
    ],
)
def test_words_that_the_model_knows_decide(text: str, variety: str) -> None:
    (found,) = identify([text], model=HAND_MADE)
    assert found.variety == variety
    assert found.reason == ("ambiguous" if variety == "unknown" else None)
    assert sum(found.probs.values()) == pytest.approx(1)
    assert list(found.probs) == list(CLASSES)
    assert found.words == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_arabic"),
        ("good morning :) 123", "no_arabic"),
        ("😀🎉", "no_arabic"),
        ("https://example.com/كتاب @أحمد", "no_arabic"),
        ("دلوقتي", "short"),
        ("كتاب جديد", "ambiguous"),
    ],
)
def test_a_text_that_does_not_tell_is_unknown_and_says_why(text: str, reason: str) -> None:
    (found,) = identify([text], model=HAND_MADE)
    assert (found.variety, found.reason) == ("unknown", reason)
    assert sum(found.probs.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "variety"),
    [
        ("مش عارف ليه الناس دي بتعمل كده كل يوم", "egy"),
        ("عايز أروح السينما النهارده بس مفيش فلوس", "egy"),
        ("أبغى أروح السوق الحين وما أدري وين المفاتيح", "glf"),
        ("هسه شكو ماكو بالسوق؟ آني رايح لبغداد باچر", "glf"),
        ("شو عم تعمل هلق؟ بدي احكي معك شوي", "lev"),
        ("ما بعرف ليش هيك صار، كتير زعلت", "lev"),
        ("واش كاين شي حد هنا؟ بغيت نمشي للدار دابا", "mgr"),
        ("برشا ناس ما فهموش علاش صار هكا", "mgr"),
        ("أعلنت الحكومة أمس أنها سوف تتخذ إجراءات جديدة لمواجهة الأزمة التي بدأت هذا العام", "msa"),
        ("لم يكن الكتاب الذي قرأته سوى ترجمة لما كتبه العلماء في القرن الماضي", "msa"),
    ],
)
def test_the_shipped_model_knows_plain_cases(text: str, variety: str) -> None:
    (found,) = identify([text], unknown=NEVER_UNKNOWN)
    assert found.variety == variety


@pytest.mark.parametrize("text", ["", " ", "hello world", "123 ٤٥٦", "😀", "@محمد http://x.com"])
def test_the_shipped_model_says_unknown_where_there_is_no_arabic(text: str) -> None:
    (found,) = identify([text])
    assert (found.variety, found.reason) == ("unknown", "no_arabic")
    assert sum(found.probs.values()) == pytest.approx(1)


def test_the_policy_can_be_given() -> None:
    texts = ["دلوقتي", "كتاب جديد", "", "شو عايز"]

    def labels(policy: UnknownPolicy) -> list[str]:
        return [found.variety for found in identify(texts, model=HAND_MADE, unknown=policy)]

    assert labels(NEVER_UNKNOWN) == ["egy", "msa", "unknown", "egy"]
    assert labels(UnknownPolicy(1, 0.9)) == ["egy", "unknown", "unknown", "unknown"]
    assert labels(UnknownPolicy(0, 0.0, 0.01)) == ["egy", "unknown", "unknown", "unknown"]


def test_the_most_probable_variety_is_named_also_where_it_is_unknown() -> None:
    (found,) = identify(["دلوقتي"], model=HAND_MADE)
    assert (found.variety, found.best) == ("unknown", "egy")


def test_deciding_words_are_as_written_strongest_first_and_add_up() -> None:
    (found,) = identify(["شو دلوقتــي دلوقتي كتاب عايز شو"], model=HAND_MADE, explain=5)
    assert [item.word for item in found.evidence] == ["دلوقتــي", "عايز"]
    assert [item.weight for item in found.evidence] == pytest.approx([10, 5])
    (found,) = identify(["عايز كده دلوقتي"], model=HAND_MADE, explain=2)
    assert len(found.evidence) == 2
    assert identify(["", "hello"], model=HAND_MADE, explain=3)[0].evidence == ()
    assert identify(["عايز كده"], model=HAND_MADE)[0].evidence == ()


def test_evidence_for_and_against_is_the_difference_of_the_logits() -> None:
    text = "ما بعرف شو صار معو امبارح بالليل"
    model = dataclasses.replace(RANDOM, bias=(0.0,) * 5, temperatures=(1.0,))
    identifier = Identifier(model)
    (found,) = identifier.identify([text], explain=100)
    logits = np.sort(model.logits(*reference_sums(model, [text]))[0])
    total = sum(item.weight for item in found.evidence)
    lead = logits[-1] - logits[-2]
    assert lead > 0
    assert total >= lead - 1e-9  # words that spoke against it are not listed


@given(st.lists(web_text | any_text, max_size=4))
@settings(max_examples=150, deadline=None)
def test_both_engines_say_the_same_of_any_text_to_the_last_bit(texts: list[str]) -> None:
    found = REFERENCE.identify(texts, explain=3)
    assert COMPILED.identify(texts, explain=3) == found
    for item in found:
        assert sum(item.probs.values()) == pytest.approx(1)
        assert item.variety in (*CLASSES, "unknown")
        assert (item.variety == "unknown") == (item.reason is not None)
        assert 0 <= item.dialectness <= 1
        assert (item.words == 0) == (item.reason == "no_arabic")


@given(st.lists(st.none() | web_text.filter(lambda text: "\ud800" not in text), max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_column_has_the_labels_of_its_texts_and_null_for_null(texts: list[str | None]) -> None:
    for identifier in (REFERENCE, COMPILED):
        rows = identify_column(pa.array(texts, pa.string()), identifier).to_pylist()
        single = identifier.identify([text or "" for text in texts])
        for text, row, found in zip(texts, rows, single, strict=True):
            if text is None:
                assert row == {"variety": None, "probs": None, "dialectness": None}
            else:
                assert row["variety"] == found.variety
                assert row["probs"] == found.probs
                assert row["dialectness"] == found.dialectness


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["شو بدي", None, "عايز كده"], pa.large_string()),
        pa.array(["شو بدي", None, "عايز كده"]).dictionary_encode(),
        pa.array(["x", "شو بدي", None, "عايز كده"])[1:],
        pa.chunked_array([["شو بدي"], [None, "عايز كده"]]).combine_chunks(),
    ],
)
def test_columns_of_every_string_type_are_read(array: pa.Array) -> None:
    found = identify_column(array, Identifier(HAND_MADE)).column("variety").to_pylist()
    assert found == ["lev", None, "egy"]


def test_a_column_of_nulls_has_only_nulls() -> None:
    found = identify_column(pa.nulls(2), Identifier(HAND_MADE))
    assert found.column("variety").null_count == 2
    assert identify_column(pa.array([], pa.string()), Identifier(HAND_MADE)).num_rows == 0


def test_bytes_that_are_no_utf8_are_labelled_by_what_is_text() -> None:
    data = "عايز".encode() + b"\xff\xd8 " + "كده".encode()
    offsets = len(data).to_bytes(8, "little")[:4]
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(bytes(4) + offsets), pa.py_buffer(data)]
    )
    found = [
        identify_column(bad, Identifier(HAND_MADE, compile_after_chars=size)).to_pylist()
        for size in (0, 10**9)
    ]
    assert found[0] == found[1]
    assert found[0][0]["variety"] == "egy"


def test_threads_share_an_identifier() -> None:
    texts = [f"كلمة{letter} شو {letter * 3} بدي" for letter in "ابتثجحخدذرزسشصض"] * 20
    expected = COMPILED.label(texts).probs.tolist()
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(COMPILED.label, [texts] * 16):
            assert found.probs.tolist() == expected


def test_an_identifier_travels_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(COMPILED))  # noqa: S301 (ours)
    assert again.identify(["شو بدي"]) == COMPILED.identify(["شو بدي"])
    assert again.signature == COMPILED.signature


def test_signatures_tell_models_and_policies_apart() -> None:
    found = {
        Identifier(HAND_MADE).signature,
        Identifier(RANDOM).signature,
        Identifier(HAND_MADE, NEVER_UNKNOWN).signature,
    }
    assert len(found) == 3


def test_a_single_string_is_refused() -> None:
    with pytest.raises(UsageError, match="a list of texts"):
        identify("شو بدي", model=HAND_MADE)
    with pytest.raises(UsageError, match="text 1 is NoneType"):
        identify(["شو بدي", None], model=HAND_MADE)  # type: ignore[list-item]


def test_the_package_offers_the_function() -> None:
    assert arabench.dialect.identify is identify
    with pytest.raises(AttributeError):
        arabench.dialect.nothing  # noqa: B018
