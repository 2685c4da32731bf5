"""Hand-worked cases of token F1 and exact match."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from arabench.evaluation.metrics import answers
from arabench.evaluation.metrics.answers import answer_tokens, exact_match, token_f1
from arabench.evaluation.metrics.table import SCORES
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from
from tests.strategies import any_text

CASES = [
    # prediction, answers, F1, exact match
    ("القاهرة", ["القاهرة"], 1, 1),
    ("القاهره", ["القاهرة"], 1, 1),  # ta marbuta and ha
    ("هُدَى", ["هدى"], 1, 1),  # diacritics
    ("علي", ["على"], 1, 1),  # final ya and alif maqsura
    ("احمد", ["أحمد"], 1, 1),  # hamza on alif
    ("مسوول", ["مسؤول"], 1, 1),  # hamza on waw
    ("شاطي", ["شاطئ"], 1, 1),  # hamza on ya
    ("مـــصر", ["مصر"], 1, 1),  # tatweel
    ("کتاب", ["كتاب"], 1, 1),  # Persian keheh
    ("كتاب", ["الكتاب"], 1, 1),  # article
    ("اَلْكِتَابُ", ["كتاب"], 1, 1),  # article under vowels
    ("NASA", ["nasa"], 1, 1),  # Latin case
    ("١٩٥٢", ["1952"], 1, 1),  # Arabic-Indic digits
    ("۱۲", ["12"], 1, 1),  # extended digits
    ("٣٫٥", ["3.5"], 1, 1),  # the decimal separators fall alike
    ("«القاهرة»، مصر؟", ["القاهرة مصر"], 1, 1),  # guillemets, comma, question mark
    (" القاهرة .", ["القاهرة"], 1, 1),
    # [في, قاهره] and [قاهره]: P 1/2, R 1, 2 * (1/2) / (3/2)
    ("في القاهرة", ["القاهرة"], 2 / 3, 0),
    # 5 tokens, 2 of them right, of 2: P 2/5, R 1, 2 * (2/5) / (7/5)
    ("بعد ثلاثة أيام من العمل", ["ثلاثة أيام"], 4 / 7, 0),
    # a token counts once: P 1/2, R 1
    ("يوم يوم", ["يوم"], 2 / 3, 0),
    # order does not matter to F1, it does to exact match
    ("أيام ثلاثة", ["ثلاثة أيام"], 1, 0),
    # two answers, the better one counts: against the first P 1, R 1/2, F1 2/3; the second is met
    ("هدى", ["ابنته هدى", "هدى"], 1, 1),
    # P 1/2, R 1/2 against the first; P 1/2, R 1 against the second
    ("أخته هدى", ["ابنته هدى", "هدى"], 2 / 3, 0),
    ("", ["القاهرة"], 0, 0),
    ("؟", ["القاهرة"], 0, 0),
    ("القاهرة", ["؟"], 0, 0),
    ("", ["؟"], 1, 1),  # two empty token lists agree, as in SQuAD 2.0
    ("دمشق", ["القاهرة"], 0, 0),
    ("والكتاب", ["الكتاب"], 0, 0),  # a conjunction is not guessed away
    ("له", ["الله"], 0, 0),  # an article is taken off only where three letters stay
    ("ذي", ["الذي"], 0, 0),
    # a joined conjunction costs one token: P 1/2, R 1/2
    ("أحمد ومنى", ["أحمد منى"], 1 / 2, 0),
]


@pytest.mark.parametrize(("prediction", "answers", "f1", "match"), CASES)
def test_hand_worked_case(prediction: str, answers: list[str], f1: float, match: float) -> None:
    assert token_f1(prediction, answers) == pytest.approx(f1)
    assert exact_match(prediction, answers) == match


def test_tokens() -> None:
    assert answer_tokens("«الْقاهرةُ»، عام ١٩٥٢.") == ["قاهره", "عام", "1952"]
    assert answer_tokens("القاهرة/مصر") == ["قاهره", "مصر"]
    assert answer_tokens("الألعاب") == ["العاب"]  # one article, not what looks like a second


@given(any_text, any_text)
def test_f1_is_symmetric_bounded_and_total(left: str, right: str) -> None:
    score = token_f1(left, [right])
    assert 0 <= score <= 1
    assert score == pytest.approx(token_f1(right, [left]))
    assert exact_match(left, [left]) == 1
    assert score >= exact_match(left, [right])


def test_the_signature_is_asked_of_the_normalizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One option of the preset changed: other scores, and another signature."""
    before = {name: SCORES[name].signature for name in ("f1", "exact_match", "bits_per_char")}
    assert token_f1("المدرسة", ["المدرسه"]) == 1
    changed = Normalizer(dataclasses.replace(options_from("search"), ta_marbuta="keep"))
    monkeypatch.setattr(answers, "_normalizer", lambda: changed)
    assert token_f1("المدرسة", ["المدرسه"]) == 0
    after = {name: SCORES[name].signature for name in before}
    assert after["f1"] != before["f1"]
    assert after["exact_match"] != before["exact_match"]
    assert after["bits_per_char"] == before["bits_per_char"]
