"""Sentence ends, and what only looks like one. `|` marks the expected ends."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from arabench.text.sentences import sentence_spans, sentences
from tests.strategies import any_text

CASES = [
    "ذهبت إلى السوق. |اشتريت خبزا.",
    "متى تعود؟ |غدا! |حسنا",
    "هل جئت؟! |نعم",
    "اشتريت تفاحا، وموزا؛ ثم عدت: لم أجد أحدا.",
    "السعر 3.14 دينار. |غال.",
    "زارني د. أحمد أمس. |ثم سافر.",
    "ص.ب. 120 بيروت. |لبنان",
    "عاش في القرن الثاني ق.م. في بابل",
    "انظر example.com الآن. |شكرا",
    "قال Dr. Ali نعم. |ثم مضى",
    "سأل J. Smith عنك. |من هو؟",
    "وصل متأخرا.|ثم نام. |انتهى",
    "أين كنت؟|لم أرك. |آسف",
    "1. افتح الباب\n|2. أغلقه",
    "سطر أول\n|سطر ثان",
    "قال «أين أنت؟ لم أرك.» ثم مضى. |وعاد",
    "«لا أعرف.» |«ولماذا؟» |",
    "انتظرت... |ثم رحلت… |وحدي",
    "هل نجحت؟، سألته أمه. |نعم",
    "انتهى الدرس (أخيرا!) |خرجنا",
    "ولد سنة 1990. |مات سنة 2020.",
    "  مقدمة.   |تالية.  ",
    "«قوس لا يغلق. |ثم جملة. |وأخرى",
]


@pytest.mark.parametrize("marked", CASES)
def test_sentence_ends(marked: str) -> None:
    text = marked.replace("|", "")
    cut = [text[start:end] for start, end in sentence_spans(text)]
    assert cut == [part for part in marked.split("|") if part]


@settings(max_examples=1500, deadline=None)
@given(any_text)
def test_spans_rejoin_to_the_text(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)


def test_sentences_are_stripped_and_never_empty() -> None:
    assert sentences(" أ ب. \n\n  ج د؟ \n") == ["أ ب.", "ج د؟"]
    assert sentences("  \n ") == []


@pytest.mark.parametrize("unit", ["كلمة. ", "«", "؟", "د.", "\n", "a.", "«ك.» "])
def test_time_grows_with_the_length_only(unit: str) -> None:
    started = time.perf_counter()
    sentence_spans(unit * (200_000 // len(unit)))
    assert time.perf_counter() - started < 5
